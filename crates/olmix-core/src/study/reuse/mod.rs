//! Olmix's case study against an oracle: what reuse keeps of full recomputation's gain, and at how many runs.
//!
//! A law fitted to all runs of a swarm over the last domain set stands in for training, so that every method's history
//! can be lived through in milliseconds, and its last mixture judged by the truth.

mod case;
mod chain;
mod told;

use super::{Cell, Detail, Study};
use crate::Constraints;
use crate::CoreError;
use crate::optimize::{ExactProblem, solve_exact};
use chain::{Reached, World};

/// How a team follows changing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Shares by tokens; no run at all.
    Natural,
    /// A new swarm over all domains after every update.
    Recompute,
    /// Old ratios among all unaffected domains.
    FullReuse,
    /// The same, by the oracle's own laws at every step: what ratios kept cost where laws are perfect.
    FullReuseExact,
    /// As full reuse, but for the domain the paper freed by hand when code was added.
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

const METHODS: [(&str, Method); 9] = [
    ("natural", Method::Natural),
    ("recompute", Method::Recompute),
    ("full-reuse", Method::FullReuse),
    ("full-reuse-exact", Method::FullReuseExact),
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

/// The updates, by what they bring.
const UPDATES: [&str; 5] = ["code", "sources", "revision", "removal", "partition"];
/// Of each update: what its frozen ratios cost.
const STEP: [&str; 2] = ["reuse_gap", "performance_gap"];
/// Of each web topic, when code was added: what it adds to `κ` (in squares) and whether it is worth freeing, by the laws
/// fitted to the pilot and by the oracle's.
const COUPLED: [&str; 4] = ["coupling", "freed", "oracle_coupling", "oracle_freed"];

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let mut settings = Vec::new();
    for (oracle, _) in &study.oracles {
        for (tokens, _) in TARGETS {
            for (method, kind) in METHODS {
                let one = matches!(kind, Method::Natural | Method::FullReuseExact);
                let c: &[f64] = if one { &C[2..] } else { &C };
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
/// domains that were freed, and whether the one that the paper freed by hand was, when code was added. Then those of
/// [`details`], NaN for methods that have none.
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
    let mut numbers = vec![
        reached.runs as f64,
        oracle.gain(&p, &natural),
        oracle.gain(&p, prior),
        oracle.gain(&best.weights, &natural),
        0.5 * variation,
        reached.freed as f64,
        f64::from(u8::from(reached.as_by_hand)),
    ];
    numbers.extend(detailed(&reached));
    Ok(numbers)
}

/// The numbers of [`details`]: by update, then by domain.
fn detailed(reached: &Reached) -> Vec<f64> {
    let mut numbers = vec![f64::NAN; UPDATES.len() * STEP.len()];
    for step in &reached.steps {
        let at = step.update * STEP.len();
        numbers[at..at + STEP.len()].copy_from_slice(&[step.reuse_gap, step.performance_gap]);
    }
    for coupled in &reached.coupling {
        let freed = coupled.freed.map(|freed| f64::from(u8::from(freed)));
        for (coupling, freed) in coupled.coupling.into_iter().zip(freed) {
            numbers.extend([coupling, freed]);
        }
    }
    numbers
}

/// What frozen ratios cost by update, and how web topics are coupled with code.
pub(super) fn details(
    study: &Study<'_>,
    results: &[(Cell, Vec<f64>)],
) -> Result<Vec<Detail>, CoreError> {
    let stages = case::stages(study.swarm.domains(), study.spec.prior.weights())?;
    let topics: Vec<&str> = stages
        .first()
        .map_or_else(Vec::new, |stage| stage.domains().names().collect());
    let first = study.values().len();
    let table = |names: &[&str], at: usize, width: usize| -> Vec<(Cell, Vec<f64>)> {
        let mut rows = Vec::new();
        for (cell, numbers) in results {
            let parts = numbers.get(at..).unwrap_or_default().chunks_exact(width);
            for (name, part) in names.iter().zip(parts) {
                if part.iter().any(|number| number.is_finite()) {
                    let mut cell = cell.clone();
                    cell.keys.push((*name).to_owned());
                    rows.push((cell, part.to_vec()));
                }
            }
        }
        rows
    };
    Ok(vec![
        Detail {
            name: "steps",
            key: "update",
            values: &STEP,
            results: table(&UPDATES, first, STEP.len()),
        },
        Detail {
            name: "coupling",
            key: "domain",
            values: &COUPLED,
            results: table(&topics, first + UPDATES.len() * STEP.len(), COUPLED.len()),
        },
    ])
}
