//! Phases of a run: whole numbers of steps, each with a mixture of its own.

use std::path::Path;

use olmix_io::LaunchConfig;
use olmix_io::launch_config::PhaseConfig;
use serde::{Deserialize, Serialize};

use crate::sampler::largest_remainders;
use crate::{Hyperparameters, LeafRequest, PhaseRequest, ProxyError, SequenceRequest};

/// A phase of a run, as the plan has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhasePlan {
    /// Its name.
    pub name: String,
    /// The share of the run's tokens that was asked for.
    pub fraction: f64,
    /// Its first step, counted from 0: so many steps come before it.
    pub first_step: u64,
    /// Its steps, at least 1.
    pub steps: u64,
    /// The leaves of its mixture.
    pub leaves: Vec<PhaseLeafPlan>,
}

/// A leaf and its part of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseLeafPlan {
    /// Its full name.
    pub name: String,
    /// Its share of the phase's sequences.
    pub weight: f64,
    /// Sequences of the phase that are drawn from it.
    pub sequences: u64,
}

impl PhasePlan {
    /// Steps that are done when it ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_step + self.steps
    }
}

/// The steps of each phase: fractions of `steps`, rounded by largest remainders.
///
/// # Errors
/// [`ProxyError::Input`] for a phase without a step.
pub(crate) fn steps_of(
    file: &Path,
    phases: &[PhaseConfig],
    steps: u64,
) -> Result<Vec<u64>, ProxyError> {
    let exact: Vec<f64> = phases
        .iter()
        .map(|phase| phase.fraction * steps as f64)
        .collect();
    let counts = largest_remainders(&exact, steps);
    match phases.iter().zip(&counts).find(|(_, count)| **count == 0) {
        None => Ok(counts),
        Some((phase, _)) => Err(ProxyError::input(
            file,
            format!(
                "the phase `{}` has no tokens: {} of {steps} steps are 0 steps",
                phase.name, phase.fraction
            ),
            "raise its fraction, train on more tokens or with smaller batches, or remove the phase",
        )),
    }
}

/// Steps of a config's run, of `steps` in all, that it leaves out, since it starts from a checkpoint behind them.
#[must_use]
pub fn skipped_steps(config: &LaunchConfig, steps: u64) -> u64 {
    let start = config.training.start.as_ref();
    let Some(after) = start.and_then(|start| start.after.as_ref()) else {
        return 0;
    };
    let Ok(counts) = steps_of(Path::new(&config.file), &config.phases, steps) else {
        return 0;
    };
    let last = config.phases.iter().position(|phase| phase.name == *after);
    last.map_or(0, |last| counts.iter().take(last + 1).sum())
}

/// What the sequences of a config's run are drawn from; `leaves` are those of its mixture.
///
/// # Errors
/// As [`steps_of`].
pub(crate) fn request(
    config: &LaunchConfig,
    leaves: Vec<LeafRequest>,
    recipe: &Hyperparameters,
    context: usize,
) -> Result<SequenceRequest, ProxyError> {
    if config.phases.is_empty() {
        let total = recipe.steps * recipe.batch;
        return Ok(SequenceRequest::one_mixture(&leaves, total, context));
    }
    let steps = steps_of(Path::new(&config.file), &config.phases, recipe.steps)?;
    let phase = |(phase, steps): (&PhaseConfig, u64)| PhaseRequest {
        name: phase.name.clone(),
        sequences: steps * recipe.batch,
        weights: leaves
            .iter()
            .map(|leaf| weight(phase, &leaf.mix.name))
            .collect(),
    };
    let phases = config.phases.iter().zip(steps).map(phase).collect();
    Ok(SequenceRequest {
        leaves,
        phases,
        context,
    })
}

/// The phases of a config's run, of whose request `counts` are the sequences (phases × leaves).
pub(crate) fn plans(
    config: &LaunchConfig,
    request: &SequenceRequest,
    counts: &[Vec<u64>],
    batch: u64,
) -> Vec<PhasePlan> {
    let mut first_step = 0;
    let mut plans = Vec::new();
    for ((phase, asked), counts) in config.phases.iter().zip(&request.phases).zip(counts) {
        let leaf = |(leaf, &sequences): (&LeafRequest, &u64)| PhaseLeafPlan {
            name: leaf.mix.name.clone(),
            weight: weight(phase, &leaf.mix.name),
            sequences,
        };
        let steps = asked.sequences / batch;
        plans.push(PhasePlan {
            name: phase.name.clone(),
            fraction: phase.fraction,
            first_step,
            steps,
            leaves: request.leaves.iter().zip(counts).map(leaf).collect(),
        });
        first_step += steps;
    }
    plans
}

/// The weight of a leaf in a phase.
fn weight(phase: &PhaseConfig, leaf: &str) -> f64 {
    let found = phase.mix.iter().find(|known| known.name == leaf);
    found.map_or(0.0, |found| found.weight)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn phase(name: &str, fraction: f64) -> PhaseConfig {
        PhaseConfig {
            name: name.into(),
            fraction,
            mix: Vec::new(),
        }
    }

    #[test]
    fn phases_are_whole_steps_that_sum_to_those_of_the_run() {
        let third = 1.0 / 3.0;
        for (fractions, steps, expected) in [
            ([0.8, 0.15, 0.05], 40, [32, 6, 2]),
            ([third, third, third], 40, [14, 13, 13]),
            ([0.277, 0.523, 0.2], 390_251, [108_100, 204_101, 78_050]),
        ] {
            let phases = ["a", "b", "c"].iter().zip(fractions);
            let phases: Vec<PhaseConfig> = phases.map(|(name, f)| phase(name, f)).collect();
            assert_eq!(steps_of(Path::new("x"), &phases, steps).unwrap(), expected);
        }
    }

    #[test]
    fn a_phase_that_rounds_to_no_step_is_refused_with_the_number_of_steps() {
        let phases = [phase("pretraining", 0.999), phase("cooldown", 0.001)];
        let message = steps_of(Path::new("launch.yaml"), &phases, 40).unwrap_err();
        let expected =
            "launch.yaml: the phase `cooldown` has no tokens: 0.001 of 40 steps are 0 steps";
        assert!(message.to_string().starts_with(expected), "{message}");
    }
}
