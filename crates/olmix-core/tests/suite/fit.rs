//! What a fit promises from start to end: from a swarm to laws, trust in them, and a mixture.
//!
//! Over 400 lines: the stages of one fit, tested on the same planted swarms.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use std::sync::Mutex;

use crate::common::{Planted, planted, spec};
use olmix_core::law::RIDGE_GRID;
use olmix_core::law::{DesignMatrix, Law, LawOptions, LogLinearOptions, average_loss, fit_tasks};
use olmix_core::optimize::{Exact, Optimizer, Search, Simulation, SimulationOptions, Status};
use olmix_core::trust::CandidateScore;
use olmix_core::{
    CoreError, DeadDomains, FitSpec, FitStage, FitWarning, LawKind, Matrix, Observer, Ridge, fit,
    kl_divergence,
};

/// A planted swarm that never sampled domain `dead`.
fn with_dead_domain(dead: usize) -> Planted {
    let mut planted = planted(60, 6, 3, 0.01, 4);
    let old = planted.swarm.mixtures();
    let mixtures = Matrix::from_fn(60, 6, |i, j| {
        if j == dead {
            0.0
        } else {
            old.get(i, j) / (1.0 - old.get(i, dead))
        }
    });
    let losses = Matrix::from_fn(60, 3, |i, task| planted.laws[task].predict(mixtures.row(i)));
    planted.swarm = crate::common::swarm(planted.swarm.domains().clone(), mixtures, losses);
    planted
}

#[test]
fn fit_refuses_a_domain_that_no_run_sampled_by_name() {
    let planted = with_dead_domain(2);
    let error = fit(&planted.swarm, &spec(&planted.prior), &()).unwrap_err();
    assert_eq!(error, CoreError::DeadDomains(vec!["d2".into()]));
}

#[test]
fn fit_holds_a_domain_that_no_run_sampled_at_its_natural_share_when_asked() {
    let planted = with_dead_domain(2);
    let spec = FitSpec {
        dead_domains: DeadDomains::Hold,
        bootstrap: 10,
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    assert_eq!(fitted.dead, [2]);
    let proposal = fitted.proposal.unwrap();
    let share = planted.prior.weights()[2];
    assert!((proposal.mixture.weights()[2] - share).abs() < 1e-12);
    // The law of the others is not disturbed by it: the truth without noise comes back.
    for (law, truth) in fitted.laws.iter().zip(&planted.laws) {
        for run in 0..planted.swarm.len() {
            let p = planted.swarm.mixtures().row(run);
            assert!((law.predict(p) - truth.predict(p)).abs() < 1e-6);
        }
    }
    // Every resample holds it too.
    let held = proposal.bootstrap.unwrap().weights[2];
    assert!((held.low - share).abs() < 1e-9 && (held.high - share).abs() < 1e-9);
}

#[test]
fn fit_holds_an_unsampled_domain_no_higher_than_its_cap() {
    let planted = with_dead_domain(2);
    let mut spec = FitSpec {
        dead_domains: DeadDomains::Hold,
        ..spec(&planted.prior)
    };
    spec.constraints.caps = Some(vec![1.0, 1.0, 0.01, 1.0, 1.0, 1.0]);
    let proposal = fit(&planted.swarm, &spec, &()).unwrap().proposal.unwrap();
    assert!((proposal.mixture.weights()[2] - 0.01).abs() < 1e-12);
}

#[test]
fn fit_refuses_too_few_runs_with_both_numbers() {
    let planted = planted(6, 6, 2, 0.01, 4);
    let error = fit(&planted.swarm, &spec(&planted.prior), &()).unwrap_err();
    let expected = CoreError::TooFewRuns {
        law: "log_linear",
        runs: 6,
        live: 6,
        needed: 7,
    };
    assert_eq!(error, expected);
    let message = error.to_string();
    assert!(message.contains("6 runs") && message.contains("at least 7"));
}

#[test]
fn automatic_ridge_has_the_least_out_of_fold_error_of_the_grid() {
    let planted = planted(24, 10, 4, 0.05, 8);
    let spec = FitSpec {
        ridge: Some(Ridge::Auto),
        folds: 4,
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    let ridge = |options: &LawOptions| match options {
        LawOptions::LogLinear(options) => options.ridge,
        other => panic!("{other:?} is not log-linear"),
    };
    let tried: Vec<f64> = fitted
        .candidates
        .iter()
        .map(|t| ridge(&t.options))
        .collect();
    assert_eq!(tried, RIDGE_GRID);
    let errors = fitted.candidates.iter().map(CandidateScore::error);
    let least = errors.fold(f64::INFINITY, f64::min);
    let chosen = fitted.options.unwrap();
    assert!(
        ridge(&chosen) > 0.0,
        "with 2 noisy runs a coefficient some ridge helps"
    );
    let best = fitted
        .candidates
        .iter()
        .find(|t| t.options == chosen)
        .unwrap();
    assert_eq!(best.error(), least);
    // The out-of-fold check is made with the ridge chosen, on the same folds.
    assert_eq!(fitted.out_of_fold.unwrap().average.rmse, best.average);
}

#[test]
fn out_of_fold_predictions_are_those_of_laws_that_never_saw_the_run() {
    let planted = planted(40, 5, 2, 0.02, 12);
    let spec = FitSpec {
        folds: 5,
        ..spec(&planted.prior)
    };
    let checked = fit(&planted.swarm, &spec, &())
        .unwrap()
        .out_of_fold
        .unwrap();
    for fold in 0..5 {
        let (test, train): (Vec<usize>, Vec<usize>) =
            (0..40).partition(|&run| checked.fold_of[run] == fold);
        assert_eq!(test.len(), 8);
        let part = planted.swarm.subset(&train);
        let design = DesignMatrix::new(part.mixtures(), planted.prior.weights()).unwrap();
        let laws = fit_tasks(&design, part.losses(), LogLinearOptions::default(), &|| ()).unwrap();
        for &run in &test {
            for (task, (law, _)) in laws.iter().enumerate() {
                let expected = law.predict(planted.swarm.mixtures().row(run));
                assert_eq!(checked.predictions.get(run, task), expected);
            }
        }
    }
}

#[test]
fn out_of_fold_check_names_a_task_of_noise_as_no_better_than_its_mean() {
    let planted = planted(40, 5, 2, 0.01, 13);
    // The second task is noise: the losses of the first, in an order that has nothing to do with
    // the mixtures.
    let losses = Matrix::from_fn(40, 2, |i, task| {
        let run = if task == 0 { i } else { (i * 17 + 5) % 40 };
        planted.swarm.losses().get(run, 0)
    });
    let swarm = crate::common::swarm(
        planted.swarm.domains().clone(),
        planted.swarm.mixtures().clone(),
        losses,
    );
    let spec = FitSpec {
        folds: 5,
        ..spec(&planted.prior)
    };
    let checked = fit(&swarm, &spec, &()).unwrap().out_of_fold.unwrap();
    assert_eq!(checked.no_better_than_mean, [1]);
}

#[test]
fn held_out_runs_take_no_part_in_the_fit_and_stop_the_proposal() {
    let planted = planted(50, 5, 2, 0.02, 14);
    let spec = FitSpec {
        n_test: 10,
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    assert!(fitted.proposal.is_none());
    let held_out = fitted.held_out.unwrap();
    assert_eq!((fitted.train.len(), held_out.runs.len()), (40, 10));
    let part = planted.swarm.subset(&fitted.train);
    assert!(held_out.runs.iter().all(|run| !part.runs().contains(run)));
    let design = DesignMatrix::new(part.mixtures(), planted.prior.weights()).unwrap();
    let laws = fit_tasks(&design, part.losses(), LogLinearOptions::default(), &|| ()).unwrap();
    for (row, name) in held_out.runs.iter().enumerate() {
        let run = planted
            .swarm
            .runs()
            .iter()
            .position(|other| other == name)
            .unwrap();
        let expected = laws[1].0.predict(planted.swarm.mixtures().row(run));
        assert_eq!(held_out.predictions.get(row, 1), expected);
        assert_eq!(
            held_out.measured.get(row, 1),
            planted.swarm.losses().get(run, 1)
        );
    }
}

#[test]
fn training_split_draws_that_many_runs_by_the_seed() {
    let planted = planted(50, 5, 2, 0.02, 15);
    let with = |train_runs, seed| {
        let spec = FitSpec {
            train_runs: Some(train_runs),
            seed,
            ..spec(&planted.prior)
        };
        fit(&planted.swarm, &spec, &()).map(|fitted| fitted.train)
    };
    let first = with(20, 1).unwrap();
    assert_eq!(first.len(), 20);
    assert!(first.is_sorted() && first == with(20, 1).unwrap());
    assert_ne!(first, with(20, 2).unwrap());
    let refused = CoreError::TooManyTrained {
        asked: 51,
        left: 50,
    };
    assert_eq!(with(51, 1), Err(refused));
}

#[test]
fn simulation_comes_close_to_the_exact_mixture_and_keeps_the_caps() {
    let planted = planted(60, 6, 4, 0.01, 16);
    let mut exact = spec(&planted.prior);
    exact.constraints.caps = Some(vec![0.3, 0.25, 0.3, 0.4, 0.5, 0.35]);
    exact.optimizer = Some(Optimizer::Exact(Exact {
        kl_reg: 0.0,
        worst: false,
    }));
    let simulated = FitSpec {
        optimizer: Some(Optimizer::Simulation(Simulation {
            options: SimulationOptions {
                samples: 20_000,
                ..SimulationOptions::default()
            },
            worst: false,
        })),
        ..exact.clone()
    };
    let best = fit(&planted.swarm, &exact, &()).unwrap().proposal.unwrap();
    let found = fit(&planted.swarm, &simulated, &())
        .unwrap()
        .proposal
        .unwrap();
    assert_eq!(found.solution.status, Status::BestCandidate);
    assert!(exact.constraints.violation(found.mixture.weights()) < 1e-9);
    let natural = best.natural_average.unwrap();
    let share = (natural - found.predicted_average) / (natural - best.predicted_average);
    assert!(
        share > 0.97 && share <= 1.0,
        "share of the exact gain: {share}"
    );
}

#[test]
fn search_proposes_the_best_observed_run_that_is_feasible() {
    let planted = planted(40, 5, 3, 0.02, 17);
    let mut spec = FitSpec {
        law: LawKind::Search,
        optimizer: Some(Optimizer::Search(Search { worst: false })),
        ..spec(&planted.prior)
    };
    spec.constraints.upper = vec![0.5; 5];
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    assert!(fitted.laws.is_empty());
    let proposal = fitted.proposal.unwrap();
    let average = |run: usize| planted.swarm.losses().row(run).iter().sum::<f64>() / 3.0;
    let feasible = |run: &usize| planted.swarm.mixtures().row(*run).iter().all(|p| *p <= 0.5);
    let best = (0..40)
        .filter(feasible)
        .min_by(|&a, &b| average(a).total_cmp(&average(b)))
        .unwrap();
    assert_eq!(proposal.solution.run, Some(best));
    assert!((proposal.predicted_average - average(best)).abs() < 1e-12);
}

#[test]
fn the_worst_mixture_is_predicted_worse_than_the_natural_and_every_observed_one() {
    let planted = planted(60, 5, 3, 0.01, 18);
    let spec = FitSpec {
        optimizer: Some(Optimizer::Exact(Exact {
            kl_reg: 0.0,
            worst: true,
        })),
        ..spec(&planted.prior)
    };
    let fitted = fit(&planted.swarm, &spec, &()).unwrap();
    let shares = planted.swarm.task_weights();
    let worst = fitted.proposal.as_ref().unwrap().predicted_average;
    assert!(worst > fitted.average_loss(&shares, planted.prior.weights()));
    for run in 0..60 {
        assert!(worst >= fitted.average_loss(&shares, planted.swarm.mixtures().row(run)) - 1e-9);
    }
}

#[test]
fn a_strong_kl_term_pulls_to_the_reference_given_not_to_the_prior() {
    let planted = planted(60, 4, 2, 0.01, 19);
    let spec = FitSpec {
        kl_reference: Some(vec![2.0, 1.0, 0.5, 0.5]),
        optimizer: Some(Optimizer::Exact(Exact {
            kl_reg: 1e4,
            worst: false,
        })),
        ..spec(&planted.prior)
    };
    let proposal = fit(&planted.swarm, &spec, &()).unwrap().proposal.unwrap();
    for (p, expected) in proposal
        .mixture
        .weights()
        .iter()
        .zip([0.5, 0.25, 0.125, 0.125])
    {
        assert!((p - expected).abs() < 1e-3, "{p} {expected}");
    }
    let kl = kl_divergence(proposal.mixture.weights(), &[2.0, 1.0, 0.5, 0.5]);
    assert!((proposal.solution.kl - kl).abs() < 1e-12);
}

#[test]
fn the_proposal_beats_the_natural_distribution_by_the_true_laws() {
    let planted = planted(60, 6, 4, 0.02, 20);
    let proposal = fit(&planted.swarm, &spec(&planted.prior), &())
        .unwrap()
        .proposal
        .unwrap();
    let shares = planted.swarm.task_weights();
    let true_loss = |p: &[f64]| average_loss(&planted.laws, &shares, p);
    assert!(true_loss(proposal.mixture.weights()) < true_loss(planted.prior.weights()));
}

/// Notes what it is told.
#[derive(Default)]
struct Notes(Mutex<Vec<(FitStage, usize, usize)>>);

impl Observer for Notes {
    fn stage(&self, stage: FitStage, steps: usize) {
        self.0.lock().unwrap().push((stage, steps, 0));
    }

    fn step(&self) {
        self.0.lock().unwrap().last_mut().unwrap().2 += 1;
    }
}

#[test]
fn fit_progress_makes_the_steps_that_each_stage_announced() {
    let planted = planted(40, 5, 3, 0.02, 21);
    for optimizer in [
        Optimizer::Exact(Exact {
            kl_reg: 0.05,
            worst: false,
        }),
        Optimizer::Simulation(Simulation {
            options: SimulationOptions {
                rounds: 3,
                samples: 2_500,
                temperature: Some(0.5),
            },
            worst: false,
        }),
    ] {
        let notes = Notes::default();
        let spec = FitSpec {
            ridge: Some(Ridge::Auto),
            folds: 4,
            bootstrap: 7,
            optimizer: Some(optimizer),
            ..spec(&planted.prior)
        };
        fit(&planted.swarm, &spec, &notes).unwrap();
        let notes = notes.0.into_inner().unwrap();
        let stages: Vec<FitStage> = notes.iter().map(|(stage, ..)| *stage).collect();
        let order = [
            FitStage::Choice,
            FitStage::Laws,
            FitStage::OutOfFold,
            FitStage::Solve,
            FitStage::Bootstrap,
        ];
        assert_eq!(stages, order);
        for (stage, announced, made) in notes {
            assert_eq!(announced, made, "{stage:?}");
        }
    }
}

#[test]
fn a_fit_is_the_same_bits_on_any_number_of_threads() {
    let planted = planted(60, 8, 7, 0.02, 22);
    let on = |threads: usize| {
        let spec = FitSpec {
            ridge: Some(Ridge::Auto),
            folds: 4,
            bootstrap: 20,
            ..spec(&planted.prior)
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let fitted = pool.install(|| fit(&planted.swarm, &spec, &())).unwrap();
        let proposal = fitted.proposal.unwrap();
        (
            fitted.laws,
            fitted.out_of_fold,
            proposal.solution,
            proposal.bootstrap,
        )
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5));
}

fn warnings(swarm: &olmix_core::Swarm, spec: &FitSpec) -> Vec<FitWarning> {
    fit(swarm, spec, &()).unwrap().warnings(swarm, spec)
}

#[test]
fn fit_of_a_sound_swarm_has_no_warnings() {
    let planted = planted(60, 5, 3, 0.01, 23);
    let spec = FitSpec {
        folds: 5,
        bootstrap: 10,
        ..spec(&planted.prior)
    };
    assert!(warnings(&planted.swarm, &spec).is_empty());
}

#[test]
fn fit_warns_of_directions_in_which_runs_do_not_vary() {
    let planted = planted(40, 5, 2, 0.01, 24);
    // The last two domains always go together, three to one.
    let old = planted.swarm.mixtures();
    let mixtures = Matrix::from_fn(40, 5, |i, j| match j {
        3 => 0.75 * (old.get(i, 3) + old.get(i, 4)),
        4 => 0.25 * (old.get(i, 3) + old.get(i, 4)),
        _ => old.get(i, j),
    });
    let swarm = crate::common::swarm(
        planted.swarm.domains().clone(),
        mixtures,
        planted.swarm.losses().clone(),
    );
    let warnings = warnings(&swarm, &spec(&planted.prior));
    let undetermined = FitWarning::Undetermined {
        directions: 1,
        of: 5,
    };
    assert!(warnings.contains(&undetermined), "{warnings:?}");
}

#[test]
fn fit_warns_when_no_fold_determines_the_laws() {
    let planted = planted(6, 5, 2, 0.0, 25);
    let spec = FitSpec {
        folds: 5,
        ..spec(&planted.prior)
    };
    let warnings = warnings(&planted.swarm, &spec);
    let not_checked = FitWarning::NotChecked { runs: 6 };
    assert!(warnings.contains(&not_checked), "{warnings:?}");
}

#[test]
fn fit_refuses_a_swarm_of_one_mixture() {
    let planted = planted(40, 5, 2, 0.01, 26);
    let first = planted.swarm.mixtures().row(0).to_vec();
    let swarm = crate::common::swarm(
        planted.swarm.domains().clone(),
        Matrix::from_fn(40, 5, |_, j| first[j]),
        planted.swarm.losses().clone(),
    );
    let error = fit(&swarm, &spec(&planted.prior), &()).unwrap_err();
    assert_eq!(error, CoreError::NoVariation(40));
}
