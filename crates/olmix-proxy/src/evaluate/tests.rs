//! Bits per byte against their definition.
#![allow(clippy::unwrap_used)] // a failed step fails the test

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
    let bytes = |text: &str| Ok(text.bytes().map(u32::from).collect());
    evaluate(&plan(model), evaluation, model, &bytes, &|_, _| {}).map(|found| found.metrics)
}

fn tasks(folder: &Path, text: &str) -> EvaluationPlan {
    let file = folder.join("task.jsonl");
    std::fs::write(&file, text).unwrap();
    EvaluationPlan {
        tasks: vec![file],
        ..EvaluationPlan::default()
    }
}

/// Bits of the last `count` of the tokens, by the definition.
fn bits(model: &Model, text: &str, count: usize) -> f64 {
    let tokens: Vec<u32> = std::iter::once(256)
        .chain(text.bytes().map(u32::from))
        .collect();
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

#[test]
fn bits_per_byte_are_those_of_the_gold_answer_alone() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(32);
    let line = "{\"context\": \"2+2=\", \"answer\": \"vier é\"}\n";
    let second = "{\"context\": \"\", \"answer\": \"no\"}\n";
    let found = measure(&model, &tasks(folder.path(), &format!("{line}{second}"))).unwrap();
    let expected = bits(&model, "2+2=vier é", 7) / 7.0 + bits(&model, "no", 2) / 2.0;
    assert!(
        (found["task"] - expected / 2.0).abs() < 1e-5,
        "{found:?} {expected}"
    );
    assert_eq!(found.len(), 1);
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
        tokens: 63,
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
