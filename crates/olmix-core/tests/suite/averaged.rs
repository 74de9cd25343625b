//! What averages of laws promise, and what is said of laws that the exact optimizer can't take.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use olmix_core::law::{
    Averaged, Curvature, EffectiveDataOptions, FittedLaw, GaussianProcessOptions, Law, LawOptions,
    Refit, SaturatingOptions, Shape,
};
use olmix_core::optimize::{ExactProblem, Local, Optimizer, solve_exact};
use olmix_core::trust::out_of_fold;
use olmix_core::{
    Constraints, FitSpec, FitWarning, LawKind, Matrix, Mixture, Purpose, Swarm, fit, generator,
};
use rand::RngExt;

use crate::common::{domains, planted, spec, swarm};

fn average() -> LawOptions {
    LawOptions::Averaged {
        weights: vec![0.7, 0.3],
        laws: vec![
            EffectiveDataOptions::default().into(),
            SaturatingOptions::default().into(),
        ],
    }
}

fn fitted(swarm: &Swarm, prior: &[f64], options: &LawOptions) -> Vec<FittedLaw> {
    let fitted = options.fit(swarm, prior, &|| ()).unwrap();
    fitted.into_iter().map(|(law, _)| law).collect()
}

#[test]
fn averaged_law_is_the_weighted_sum_in_value_slope_and_hessian() {
    let planted = planted(70, 4, 2, 0.02, 3);
    let prior = planted.prior.weights();
    let LawOptions::Averaged { weights, laws } = average() else {
        panic!("no average");
    };
    let own = fitted(&planted.swarm, prior, &average());
    let parts: Vec<Vec<FittedLaw>> = laws
        .iter()
        .map(|options| fitted(&planted.swarm, prior, options))
        .collect();
    let p = [0.4, 0.3, 0.2, 0.1];
    for (task, law) in own.iter().enumerate() {
        assert_eq!(law.shape(), Shape::Convex);
        let sum = |of: &dyn Fn(&FittedLaw) -> f64| -> f64 {
            (0..2).map(|k| weights[k] * of(&parts[k][task])).sum()
        };
        assert!((law.predict(&p) - sum(&|law| law.predict(&p))).abs() < 1e-14);
        assert!((law.floor() - sum(&FittedLaw::floor)).abs() < 1e-14);
        let slope = |law: &FittedLaw, j: usize| {
            let mut slope = vec![0.0; 4];
            law.add_gradient(&p, 1.0, &mut slope);
            slope[j]
        };
        let hessian = |law: &FittedLaw, i: usize, j: usize| {
            let mut hessian = Curvature::new(4);
            law.curvature(&p, 1.0, &mut hessian);
            hessian.entry(i, j)
        };
        for i in 0..4 {
            assert!((slope(law, i) - sum(&|law| slope(law, i))).abs() < 1e-13);
            for j in 0..4 {
                let expected = sum(&|law| hessian(law, i, j));
                assert!((hessian(law, i, j) - expected).abs() < 1e-12 * (1.0 + expected.abs()));
            }
        }
    }
}

#[test]
fn averaged_laws_are_solved_with_a_certificate() {
    let planted = planted(70, 4, 3, 0.02, 5);
    let prior = planted.prior.weights();
    let laws = fitted(&planted.swarm, prior, &average());
    let problem = ExactProblem {
        domains: planted.swarm.domains(),
        laws: &laws,
        task_weights: &[1.0 / 3.0; 3],
        reference: prior,
        kl_reg: 0.05,
        linear: None,
        terms: None,
        constraints: &Constraints::none(4),
    };
    let solution = solve_exact(&problem).unwrap();
    let gap = solution.duality_gap.unwrap();
    assert!(gap < 1e-8, "{gap}");
    let best = problem.objective(&solution.weights);
    for j in 0..4 {
        let mut p: Vec<f64> = solution.weights.iter().map(|p| 0.99 * p).collect();
        p[j] += 0.01;
        assert!(problem.objective(&p) > best);
    }
}

#[test]
fn averaged_law_survives_its_file_and_wrong_weights_are_refused() {
    let planted = planted(40, 3, 1, 0.02, 6);
    let with_process = LawOptions::Averaged {
        weights: vec![0.6, 0.4],
        laws: vec![
            GaussianProcessOptions::default().into(),
            SaturatingOptions::default().into(),
        ],
    };
    let law = fitted(&planted.swarm, planted.prior.weights(), &with_process).remove(0);
    assert_eq!(law.shape(), Shape::Smooth);
    let text = serde_json::to_string(&law).unwrap();
    let mut read: FittedLaw = serde_json::from_str(&text).unwrap();
    read.share_runs(law.shared_runs().unwrap());
    assert_eq!((read.validate(3), &read), (Ok(()), &law));
    let options = serde_json::to_string(&with_process).unwrap();
    assert_eq!(
        serde_json::from_str::<LawOptions>(&options).unwrap(),
        with_process
    );
    let FittedLaw::Averaged(averaged) = law else {
        panic!("{law:?}");
    };
    let of = |weights: Vec<f64>, laws: Vec<FittedLaw>| {
        FittedLaw::Averaged(Box::new(Averaged { weights, laws })).validate(3)
    };
    let laws = averaged.laws.clone();
    assert!(
        of(vec![0.6, 0.6], laws.clone())
            .unwrap_err()
            .contains("sum to 1.2")
    );
    assert!(
        of(vec![1.0], laws)
            .unwrap_err()
            .contains("1 weights for 2 laws")
    );
    let nested = vec![FittedLaw::Averaged(averaged)];
    assert!(
        of(vec![1.0], nested)
            .unwrap_err()
            .contains("another average")
    );
}

#[test]
fn averaged_laws_of_folds_and_resamples_are_averages_of_those_of_their_parts() {
    let planted = planted(60, 4, 2, 0.05, 8);
    let (swarm, prior) = (&planted.swarm, planted.prior.weights());
    let LawOptions::Averaged { weights, laws } = average() else {
        panic!("no average");
    };
    let predicted = |options: &LawOptions| {
        let found = out_of_fold(swarm, prior, options, 5, 1, &|| ()).unwrap();
        found.unwrap().predictions
    };
    let (own, parts) = (predicted(&average()), [&laws[0], &laws[1]].map(predicted));
    let drawn: Vec<f64> = (0..60).map(|run| f64::from(run % 3)).collect();
    let again = |options: &LawOptions| {
        let laws = fitted(swarm, prior, options);
        let laws = &laws[..];
        Refit {
            options,
            laws,
            prior,
        }
        .laws(swarm, &drawn)
    };
    let (resampled, of_parts) = (again(&average()), [&laws[0], &laws[1]].map(again));
    for run in 0..60 {
        let p = swarm.mixtures().row(run);
        for task in 0..2 {
            let sum = |of: &dyn Fn(usize) -> f64| weights[0] * of(0) + weights[1] * of(1);
            let expected = sum(&|k| parts[k].get(run, task));
            assert!((own.get(run, task) - expected).abs() < 1e-12);
            let expected = sum(&|k| of_parts[k][task].predict(p));
            assert!((resampled[task].predict(p) - expected).abs() < 1e-12);
        }
    }
}

/// Losses with a step where the first domain has more than a third of the data.
fn with_a_step(runs: usize) -> Swarm {
    let mut rng = generator(6, Purpose::Example, 0);
    let mixtures = Matrix::from_fn(runs, 3, |_, _| rng.random::<f64>());
    let sum = |run: usize| -> f64 { mixtures.row(run).iter().sum() };
    let mixtures = Matrix::from_fn(runs, 3, |k, j| mixtures.get(k, j) / sum(k));
    let loss = |p: &[f64]| 3.0 - p[1] * (1.0 - p[1]) - f64::from(u8::from(p[0] > 1.0 / 3.0));
    let losses = Matrix::from_fn(runs, 1, |run, _| loss(mixtures.row(run)));
    swarm(domains(3), mixtures, losses)
}

#[test]
fn automatic_law_says_that_one_that_is_not_convex_is_better_where_the_optimizer_bars_it() {
    let swarm = with_a_step(150);
    let prior = Mixture::new(swarm.domains().clone(), vec![1.0 / 3.0; 3]).unwrap();
    let barred = FitSpec {
        law: LawKind::Auto,
        ..spec(&prior)
    };
    let fitted = fit(&swarm, &barred, &()).unwrap();
    let better = fitted.not_convex.unwrap();
    assert!(better.error < 0.9 * better.own, "{better:?}");
    let warned = FitWarning::BetterNotConvex {
        error: better.own,
        law: better.law,
        other_error: better.error,
    };
    assert!(fitted.warnings(&swarm, &barred).contains(&warned));
    let free = FitSpec {
        optimizer: Some(Optimizer::Local(Local {
            kl_reg: 0.05,
            worst: false,
        })),
        ..barred.clone()
    };
    let fitted = fit(&swarm, &free, &()).unwrap();
    assert!(!fitted.options.as_ref().unwrap().is_convex());
    assert_eq!(fitted.not_convex, None);
}
