//! Olmix's case study against an oracle: what reuse keeps of full recomputation's gain, and at how many runs.
//!
//! A law fitted to all runs of a swarm over the last domain set stands in for training, so that every method's history
//! can be lived through in milliseconds, and its last mixture judged by the truth.

mod case;
mod chain;

use super::{Cell, Study};
use crate::Constraints;
use crate::CoreError;
use crate::optimize::{ExactProblem, solve_exact};
use chain::World;

/// How a team follows changing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Shares by tokens; no run at all.
    Natural,
    /// A new swarm over all domains after every update.
    Recompute,
    /// Old ratios among all unaffected domains.
    FullReuse,
    /// The same, but for the domain the paper freed by hand when code was added.
    PartialByHand,
    /// The same, but for domains that a pilot shows to be coupled with the update; old runs inform the law.
    PartialAutomatic,
    /// Old runs with new ones over all domains, one law for all.
    SwarmReuse,
    /// Old runs inform the law, old ratios limit the freedom.
    Joint,
    /// Runs with old ratios, old runs in the law, and all domains free in the solve.
    JointFree,
}

const METHODS: [(&str, Method); 8] = [
    ("natural", Method::Natural),
    ("recompute", Method::Recompute),
    ("full-reuse", Method::FullReuse),
    ("partial-by-hand", Method::PartialByHand),
    ("partial-auto", Method::PartialAutomatic),
    ("swarm-reuse", Method::SwarmReuse),
    ("joint", Method::Joint),
    ("joint-free", Method::JointFree),
];
/// Target tokens.
const TARGETS: [(&str, f64); 2] = [("1T", 1e12), ("6T", 6e12)];
/// Runs per domain.
const C: [f64; 3] = [1.0, 2.0, 3.0];
const REPETITION_FACTOR: f64 = 4.0;
/// The recommended pull to the prior.
const KL_REG: f64 = 0.05;

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let mut settings = Vec::new();
    for (oracle, _) in &study.oracles {
        for (tokens, _) in TARGETS {
            for (method, kind) in METHODS {
                let c: &[f64] = if kind == Method::Natural { &C[2..] } else { &C };
                for c in c {
                    let keys = [*oracle, tokens, method, &c.to_string()];
                    settings.push(keys.map(str::to_owned).to_vec());
                }
            }
        }
    }
    settings
}

/// Runs; gain over the natural distribution and over the prior; what the best mixture gains; total variation to it;
/// domains that were freed, and whether the one that the paper freed by hand was, when code was added.
pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let unknown = || CoreError::Unsupported("a cell of another study".into());
    let find = |key: usize| cell.keys.get(key).map_or("", String::as_str);
    let (_, oracle) = study
        .oracles
        .iter()
        .find(|(name, _)| *name == find(0))
        .ok_or_else(unknown)?;
    let (_, target_tokens) = *TARGETS
        .iter()
        .find(|(name, _)| *name == find(1))
        .ok_or_else(unknown)?;
    let (_, method) = *METHODS
        .iter()
        .find(|(name, _)| *name == find(2))
        .ok_or_else(unknown)?;
    let c: f64 = find(3).parse().map_err(|_| unknown())?;
    let prior = study.spec.prior.weights();
    let stages = case::stages(study.swarm.domains(), prior)?;
    let task_weights = study.swarm.task_weights();
    let world = World {
        oracle,
        stages: &stages,
        options: oracle.options(),
        task_weights: &task_weights,
        target_tokens,
        repetition_factor: REPETITION_FACTOR,
        kl_reg: KL_REG,
        c,
        seed: cell.seed,
    };
    let reached = match world.follow(method) {
        // So few runs per domain are no swarm for this method.
        Err(CoreError::TooFewRuns { .. }) => return Ok(vec![f64::NAN; study.values().len()]),
        reached => reached?,
    };
    let last = stages.last().ok_or_else(unknown)?;
    let p = last.told(&reached.mixture);
    let natural = last.told(&last.natural());
    let constraints = Constraints::none(prior.len()).with_repetition(
        study.swarm.domains(),
        target_tokens,
        REPETITION_FACTOR,
    )?;
    let best = solve_exact(&ExactProblem {
        domains: study.swarm.domains(),
        laws: oracle.laws(),
        task_weights: &task_weights,
        reference: prior,
        kl_reg: KL_REG,
        linear: None,
        constraints: &constraints,
    })?;
    let variation: f64 = p
        .iter()
        .zip(&best.weights)
        .map(|(a, b)| (a - b).abs())
        .sum();
    Ok(vec![
        reached.runs as f64,
        oracle.gain(&p, &natural),
        oracle.gain(&p, prior),
        oracle.gain(&best.weights, &natural),
        0.5 * variation,
        reached.freed as f64,
        f64::from(u8::from(reached.as_by_hand)),
    ])
}
