//! What numbers of runs are expected to buy.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use crate::common::domains;
use olmix_core::generate::{ExpectedRegret, RegretProblem, expected_regret};
use olmix_core::{Purpose, generator};
use rand::RngExt;

/// Mixtures from sparse to flat, around the prior.
fn swarm(prior: &[f64], runs: usize) -> Vec<Vec<f64>> {
    let mut rng = generator(3, Purpose::Example, 0);
    let mut one = || {
        let raw: Vec<f64> = prior
            .iter()
            .map(|p| p * rng.random::<f64>().powi(-2).min(1e3))
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|p| p / sum).collect()
    };
    (0..runs).map(|_| one()).collect()
}

fn regrets(m: usize, runs: &[usize], caps: Option<&[f64]>) -> Vec<ExpectedRegret> {
    let domains = domains(m);
    let total = (m * (m + 1) / 2) as f64;
    let prior: Vec<f64> = (1..=m).map(|j| j as f64 / total).collect();
    let problem = RegretProblem {
        domains: &domains,
        prior: &prior,
        caps,
        seed: 1,
    };
    let swarms: Vec<Vec<Vec<f64>>> = runs.iter().map(|&runs| swarm(&prior, runs)).collect();
    expected_regret(&problem, &swarms).unwrap()
}

#[test]
fn expected_regret_falls_with_the_number_of_runs_and_is_the_same_on_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| regrets(8, &[12, 27, 108], None))
    };
    let found = run(1);
    assert_eq!(found, run(3));
    assert_eq!(
        found.iter().map(|one| one.runs).collect::<Vec<_>>(),
        [12, 27, 108]
    );
    assert!(
        found[0].regret > found[1].regret && found[1].regret > found[2].regret,
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|one| one.regret > 0.0 && one.standard_error < one.regret)
    );
}

#[test]
fn expected_regret_is_small_where_caps_leave_little_to_choose() {
    let free = regrets(8, &[27], None);
    let caps: Vec<f64> = (1..=8).map(|j| 1.05 * f64::from(j) / 36.0).collect();
    let capped = regrets(8, &[27], Some(&caps));
    assert!(
        capped[0].regret < 0.3 * free[0].regret,
        "{capped:?} {free:?}"
    );
}

#[test]
fn expected_regret_of_too_few_runs_is_absent() {
    assert!(regrets(8, &[8], None).is_empty());
    assert_eq!(regrets(8, &[8, 9], None).len(), 1);
}
