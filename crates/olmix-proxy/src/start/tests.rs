//! Runs that begin with the weights of another: the bits of the run in one piece, or a refusal with numbers.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

use crate::train::phase_tests::{config, model, nothing, shards, stopped_after};
use crate::train::{model_folder, train};
use crate::{ProxyError, RunPlan, StepRecord, prepare, read_journal};

/// Ten steps, of which the first seven are pretraining, with two steps of warmup.
const PHASES: &str = "phases:
  - {name: pretraining, fraction: 0.7, mix: {web: 0.75, code: 0.25}}
  - {name: cooldown, fraction: 0.3, mix: {code: 1}}";
const WHOLE: &str = "  tokens: 960\n  warmup_fraction: 0.2\n  decay_fraction: 0.3";
/// The first seven of these steps alone.
const FIRST: &str = "  tokens: 672\n  warmup_fraction: 0.285714\n  decay_fraction: 0";
const FIRST_MIX: &str = "mix: {web: 0.75, code: 0.25}";
const AFTER: &str = "  start_from: {checkpoint: first, after: pretraining}";

fn trained(at: &Path, run: &str, training: &str, mixture: &str) {
    prepare(&config(at, training, mixture), &at.join(run)).unwrap();
    train(&at.join(run), &|_| {}, &nothing).unwrap();
}

fn refused(at: &Path, training: &str, mixture: &str) -> String {
    let refused: Result<_, ProxyError> =
        prepare(&config(at, training, mixture), &at.join("refused"));
    assert!(!at.join("refused").exists());
    let message = refused.unwrap_err().to_string();
    assert!(
        message.starts_with("tiny.yaml: training.start_from: "),
        "{message}"
    );
    assert_eq!(message.matches("help: ").count(), 1, "{message}");
    message
}

#[test]
fn a_run_from_a_checkpoint_ends_with_the_bits_of_the_run_in_one_piece_however_often_it_is_stopped()
{
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    trained(at, "whole", WHOLE, PHASES);
    trained(at, "first", FIRST, FIRST_MIX);
    let config = config(at, &format!("{WHOLE}\n{AFTER}"), PHASES);
    let run = at.join("rest");
    let plan = prepare(&config, &run).unwrap().plan;
    let start = plan.start.as_ref().unwrap();
    assert_eq!(
        (start.step, start.after.as_deref()),
        (7, Some("pretraining"))
    );
    assert_eq!(RunPlan::read(&run).unwrap(), plan);
    for step in [8, 9] {
        stopped_after(&run, step);
    }
    train(&run, &|_| {}, &nothing).unwrap();
    assert_eq!(model(&run), model(&at.join("whole")));
    let steps: Vec<u64> = read_journal::<StepRecord>(&run)
        .iter()
        .map(|line| line.step)
        .collect();
    assert!(steps.iter().all(|step| *step > 7), "{steps:?}");
}

#[test]
fn a_checkpoint_of_another_run_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let rest = format!("{WHOLE}\n{AFTER}");
    for (training, mixture, expected) in [
        (
            FIRST.to_owned() + "\n  seed: 7",
            FIRST_MIX,
            "was trained with seed 7, this run has 42",
        ),
        (
            "  tokens: 672".to_owned(),
            FIRST_MIX,
            "train the first phases with learning_rate 0.",
        ),
        (
            FIRST.to_owned(),
            "mix: {web: 0.5, code: 0.5}",
            "saw other data in the first 7 steps: sequence ",
        ),
        (
            WHOLE.to_owned(),
            PHASES,
            "`pretraining` ends after 7 steps, and ",
        ),
        (
            FIRST.replace("672", "480").replace("0.285714", "0.4"),
            FIRST_MIX,
            "has checkpoints after 3 and 5 steps, none after these",
        ),
    ] {
        trained(at, "first", &training, mixture);
        let message = refused(at, &rest, PHASES);
        assert!(message.contains(expected), "{message}");
        std::fs::remove_dir_all(at.join("first")).unwrap();
    }
    // Further on than the phase.
    trained(at, "first", WHOLE, PHASES);
    let message = refused(at, &rest, PHASES);
    let expected = "has checkpoints after 9 and 10 steps, further on than that";
    assert!(message.contains(expected), "{message}");
    // Of another shape.
    let wider = config(at, FIRST, FIRST_MIX);
    let mut wider = wider;
    wider.training.model.width = Some(12);
    prepare(&wider, &at.join("wider")).unwrap();
    train(&at.join("wider"), &|_| {}, &nothing).unwrap();
    let message = refused(at, &rest.replace("first,", "wider,"), PHASES);
    assert!(
        message.contains("is of another shape: its width is 12, that of this run 8"),
        "{message}"
    );
    let message = refused(at, "  tokens: 480\n  start_from: wider", FIRST_MIX);
    assert!(
        message.contains("is of another shape: its hidden_size is 12, that of this run 8"),
        "{message}"
    );
    let message = refused(at, "  tokens: 480\n  start_from: nowhere", FIRST_MIX);
    assert!(
        message.contains("nowhere has no model.safetensors"),
        "{message}"
    );
}

#[test]
fn a_run_may_begin_with_the_weights_of_a_model_alone_as_long_as_these_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    trained(at, "first", FIRST, FIRST_MIX);
    // At this rate nothing moves.
    let still = "  tokens: 480\n  learning_rate: 1e-30\n  start_from: ";
    for (run, path) in [("run", "first"), ("model", "first/model")] {
        let training = format!("{still}{path}");
        trained(at, run, &training, "mix: {code: 1}");
        assert_eq!(model(&at.join(run)), model(&at.join("first")));
    }
    let steps = read_journal::<StepRecord>(&at.join("run"));
    assert_eq!(steps[0].step, 1);
    prepare(
        &config(at, &format!("{still}first"), "mix: {code: 1}"),
        &at.join("late"),
    )
    .unwrap();
    std::fs::remove_dir_all(model_folder(&at.join("first"))).unwrap();
    std::fs::create_dir_all(model_folder(&at.join("first"))).unwrap();
    trained(at, "other", &FIRST.replace("672", "288"), "mix: {code: 1}");
    let weights = |run: &str| model_folder(&at.join(run)).join("model.safetensors");
    std::fs::copy(weights("other"), weights("first")).unwrap();
    let message = train(&at.join("late"), &|_| {}, &nothing)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("is not what it was when this run was planned"),
        "{message}"
    );
}
