//! From proxies to the target: laws calibrated by a few target runs.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use crate::common::{data_folder, planted, spec, swarm};
use olmix_core::calibrate::{TypicalSlopes, calibrate, plan_calibration};
use olmix_core::law::{
    FittedLaw, Law, LawBatch, LawOptions, LogLinear, SaturatingOptions, average_loss,
};
use olmix_core::optimize::{ExactProblem, solve_cone, solve_exact};
use olmix_core::trust::score;
use olmix_core::{
    Constraints, DomainSet, FitSpec, FitWarning, LawKind, Matrix, Mixture, Swarm, fit,
};

/// Scale and shift of a task at the target.
fn target_of(task: usize) -> (f64, f64) {
    (0.4 + 0.25 * task as f64, -0.2 - 0.1 * task as f64)
}

/// The runs at `rows` as the target measures them: `a + s f` of the planted laws.
fn target_runs(proxies: &Swarm, laws: &[LogLinear], rows: &[usize]) -> Swarm {
    let mixtures = proxies.mixtures().select_rows(rows);
    let loss = |k: usize, i: usize| {
        let (scale, shift) = target_of(i);
        shift + scale * laws[i].predict(mixtures.row(k))
    };
    let losses = Matrix::from_fn(rows.len(), laws.len(), loss);
    swarm(proxies.domains().clone(), mixtures, losses)
}

fn optimum(domains: &DomainSet, laws: &[FittedLaw], prior: &[f64]) -> Vec<f64> {
    let weights = vec![1.0 / laws.len() as f64; laws.len()];
    solve_exact(&ExactProblem {
        domains,
        laws,
        task_weights: &weights,
        reference: prior,
        kl_reg: 0.05,
        linear: None,
        constraints: &Constraints::none(prior.len()),
        terms: None,
    })
    .unwrap()
    .weights
}

#[test]
fn a_fit_with_target_runs_proposes_the_mixture_of_the_target() {
    let planted = planted(60, 5, 4, 1e-4, 7);
    let target = target_runs(&planted.swarm, &planted.laws, &[3, 11, 25, 40, 52]);
    let told = FitSpec {
        target: Some(target.clone()),
        bootstrap: 20,
        folds: 5,
        ..spec(&planted.prior)
    };
    let found = fit(&planted.swarm, &told, &()).unwrap();
    let truth: Vec<FittedLaw> = planted
        .laws
        .iter()
        .enumerate()
        .map(|(i, law)| {
            let (scale, shift) = target_of(i);
            FittedLaw::from(law.clone()).calibrated(scale, shift)
        })
        .collect();
    let prior = planted.prior.weights();
    for (law, truth) in found.laws.iter().zip(&truth) {
        assert!((law.predict(prior) - truth.predict(prior)).abs() < 2e-3);
    }
    let proposal = found.proposal.as_ref().unwrap();
    let best = optimum(planted.swarm.domains(), &truth, prior);
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>();
    assert!(apart(proposal.mixture.weights(), &best) < 0.02);
    // The mixture for the proxies is another one.
    let plain = fit(&planted.swarm, &spec(&planted.prior), &()).unwrap();
    assert!(apart(plain.proposal.unwrap().mixture.weights(), &best) > 0.1);
    // Certificate and prices speak of the calibrated laws, checks of the proxies' ones.
    assert!(proposal.solution.duality_gap.unwrap() < 1e-8);
    let gain = 1.0 - proposal.predicted_average / proposal.natural_average.unwrap();
    let interval = proposal.bootstrap.as_ref().unwrap().gain;
    assert!(
        interval.low <= gain && gain <= interval.high,
        "{interval:?} {gain}"
    );
    assert!(found.out_of_fold.as_ref().unwrap().average.rmse < 1e-3);
    let calibration = found.calibration.as_ref().unwrap();
    assert_eq!(calibration.runs, target.runs());
    assert!(calibration.ranking.unwrap().calibrated > 0.99);
    assert!(
        found
            .warnings(&planted.swarm, &told)
            .iter()
            .all(|w| matches!(w, FitWarning::RankingUnsafe { .. }))
    );
    // The same on any number of threads.
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let again = threads.install(|| fit(&planted.swarm, &told, &())).unwrap();
    assert_eq!(again.laws, found.laws);
    assert_eq!(again.proposal.unwrap().bootstrap, proposal.bootstrap);
}

#[test]
fn calibrated_laws_agree_with_their_formula_in_value_slope_batch_solve_and_file() {
    let planted = planted(60, 4, 3, 1e-3, 2);
    let saturating = LawOptions::Saturating(SaturatingOptions::default());
    let prior = planted.prior.weights();
    let fitted = saturating.fit(&planted.swarm, prior, &|| ()).unwrap();
    let mut laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
    laws[0] = planted.laws[0].clone().into();
    // A shift below the floor: no log-linear law has that value.
    let calibrated: Vec<FittedLaw> = laws.iter().map(|law| law.calibrated(0.6, -1.5)).collect();
    let p = [0.2, 0.3, 0.4, 0.1];
    let mut batch = [0.0; 3];
    LawBatch::new(4, &calibrated).predict(&p, &mut batch);
    for ((law, before), batched) in calibrated.iter().zip(&laws).zip(batch) {
        assert!((law.predict(&p) - (0.6 * before.predict(&p) - 1.5)).abs() < 1e-15);
        assert!((law.predict(&p) - batched).abs() < 1e-13);
        assert!((law.floor() - (0.6 * before.floor() - 1.5)).abs() < 1e-15);
        let (mut slope, mut of_before) = ([0.0; 4], [0.0; 4]);
        law.add_gradient(&p, 1.0, &mut slope);
        before.add_gradient(&p, 0.6, &mut of_before);
        assert_eq!(slope, of_before);
        for (a, b) in law.effects(prior).iter().zip(before.effects(prior)) {
            assert!((a - b).abs() < 1e-12);
        }
        let text = serde_json::to_string(law).unwrap();
        assert_eq!(serde_json::from_str::<FittedLaw>(&text).unwrap(), *law);
        assert_eq!(law.of_proxies(), before);
        assert_eq!((law.kind(), law.shape()), (before.kind(), before.shape()));
        assert_eq!(law.calibrated(2.0, 0.0).of_proxies(), before);
        law.validate(4).unwrap();
        assert!(before.calibrated(0.0, 1.0).validate(4).is_err());
    }
    // Log-linear laws by both solvers.
    let linear: Vec<FittedLaw> = planted.laws.iter().map(|law| law.clone().into()).collect();
    let linear: Vec<FittedLaw> = (0..3)
        .map(|i| linear[i].calibrated(0.5 + 0.4 * i as f64, -2.0))
        .collect();
    let problem = ExactProblem {
        domains: planted.swarm.domains(),
        laws: &linear,
        task_weights: &[0.5, 0.3, 0.2],
        reference: prior,
        kl_reg: 0.05,
        linear: None,
        constraints: &Constraints::none(4),
        terms: None,
    };
    let (interior, cone) = (
        solve_exact(&problem).unwrap(),
        solve_cone(&problem).unwrap(),
    );
    assert!((interior.objective - cone.objective).abs() < 1e-7);
}

#[test]
fn a_scale_that_all_tasks_have_in_common_leaves_the_proxies_ranking_safe() {
    let planted = planted(60, 5, 6, 1e-3, 11);
    let laws: Vec<FittedLaw> = planted.laws.iter().map(|law| law.clone().into()).collect();
    let measured = |scale: &dyn Fn(usize) -> f64| {
        let mixtures = planted
            .swarm
            .mixtures()
            .select_rows(&[2, 9, 23, 31, 47, 55]);
        let loss = |k: usize, i: usize| 0.3 + scale(i) * laws[i].predict(mixtures.row(k));
        let losses = Matrix::from_fn(6, 6, loss);
        let target = swarm(planted.swarm.domains().clone(), mixtures, losses);
        calibrate(&laws, &planted.swarm, &target)
            .unwrap()
            .1
            .ranking
            .unwrap()
    };
    let common = measured(&|_| 0.5);
    assert!(common.is_safe() && common.level > 0.99, "{common:?}");
    let apart = measured(&|i| 0.1 + 0.35 * i as f64);
    assert!(!apart.is_safe() && apart.is_safe_calibrated(), "{apart:?}");
}

#[test]
fn target_runs_that_tell_nothing_are_refused() {
    let planted = planted(40, 4, 3, 1e-3, 5);
    let laws: Vec<FittedLaw> = planted.laws.iter().map(|law| law.clone().into()).collect();
    let refused = |target: &Swarm| {
        calibrate(&laws, &planted.swarm, target)
            .unwrap_err()
            .to_string()
    };
    let of = |rows: &[usize]| target_runs(&planted.swarm, &planted.laws, rows);
    assert!(refused(&of(&[1])).contains("there is 1 target run"));
    assert!(refused(&of(&[1, 1, 1])).contains("all 3 target runs have the same mixture"));
    assert!(refused(&of(&[1, 2]).with_tasks(&[0])).contains("tasks of the target runs"));
    let search = FitSpec {
        law: LawKind::Search,
        target: Some(of(&[1, 2])),
        ..spec(&planted.prior)
    };
    assert!(fit(&planted.swarm, &search, &()).is_err());
}

#[test]
fn a_target_run_with_a_domain_that_no_proxy_sampled_is_refused() {
    let domains = DomainSet::from_names(["a", "b", "c"]).unwrap();
    let rows = [
        [0.5, 0.5, 0.0],
        [0.2, 0.8, 0.0],
        [0.9, 0.1, 0.0],
        [0.4, 0.6, 0.0],
    ];
    let mixtures = |rows: &[[f64; 3]]| Matrix::from_fn(rows.len(), 3, |k, j| rows[k][j]);
    let losses = |count| Matrix::from_fn(count, 1, |k, _| 1.0 + 0.1 * k as f64);
    let proxies = swarm(domains.clone(), mixtures(&rows), losses(4));
    let target = swarm(
        domains,
        mixtures(&[[0.5, 0.5, 0.0], [0.3, 0.3, 0.4]]),
        losses(2),
    );
    let law = FittedLaw::from(LogLinear {
        log_c: 0.0,
        t: vec![0.1, -0.2, 0.0],
    });
    let told = calibrate(&[law], &proxies, &target)
        .unwrap_err()
        .to_string();
    assert!(told.contains("`run1` has weight in `c`"), "{told}");
}

#[test]
fn planned_runs_settle_more_than_runs_at_random_and_count_equal_mixtures_once() {
    let planted = planted(50, 5, 6, 1e-3, 9);
    let laws: Vec<FittedLaw> = planted.laws.iter().map(|law| law.clone().into()).collect();
    let mixtures = planted.swarm.mixtures();
    let mut candidates: Vec<(String, Vec<f64>)> = (0..50)
        .map(|k| (format!("run{k}"), mixtures.row(k).to_vec()))
        .collect();
    candidates.push(("again".into(), mixtures.row(0).to_vec()));
    let plan = |of: &[(String, Vec<f64>)], count| {
        plan_calibration(
            &laws,
            &planted.swarm,
            of,
            &[],
            count,
            TypicalSlopes::default(),
        )
    };
    let best = plan(&candidates, 5).unwrap();
    assert_eq!(best.runs.len(), 5);
    let left = |plan: &olmix_core::calibrate::CalibrationPlan, count: usize| {
        plan.worth
            .iter()
            .find(|(runs, ..)| *runs == count)
            .unwrap()
            .1
    };
    for first in [0, 10, 20, 30, 40] {
        let some = plan(&candidates[first..first + 5], 5).unwrap();
        assert!(left(&best, 5) < left(&some, 5));
    }
    // More runs leave less, and never nothing.
    assert!(
        best.worth
            .windows(2)
            .all(|two| two[1].1 < two[0].1 && two[1].1 > 0.0)
    );
    assert!(best.before < best.worth[0].2);
    assert!(
        best.runs
            .windows(2)
            .all(|two| two[0].predicted <= two[1].predicted)
    );
    let told = |count| plan(&candidates[..3], count).unwrap_err().to_string();
    assert!(told(1).contains("at least 2"));
    assert!(told(4).contains("only 3 mixtures differ"));
    assert!(plan(&[candidates[0].clone(), candidates[50].clone()], 2).is_err());
    // Runs that are there are not chosen again, and are worth something.
    let begun: Vec<Vec<f64>> = best.runs.iter().map(|run| run.weights.clone()).collect();
    let slopes = TypicalSlopes::default();
    let more = plan_calibration(&laws, &planted.swarm, &candidates, &begun, 1, slopes).unwrap();
    assert!(begun.iter().all(|p| *p != more.runs[0].weights));
    assert!((more.before - best.worth[3].2).abs() < 1e-12);
    assert!(more.worth[0].2 > more.before);
}

/// Intervals of the gain, from five target runs with noise. Drawn slopes know nothing of what errors of one run have in
/// common, so 90 % intervals hold somewhat less often.
#[test]
fn intervals_of_a_calibrated_gain_hold_the_truth() {
    let (mut inside, swarms) = (0, 60);
    for seed in 0..swarms {
        let planted = planted(60, 5, 6, 0.01, 300 + seed);
        let rows = [1, 8, 17, 29, 44];
        let exact = target_runs(&planted.swarm, &planted.laws, &rows);
        let noisy = |k: usize, i: usize| {
            // The proxies' own noise, which is independent of the target's.
            let noise = planted.swarm.losses().get(k + 5, i)
                - planted.laws[i].predict(planted.swarm.mixtures().row(k + 5));
            exact.losses().get(k, i) + noise
        };
        let target = swarm(
            exact.domains().clone(),
            exact.mixtures().clone(),
            Matrix::from_fn(5, 6, noisy),
        );
        let told = FitSpec {
            target: Some(target),
            bootstrap: 60,
            seed,
            ..spec(&planted.prior)
        };
        let proposal = fit(&planted.swarm, &told, &()).unwrap().proposal.unwrap();
        let truth: Vec<FittedLaw> = (0..6)
            .map(|i| {
                FittedLaw::from(planted.laws[i].clone()).calibrated(target_of(i).0, target_of(i).1)
            })
            .collect();
        let weights = planted.swarm.task_weights();
        let loss = |p: &[f64]| average_loss(&truth, &weights, p);
        let gain = 1.0 - loss(proposal.mixture.weights()) / loss(planted.prior.weights());
        let interval = proposal.bootstrap.unwrap().gain;
        inside += usize::from(interval.low <= gain && gain <= interval.high);
    }
    println!("{inside} of {swarms}");
    assert!((47..=60).contains(&inside), "{inside} of {swarms}");
}

/// Runs of one size and horizon of `sizes-and-tokens`: mixtures and losses.
fn measured_sizes(parameters: &str, checkpoint: usize) -> Option<Swarm> {
    let path = data_folder()?.join("swarms/sizes-and-tokens/runs.csv");
    let text = std::fs::read_to_string(path).ok()?;
    let header: Vec<&str> = text.lines().next()?.split(',').collect();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let rows: Vec<Vec<&str>> = rows
        .into_iter()
        .filter(|row| row[1] == parameters)
        .collect();
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    let mut tokens: Vec<f64> = rows.iter().map(|row| number(row[2])).collect();
    tokens.sort_by(f64::total_cmp);
    tokens.dedup();
    let rows: Vec<&Vec<&str>> = rows
        .iter()
        .filter(|row| number(row[2]) == tokens[checkpoint])
        .collect();
    let of = |prefix: &str| -> Vec<usize> {
        (0..header.len())
            .filter(|&c| header[c].starts_with(prefix))
            .collect()
    };
    let (weights, losses) = (of("weight/"), of("loss/"));
    let cells = |columns: &[usize]| {
        Matrix::from_fn(rows.len(), columns.len(), |k, c| {
            number(rows[k][columns[c]])
        })
    };
    let mut mixtures = cells(&weights);
    for k in 0..rows.len() {
        let sum: f64 = mixtures.row(k).iter().sum();
        for j in 0..weights.len() {
            mixtures.set(k, j, mixtures.get(k, j) / sum);
        }
    }
    let domains = DomainSet::from_names(weights.iter().map(|&c| &header[c][7..])).unwrap();
    Some(swarm(domains, mixtures, cells(&losses)))
}

/// Five runs of a larger model, chosen by the plan, over all pairs of sizes and horizons at hand. Scored on the target
/// mixtures that did not calibrate.
#[test]
fn five_planned_runs_rank_the_targets_average_better_and_never_much_worse() {
    let sizes = ["122000000", "310000000", "680000000"];
    let mut pairs = Vec::new();
    for (small, large) in [(0, 1), (0, 2), (1, 2)] {
        pairs.extend([(0, 9), (1, 1), (1, 9), (4, 9), (9, 9)].map(|(a, b)| (small, a, large, b)));
    }
    pairs.extend([0, 1].map(|size| (size, 0, size, 9)));
    let options = LawOptions::Saturating(SaturatingOptions {
        ridge: 1e-4,
        ..SaturatingOptions::default()
    });
    for (small, before, large, after) in pairs {
        let (Some(proxies), Some(target)) = (
            measured_sizes(sizes[small], before),
            measured_sizes(sizes[large], after),
        ) else {
            return;
        };
        let prior = Mixture::new(proxies.domains().clone(), vec![1.0 / 7.0; 7]).unwrap();
        let fitted = options.fit(&proxies, prior.weights(), &|| ()).unwrap();
        let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
        let mixtures = target.mixtures();
        let candidates: Vec<(String, Vec<f64>)> = (0..target.len())
            .map(|k| (k.to_string(), mixtures.row(k).to_vec()))
            .collect();
        let plan = plan_calibration(
            &laws,
            &proxies,
            &candidates,
            &[],
            5,
            TypicalSlopes::default(),
        )
        .unwrap();
        let rows: Vec<usize> = plan
            .runs
            .iter()
            .map(|run| run.name.parse().unwrap())
            .collect();
        let others: Vec<usize> = (0..target.len()).filter(|k| !rows.contains(k)).collect();
        let (calibrated, calibration) = calibrate(&laws, &proxies, &target.subset(&rows)).unwrap();
        let unseen = target.subset(&others);
        let rank = |laws: &[FittedLaw]| {
            let predicted: Vec<f64> = (0..unseen.len())
                .map(|k| average_loss(laws, &unseen.task_weights(), unseen.mixtures().row(k)))
                .collect();
            score(&predicted, &unseen.average_losses())
                .spearman
                .unwrap()
        };
        let (level, now) = (rank(&laws), rank(&calibrated));
        let ranking = calibration.ranking.unwrap();
        println!(
            "{} {before} to {} {after}: {level:.3}, calibrated {now:.3}; to expect {:.3}, {:.3}; tau {:.2}",
            sizes[small],
            sizes[large],
            ranking.level,
            ranking.calibrated,
            calibration.slopes.spread()
        );
        assert!(now >= level - 0.01);
        if level < 0.8 {
            assert!(now >= level + 0.07);
        }
    }
}
