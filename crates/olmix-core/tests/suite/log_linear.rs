//! What a log-linear fit promises.

use crate::common::{planted, published};
use olmix_core::law::{DesignMatrix, Law, LogLinear, LogLinearOptions, fit_log_linear, fit_tasks};
use olmix_core::{CoreError, Matrix};
use proptest::prelude::*;

/// Summed Huber loss, written anew.
fn huber_loss(law: &LogLinear, x: &Matrix, y: &[f64], delta: f64) -> f64 {
    (0..x.rows())
        .map(|k| {
            let r = (law.predict(x.row(k)) - y[k]).abs();
            if r <= delta {
                r * r / 2.0
            } else {
                delta * r - delta * delta / 2.0
            }
        })
        .sum()
}

fn uniform(m: usize) -> Vec<f64> {
    vec![1.0 / m as f64; m]
}

#[test]
fn log_linear_law_without_noise_is_recovered_to_a_millionth_in_prediction() {
    for seed in 0..5 {
        let planted = planted(60, 8, 3, 0.0, seed);
        let design = DesignMatrix::new(planted.swarm.mixtures(), &uniform(8)).unwrap();
        let fresh = crate::common::planted(50, 8, 3, 0.0, seed + 100);
        for (task, truth) in planted.laws.iter().enumerate() {
            let y = planted.swarm.losses().column(task);
            let (law, report) = fit_log_linear(&design, &y, LogLinearOptions::default()).unwrap();
            assert!(report.converged);
            for run in 0..fresh.swarm.len() {
                let p = fresh.swarm.mixtures().row(run);
                let error = (law.predict(p) - truth.predict(p)).abs();
                assert!(error < 1e-6, "seed {seed} task {task}: off by {error:e}");
            }
        }
    }
}

#[test]
fn log_linear_fit_is_a_stationary_point_by_finite_differences() {
    for ridge in [0.0, 1e-3] {
        let planted = planted(80, 6, 2, 0.05, 7);
        let x = planted.swarm.mixtures();
        let design = DesignMatrix::new(x, &uniform(6)).unwrap();
        let options = LogLinearOptions {
            ridge,
            ..LogLinearOptions::default()
        };
        for task in 0..2 {
            let y = planted.swarm.losses().column(task);
            let (law, report) = fit_log_linear(&design, &y, options).unwrap();
            let at = |law: &LogLinear| {
                let penalty: f64 = law.t.iter().map(|t| t * t).sum();
                huber_loss(law, x, &y, 0.02) + 0.5 * ridge * penalty
            };
            assert!((huber_loss(&law, x, &y, 0.02) - report.huber).abs() < 1e-12);
            let step = 1e-5;
            for parameter in 0..=6 {
                let moved = |by: f64| {
                    let mut law = law.clone();
                    match parameter {
                        6 => law.log_c += by,
                        j => law.t[j] += by,
                    }
                    at(&law)
                };
                let slope = (moved(step) - moved(-step)) / (2.0 * step);
                assert!(slope.abs() < 1e-6, "parameter {parameter}: slope {slope:e}");
            }
        }
    }
}

#[test]
fn log_linear_gradient_is_its_finite_difference() {
    let law = LogLinear {
        log_c: 0.2,
        t: vec![-1.0, 0.4, -3.0],
    };
    let p = [0.2, 0.5, 0.3];
    let mut gradient = vec![0.0; 3];
    law.add_gradient(&p, 2.0, &mut gradient);
    for j in 0..3 {
        let moved = |by: f64| {
            let mut p = p;
            p[j] += by;
            2.0 * law.predict(&p)
        };
        let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        assert!((gradient[j] - slope).abs() < 1e-8);
    }
}

#[test]
fn log_linear_fit_is_the_same_bits_on_any_number_of_threads() {
    let planted = planted(70, 9, 12, 0.05, 3);
    let design = DesignMatrix::new(planted.swarm.mixtures(), &uniform(9)).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let fit = || {
            fit_tasks(
                &design,
                planted.swarm.losses(),
                LogLinearOptions::default(),
                &|| (),
            )
        };
        pool.install(fit).unwrap()
    };
    let bits = |fitted: Vec<(LogLinear, _)>| -> Vec<u64> {
        let parameters = |(law, _): (LogLinear, olmix_core::law::TaskReport)| {
            let mut all = law.t;
            all.push(law.log_c);
            all
        };
        fitted
            .into_iter()
            .flat_map(parameters)
            .map(f64::to_bits)
            .collect()
    };
    let one = bits(on(1));
    for threads in [2, 3, 8] {
        assert_eq!(one, bits(on(threads)), "{threads} threads");
    }
}

#[test]
fn log_linear_fit_refuses_too_few_runs_with_both_numbers() {
    let planted = planted(8, 8, 1, 0.0, 1);
    let error = DesignMatrix::new(planted.swarm.mixtures(), &uniform(8)).unwrap_err();
    let expected = CoreError::TooFewRuns {
        law: "log_linear",
        runs: 8,
        live: 8,
        needed: 9,
    };
    assert_eq!(error, expected);
    let message = error.to_string();
    assert!(
        message.contains("8 runs") && message.contains("at least 9"),
        "{message}"
    );
}

#[test]
fn log_linear_law_values_an_unsampled_domain_at_the_priors_average() {
    let planted = planted(60, 5, 1, 0.01, 2);
    let wide = Matrix::from_fn(60, 6, |k, j| {
        if j < 5 {
            planted.swarm.mixtures().get(k, j)
        } else {
            0.0
        }
    });
    let prior = [0.1, 0.2, 0.3, 0.1, 0.1, 0.2];
    let y = planted.swarm.losses().column(0);
    let design = DesignMatrix::new(&wide, &prior).unwrap();
    assert_eq!(design.live(), [0, 1, 2, 3, 4]);
    let (law, _) = fit_log_linear(&design, &y, LogLinearOptions::default()).unwrap();
    let average: f64 = (0..5).map(|j| prior[j] * law.t[j]).sum::<f64>() / 0.8;
    assert!((law.t[5] - average).abs() < 1e-12);
}

#[test]
fn log_linear_fit_is_little_moved_by_outliers_beyond_delta() {
    let planted = planted(100, 5, 1, 0.0, 4);
    let mut y = planted.swarm.losses().column(0);
    for k in [3, 40, 77] {
        y[k] += 2.0;
    }
    let design = DesignMatrix::new(planted.swarm.mixtures(), &uniform(5)).unwrap();
    let (law, _) = fit_log_linear(&design, &y, LogLinearOptions::default()).unwrap();
    let p = planted.prior.weights();
    assert!((law.predict(p) - planted.laws[0].predict(p)).abs() < 0.01);
}

/// The reference's 300 restarts of L-BFGS a task, in single precision, on 14 columns.
#[test]
fn log_linear_fit_is_no_worse_than_the_reference_on_any_task() {
    let Some((mixtures, names, losses)) = published("dclm") else {
        return;
    };
    let records = crate::common::data_folder()
        .unwrap()
        .join("olmix/reference_log_linear_fits.jsonl");
    let design = DesignMatrix::new(&mixtures, &uniform(mixtures.columns())).unwrap();
    let mut compared = 0;
    for line in std::fs::read_to_string(records).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let task = usize::try_from(record["idx"].as_u64().unwrap()).unwrap();
        let reference = record["huber"].as_f64().unwrap();
        let y = losses.column(task);
        let (law, report) = fit_log_linear(&design, &y, LogLinearOptions::default()).unwrap();
        let loss = huber_loss(&law, &mixtures, &y, 0.02);
        assert!((loss - report.huber).abs() <= 1e-9 * loss);
        assert!(
            loss <= reference * (1.0 + 1e-6),
            "{}: {loss} against {reference}",
            names[task]
        );
        compared += 1;
    }
    assert_eq!(compared, 14);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The fit is at least as good as the law the data was made with.
    #[test]
    fn a_fit_is_no_worse_than_the_planted_law(
        seed in 0u64..1000, m in 2usize..8, noise in 0.0f64..0.2, delta in 0.005f64..0.2,
    ) {
        let planted = planted(6 * (m + 1), m, 1, noise, seed);
        let x = planted.swarm.mixtures();
        let y = planted.swarm.losses().column(0);
        prop_assume!(y.iter().all(|y| *y >= 0.0));
        let design = DesignMatrix::new(x, &uniform(m)).unwrap();
        let options = LogLinearOptions { huber_delta: delta, ridge: 0.0 };
        let (law, _) = fit_log_linear(&design, &y, options).unwrap();
        let truth = huber_loss(&planted.laws[0], x, &y, delta);
        prop_assert!(huber_loss(&law, x, &y, delta) <= truth * (1.0 + 1e-9) + 1e-12);
    }
}
