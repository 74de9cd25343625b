//! Runs whose mixture changes on the way: the switch is exact, and stops leave no trace.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

use olmix_data::{Encoder, OnBadLine, TokenizeOptions, tokenize};
use olmix_io::LaunchConfig;

use super::*;
use crate::prepare;

/// Shards of two leaves.
pub(crate) fn shards(at: &Path) {
    for (leaf, text) in [
        (
            "web",
            "a rose is a rose is a rose, and the rest is silence; ",
        ),
        (
            "code",
            "for i in range(9): print(i); x = [i, i + 1, 2 * i]; ",
        ),
    ] {
        std::fs::write(at.join(format!("{leaf}.txt")), text.repeat(40)).unwrap();
        let texts = TokenizeOptions {
            inputs: vec![at.join(format!("{leaf}.txt")).display().to_string()],
            output: at.join("shards").join(leaf),
            text_field: "text".to_owned(),
            validation: 0.0,
            on_bad_line: OnBadLine::Stop,
        };
        tokenize(&texts, &Encoder::bytes(), &|_, _| {}).unwrap();
    }
}

/// A config of a tiny run over them: `training` is added to its section, `mixture` is `mix` or `phases`.
pub(crate) fn config(at: &Path, training: &str, mixture: &str) -> LaunchConfig {
    let text = format!(
        "
name: tiny
training:
  proxy_model_id: demo
  tokenizer: bytes
  global_batch_size: 96
  sequence_length: 24
  checkpoint_every: 3
  log_every: 1
  model: {{width: 8, heads: 2, hidden: 8, layers: 1}}
{training}
data:
  dtype: uint16
  sources:
    - {{name: web, paths: [\"shards/web/train/*.bin\"]}}
    - {{name: code, paths: [\"shards/code/train/*.bin\"]}}
{mixture}
"
    );
    LaunchConfig::parse("tiny.yaml", &text, at).unwrap()
}

/// Ten steps, of which the first seven are pretraining.
pub(crate) const PHASES: &str = "phases:
  - {name: pretraining, fraction: 0.7, mix: {web: 0.75, code: 0.25}}
  - {name: cooldown, fraction: 0.3, mix: {code: 1}}";

pub(crate) fn nothing(_: &RunPlan, _: &Model) -> Result<Metrics, ProxyError> {
    unreachable!("nothing asks for it")
}

pub(crate) fn model(run: &Path) -> Vec<u8> {
    std::fs::read(model_folder(run).join("model.safetensors")).unwrap()
}

/// Trains up to a step, at whose end the process ends.
pub(crate) fn stopped_after(run: &Path, step: u64) {
    let stop = |event| {
        if let Event::Step(progress) = event {
            assert_ne!(progress.step, step, "stopped");
        }
    };
    let broken =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| train(run, &stop, &nothing)));
    assert!(broken.is_err());
}

#[test]
fn a_phase_begins_with_the_batch_that_the_plan_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let plan = prepare(&config(at, "  tokens: 960", PHASES), &at.join("run"))
        .unwrap()
        .plan;
    let phases: Vec<(&str, u64, u64)> = plan
        .phases
        .iter()
        .map(|phase| (phase.name.as_str(), phase.first_step, phase.steps))
        .collect();
    assert_eq!(phases, [("pretraining", 0, 7), ("cooldown", 7, 3)]);
    assert_eq!(plan.data.leaves[0].sequences, 21);
    assert_eq!(plan.data.leaves[1].sequences, 7 + 12);
    let index = SequenceIndex::read(&at.join("run"), 40, 2).unwrap();
    let (first, second) = index.sequences.split_at(7 * 4);
    assert_eq!(first.iter().filter(|(leaf, _)| *leaf == 0).count(), 21);
    assert!(second.iter().all(|(leaf, _)| *leaf == 1));
    let read = RunPlan::read(&at.join("run")).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn a_run_that_stops_at_the_border_of_phases_or_anywhere_ends_with_the_bits_of_one_that_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let config = config(at, "  tokens: 960", PHASES);
    let (whole, stopped) = (at.join("whole"), at.join("stopped"));
    prepare(&config, &whole).unwrap();
    prepare(&config, &stopped).unwrap();
    train(&whole, &|_| {}, &nothing).unwrap();
    for step in [2, 6, 7, 8, 9] {
        stopped_after(&stopped, step);
    }
    train(&stopped, &|_| {}, &nothing).unwrap();
    assert_eq!(model(&stopped), model(&whole));
}

#[test]
fn a_run_of_one_phase_has_the_bits_of_a_run_with_its_mixture() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let one = "phases: [{name: all, fraction: 1, mix: {web: 0.75, code: 0.25}}]";
    for (run, mixture) in [("phase", one), ("mix", "mix: {web: 0.75, code: 0.25}")] {
        prepare(&config(at, "  tokens: 480", mixture), &at.join(run)).unwrap();
        train(&at.join(run), &|_| {}, &nothing).unwrap();
    }
    assert_eq!(model(&at.join("phase")), model(&at.join("mix")));
}
