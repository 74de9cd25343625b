//! Bits per byte against their definition.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use olmix_data::Encoder;

use super::*;
use crate::{DataPlan, Shape, ShardPlan};

fn model(context: usize) -> Model {
    let shape = Shape {
        size: "test".into(),
        vocab: 257,
        width: 16,
        layers: 2,
        heads: 2,
        hidden: 24,
        context,
        rope_theta: 1e4,
        norm_eps: 1e-5,
        qk_norm: false,
        init_std: 0.3,
    };
    Model::initial(shape, 1)
}

fn plan(model: &Model) -> RunPlan {
    let recipe = crate::train::tests::recipe(1);
    let data = DataPlan {
        leaves: Vec::new(),
        end_of_text: Some(256),
        simulate_target_tokens: None,
    };
    RunPlan::new(
        "x".into(),
        None,
        model.shape.clone(),
        recipe,
        data,
        PathBuf::new(),
        EvaluationPlan::default(),
    )
}

fn measure(
    model: &Model,
    evaluation: &EvaluationPlan,
) -> Result<BTreeMap<String, f64>, ProxyError> {
    let encode = |text: &str| Ok(bytes(text));
    evaluate(&plan(model), evaluation, model, &encode, &|_, _| {}).map(|found| found.metrics)
}

fn tasks(folder: &Path, text: &str) -> EvaluationPlan {
    let file = folder.join("task.jsonl");
    std::fs::write(&file, text).unwrap();
    EvaluationPlan {
        tasks: vec![file],
        ..EvaluationPlan::default()
    }
}

/// Bits of the last `count` of some tokens, by the definition.
fn bits_of(model: &Model, tokens: &[u32], count: usize) -> f64 {
    let mut space = Workspace::new(&model.shape, Use::Measuring);
    let logits = model.logits(&tokens[..tokens.len() - 1], &mut space);
    let rows: Vec<&[f32]> = logits.chunks_exact(257).collect();
    let n = tokens.len();
    let bit = |i: usize| {
        let row = rows[i - 1];
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        (sum.ln() - f64::from(row[tokens[i] as usize])) / std::f64::consts::LN_2
    };
    (n - count..n).map(bit).sum()
}

fn bytes(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

/// The same of the last bytes of a text.
fn bits(model: &Model, text: &str, count: usize) -> f64 {
    bits_of(model, &bytes(text), count)
}

#[test]
fn bits_per_byte_are_those_of_the_gold_answer_and_of_the_space_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(32);
    let lines = "{\"context\": \"2+2=\", \"answer\": \"vier é\"}\n\
                 {\"context\": \"\", \"answer\": \"no\"}\n\
                 {\"context\": \"a \\n\", \"answer\": \"b\"}\n\
                 {\"context\": \" \", \"answer\": \"c\"}\n";
    let mut evaluation = tasks(folder.path(), lines);
    let found = measure(&model, &evaluation).unwrap();
    let begun = |text: &str, count| bits_of(&model, &[&[256], &bytes(text)[..]].concat(), count);
    // Bytes are the answer's alone; without text in the context, a document begins.
    let expected = bits(&model, "2+2=vier é", 7) / 7.0
        + begun("no", 2) / 2.0
        + bits(&model, "a \nb", 3)
        + begun(" c", 2);
    assert!(
        (found["task"] - expected / 4.0).abs() < 1e-5,
        "{found:?} {expected}"
    );
    assert_eq!(found.len(), 1);
    evaluation.add_bos_token = true;
    let found = measure(&model, &evaluation).unwrap();
    let expected =
        begun("2+2=vier é", 7) / 7.0 + begun("no", 2) / 2.0 + begun("a \nb", 3) + begun(" c", 2);
    assert!(
        (found["task"] - expected / 4.0).abs() < 1e-5,
        "{found:?} {expected}"
    );
}

#[test]
fn the_choice_of_fewest_bits_per_byte_counts_and_a_prefix_goes_before() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(32);
    let per_byte =
        |answer: &str| bits(&model, &format!("EX q{answer}"), answer.len()) / answer.len() as f64;
    let gold = usize::from(per_byte("xyz") > per_byte("b"));
    let line = |gold: usize| {
        format!("{{\"context\": \"q\", \"choices\": [\"xyz\", \"b\"], \"gold\": {gold}}}\n")
    };
    let mut evaluation = tasks(
        folder.path(),
        &format!("{}{}{}", line(gold), line(gold), line(1 - gold)),
    );
    let prefix = folder.path().join("prefix.txt");
    std::fs::write(&prefix, "EX ").unwrap();
    evaluation.few_shot = vec![("*".into(), prefix)];
    let found = measure(&model, &evaluation).unwrap();
    assert!(
        (found["task:accuracy"] - 2.0 / 3.0).abs() < 1e-12,
        "{found:?}"
    );
}

#[test]
fn of_equal_choices_the_first_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let line = |gold: usize| {
        format!("{{\"context\": \"q\", \"choices\": [\"yes\", \"yes\"], \"gold\": {gold}}}\n")
    };
    for (gold, accuracy) in [(0, 1.0), (1, 0.0)] {
        let found = measure(&model(32), &tasks(folder.path(), &line(gold))).unwrap();
        assert_eq!(found["task:accuracy"], accuracy);
    }
}

#[test]
fn a_text_longer_than_the_context_is_measured_in_windows() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(8);
    let lines = "{\"text\": \"the quick brown é\"}\n{\"text\": \"fox\"}\n";
    let found = measure(&model, &tasks(folder.path(), lines)).unwrap();
    let text = [&[256], &bytes("the quick brown é")[..]].concat();
    // 18 bytes: 8, 8, and 2 that see 8 before the last.
    let long = bits_of(&model, &text[..9], 8)
        + bits_of(&model, &text[8..17], 8)
        + bits_of(&model, &text[10..], 2);
    let short = bits_of(&model, &[&[256], &bytes("fox")[..]].concat(), 3);
    let expected = (long + short) / 21.0;
    assert!(
        (found["task"] - expected).abs() < 1e-5,
        "{found:?} {expected}"
    );
    assert_eq!(found.len(), 1, "a text has no accuracy");
}

#[test]
fn answers_that_a_tokenizer_gives_no_token_of_their_own_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(32);
    let evaluation = tasks(folder.path(), "{\"context\": \"ab\", \"answer\": \"c\"}");
    // Any text is one token.
    let one = |_: &str| Ok(vec![7]);
    let refused = evaluate(&plan(&model), &evaluation, &model, &one, &|_, _| {});
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("line 1: context and answer together have no more tokens"),
        "{message}"
    );
}

/// Tasks, a tokenizer and what lm-evaluation-harness makes of the model that starts from seed 7;
/// `scripts/compare/harness.py` writes them.
#[test]
fn metrics_are_those_of_lm_evaluation_harness() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness");
    let encoder =
        Encoder::open(&olmix_data::Unit::Tokenizer(folder.join("tokenizer.json"))).unwrap();
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let shape: Shape = serde_json::from_value(expected["shape"].clone()).unwrap();
    let model = Model::initial(shape, 7);
    let mut plan = plan(&model);
    plan.data.end_of_text = encoder.end_of_text();
    let encode = |text: &str| encoder.encode(text).map_err(|error| error.to_string());
    for add_bos_token in [false, true] {
        let evaluation = EvaluationPlan {
            tasks: task_files(&[folder.join("tasks")]).unwrap(),
            few_shot: vec![("shots".into(), folder.join("shots.txt"))],
            add_bos_token,
            ..EvaluationPlan::default()
        };
        let found = evaluate(&plan, &evaluation, &model, &encode, &|_, _| {}).unwrap();
        let definition = found.task_definition.unwrap();
        let theirs = expected[&definition].as_object().unwrap();
        assert_eq!(theirs.len(), found.metrics.len(), "{definition}");
        for (name, value) in theirs {
            let value = value.as_f64().unwrap();
            let ours = found.metrics[name];
            assert!(
                (ours - value).abs() < 1e-5,
                "{definition}, {name}: {ours} and {value}"
            );
        }
    }
}

#[test]
fn a_long_context_is_cut_at_its_beginning_and_a_long_answer_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(32);
    let long = "x".repeat(100);
    let line = format!("{{\"context\": \"{long}\", \"answer\": \"ab\"}}");
    assert!(measure(&model, &tasks(folder.path(), &line)).unwrap()["task"] > 0.0);
    let line = format!("{{\"context\": \"\", \"answer\": \"{long}\"}}");
    let message = measure(&model, &tasks(folder.path(), &line))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("line 1: an answer of 100 tokens") && message.contains("sees 32"),
        "{message}"
    );
}

#[test]
fn held_out_bits_per_byte_follow_from_loss_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    std::fs::write(
        &path,
        b"the quick brown fox jumps over the lazy dog, and then some more",
    )
    .unwrap();
    let shards = vec![ShardPlan {
        path,
        offset: 0,
        width: 1,
        big_endian: false,
        tokens: 63,
        sums: None,
    }];
    let domain = ValidationPlan {
        name: "web".into(),
        shards,
        bytes: Some(126),
    };
    let evaluation = EvaluationPlan {
        validation: vec![domain],
        ..EvaluationPlan::default()
    };
    let found = measure(&model(20), &evaluation).unwrap();
    let expected = found["validation_loss:web"] / std::f64::consts::LN_2 / 2.0;
    assert!((found["validation:web"] - expected).abs() < 1e-12);
}
