//! What training promises: the same bits however it is run.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

use super::*;
use crate::{DataPlan, EvaluationPlan, Hyperparameters, LeafPlan, LeafRequest, Shape, ShardPlan};
use olmix_io::MixLeaf;

/// A recipe of so many steps.
pub(crate) fn recipe(steps: u64) -> Hyperparameters {
    Hyperparameters {
        seed: 3,
        steps,
        batch: 11,
        learning_rate: 0.02,
        warmup_steps: 2,
        decay_steps: 3,
        beta1: 0.9,
        beta2: 0.99,
        adam_eps: 1e-8,
        weight_decay: 0.1,
        clip: 1.0,
        z_loss: 1e-5,
        micro_batch: 11,
        checkpoint_every: 4,
        log_every: 3,
        eval_every: None,
    }
}

/// A run of a tiny model over text that repeats itself.
fn run(folder: &Path, recipe: Hyperparameters) {
    let text = b"a rose is a rose is a rose, and the rest is silence; ".repeat(40);
    let path = folder.join("shard.bin");
    std::fs::write(&path, &text).unwrap();
    let model = Shape {
        size: "test".into(),
        vocab: 128,
        width: 16,
        layers: 2,
        heads: 2,
        hidden: 24,
        context: 24,
        rope_theta: 1e4,
        norm_eps: 1e-5,
        qk_norm: false,
        init_std: 0.05,
    };
    let tokens = text.len() as u64;
    let mix = MixLeaf {
        name: "a".into(),
        weight: 1.0,
        repetition_factor: None,
    };
    let total = recipe.steps * recipe.batch;
    let request = LeafRequest {
        mix,
        tokens,
        cut: None,
    };
    let index = SequenceIndex::new(folder, &[request], total, model.context, recipe.seed).unwrap();
    index.write(folder).unwrap();
    let leaf = LeafPlan {
        name: "a".into(),
        weight: 1.0,
        repetition_factor: None,
        sequences: total,
        cut_tokens: None,
        shards: vec![ShardPlan {
            path,
            offset: 0,
            width: 1,
            big_endian: false,
            tokens,
            sums: None,
        }],
    };
    let data = DataPlan {
        leaves: vec![leaf],
        end_of_text: None,
        simulate_target_tokens: None,
    };
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    let plan = RunPlan::new(
        "test".into(),
        None,
        model,
        recipe,
        data,
        "tokenizer.json".into(),
        EvaluationPlan::default(),
    );
    plan.write(folder).unwrap();
}

/// For runs that are not measured on the way.
fn nothing(_: &RunPlan, _: &Model) -> Result<Metrics, ProxyError> {
    unreachable!("nothing asks for it")
}

fn on_threads<T: Send>(threads: usize, job: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(job)
}

/// The final model, and every line of the journal but for how long it took.
fn outcome(folder: &Path) -> (Vec<u8>, Vec<StepRecord>) {
    let model = std::fs::read(model_folder(folder).join("model.safetensors")).unwrap();
    let mut lines = read_journal::<StepRecord>(folder);
    lines
        .iter_mut()
        .for_each(|line| line.tokens_per_second = 0.0);
    (model, lines)
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads_and_learns() {
    let outcomes: Vec<_> = [1, 3]
        .map(|threads| {
            let folder = tempfile::tempdir().unwrap();
            run(folder.path(), recipe(20));
            on_threads(threads, || train(folder.path(), &|_| {}, &nothing)).unwrap();
            outcome(folder.path())
        })
        .into();
    assert_eq!(outcomes[0], outcomes[1]);
    let lines = &outcomes[0].1;
    assert_eq!(
        lines.iter().map(|l| l.step).collect::<Vec<_>>(),
        [3, 6, 9, 12, 15, 18, 20]
    );
    assert!(lines[6].loss < 0.7 * lines[0].loss, "{lines:?}");
}

#[test]
fn a_stopped_run_resumes_and_ends_with_the_bits_of_an_unstopped_one() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), recipe(14));
    train(whole.path(), &|_| {}, &nothing).unwrap();
    let stopped = tempfile::tempdir().unwrap();
    run(stopped.path(), recipe(14));
    for step in [2, 5, 9, 13, 14] {
        let stop = |event| {
            if let Event::Step(progress) = event {
                assert_ne!(progress.step, step, "stopped");
            }
        };
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            train(stopped.path(), &stop, &nothing)
        }));
        assert!(broken.is_err());
    }
    // What a writer that was cut short may leave.
    let journal = stopped.path().join("metrics.jsonl");
    let mut text = std::fs::read(&journal).unwrap();
    text.extend(b"{\"step\": 12, \"tok");
    std::fs::write(&journal, text).unwrap();
    let damaged = stopped.path().join("checkpoints/step-00000099");
    std::fs::create_dir_all(&damaged).unwrap();
    let damages = std::cell::RefCell::new(Vec::new());
    let tell = |event| {
        if let Event::Damaged { checkpoint, why } = event {
            damages.borrow_mut().push((checkpoint, why.to_string()));
        }
    };
    train(stopped.path(), &tell, &nothing).unwrap();
    let damages = damages.into_inner();
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!(damages[0].0, damaged);
    assert!(damages[0].1.contains("state.json"), "{damages:?}");
    let (model, mut lines) = outcome(stopped.path());
    let (expected, mut wanted) = outcome(whole.path());
    assert_eq!(model, expected);
    // Stops fall on other steps than lines do, and the first line after one tells its speed alone.
    lines.retain(|line| wanted.iter().any(|w| w.step == line.step));
    wanted.retain(|line| lines.iter().any(|l| l.step == line.step));
    assert_eq!(lines, wanted);
    let checkpoints = std::fs::read_dir(stopped.path().join("checkpoints"))
        .unwrap()
        .count();
    assert_eq!(checkpoints, 2, "the last two, without the broken one");
    assert_eq!(
        train(
            stopped.path(),
            &|_| unreachable!("a finished run is left as it is"),
            &nothing
        )
        .unwrap()
        .tokens,
        14 * 11 * 24
    );
}

#[test]
fn a_diverged_run_names_its_step() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        Hyperparameters {
            learning_rate: 1e9,
            ..recipe(20)
        },
    );
    let message = train(folder.path(), &|_| {}, &nothing)
        .unwrap_err()
        .to_string();
    assert!(message.contains("training diverged at step "), "{message}");
    assert!(!model_folder(folder.path()).exists());
}

#[test]
fn a_token_beyond_the_vocabulary_is_named_with_its_shard() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), recipe(5));
    let mut bytes = std::fs::read(folder.path().join("shard.bin")).unwrap();
    bytes.fill(200);
    std::fs::write(folder.path().join("shard.bin"), bytes).unwrap();
    let message = train(folder.path(), &|_| {}, &nothing)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("shard.bin: holds the token 200"),
        "{message}"
    );
}
