//! Runs that repeat their data as often as a larger run does.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::collections::HashMap;

use crate::train::phase_tests::{config, shards};
use crate::{ProxyError, RunPlan, SequenceIndex, prepare};

/// Sequences of each leaf, by how often each is seen.
fn seen(plan: &RunPlan, run: &std::path::Path) -> Vec<Vec<u64>> {
    let total = plan.recipe.steps * plan.recipe.batch;
    let index = SequenceIndex::read(run, total, plan.data.leaves.len()).unwrap();
    let mut seen: Vec<HashMap<u64, u64>> = vec![HashMap::new(); plan.data.leaves.len()];
    for (leaf, start) in index.sequences {
        *seen[leaf as usize].entry(start).or_default() += 1;
    }
    seen.into_iter()
        .map(|starts| starts.into_values().collect())
        .collect()
}

#[test]
fn a_run_that_simulates_repetition_sees_each_leaf_as_often_as_the_run_it_stands_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let mix = "  simulate_target_tokens: 7680\nmix: {web: 0.25, code: {weight: 0.75, repetition_factor: 3}}";
    let plan = prepare(&config(at, "  tokens: 960", mix), &at.join("run"))
        .unwrap()
        .plan;
    assert_eq!(plan.data.simulate_target_tokens, Some(7680));
    for (leaf, seen) in plan.data.leaves.iter().zip(seen(&plan, &at.join("run"))) {
        let tokens: u64 = leaf.shards.iter().map(|shard| shard.tokens).sum();
        // An eighth of its sequences, to the nearest whole one.
        let cut = (tokens as f64 / 8.0 / 24.0).round() as u64;
        assert_eq!(leaf.cut_tokens, Some(24 * cut));
        assert_eq!(seen.len() as u64, cut.min(leaf.sequences), "{}", leaf.name);
        let epochs = leaf.weight * 7680.0 / tokens as f64;
        let (least, most) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
        assert!(most - least <= 1);
        let found = leaf.sequences as f64 / cut as f64;
        assert!(
            (found / epochs - 1.0).abs() < 0.1,
            "{}: {found} of {epochs}",
            leaf.name
        );
    }
    // The cap counts the tokens of the cut.
    let message = refused(at, &mix.replace("factor: 3", "factor: 2"));
    assert!(
        message.contains("`code` has 2081 tokens, and data.simulate_target_tokens cuts it to 260"),
        "{message}"
    );
    assert!(
        message.contains("repetition_factor allows 2 times"),
        "{message}"
    );
}

fn refused(at: &std::path::Path, mix: &str) -> String {
    let refused: Result<_, ProxyError> =
        prepare(&config(at, "  tokens: 960", mix), &at.join("other"));
    assert!(!at.join("other").exists());
    refused.unwrap_err().to_string()
}

#[test]
fn a_simulated_run_that_can_not_be_meant_is_refused_with_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let mix = |tokens: &str| format!("  simulate_target_tokens: {tokens}\nmix: {{web: 1}}");
    let message = refused(at, &mix("959"));
    assert!(
        message.contains("is 959, less than the 960 tokens of the run"),
        "{message}"
    );
    let message = refused(at, &mix("1M"));
    assert!(message.contains("less than a sequence of 24"), "{message}");
    // A run of its own tokens sees all there is.
    let same = prepare(&config(at, "  tokens: 960", &mix("960")), &at.join("same")).unwrap();
    let none = prepare(
        &config(at, "  tokens: 960", "mix: {web: 1}"),
        &at.join("none"),
    )
    .unwrap();
    assert_eq!(same.plan.data.leaves, none.plan.data.leaves);
    let index = |run: &str| SequenceIndex::read(&at.join(run), 40, 1).unwrap();
    assert_eq!(index("same"), index("none"));
}
