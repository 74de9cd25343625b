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
        earlier: &[],
        earlier_weights: &[],
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

#[test]
fn expected_regret_beside_earlier_runs_is_that_of_all_of_them_and_grows_with_what_these_lack() {
    let (domains, prior) = (domains(8), [0.125; 8]);
    let all = swarm(&prior, 27);
    let beside = |earlier: usize, weights: &[f64]| {
        let problem = RegretProblem {
            domains: &domains,
            prior: &prior,
            caps: None,
            earlier: &all[..earlier],
            earlier_weights: weights,
            seed: 1,
        };
        expected_regret(&problem, &[all[earlier..].to_vec()]).unwrap()[0]
    };
    let (alone, with) = (beside(0, &[]), beside(20, &[]));
    assert_eq!((with.runs, with.beside), (7, 20));
    // The same mixtures, in the same order.
    assert_eq!(with.regret, alone.regret);
    let full = beside(20, &[1.0; 20]);
    assert_eq!(full.regret, with.regret);
    let weak = beside(20, &[0.1; 20]);
    assert!(weak.regret > 1.5 * with.regret, "{weak:?} {with:?}");
    // No new run: what the earlier ones give by themselves.
    let none = beside(27, &[]);
    assert_eq!((none.runs, none.regret), (0, alone.regret));
}
