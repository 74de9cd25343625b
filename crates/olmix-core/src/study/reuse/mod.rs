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

/// With their names, and whether their swarms are designed: D-optimal choices from many draws, over the domains as they
/// are after freezing. Swarm reuse keeps to draws, as its design would have to know of the old runs.
const METHODS: [(&str, Method, bool); 11] = [
    ("natural", Method::Natural, false),
    ("recompute", Method::Recompute, true),
    ("recompute-drawn", Method::Recompute, false),
    ("full-reuse", Method::FullReuse, true),
    ("full-reuse-drawn", Method::FullReuse, false),
    ("full-reuse-exact", Method::FullReuseExact, false),
    ("partial-by-hand", Method::PartialByHand, true),
    ("partial-auto", Method::PartialAutomatic, true),
    ("swarm-reuse", Method::SwarmReuse, false),
    ("joint", Method::Joint, true),
    ("joint-free", Method::JointFree, true),
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
            for (method, kind, _) in METHODS {
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
    let (_, method, designed) = *METHODS
        .iter()
        .find(|(name, ..)| *name == find(2))
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
        designed,
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

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::{Purpose, dirichlet, generator};
    use crate::study::Question;
    use crate::{Direction, Domain, DomainSet, FitSpec, Matrix, Mixture, Swarm, Task};

    const NAMES: [&str; 12] = [
        "arxiv",
        "dclm:cooking",
        "dclm:health",
        "dclm:software_development",
        "finemath-3plus",
        "pes2o",
        "s2pdf:health",
        "s2pdf:science",
        "stack-edu:C",
        "stack-edu:Python",
        "stack-edu:Rust",
        "wikipedia",
    ];

    /// A swarm over a small copy of the paper's last domain set, by random log-linear laws.
    fn swarm() -> (Swarm, FitSpec) {
        let m = NAMES.len();
        let domain = |name: &str| Domain {
            name: name.to_owned(),
            tokens: Some(1_000_000_000_000),
        };
        let domains = DomainSet::new(NAMES.map(domain).to_vec()).unwrap();
        let prior = vec![1.0 / m as f64; m];
        let mut rng = generator(0, Purpose::Example, 0);
        let mixtures: Vec<Vec<f64>> = (0..60).map(|_| dirichlet(&prior, 12.0, &mut rng)).collect();
        let slopes: Vec<Vec<f64>> = (0..3)
            .map(|_| (0..m).map(|_| -2.0 * rng.random::<f64>()).collect())
            .collect();
        let task = |name: &str| Task {
            name: name.to_owned(),
            family: "all".to_owned(),
            weight: 1.0 / 3.0,
            direction: Direction::Min,
            offset: 0.0,
        };
        let loss = |run: usize, task: usize| {
            let exponent: f64 = mixtures[run]
                .iter()
                .zip(&slopes[task])
                .map(|(p, t)| p * t)
                .sum();
            0.5 + exponent.exp() + 1e-3 * ((7 * run + task) % 5) as f64
        };
        let swarm = Swarm::new(
            domains.clone(),
            ["a", "b", "c"].map(task).to_vec(),
            (0..60).map(|run| run.to_string()).collect(),
            Matrix::from_fn(60, m, |run, j| mixtures[run][j]),
            Matrix::from_fn(60, 3, loss),
        );
        let prior = Mixture::new(domains, prior).unwrap();
        (swarm.unwrap(), FitSpec::new(prior))
    }

    #[test]
    fn what_is_frozen_costs_something_at_each_update_and_topics_are_coupled() {
        let (swarm, spec) = swarm();
        let study = Study::new(Question::Reuse, &swarm, &spec, 1).unwrap();
        let cells = study.cells().into_iter().filter(|cell| {
            let [_, tokens, method, c] = &cell.keys[..] else {
                return false;
            };
            let known = ["full-reuse-exact", "partial-auto", "swarm-reuse"];
            tokens == "1T" && c == "3" && known.contains(&method.as_str())
        });
        let results: Vec<(Cell, Vec<f64>)> = cells
            .map(|cell| {
                let numbers = study.run(&cell).unwrap();
                (cell, numbers)
            })
            .collect();
        let details = study.details(&results).unwrap();
        let [steps, coupling] = &details[..] else {
            panic!("{details:?}");
        };
        // Two oracles; five updates of the two methods that freeze, three topics of the one that frees.
        assert_eq!(steps.results.len(), 2 * 2 * 5);
        assert_eq!(coupling.results.len(), 2 * 3);
        for (cell, numbers) in &steps.results {
            assert!(
                numbers[0] >= 0.0 && numbers[0] < 1.5,
                "{cell:?}: {numbers:?}"
            );
            assert!(numbers[1].abs() < 1.0, "{cell:?}: {numbers:?}");
        }
        assert_eq!(coupling.results[0].0.keys[4], "dclm:cooking");
        for (cell, numbers) in &coupling.results {
            assert!(
                numbers[0] > 0.0 && numbers[2] > 0.0,
                "{cell:?}: {numbers:?}"
            );
        }
    }
}
