//! What `BiMix`, `AutoScale`, Gaussian processes and the choice between laws promise.
//!
//! Over 400 lines: the same promises for each law, side by side.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use crate::common::{planted, spec};
use olmix_core::law::{
    AutoScale, AutoScaleOptions, BiMix, BiMixOptions, Curvature, FittedLaw, GaussianProcessOptions,
    Law, LawOptions, ProcessKernel, Shape,
};
use olmix_core::optimize::{
    Exact, ExactProblem, Local, Optimizer, Simulation, SimulationOptions, Status, solve_exact,
};
use olmix_core::trust::{CandidateScore, TIE};
use olmix_core::{
    Constraints, FitSpec, FitWarning, LawKind, Matrix, Oracle, Purpose, Ridge, fit, generator,
};
use rand::RngExt;

const TOKENS: f64 = 1e9;

/// Laws of each kind that has parameters one can write down, over `m` domains.
fn written(m: usize) -> Vec<FittedLaw> {
    let mut rng = generator(3, Purpose::Example, 5);
    let mut unit = |low: f64, high: f64| -> Vec<f64> {
        (0..m)
            .map(|_| low + (high - low) * rng.random::<f64>())
            .collect()
    };
    vec![
        BiMix {
            f: unit(0.05, 0.3),
            alpha: unit(0.05, 0.4),
            epsilon: 1e-12,
        }
        .into(),
        AutoScale {
            c: 0.4,
            a: unit(0.01, 0.2),
            gamma: unit(0.05, 0.12),
            tokens: TOKENS,
        }
        .into(),
    ]
}

fn every_options() -> Vec<LawOptions> {
    let spec = FitSpec {
        target_tokens: Some(TOKENS),
        ..FitSpec::new(planted(3, 2, 1, 0.0, 1).prior)
    };
    spec.every_law()
        .into_iter()
        .map(|(_, options)| options)
        .collect()
}

#[test]
fn law_gradients_and_hessians_of_planted_coefficients_are_those_of_finite_differences() {
    let planted = planted(60, 5, 2, 0.02, 9);
    let swarm = &planted.swarm;
    let mut laws = written(5);
    let process = LawOptions::Gp(GaussianProcessOptions::default());
    let fitted = process.fit(swarm, planted.prior.weights(), &|| ()).unwrap();
    laws.extend(fitted.into_iter().map(|(law, _)| law));
    let p = [0.3, 0.25, 0.2, 0.15, 0.1];
    for law in &laws {
        let slope_at = |p: &[f64]| {
            let mut slope = vec![0.0; 5];
            law.add_gradient(p, 1.0, &mut slope);
            slope
        };
        let moved = |j: usize, h: f64| {
            let mut p = p.to_vec();
            p[j] += h;
            p
        };
        let slope = slope_at(&p);
        let mut hessian = Curvature::new(5);
        law.curvature(&p, 1.0, &mut hessian);
        assert!(hessian.heights().is_empty());
        for (j, slope) in slope.iter().enumerate() {
            let difference = (law.predict(&moved(j, 1e-5)) - law.predict(&moved(j, -1e-5))) / 2e-5;
            assert!(
                (slope - difference).abs() < 1e-6 * (1.0 + slope.abs()),
                "{law:?}"
            );
            if law.shape() == Shape::Convex {
                let bend = (slope_at(&moved(j, 1e-5))[j] - slope_at(&moved(j, -1e-5))[j]) / 2e-5;
                assert!(
                    (hessian.diagonal[j] - bend).abs() < 1e-5 * (1.0 + bend.abs()),
                    "{law:?}"
                );
            }
        }
    }
}

#[test]
fn bimix_and_autoscale_without_noise_are_recovered_in_their_predictions() {
    let planted = planted(90, 4, 1, 0.0, 12);
    let x = planted.swarm.mixtures();
    let truths = written(4);
    let y = Matrix::from_fn(90, truths.len(), |k, i| truths[i].predict(x.row(k)));
    let live: Vec<usize> = (0..4).collect();
    let bimix = BiMixOptions::default()
        .fit_tasks(x, &live, &y, &|| ())
        .unwrap();
    let autoscale = AutoScaleOptions {
        tokens: TOKENS,
        thorough: true,
    };
    let autoscale = autoscale.fit_tasks(x, &live, &y, &|| ()).unwrap();
    let fresh = crate::common::planted(30, 4, 1, 0.0, 77);
    for k in 0..30 {
        let p = fresh.swarm.mixtures().row(k);
        for (own, truth) in [
            (bimix[0].0.predict(p), truths[0].predict(p)),
            (autoscale[1].0.predict(p), truths[1].predict(p)),
        ] {
            assert!((own - truth).abs() < 1e-4, "{own} for {truth}");
        }
    }
    // Half the sum of squares is reported.
    assert!(bimix[0].1.huber < 1e-9 && autoscale[1].1.huber < 1e-9);
}

/// `sklearn.gaussian_process` 1.9.1 with `ConstantKernel(1, (1e-3, 1e3)) * RBF(1, (1e-2, 1e2)) +
/// WhiteKernel(0.1, (1e-5, 10))`, 10 restarts, normalized targets, on the data that the test makes.
#[test]
fn gaussian_process_is_as_likely_as_that_of_scikit_learn() {
    let wave = |k: usize| {
        let t = k as f64 / 11.0;
        let p = [0.2 + 0.6 * t, 0.8 - 0.6 * t];
        (p, (7.0 * p[0]).sin() + 0.1 * (37.0 * t).cos() + 2.0)
    };
    let x = Matrix::from_fn(12, 2, |k, j| wave(k).0[j]);
    let y = Matrix::from_fn(12, 1, |k, _| wave(k).1);
    let isotropic = GaussianProcessOptions {
        kernel: ProcessKernel::Isotropic,
    };
    let fitted = isotropic.fit_tasks(&x, &[0, 1], &y, &|| ());
    let (law, _) = fitted.unwrap().remove(0);
    println!(
        "{} {} {:?} {} {} {}",
        law.log_likelihood,
        law.constant,
        law.kernel,
        law.noise,
        law.predict(&[0.47, 0.53]),
        law.variance(&[0.47, 0.53])
    );
    assert!(
        law.log_likelihood > GOLDEN.0 - 1e-6,
        "{}",
        law.log_likelihood
    );
    let apart = (law.predict(&[0.47, 0.53]) - GOLDEN.1).abs();
    assert!(apart < 1e-4 * GOLDEN.1, "{}", law.predict(&[0.47, 0.53]));
    let variance = law.variance(&[0.47, 0.53]);
    assert!((variance - GOLDEN.2).abs() < 1e-2 * GOLDEN.2, "{variance}");
    // Far from every run it knows as little as the kernel says.
    let far = law.variance(&[9.0, -8.0]);
    assert!((far - law.constant * law.sd * law.sd).abs() < 1e-9);
}

/// Log likelihood, prediction and variance without noise at (0.47, 0.53).
const GOLDEN: (f64, f64, f64) = (-0.391_945_020_9, 1.855_150_009_3, 0.001_786_412_4);

#[test]
fn every_law_is_fitted_checked_solved_and_resampled_and_the_same_on_any_number_of_threads() {
    let planted = planted(80, 4, 3, 0.02, 21);
    for options in every_options() {
        let kind = LawKind::FITTED
            .iter()
            .copied()
            .find(|kind| kind.name() == options.name())
            .unwrap();
        let spec = FitSpec {
            law: kind,
            folds: 3,
            bootstrap: 3,
            target_tokens: Some(TOKENS),
            optimizer: Some(if options.is_convex() {
                Optimizer::Exact(Exact {
                    kl_reg: 0.05,
                    worst: false,
                })
            } else {
                Optimizer::Local(Local {
                    kl_reg: 0.05,
                    worst: false,
                })
            }),
            ..spec(&planted.prior)
        };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| fit(&planted.swarm, &spec, &()).unwrap())
        };
        let (one, three) = (run(1), run(3));
        assert_eq!(one.laws, three.laws, "{kind:?}");
        let (one, three) = (one.proposal.unwrap(), three.proposal.unwrap());
        assert_eq!(one.mixture, three.mixture, "{kind:?}");
        assert_eq!(one.bootstrap, three.bootstrap, "{kind:?}");
        assert!(
            one.predicted_average <= one.natural_average.unwrap() + 1e-9,
            "{kind:?}"
        );
        if options.is_convex() {
            assert_eq!(one.solution.status, Status::Optimal, "{kind:?}");
        }
    }
}

#[test]
fn a_local_search_finds_the_optimum_of_a_convex_law_under_caps_and_groups() {
    let laws = written(6);
    let domains = crate::common::domains(6);
    let mut constraints = Constraints::none(6);
    constraints.caps = Some(vec![0.25; 6]);
    constraints.lower[5] = 0.02;
    let problem = ExactProblem {
        domains: &domains,
        laws: &laws,
        task_weights: &[0.5, 0.5],
        reference: &[0.3, 0.2, 0.2, 0.1, 0.1, 0.1],
        kl_reg: 0.02,
        linear: None,
        terms: None,
        constraints: &constraints,
    };
    let exact = solve_exact(&problem).unwrap();
    let starts = [
        vec![0.25, 0.25, 0.2, 0.2, 0.08, 0.02],
        vec![0.0, 0.2, 0.2, 0.2, 0.2, 0.2],
    ];
    let found = olmix_core::optimize::local(&problem, &starts, false).unwrap();
    assert!(found.objective - exact.objective < 1e-6);
    assert!(constraints.violation(&found.weights) < 1e-9);
}

#[test]
fn a_local_search_over_trees_is_no_worse_than_the_simulation_it_starts_from() {
    let planted = planted(120, 4, 2, 0.01, 33);
    let with = |optimizer| FitSpec {
        law: LawKind::LightGbm,
        optimizer: Some(optimizer),
        ..spec(&planted.prior)
    };
    let local = with(Optimizer::Local(Local {
        kl_reg: 0.0,
        worst: false,
    }));
    let simulated = with(Optimizer::Simulation(Simulation {
        options: SimulationOptions::coarse(),
        worst: false,
    }));
    let loss = |spec: &FitSpec| {
        let fitted = fit(&planted.swarm, spec, &()).unwrap();
        fitted.proposal.unwrap().predicted_average
    };
    assert!(loss(&local) <= loss(&simulated) + 1e-12);
}

#[test]
fn automatic_law_is_the_simplest_of_those_with_the_least_error() {
    // Losses follow log-linear laws: no other law can be better by more than noise.
    let planted = planted(300, 4, 3, 0.005, 41);
    let spec = FitSpec {
        law: LawKind::Auto,
        folds: 4,
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    let chosen = fitted.options.clone().unwrap();
    assert_eq!(chosen.name(), "log_linear");
    let least = fitted
        .candidates
        .iter()
        .map(CandidateScore::error)
        .fold(f64::INFINITY, f64::min);
    let own = fitted
        .candidates
        .iter()
        .find(|t| t.options == chosen)
        .unwrap();
    assert!(own.error() <= least * (1.0 + TIE));
    assert_eq!(fitted.out_of_fold.unwrap().average.rmse, own.average);

    let per_task = FitSpec {
        law_per_task: true,
        ..spec
    };
    let fitted = fit(&planted.swarm, &per_task, &()).unwrap();
    let Some(LawOptions::PerTask { tasks }) = fitted.options else {
        unreachable!("a law for each task was asked for")
    };
    assert_eq!(tasks.len(), 3);
    assert_eq!(fitted.laws.len(), 3);
}

#[test]
fn fit_warns_of_a_law_far_worse_than_another_by_name() {
    // Ten noisy runs a coefficient are few enough for an unpenalized law to fail somewhere.
    let planted = planted(26, 20, 3, 0.05, 8);
    let spec = FitSpec {
        ridge: Some(Ridge::Fixed(0.0)),
        folds: 5,
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    let own = fitted.out_of_fold.as_ref().unwrap().average.rmse;
    let rival = &fitted.alternatives[0];
    assert!(
        own > 1.5 * rival.average.rmse,
        "{own} against {}",
        rival.average.rmse
    );
    let warnings = fitted.warnings(&planted.swarm, &spec);
    let outdone = FitWarning::Outdone {
        rmse: own,
        law: "saturating",
        other_rmse: rival.average.rmse,
    };
    assert!(warnings.contains(&outdone), "{warnings:?}");
}

#[test]
fn kl_strength_from_data_is_larger_for_noisier_laws() {
    let chosen = |noise: f64| {
        let planted = planted(60, 6, 4, noise, 17);
        let spec = FitSpec {
            choose_kl: true,
            ..spec(&planted.prior)
        };
        let fitted = fit(&planted.swarm, &spec, &()).unwrap();
        let choice = fitted.kl.unwrap();
        assert_eq!(fitted.optimizer.unwrap().kl_reg(), Some(choice.kl_reg()));
        (choice.kl_reg(), choice.optimism())
    };
    let (sure, sure_optimism) = chosen(1e-4);
    let (noisy, noisy_optimism) = chosen(0.3);
    assert!(sure < noisy, "{sure} and {noisy}");
    assert!(sure_optimism.abs() < 0.001, "{sure_optimism}");
    assert!(noisy_optimism > 0.005, "{noisy_optimism}");
}

#[test]
fn oracle_trains_mixtures_with_noise_of_the_size_that_was_measured() {
    let noise = 0.03;
    let planted = planted(400, 4, 2, noise, 51);
    let options = LawOptions::LogLinear(olmix_core::law::LogLinearOptions::default());
    let oracle = Oracle::new(&planted.swarm, planted.prior.weights(), &options).unwrap();
    let mixture = vec![0.4, 0.3, 0.2, 0.1];
    let trained = oracle.train(&vec![mixture.clone(); 2000], 5).unwrap();
    let truth = oracle.laws()[0].predict(&mixture);
    let errors = trained.losses().column(0).into_iter().map(|y| y - truth);
    let squares: f64 = errors.map(|e| e * e).sum::<f64>() / 2000.0;
    assert!(
        (squares.sqrt() / noise - 1.0).abs() < 0.1,
        "{}",
        squares.sqrt()
    );
    assert_eq!(trained, oracle.train(&vec![mixture; 2000], 5).unwrap());
    assert!(oracle.train(&[vec![1.0]], 5).is_err());
}

/// `scipy.optimize.least_squares` 1.17 from the reference implementation's starts, on the data that
/// the test makes: half the sum of squares.
#[test]
fn bimix_and_autoscale_sums_of_squares_are_no_higher_than_those_of_scipy() {
    let row = |k: usize| {
        let t = k as f64 / 15.0;
        let rest = 0.3 * ((k * 7) % 16) as f64 / 16.0;
        let p = [0.05 + 0.6 * t, 0.95 - 0.6 * t - rest, rest];
        let y = 1.2 + 0.4 * (-3.0 * p[0]).exp() + 0.3 * (-5.0 * p[2]).exp();
        (p, y + 0.02 * (9.0 * k as f64).sin())
    };
    let x = Matrix::from_fn(16, 3, |k, j| row(k).0[j]);
    let y = Matrix::from_fn(16, 1, |k, _| row(k).1);
    let live = [0, 1, 2];
    let bimix = BiMixOptions::default().fit_tasks(&x, &live, &y, &|| ());
    let autoscale = AutoScaleOptions {
        tokens: TOKENS,
        thorough: true,
    };
    let autoscale = autoscale.fit_tasks(&x, &live, &y, &|| ());
    let (bimix, autoscale) = (bimix.unwrap()[0].1.huber, autoscale.unwrap()[0].1.huber);
    println!("{bimix} {autoscale}");
    assert!(bimix <= SCIPY.0 * (1.0 + 1e-6), "{bimix}");
    assert!(autoscale <= SCIPY.1 * (1.0 + 1e-6), "{autoscale}");
}

/// Of `BiMix` and of `AutoScale`.
const SCIPY: (f64, f64) = (0.036_321_907_188, 0.052_842_559_370);

#[test]
fn fit_warns_of_a_gain_that_another_law_does_not_see() {
    // Losses that saturate: the log-linear law is about as good among the runs, and off elsewhere.
    let planted = planted(60, 5, 2, 0.01, 61);
    let with = |share: f64| FitSpec {
        ridge: Some(Ridge::Fixed(share)),
        folds: 5,
        ..spec(&planted.prior)
    };
    let told = |spec: &FitSpec, change: f64| {
        let mut fitted = fit(&planted.swarm, spec, &()).unwrap();
        // The rival sees every loss higher by this much.
        for rival in &mut fitted.alternatives {
            rival.average.rmse = fitted.out_of_fold.as_ref().unwrap().average.rmse;
            rival.laws = (fitted.laws.iter())
                .map(|law| {
                    let FittedLaw::LogLinear(law) = law else {
                        unreachable!("log-linear laws were fitted")
                    };
                    let mut law = law.clone();
                    law.log_c = (law.log_c.exp() + change).ln();
                    law.into()
                })
                .collect();
        }
        let warnings = fitted.warnings(&planted.swarm, spec);
        let not_established = |w: &FitWarning| matches!(w, FitWarning::GainNotEstablished { .. });
        let found = warnings.into_iter().find(not_established);
        let proposal = fitted.proposal.unwrap();
        let gain = proposal.natural_average.unwrap() - proposal.predicted_average;
        (found, gain)
    };
    let spec = with(1e-5);
    let (nothing, gain) = told(&spec, 0.0);
    assert_eq!(nothing, None);
    assert_eq!(told(&spec, 0.9 * gain).0, None);
    let Some(FitWarning::GainNotEstablished {
        claimed,
        other,
        own,
        nearest_run,
        distance,
        ..
    }) = told(&spec, 1.1 * gain).0
    else {
        unreachable!("the rival sees a difference larger than the gain")
    };
    assert!((claimed - gain).abs() < 1e-12 && other - own > claimed);
    assert!(planted.swarm.runs().contains(&nearest_run) && (0.0..1.0).contains(&distance));
}
