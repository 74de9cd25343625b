use super::super::numerics::TOGETHER;
use super::*;

/// Weights on a grid, each many times, so that bins do not depend on how often a run occurs.
fn runs() -> (Matrix, Vec<f64>) {
    let x = Matrix::from_fn(120, 3, |k, j| ((k * (2 * j + 3) + k / 7) % 8) as f64 / 8.0);
    let loss = |k: usize| x.get(k, 0) * x.get(k, 1) + (x.get(k, 2) - 0.4).abs();
    let y = (0..120).map(loss).collect();
    (x, y)
}

#[test]
fn boosted_trees_refit_counts_a_run_of_weight_two_twice_and_of_zero_never() {
    let (x, y) = runs();
    let live = [0, 1, 2];
    let options = BoostedTreesOptions::default();
    let fitted = options.fit_tasks(&x, &live, &Matrix::from_fn(120, 1, |k, _| y[k]), &|| ());
    let from = &fitted.unwrap()[0].0;

    let w: Vec<f64> = (0..120).map(|k| f64::from(k * 5 % 3)).collect();
    let weighted = options.refit_task(&x, &live, &y, &w, from);
    let drawn: Vec<usize> = (0..120).flat_map(|k| vec![k; w[k] as usize]).collect();
    let many: Vec<f64> = drawn.iter().map(|&k| y[k]).collect();
    let ones = vec![1.0; drawn.len()];
    let repeated = options.refit_task(&x.select_rows(&drawn), &live, &many, &ones, from);
    assert_eq!(weighted.roots.len(), from.roots.len());
    assert!(weighted.roots.len() > 20);
    for k in 0..120 {
        let error = weighted.predict(x.row(k)) - repeated.predict(x.row(k));
        assert!(error.abs() < 1e-12);
    }
}

#[test]
fn boosted_trees_refit_to_all_runs_is_the_same_law() {
    let (x, y) = runs();
    let options = BoostedTreesOptions::default();
    let losses = Matrix::from_fn(120, 1, |k, _| y[k]);
    let fitted = options.fit_tasks(&x, &[0, 2], &losses, &|| ()).unwrap();
    let from = &fitted[0].0;
    assert_eq!(
        options.refit_task(&x, &[0, 2], &y, &[1.0; 120], from),
        *from
    );
}

#[test]
fn boosted_trees_walked_together_sum_each_tree_alone() {
    let (x, y) = runs();
    let options = BoostedTreesOptions {
        rounds: 3 * TOGETHER + 5,
        ..BoostedTreesOptions::default()
    };
    let (law, _) = options.fit_with_evaluation(&x, &y, &x, &y).unwrap();
    assert_eq!(law.roots.len(), options.rounds);
    for k in 0..120 {
        let alone: f64 = law.roots.iter().map(|&root| law.tree(root, x.row(k))).sum();
        assert!((law.predict(x.row(k)) - law.base - alone).abs() < 1e-13);
    }
}
