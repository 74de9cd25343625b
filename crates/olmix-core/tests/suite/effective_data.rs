//! The law of effective data, against finite differences, an objective of its own, planted laws and an independent solver.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

use olmix_core::law::{
    Curvature, EffectiveData, EffectiveDataOptions, FittedLaw, Law, LawOptions, SaturatingOptions,
};
use olmix_core::optimize::{ExactProblem, Status, solve_exact};
use olmix_core::trust::{CandidateScore, choice_error, out_of_fold, regions};
use olmix_core::{Constraints, Direction, DomainSet, Matrix, Purpose, Swarm, Task, generator};
use rand::RngExt;

/// Mixtures (`runs × m`), every third without its first domain.
fn mixtures(runs: usize, m: usize, seed: u64) -> Matrix {
    let mut rng = generator(seed, Purpose::Example, 0);
    let draw = |k: usize, j: usize, u: f64| {
        if k.is_multiple_of(3) && j == 0 {
            0.0
        } else {
            -u.ln()
        }
    };
    let rows: Vec<Vec<f64>> = (0..runs)
        .map(|k| {
            let row: Vec<f64> = (0..m).map(|j| draw(k, j, rng.random::<f64>())).collect();
            let sum: f64 = row.iter().sum();
            row.iter().map(|p| p / sum).collect()
        })
        .collect();
    Matrix::from_fn(runs, m, |k, j| rows[k][j])
}

/// A law over `m` domains with substitutes and competition.
fn law(m: usize, seed: u64) -> EffectiveData {
    let mut rng = generator(seed, Purpose::Example, 1);
    let mut vector = |low: f64, high: f64| -> Vec<f64> {
        (0..m)
            .map(|_| low + (high - low) * rng.random::<f64>())
            .collect()
    };
    EffectiveData {
        log_c: 1.5f64.ln(),
        level: 0.4,
        power: 0.55,
        kappa: 1.3,
        v: vector(0.0, 3.0),
        u: vector(-0.5, 0.5),
    }
}

fn swarm(mixtures: &Matrix, laws: &[EffectiveData], noise: f64, seed: u64) -> Swarm {
    let mut rng = generator(seed, Purpose::Example, 2);
    let (runs, m) = (mixtures.rows(), mixtures.columns());
    let task = |i: usize| Task {
        name: format!("task-{i}"),
        family: "all".to_owned(),
        weight: 1.0 / laws.len() as f64,
        direction: Direction::Min,
        offset: 0.0,
    };
    Swarm::new(
        DomainSet::from_names((0..m).map(|j| format!("domain-{j}"))).unwrap(),
        (0..laws.len()).map(task).collect(),
        (0..runs).map(|k| format!("run-{k}")).collect(),
        mixtures.clone(),
        Matrix::from_fn(runs, laws.len(), |k, i| {
            laws[i].predict(mixtures.row(k)) + noise * (rng.random::<f64>() - 0.5)
        }),
    )
    .unwrap()
}

fn fitted(options: &EffectiveDataOptions, swarm: &Swarm) -> Vec<EffectiveData> {
    let m = swarm.domains().len();
    let prior = vec![1.0 / m as f64; m];
    let options = LawOptions::from(options.clone());
    let laws = options.fit(swarm, &prior, &|| ()).unwrap().into_iter();
    laws.map(|(law, report)| match law {
        FittedLaw::EffectiveData(law) if report.converged => law,
        other => panic!("{other:?}, {report:?}"),
    })
    .collect()
}

#[test]
fn effective_data_gradient_and_curvature_are_its_finite_differences() {
    let p = [0.3, 0.05, 0.25, 0.1, 0.3];
    let with = law(5, 3);
    let saturated = EffectiveData {
        kappa: 0.0,
        ..with.clone()
    };
    let alone = EffectiveData {
        u: Vec::new(),
        ..with.clone()
    };
    for law in [with, saturated, alone] {
        let gradient_at = |p: &[f64]| {
            let mut gradient = vec![0.0; 5];
            law.add_gradient(p, 2.0, &mut gradient);
            gradient
        };
        let mut hessian = Curvature::new(5);
        law.curvature(&p, 2.0, &mut hessian);
        let gradient = gradient_at(&p);
        for j in 0..5 {
            let moved = |step: f64| {
                let mut p = p;
                p[j] += step;
                p
            };
            let (up, down) = (moved(1e-6), moved(-1e-6));
            let difference = (law.predict(&up) - law.predict(&down)) / 1e-6;
            assert!((gradient[j] - difference).abs() < 1e-7);
            let (up, down) = (gradient_at(&up), gradient_at(&down));
            for i in 0..5 {
                let (own, difference) = (hessian.entry(i, j), (up[i] - down[i]) / 2e-6);
                assert!(
                    (own - difference).abs() < 1e-5 * (1.0 + own.abs()),
                    "{i} {j}"
                );
            }
        }
    }
}

#[test]
fn planted_effective_data_without_noise_is_predicted_where_no_run_was() {
    let laws = [law(6, 1), law(6, 2)];
    let swarm = swarm(&mixtures(200, 6, 4), &laws, 0.0, 0);
    let options = EffectiveDataOptions {
        ridge: 1e-9,
        power_ridge: Some(1e-9),
        competition: Some(1e-9),
        ..EffectiveDataOptions::default()
    };
    let found = fitted(&options, &swarm);
    let unseen = mixtures(50, 6, 9);
    for (found, law) in found.iter().zip(&laws) {
        for k in 0..50 {
            let (found, law) = (found.predict(unseen.row(k)), law.predict(unseen.row(k)));
            assert!((found - law).abs() < 1e-4, "{found} {law}");
        }
    }
}

/// The objective of a fit, from its definition.
fn objective(options: &EffectiveDataOptions, law: &EffectiveData, x: &Matrix, y: &[f64]) -> f64 {
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let variance = y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / y.len() as f64;
    let delta = 0.5 * variance.sqrt();
    let loss = |r: f64| {
        if r.abs() <= delta {
            0.5 * r * r
        } else {
            delta * (r.abs() - 0.5 * delta)
        }
    };
    let fit: f64 = (0..y.len())
        .map(|k| loss(law.predict(x.row(k)) - y[k]))
        .sum();
    let squares = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
    let power = options.power_ridge.unwrap() * (law.power - options.power).powi(2);
    let competition = options.competition.unwrap() * squares(&law.u);
    fit + 0.5 * variance * (options.ridge * squares(&law.v) + competition + power)
}

#[test]
fn no_coefficient_beside_those_of_an_effective_data_fit_has_a_lower_objective() {
    let x = mixtures(90, 5, 6);
    let swarm = swarm(&x, &[law(5, 7)], 0.2, 3);
    let y = swarm.losses().column(0);
    let options = EffectiveDataOptions {
        competition: Some(0.1),
        ..EffectiveDataOptions::default()
    };
    let found = fitted(&options, &swarm).remove(0);
    let least = objective(&options, &found, &x, &y);
    let mut inside = 0;
    let mut check = |change: &dyn Fn(&mut EffectiveData, f64)| {
        for step in [1e-3, -1e-3] {
            let mut other = found.clone();
            change(&mut other, step);
            let bounded =
                other.v.iter().all(|v| *v >= 0.0) && other.kappa >= 0.0 && other.kappa <= 20.0;
            if bounded {
                inside += 1;
                assert!(
                    objective(&options, &other, &x, &y) > least,
                    "{step}: {other:?}"
                );
            }
        }
    };
    check(&|law, step| law.log_c += step);
    check(&|law, step| law.level += step);
    check(&|law, step| law.power += step);
    check(&|law, step| law.kappa += step);
    for j in 0..5 {
        check(&|law, step| law.v[j] += step);
        check(&|law, step| law.u[j] += step);
    }
    assert!(inside >= 24, "{inside} changes were inside of the bounds");
}

#[test]
fn domains_that_stand_in_for_one_another_are_predicted_better_than_by_a_saturating_law() {
    // Any of the domains alone is nearly as good as all of them: a saturating law can't say so.
    let laws: Vec<EffectiveData> = (0..4)
        .map(|i| {
            let law = law(6, 20 + i);
            EffectiveData {
                kappa: 6.0,
                v: law.v.iter().map(|v| 8.0 * v).collect(),
                u: Vec::new(),
                ..law
            }
        })
        .collect();
    let swarm = swarm(&mixtures(120, 6, 8), &laws, 0.002, 5);
    let prior = [1.0 / 6.0; 6];
    let rmse = |options: LawOptions| {
        let found = out_of_fold(&swarm, &prior, &options, 5, 0, &|| ()).unwrap();
        found.unwrap().average.rmse
    };
    let effective = rmse(EffectiveDataOptions::default().into());
    let saturating = rmse(SaturatingOptions::default().into());
    assert!(effective < 0.8 * saturating, "{effective} {saturating}");
}

#[test]
fn exact_solve_of_effective_data_agrees_with_mirror_descent() {
    let (m, n) = (12, 6);
    let laws: Vec<EffectiveData> = (0..n).map(|i| law(m, 40 + i)).collect();
    let domains = DomainSet::from_names((0..m).map(|j| format!("d{j}"))).unwrap();
    let prior: Vec<f64> = (0..m)
        .map(|j| (j + 1) as f64 / (m * (m + 1) / 2) as f64)
        .collect();
    let weights = vec![1.0 / n as f64; n as usize];
    let problem = ExactProblem {
        domains: &domains,
        laws: &laws,
        task_weights: &weights,
        reference: &prior,
        kl_reg: 0.02,
        linear: None,
        terms: None,
        constraints: &Constraints::none(m),
    };
    let solution = solve_exact(&problem).unwrap();
    assert_eq!(solution.status, Status::Optimal);
    assert!(solution.duality_gap.unwrap() < 1e-9);
    let mut p = prior.clone();
    for _ in 0..20_000 {
        let slope = problem.gradient(&p);
        for (p, slope) in p.iter_mut().zip(slope) {
            *p *= (-slope).exp();
        }
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= sum);
    }
    let found = problem.objective(&p);
    assert!(
        (found - solution.objective).abs() < 1e-9,
        "{found} {}",
        solution.objective
    );
    for (a, b) in p.iter().zip(&solution.weights) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn regions_are_the_densest_fifth_and_the_fifth_with_the_lowest_losses() {
    let shares = |first: f64| [first, 1.0 - first];
    let rows = [0.1, 0.9, 0.48, 0.2, 0.7, 0.95, 0.5, 0.05, 0.3, 0.85];
    let x = Matrix::from_fn(10, 2, |k, j| shares(rows[k])[j]);
    let task = Task {
        name: "task".to_owned(),
        family: "all".to_owned(),
        weight: 1.0,
        direction: Direction::Min,
        offset: 0.0,
    };
    let swarm = Swarm::new(
        DomainSet::from_names(["a", "b"]).unwrap(),
        vec![task],
        (0..10).map(|k| k.to_string()).collect(),
        x,
        Matrix::from_fn(10, 1, |k, _| 1.0 + rows[k]),
    )
    .unwrap();
    assert_eq!(regions(&swarm), [[2, 6], [0, 7]]);
}

#[test]
fn error_of_the_choice_is_above_that_of_candidates_that_are_best_by_chance() {
    let candidate = |errors: [f64; 4]| CandidateScore {
        options: LawOptions::from(EffectiveDataOptions::default()),
        average: (errors.iter().map(|e| e * e).sum::<f64>() / 4.0).sqrt(),
        tasks: Vec::new(),
        regions: None,
        errors: errors.to_vec(),
        fold_of: vec![0, 0, 1, 1],
    };
    // Each is best in one fold, so that each fold is predicted by the other's choice.
    let tried = [
        candidate([0.1, -0.1, 0.3, -0.3]),
        candidate([0.3, -0.3, 0.1, -0.1]),
    ];
    assert!((choice_error(&tried).unwrap() - 0.3).abs() < 1e-12);
    assert!(tried.iter().all(|tried| tried.average < 0.25));
    assert_eq!(choice_error(&[]), None);
}
