//! Intervals hold the truth as often as they say.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use crate::common::planted;
use olmix_core::law::{LogLinear, average_loss};
use olmix_core::optimize::{ExactProblem, solve_exact};
use olmix_core::{Constraints, FitSpec, Mixture, Swarm, fit};

const KL: f64 = 0.05;

fn spec(prior: &Mixture, seed: u64) -> FitSpec {
    FitSpec {
        bootstrap: 100,
        seed,
        ..crate::common::spec(prior)
    }
}

/// Shares of the swarms whose 90 % intervals hold the true best weights and the true gain of the
/// proposed mixture.
fn coverage(runs: usize, m: usize, noise: f64, swarms: u64) -> (f64, f64) {
    let (mut weights, mut gains) = (0.0, 0.0);
    for seed in 0..swarms {
        let planted = planted(runs, m, 5, noise, 500 + seed);
        let fitted = fit(&planted.swarm, &spec(&planted.prior, seed), &()).unwrap();
        let proposal = fitted.proposal.unwrap();
        let intervals = proposal.bootstrap.unwrap();
        let best = true_optimum(&planted.swarm, &planted.laws, planted.prior.weights());
        for (interval, best) in intervals.weights.iter().zip(&best) {
            weights += f64::from(interval.low <= *best && *best <= interval.high) / m as f64;
        }
        let shares = planted.swarm.task_weights();
        let loss = |p: &[f64]| average_loss(&planted.laws, &shares, p);
        let gain = 1.0 - loss(proposal.mixture.weights()) / loss(planted.prior.weights());
        gains += f64::from(intervals.gain.low <= gain && gain <= intervals.gain.high);
    }
    (weights / swarms as f64, gains / swarms as f64)
}

fn true_optimum(swarm: &Swarm, laws: &[LogLinear], reference: &[f64]) -> Vec<f64> {
    let problem = ExactProblem {
        domains: swarm.domains(),
        laws,
        task_weights: &swarm.task_weights(),
        reference,
        kl_reg: KL,
        linear: None,
        terms: None,
        constraints: &Constraints::none(reference.len()),
    };
    solve_exact(&problem).unwrap().weights
}

/// 200 swarms: the standard error of a share of 0.9 is 0.021, three of them 0.064.
#[test]
fn bootstrap_ninety_percent_intervals_hold_the_truth_in_ninety_percent_of_swarms() {
    for noise in [0.01, 0.03] {
        let (weights, gains) = coverage(80, 6, noise, 200);
        println!("noise {noise}: weights {weights}, gain {gains}");
        assert!((weights - 0.9).abs() < 0.064, "weights: {weights}");
        assert!((gains - 0.9).abs() < 0.064, "gain: {gains}");
    }
}

/// At the recommended size of a swarm, `3(m + 1)` runs, intervals may be too wide, not too narrow.
#[test]
fn bootstrap_intervals_are_not_too_narrow_at_the_recommended_swarm_size() {
    let (weights, gains) = coverage(21, 6, 0.02, 100);
    println!("weights {weights}, gain {gains}");
    assert!(weights > 0.9 - 0.09, "weights: {weights}");
    assert!(gains > 0.9 - 0.09, "gain: {gains}");
}

#[test]
fn bootstrap_intervals_close_on_the_truth_without_noise() {
    let planted = planted(60, 6, 5, 0.0, 3);
    let fitted = fit(&planted.swarm, &spec(&planted.prior, 0), &()).unwrap();
    let intervals = fitted.proposal.unwrap().bootstrap.unwrap();
    let best = true_optimum(&planted.swarm, &planted.laws, planted.prior.weights());
    for (interval, best) in intervals.weights.iter().zip(&best) {
        assert!((interval.low - best).abs() < 1e-5 && (interval.high - best).abs() < 1e-5);
    }
}
