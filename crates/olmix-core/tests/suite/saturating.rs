//! What the saturating law promises.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use crate::common::{planted, spec};
use olmix_core::law::{
    Basis, Curvature, FittedLaw, Law, LawOptions, Saturating, SaturatingOptions,
};
use olmix_core::optimize::{ExactProblem, Status, solve_exact};
use olmix_core::{
    Constraints, CoreError, FitSpec, LawKind, Matrix, Mixture, Purpose, Ridge, Swarm, fit,
    generator,
};
use rand::RngExt;

fn law(m: usize, bases: &[Basis], seed: u64) -> Saturating {
    let mut rng = generator(seed, Purpose::Example, 7);
    Saturating {
        log_c: rng.random::<f64>() - 0.5,
        level: 0.5 + rng.random::<f64>(),
        bases: bases.to_vec(),
        v: bases
            .iter()
            .map(|_| {
                (0..m)
                    .map(|_| (2.0 * rng.random::<f64>() - 0.5).max(0.0))
                    .collect()
            })
            .collect(),
    }
}

/// The mixtures of a planted swarm with losses that follow saturating laws.
fn swarm_of(laws: &[Saturating], runs: usize, m: usize) -> (Swarm, Mixture) {
    let planted = planted(runs, m, 1, 0.0, 31);
    let mixtures = planted.swarm.mixtures().clone();
    let losses = Matrix::from_fn(runs, laws.len(), |k, i| laws[i].predict(mixtures.row(k)));
    let swarm = crate::common::swarm(planted.swarm.domains().clone(), mixtures, losses);
    (swarm, planted.prior)
}

fn options(bases: &[Basis], ridge: f64) -> LawOptions {
    LawOptions::Saturating(SaturatingOptions {
        bases: bases.to_vec(),
        ridge,
        ..SaturatingOptions::default()
    })
}

#[test]
fn saturating_law_without_noise_is_recovered_to_a_millionth_in_prediction() {
    for bases in [
        &[Basis::Power(0.6)][..],
        &[Basis::Power(0.4), Basis::Power(0.8)],
        &[Basis::Log(0.1)],
    ] {
        let truths: Vec<Saturating> = (0..4).map(|seed| law(6, bases, seed)).collect();
        let (swarm, prior) = swarm_of(&truths, 80, 6);
        let fitted = options(bases, 0.0)
            .fit(&swarm, prior.weights(), &|| ())
            .unwrap();
        let fresh = planted(40, 6, 1, 0.0, 99);
        for ((law, report), truth) in fitted.iter().zip(&truths) {
            assert!(report.converged);
            for k in 0..40 {
                let p = fresh.swarm.mixtures().row(k);
                let error = (law.predict(p) - truth.predict(p)).abs();
                assert!(error < 1e-6, "{bases:?}: off by {error:e}");
            }
        }
    }
}

#[test]
fn saturating_fit_has_no_negative_coefficient_and_is_stationary_within_its_bounds() {
    let planted = planted(70, 6, 3, 0.05, 5);
    let ridge = 1e-3;
    let options = SaturatingOptions {
        ridge,
        ..SaturatingOptions::default()
    };
    let delta = options.huber_delta;
    let fitted = LawOptions::Saturating(options)
        .fit(&planted.swarm, planted.prior.weights(), &|| ())
        .unwrap();
    let mut at_bound = 0;
    for (task, (law, _)) in fitted.iter().enumerate() {
        let FittedLaw::Saturating(law) = law else {
            unreachable!("the options say saturating")
        };
        let objective = |law: &Saturating| {
            let huber = |r: f64| {
                let size = r.abs();
                if size <= delta {
                    r * r / 2.0
                } else {
                    delta * (size - delta / 2.0)
                }
            };
            let losses: f64 = (0..planted.swarm.len())
                .map(|k| {
                    let predicted = law.predict(planted.swarm.mixtures().row(k));
                    huber(predicted - planted.swarm.losses().get(k, task))
                })
                .sum();
            losses + 0.5 * ridge * law.v[0].iter().map(|v| v * v).sum::<f64>()
        };
        let slope = |change: &dyn Fn(&mut Saturating, f64)| {
            let at = |step: f64| {
                let mut moved = law.clone();
                change(&mut moved, step);
                objective(&moved)
            };
            (at(1e-5) - at(-1e-5)) / 2e-5
        };
        assert!(slope(&|law, step| law.level += step).abs() < 1e-6);
        assert!(slope(&|law, step| law.log_c += step).abs() < 1e-6);
        for j in 0..6 {
            assert!(law.v[0][j] >= 0.0);
            // Coefficients at zero would only fall further.
            let change = |law: &mut Saturating, step: f64| law.v[0][j] += step;
            if law.v[0][j] > 1e-4 {
                assert!(slope(&change).abs() < 1e-6);
            } else {
                at_bound += 1;
                let mut moved = law.clone();
                moved.v[0][j] += 1e-4;
                assert!(objective(&moved) > objective(law));
            }
        }
    }
    assert!(at_bound > 0, "the case holds no coefficient at its bound");
}

#[test]
fn saturating_gradient_and_curvature_are_its_finite_differences() {
    let law = law(5, &[Basis::Power(0.4), Basis::Log(0.2)], 3);
    let p = [0.3, 0.05, 0.25, 0.1, 0.3];
    let mut gradient = vec![0.0; 5];
    law.add_gradient(&p, 2.0, &mut gradient);
    let mut hessian = Curvature::new(5);
    law.curvature(&p, 2.0, &mut hessian);
    let gradient_at = |p: &[f64]| {
        let mut gradient = vec![0.0; 5];
        law.add_gradient(p, 2.0, &mut gradient);
        gradient
    };
    let h = 1e-6;
    for j in 0..5 {
        let moved = |step: f64| {
            let mut p = p;
            p[j] += step;
            p
        };
        let (up, down) = (moved(h), moved(-h));
        let difference = 2.0 * (law.predict(&up) - law.predict(&down)) / (2.0 * h);
        assert!((gradient[j] - difference).abs() < 1e-7);
        let (up, down) = (gradient_at(&up), gradient_at(&down));
        for i in 0..5 {
            let difference = (up[i] - down[i]) / (2.0 * h);
            let own = hessian.entry(i, j);
            assert!((own - difference).abs() < 1e-5 * (1.0 + own.abs()));
        }
    }
}

/// With caps alone: one price such that the slope is the price inside the bounds, at least that
/// at zero, at most that at the cap.
#[test]
fn saturating_laws_have_an_exact_mixture_that_meets_the_optimality_conditions() {
    for (m, n, kl) in [(6, 3, 0.05), (24, 20, 0.0), (64, 52, 0.05), (64, 52, 1e-4)] {
        let laws: Vec<Saturating> = (0..n)
            .map(|i| law(m, &[Basis::Power(0.6)], i as u64))
            .collect();
        let prior = planted(2, m, 1, 0.0, 1).prior;
        let mut constraints = Constraints::none(m);
        constraints.caps = Some((0..m).map(|j| (0.5 + (j % 5) as f64) / m as f64).collect());
        let shares = vec![1.0 / n as f64; n];
        let problem = ExactProblem {
            domains: prior.domains(),
            laws: &laws,
            task_weights: &shares,
            reference: prior.weights(),
            kl_reg: kl,
            linear: None,
            terms: None,
            constraints: &constraints,
        };
        let solution = solve_exact(&problem).unwrap();
        assert_eq!(solution.status, Status::Optimal);
        assert!(solution.duality_gap.unwrap() < 1e-9);
        assert!(constraints.violation(&solution.weights) < 1e-12);
        let slopes = problem.gradient(&solution.weights);
        let inside = |j: &usize| {
            let p = solution.weights[*j];
            p > 1e-6 && p < constraints.limit(*j) - 1e-6
        };
        let free: Vec<usize> = (0..m).filter(inside).collect();
        let price = free.iter().map(|&j| slopes[j]).sum::<f64>() / free.len() as f64;
        for (j, slope) in slopes.iter().enumerate() {
            if inside(&j) {
                assert!((slope - price).abs() < 1e-5, "domain {j}: {slope} {price}");
            } else if solution.weights[j] > 1e-6 {
                assert!(*slope < price + 1e-5);
            } else {
                assert!(*slope > price - 1e-5);
            }
        }
    }
}

#[test]
fn saturating_fit_proposes_and_resamples() {
    let truths: Vec<Saturating> = (0..4)
        .map(|seed| law(6, &[Basis::Power(0.6)], seed))
        .collect();
    let (swarm, prior) = swarm_of(&truths, 60, 6);
    let spec = FitSpec {
        law: LawKind::Saturating,
        ridge: Some(Ridge::Auto),
        folds: 3,
        bootstrap: 10,
        ..spec(&prior)
    };
    let fitted = fit(&swarm, &spec, &()).unwrap();
    assert_eq!(fitted.candidates.len(), 11);
    // The functions the truths are made of are found among the others.
    let Some(LawOptions::Saturating(chosen)) = fitted.options else {
        panic!("another law: {:?}", fitted.options);
    };
    assert_eq!(chosen.bases, [Basis::Power(0.6)]);
    let proposal = fitted.proposal.unwrap();
    assert_eq!(proposal.solution.status, Status::Optimal);
    assert!(proposal.predicted_average < proposal.natural_average.unwrap());
    assert_eq!(proposal.bootstrap.unwrap().mixtures.rows(), 10);
}

#[test]
fn saturating_fit_refuses_too_few_runs_with_what_the_law_needs() {
    let planted = planted(7, 6, 2, 0.01, 4);
    let error = options(&[Basis::Power(0.6)], 0.0)
        .fit(&planted.swarm, planted.prior.weights(), &|| ())
        .unwrap_err();
    assert!(matches!(error, CoreError::TooFewRuns { needed: 8, .. }));
    assert!(
        error
            .to_string()
            .contains("7 runs are too few for a saturating law")
    );
}
