//! What boosted trees promise.
//!
//! Over 400 lines: splits, rounds and predictions of LightGBM stand here as numbers.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use olmix_core::law::{BoostedTrees, BoostedTreesOptions, Curvature, Law};
use olmix_core::{CoreError, Matrix};

/// Numbers in `[0, 1)` that any language can make.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / 2.0_f64.powi(31)
    }
}

/// Mixtures that lack a share `absent` of the domains, with losses that are no law's.
fn swarm(seed: u64, runs: usize, m: usize, absent: f64) -> (Matrix, Vec<f64>) {
    let mut draws = Draws(seed);
    let mut x = Matrix::zeros(runs, m);
    let mut y = Vec::new();
    for run in 0..runs {
        let p = x.row_mut(run);
        p.fill_with(|| (draws.next() - absent).max(0.0));
        let sum: f64 = p.iter().sum();
        for p in &mut *p {
            *p = if sum > 0.0 { *p / sum } else { 1.0 / m as f64 };
        }
        let bowl = 3.0 * (p[0] - 0.3) * (p[0] - 0.3);
        y.push(1.0 + bowl - 0.5 * p[1] * p[2] - p[3] + 0.1 * (draws.next() - 0.5));
    }
    (x, y)
}

fn column(y: &[f64]) -> Matrix {
    Matrix::from_fn(y.len(), 1, |k, _| y[k])
}

fn predictions(law: &BoostedTrees, x: &Matrix) -> Vec<f64> {
    (0..x.rows()).map(|k| law.predict(x.row(k))).collect()
}

/// The first tree alone, at full strength.
fn one_tree(max_leaves: usize, min_samples_leaf: usize) -> BoostedTreesOptions {
    BoostedTreesOptions {
        learning_rate: 1.0,
        rounds: 1,
        max_leaves,
        min_samples_leaf,
        ..BoostedTreesOptions::default()
    }
}

/// What LightGBM 4.7.0 gives for the same runs: its Python package with `objective="regression"`,
/// `metric=["l1", "l2"]`, `n_estimators=10000` and `early_stopping`. It keeps gradients in single
/// precision.
#[test]
fn boosted_trees_match_lightgbm_in_splits_rounds_and_predictions() {
    struct Case {
        /// Runs, domains, share of absent ones.
        swarm: (usize, usize, f64),
        options: BoostedTreesOptions,
        rounds: usize,
        predicted: [f64; 6],
        sum: f64,
    }
    let standard = BoostedTreesOptions::default();
    let cases = [
        // A sparse swarm; with few and short trees; and cut off before it stalls.
        Case {
            swarm: (150, 6, 0.6),
            options: standard.clone(),
            rounds: 173,
            predicted: [
                1.068_732_426_611_1,
                0.908_762_746_677_934_1,
                1.257_026_891_278_096,
                0.932_052_315_568_402_3,
                1.027_761_009_423_045_6,
                1.068_732_426_611_1,
            ],
            sum: 66.221_236_562_560_76,
        },
        Case {
            swarm: (150, 6, 0.6),
            options: BoostedTreesOptions {
                learning_rate: 0.1,
                patience: 5,
                max_leaves: 5,
                min_samples_leaf: 7,
                ..standard.clone()
            },
            rounds: 37,
            predicted: [
                1.029_292_360_977_246_4,
                0.795_007_928_782_223_1,
                1.252_543_501_327_762_2,
                0.887_126_281_667_011_2,
                1.027_661_320_250_029,
                1.029_292_360_977_246_4,
            ],
            sum: 65.517_001_532_437_45,
        },
        Case {
            swarm: (150, 6, 0.6),
            options: BoostedTreesOptions {
                rounds: 40,
                ..standard.clone()
            },
            rounds: 40,
            predicted: [
                1.109_908_291_533_758_1,
                1.068_257_265_557_026_5,
                1.161_992_286_265_247_6,
                1.048_364_219_603_567_4,
                1.104_480_360_113_084_1,
                1.109_908_291_533_758_1,
            ],
            sum: 66.503_730_355_634_06,
        },
        // More distinct weights than bins, and no domain absent.
        Case {
            swarm: (900, 4, 0.0),
            options: standard,
            rounds: 348,
            predicted: [
                0.823_530_505_787_194_3,
                0.852_612_352_219_226_8,
                0.770_914_793_766_691,
                0.914_825_045_842_887_2,
                0.988_297_871_812_872_2,
                0.608_517_466_095_304_7,
            ],
            sum: 47.700_316_923_332_77,
        },
    ];
    for case in cases {
        let (runs, m, absent) = case.swarm;
        let (x, y) = swarm(1, runs, m, absent);
        let (x_eval, y_eval) = swarm(2, 60, m, absent);
        let (law, report) = case
            .options
            .fit_with_evaluation(&x, &y, &x_eval, &y_eval)
            .unwrap();
        assert_eq!(law.roots.len(), case.rounds);
        assert_eq!(report.iterations, case.rounds);
        assert_eq!(report.converged, case.rounds < case.options.rounds);
        let predicted = predictions(&law, &x_eval);
        for (ours, theirs) in predicted.iter().zip(case.predicted) {
            assert!((ours - theirs).abs() < 1e-7, "{ours} {theirs}");
        }
        assert!((predicted.iter().sum::<f64>() - case.sum).abs() < 1e-6);
    }
}

#[test]
fn boosted_tree_split_is_the_best_of_all_splits() {
    let (x, y) = swarm(3, 90, 5, 0.3);
    let least = 12;
    let (law, _) = one_tree(2, least)
        .fit_with_evaluation(&x, &y, &x, &y)
        .unwrap();
    let squared = |runs: &[usize]| {
        let mean = runs.iter().map(|&k| y[k]).sum::<f64>() / runs.len() as f64;
        runs.iter().map(|&k| (y[k] - mean).powi(2)).sum::<f64>()
    };
    let found: f64 = (0..90)
        .map(|k| (y[k] - law.predict(x.row(k))).powi(2))
        .sum();
    let halves = |domain: usize, at: f64| -> (Vec<usize>, Vec<usize>) {
        (0..90).partition(|&k| x.get(k, domain) <= at)
    };
    // Every value is tried: bins, which hold three runs, may miss the best by a little.
    let mut best = f64::INFINITY;
    let mut best_between_bins = f64::INFINITY;
    for domain in 0..5 {
        let mut values = x.column(domain);
        values.sort_by(f64::total_cmp);
        let absent = values.iter().filter(|v| **v == 0.0).count();
        for (i, &at) in values.iter().enumerate() {
            let (left, right) = halves(domain, at);
            if left.len().min(right.len()) < least {
                continue;
            }
            let error = squared(&left) + squared(&right);
            best = best.min(error);
            if i + 1 >= absent && (i + 1 - absent) % 3 == 0 {
                best_between_bins = best_between_bins.min(error);
            }
        }
    }
    assert!((found - best_between_bins).abs() < 1e-12);
    assert!(found < 1.1 * best);
}

#[test]
fn boosted_tree_leaves_hold_the_least_number_of_runs_and_predict_their_mean() {
    let (x, y) = swarm(4, 300, 6, 0.5);
    for (max_leaves, least) in [(31, 20), (7, 20), (31, 5), (400, 1)] {
        let (law, report) = one_tree(max_leaves, least)
            .fit_with_evaluation(&x, &y, &x, &y)
            .unwrap();
        let mut leaves: Vec<(f64, Vec<f64>)> = Vec::new();
        for (predicted, y) in predictions(&law, &x).into_iter().zip(&y) {
            match leaves.iter_mut().find(|(value, _)| *value == predicted) {
                Some((_, runs)) => runs.push(*y),
                None => leaves.push((predicted, vec![*y])),
            }
        }
        assert!(leaves.len() > 5 && leaves.len() <= max_leaves);
        let mut squares = 0.0;
        for (value, runs) in &leaves {
            assert!(runs.len() >= least);
            let mean = runs.iter().sum::<f64>() / runs.len() as f64;
            assert!((value - mean).abs() < 1e-12);
            squares += runs.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
        }
        assert!((report.huber - squares / 2.0).abs() < 1e-10);
        assert_eq!(law.leaf.len(), law.feature.len() + 1);
        assert_eq!(law.children.len(), 2 * law.feature.len());
    }
}

/// Absence of a domain has a bin of its own, however little the others have of it.
#[test]
fn boosted_tree_finds_a_step_from_absence_to_presence_of_a_domain() {
    let (x, _) = swarm(5, 400, 4, 0.2);
    let present = |p: f64| f64::from(p > 0.0);
    let y: Vec<f64> = x.column(2).into_iter().map(present).collect();
    let laws = BoostedTreesOptions::default()
        .fit_tasks(&x, &[0, 1, 2, 3], &column(&y), &|| ())
        .unwrap();
    for p in [0.0, 1e-12, 0.01, 0.5] {
        let error = laws[0].0.predict(&[0.1, 0.2, p, 0.7 - p]) - present(p);
        assert!(error.abs() < 1e-9, "{p}: off by {error}");
    }
}

#[test]
fn boosted_trees_never_split_on_domains_that_no_run_sampled() {
    let (x, y) = swarm(7, 120, 6, 0.4);
    let live = [0, 2, 3, 5];
    let kept = Matrix::from_fn(
        120,
        6,
        |k, j| if live.contains(&j) { x.get(k, j) } else { 0.0 },
    );
    let losses = column(&y);
    let options = BoostedTreesOptions::default();
    let laws = options.fit_tasks(&x, &live, &losses, &|| ()).unwrap();
    assert_eq!(
        laws[0].0,
        options.fit_tasks(&kept, &live, &losses, &|| ()).unwrap()[0].0
    );
    assert!(!laws[0].0.feature.is_empty());
    for k in 0..120 {
        assert_eq!(laws[0].0.predict(x.row(k)), laws[0].0.predict(kept.row(k)));
    }
}

#[test]
fn boosted_trees_are_the_same_on_any_number_of_threads_and_differ_by_seed() {
    let (x, y) = swarm(8, 150, 5, 0.5);
    let losses = Matrix::from_fn(150, 7, |k, i| y[k] + (i as f64) * x.get(k, i % 5));
    let live = [0, 1, 2, 3, 4];
    let fitted = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let options = BoostedTreesOptions {
            seed,
            ..BoostedTreesOptions::default()
        };
        let laws = pool
            .unwrap()
            .install(|| options.fit_tasks(&x, &live, &losses, &|| ()))
            .unwrap();
        laws.into_iter().map(|(law, _)| law).collect::<Vec<_>>()
    };
    assert_eq!(fitted(1, 42), fitted(4, 42));
    assert_ne!(fitted(1, 42), fitted(1, 43));
}

#[test]
fn boosted_trees_have_no_slope_and_survive_json() {
    let (x, y) = swarm(9, 150, 5, 0.5);
    let laws = BoostedTreesOptions::default()
        .fit_tasks(&x, &[0, 1, 2, 3, 4], &column(&y), &|| ())
        .unwrap();
    let law = &laws[0].0;
    let mut slope = vec![0.5; 5];
    law.add_gradient(x.row(0), 2.0, &mut slope);
    assert_eq!(slope, [0.5; 5]);
    let mut hessian = Curvature::new(5);
    law.curvature(x.row(0), 2.0, &mut hessian);
    assert!(hessian.heights().is_empty());
    assert_eq!(hessian.diagonal, [0.0; 5]);
    let written = serde_json::to_string(law).unwrap();
    assert_eq!(
        *law,
        serde_json::from_str::<BoostedTrees>(&written).unwrap()
    );
}

#[test]
fn boosted_trees_of_a_constant_task_predict_its_mean_without_trees() {
    let (x, _) = swarm(10, 100, 4, 0.5);
    let losses = column(&[1.25; 100]);
    let laws = BoostedTreesOptions::default()
        .fit_tasks(&x, &[0, 1, 2, 3], &losses, &|| ())
        .unwrap();
    assert_eq!(laws[0].0.roots.len(), 0);
    assert_eq!(laws[0].0.predict(x.row(3)), 1.25);
}

#[test]
fn boosted_trees_refuse_options_and_losses_out_of_range_with_a_reason() {
    let (x, y) = swarm(11, 60, 4, 0.5);
    let live = [0, 1, 2, 3];
    let options = BoostedTreesOptions::default();
    let fit = |options: &BoostedTreesOptions, x: &Matrix, y: &[f64]| {
        options.fit_tasks(x, &live, &column(y), &|| ()).map(|_| ())
    };
    assert!(fit(&options, &x, &y).is_ok());

    let few: Vec<usize> = (0..49).collect();
    let error = fit(&options, &x.select_rows(&few), &y[..49]).unwrap_err();
    assert!(matches!(error, CoreError::TooFewRuns { needed: 50, .. }));
    let error = fit(&options, &x, &y[..59]).unwrap_err();
    assert!(matches!(error, CoreError::Shape { .. }));
    let mut bad = y.clone();
    bad[7] = f64::NAN;
    let error = fit(&options, &x, &bad).unwrap_err();
    assert!(error.to_string().contains("finite"));
    let mut bad = x.clone();
    bad.set(3, 1, f64::INFINITY);
    assert!(
        fit(&options, &bad, &y)
            .unwrap_err()
            .to_string()
            .contains("finite")
    );

    let changes: [(fn(&mut BoostedTreesOptions), &str); 9] = [
        (|o| o.learning_rate = 0.0, "learning rate"),
        (|o| o.learning_rate = f64::NAN, "learning rate"),
        (|o| o.rounds = 0, "rounds"),
        (|o| o.patience = 0, "patience"),
        (|o| o.min_samples_leaf = 0, "runs per leaf"),
        (|o| o.max_leaves = 1, "2 leaves"),
        (|o| o.rounds = usize::MAX, "rounds"),
        (|o| o.evaluation = 0.0, "set aside"),
        (|o| o.evaluation = 1.0, "set aside"),
    ];
    for (change, reason) in changes {
        let mut options = options.clone();
        change(&mut options);
        let error = fit(&options, &x, &y).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let none = Matrix::zeros(0, 4);
    assert!(options.fit_with_evaluation(&x, &y, &none, &[]).is_err());
    let wider = Matrix::zeros(5, 5);
    assert!(
        options
            .fit_with_evaluation(&x, &y, &wider, &[1.0; 5])
            .is_err()
    );
}

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |v: f64| values.iter().filter(|other| **other < v).count() as f64;
    let equal = |v: f64| values.iter().filter(|other| **other == v).count() as f64;
    values
        .iter()
        .map(|&v| below(v) + (equal(v) - 1.0) / 2.0)
        .collect()
}

fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// `RegMix`'s 1M-parameter models: what LightGBM's Python package reaches, target by target.
#[test]
fn boosted_trees_have_the_rank_correlations_of_lightgbm_on_regmix() {
    let Some(folder) = crate::common::data_folder() else {
        return;
    };
    let table = |name: &str| {
        let text = std::fs::read_to_string(folder.join("regmix").join(name)).unwrap();
        let row = |line: &str| -> Vec<f64> {
            let cells = line.split(',').skip(1);
            cells.map(|cell| cell.trim().parse().unwrap()).collect()
        };
        let rows: Vec<Vec<f64>> = text.lines().skip(1).map(row).collect();
        Matrix::from_fn(rows.len(), rows[0].len(), |k, j| rows[k][j])
    };
    let (x, y) = (
        table("train_mixture_1m.csv"),
        table("train_pile_loss_1m.csv"),
    );
    let (x_eval, y_eval) = (table("test_mixture_1m.csv"), table("test_pile_loss_1m.csv"));
    let theirs = [
        0.99600, 0.99710, 0.99079, 0.99446, 0.97199, 0.99766, 0.99729, 0.99184, 0.98916, 0.96873,
        0.98508, 0.99194, 0.99121,
    ];
    for (task, theirs) in theirs.into_iter().enumerate() {
        let y_eval = y_eval.column(task);
        let (law, _) = BoostedTreesOptions::default()
            .fit_with_evaluation(&x, &y.column(task), &x_eval, &y_eval)
            .unwrap();
        let ours = spearman(&predictions(&law, &x_eval), &y_eval);
        assert!(
            (ours - theirs).abs() < 1e-4,
            "target {task}: {ours} {theirs}"
        );
    }
}
