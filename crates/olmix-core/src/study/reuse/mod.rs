//! Olmix's case study against an oracle: what reuse keeps of full recomputation's gain, and at how many runs.
//!
//! A law fitted to all runs of a swarm over the last domain set stands in for training, so that the whole
//! history of a method takes milliseconds, and its last mixture is judged by the law that it was measured
//! with. The plans are those of [`crate::reuse::PlanInputs`], which `olmix plan` follows.

mod case_study;
mod measures;
mod methods;
mod reparametrized;
pub(super) mod revision;
mod simulate;
mod stage_solver;

use super::{Cell, Detail, Study};
use crate::Constraints;
use crate::CoreError;
use crate::optimize::{ExactProblem, solve_exact};
use methods::{METHODS, Method};
use simulate::{Outcome, ReuseSimulation};
use stage_solver::StageSolver;

/// Tokens of the run that mixtures are for, with their names.
const TARGETS: [(&str, f64); 2] = [("1T", 1e12), ("6T", 6e12)];
/// Runs per domain.
const C: [f64; 3] = [1.0, 2.0, 3.0];
const REPETITION_FACTOR: f64 = 4.0;
/// λ, the recommended pull to the prior.
const KL_REG: f64 = 0.05;

/// The updates, by what they bring.
const UPDATES: [&str; 5] = ["code", "sources", "revision", "removal", "partition"];
/// Of each update: the cost of its frozen ratios.
const GAPS: [&str; 2] = ["reuse_gap", "performance_gap"];
/// Of each web topic, when code was added: what it adds to `κ` (in squares) and whether it is worth freeing,
/// by the laws fitted to the pilot and by the oracle's.
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

/// Runs; gain over the natural distribution and over the prior; what the best mixture gains; total variation
/// to it; domains that were freed, and whether the one that the paper freed by hand was, when code was added.
/// Then those of [`details`], NaN for methods that have none.
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
    let stages = case_study::stages(study.swarm.domains(), prior)?;
    let task_weights = study.swarm.task_weights();
    let simulation = ReuseSimulation {
        solver: StageSolver {
            oracle,
            task_weights: &task_weights,
            target_tokens,
            repetition_factor: REPETITION_FACTOR,
            kl_reg: KL_REG,
        },
        stages: &stages,
        options: oracle.options(),
        c,
        seed: cell.seed,
    };
    let outcome = match simulation.run(method) {
        // This method needs more runs per domain than these.
        Err(CoreError::TooFewRuns { .. }) => return Ok(vec![f64::NAN; study.values().len()]),
        outcome => outcome?,
    };
    let last = stages.last().ok_or_else(unknown)?;
    let p = last.to_oracle(&outcome.mixture);
    let natural = last.to_oracle(&last.natural());
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
        terms: None,
        constraints: &constraints,
    })?;
    let variation: f64 = p
        .iter()
        .zip(&best.weights)
        .map(|(a, b)| (a - b).abs())
        .sum();
    let mut numbers = vec![
        outcome.runs as f64,
        oracle.gain(&p, &natural),
        oracle.gain(&p, prior),
        oracle.gain(&best.weights, &natural),
        0.5 * variation,
        outcome.freed as f64,
        f64::from(u8::from(outcome.as_by_hand)),
    ];
    numbers.extend(detailed(&outcome));
    Ok(numbers)
}

/// The numbers of [`details`]: by update, then by domain.
fn detailed(outcome: &Outcome) -> Vec<f64> {
    let mut numbers = vec![f64::NAN; UPDATES.len() * GAPS.len()];
    for gaps in &outcome.gaps {
        let at = gaps.update * GAPS.len();
        numbers[at..at + GAPS.len()].copy_from_slice(&[gaps.reuse_gap, gaps.performance_gap]);
    }
    for coupled in &outcome.coupling {
        let freed = coupled.freed.map(|freed| f64::from(u8::from(freed)));
        for (coupling, freed) in coupled.coupling.into_iter().zip(freed) {
            numbers.extend([coupling, freed]);
        }
    }
    numbers
}

/// The cost of frozen ratios by update, and how web topics are coupled with code.
pub(super) fn details(
    study: &Study<'_>,
    results: &[(Cell, Vec<f64>)],
) -> Result<Vec<Detail>, CoreError> {
    let stages = case_study::stages(study.swarm.domains(), study.spec.prior.weights())?;
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
            values: &GAPS,
            results: table(&UPDATES, first, GAPS.len()),
        },
        Detail {
            name: "coupling",
            key: "domain",
            values: &COUPLED,
            results: table(&topics, first + UPDATES.len() * GAPS.len(), COUPLED.len()),
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
    fn study_reports_gaps_at_each_update_and_the_coupling_of_each_topic_with_code() {
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

    /// Numbers of the study on the small swarm, by method and `c`, for the log-linear oracle at 1T.
    fn numbers(study: &Study<'_>, method: &str, c: &str) -> Vec<f64> {
        let cell = study.cells().into_iter().find(|cell| {
            cell.keys[0] == "log_linear"
                && cell.keys[1] == "1T"
                && cell.keys[2] == method
                && cell.keys[3] == c
        });
        study.run(&cell.unwrap()).unwrap()
    }

    #[test]
    fn study_of_a_revision_keeps_runs_at_full_weight_where_nearly_nothing_changed() {
        let (swarm, spec) = swarm();
        let study = Study::new(Question::Revision, &swarm, &spec, 1).unwrap();
        let cells = study.cells();
        assert_eq!(cells.len(), 2 * 2 * 4 * 4);
        let of = |set: &str, changed: &str| {
            let keys = ["log_linear", set, "stack-edu", changed];
            let cell = cells.iter().find(|cell| cell.keys == keys).unwrap();
            study.run(cell).unwrap()
        };
        for set in ["topics", "sources"] {
            let (little, much) = (of(set, "0.01"), of(set, "0.5"));
            assert!(little.iter().all(|number| number.is_finite()), "{little:?}");
            // The plan of swarm reuse: 3 (2 + 1) runs over everything else and the revised domain.
            assert_eq!((little[0], much[0]), (9.0, 9.0));
            assert!(
                little[2] > 0.98 && much[2] < little[2],
                "{little:?} {much:?}"
            );
            let (full, rule) = (little[5], little[8]);
            assert!((full - rule).abs() < 1e-3, "{little:?}");
            // No mixture is much better than the best one, which the KL term pulls to the prior.
            assert!(little[3..].iter().all(|above| *above > -0.05), "{little:?}");
        }
    }

    #[test]
    fn study_trains_the_runs_of_olmix_plan_and_the_papers_only_for_the_papers_methods() {
        let (swarm, spec) = swarm();
        let study = Study::new(Question::Reuse, &swarm, &spec, 1).unwrap();
        let runs = |method: &str| numbers(&study, method, "3")[0];
        // 3 topics; + 3 languages; + 6 sources; PDFs revised; one removed; PDFs in 2 parts: c (d + 1),
        // rounded up.
        let sum = |sizes: &[usize]| sizes.iter().map(|d| 3 * (d + 1)).sum::<usize>() as f64;
        assert_eq!(runs("recompute"), sum(&[3, 6, 12, 12, 11, 12]));
        assert_eq!(runs("full-reuse"), sum(&[3, 4, 7, 2, 3]));
        assert_eq!(runs("full-reuse-old-runs"), runs("full-reuse"));
        assert_eq!(runs("swarm-reuse"), runs("full-reuse"));
        // 12, 15, 24, 9 and 12 to the nearest power of two.
        assert_eq!(runs("full-reuse-paper"), 8.0 + 16.0 + 16.0 + 8.0 + 8.0);
        assert_eq!(runs("natural"), 0.0);
    }

    #[test]
    fn study_of_auto_follows_swarm_reuse_once_old_runs_outnumber_domains() {
        let (swarm, spec) = swarm();
        let study = Study::new(Question::Reuse, &swarm, &spec, 1).unwrap();
        let (auto, swarm_reuse) = (
            numbers(&study, "auto", "3"),
            numbers(&study, "swarm-reuse", "3"),
        );
        assert_eq!(auto[0], swarm_reuse[0]);
        assert_eq!(auto[1].to_bits(), swarm_reuse[1].to_bits());
    }
}
