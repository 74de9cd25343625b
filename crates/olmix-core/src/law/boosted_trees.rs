//! Gradient-boosted regression trees, with the settings of `RegMix` (Liu et al., 2024, arXiv
//! 2407.01492): `f̂(p) = base + Σ_trees value(leaf of p)`.
//!
//! Each tree is grown to what the trees before it left unexplained, and a hundredth of it is
//! added. Trees stop when runs set aside no longer get better.
//!
//! The law is a step function of `p`: flat almost everywhere, neither convex nor smooth. Its
//! gradient and curvature are none, and the optimizer for it is a sampling search.

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::log_linear::TaskReport;
use super::tree_bins::{Bins, MAX_RUNS};
use super::tree_grower::Grower;
use super::{Curvature, Law, Shape};
use crate::swarm::dot;
use crate::{CoreError, Matrix, Purpose, generator};

/// Trees that are walked down together.
const TOGETHER: usize = 8;

/// Fitted trees over `m` domains, in flat arrays: a million mixtures are to be valued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostedTrees {
    /// Mean loss of the runs: what the trees start from.
    pub base: f64,
    /// The inner node at the root of each tree.
    pub roots: Vec<u32>,
    /// The domain each inner node asks for.
    pub feature: Vec<u32>,
    /// The weight up to which (inclusive) a mixture goes left at each inner node.
    pub threshold: Vec<f64>,
    /// Left and right child of inner node `k` at `2k` and `2k + 1`: an inner node, or leaf `!c`
    /// where `c` is negative.
    pub children: Vec<i32>,
    /// Values of the leaves, in the unit of the losses, times the learning rate.
    pub leaf: Vec<f64>,
}

impl BoostedTrees {
    /// No trees yet: the mean of the losses `y` of runs with weights `w`.
    fn mean(y: &[f64], w: &[f64]) -> Self {
        Self {
            base: dot(y, w) / w.iter().sum::<f64>(),
            roots: Vec::new(),
            feature: Vec::new(),
            threshold: Vec::new(),
            children: Vec::new(),
            leaf: Vec::new(),
        }
    }

    /// Where `p` goes from an inner node.
    fn child(&self, node: usize, p: &[f64]) -> i32 {
        let right = usize::from(p[self.feature[node] as usize] > self.threshold[node]);
        self.children[2 * node + right]
    }

    /// The value for `p` of the tree whose root is the inner node `root`.
    fn tree(&self, root: u32, p: &[f64]) -> f64 {
        let mut node = self.child(root as usize, p);
        while node >= 0 {
            node = self.child(node as usize, p);
        }
        self.leaf[!node as usize]
    }

    /// What is wrong with trees over `m` domains that were read from a file: predictions must end,
    /// and stay inside the arrays.
    pub(crate) fn flaw(&self, m: usize) -> Option<String> {
        let nodes = self.feature.len();
        if self.threshold.len() != nodes || self.children.len() != 2 * nodes {
            return Some("the trees' lists differ in length".to_owned());
        }
        if self.feature.iter().any(|&feature| feature as usize >= m) {
            return Some(format!("a tree asks for a domain beyond the {m} there are"));
        }
        // Children come after their parents, so that no walk goes round.
        let inside = |(at, &child): (usize, &i32)| {
            if child < 0 {
                (!child as usize) < self.leaf.len()
            } else {
                child as usize > at / 2 && (child as usize) < nodes
            }
        };
        let rooted = self.roots.iter().all(|&root| (root as usize) < nodes);
        let sound = rooted && self.children.iter().enumerate().all(inside);
        (!sound).then(|| "the trees are not trees".to_owned())
    }

    /// Keeps the first `trees` trees.
    fn truncate(&mut self, trees: usize) {
        if let Some(&nodes) = self.roots.get(trees) {
            let nodes = nodes as usize;
            self.roots.truncate(trees);
            self.feature.truncate(nodes);
            self.threshold.truncate(nodes);
            self.children.truncate(2 * nodes);
            // Every tree has one leaf more than inner nodes.
            self.leaf.truncate(nodes + trees);
        }
    }

    fn report(&self, residuals: &[f64], converged: bool) -> TaskReport {
        TaskReport {
            huber: 0.5 * dot(residuals, residuals),
            converged,
            starts: 1,
            starts_at_best: 1,
            iterations: self.roots.len(),
            condition: f64::NAN,
        }
    }
}

impl Law for BoostedTrees {
    /// About seven comparisons a tree. Trees are walked down several at a time, step by step: each
    /// alone would wait for memory and guess where it ends.
    fn predict(&self, p: &[f64]) -> f64 {
        let mut sum = self.base;
        let groups = self.roots.chunks_exact(TOGETHER);
        for &root in groups.remainder() {
            sum += self.tree(root, p);
        }
        for group in groups {
            let mut nodes = [0; TOGETHER];
            for (node, root) in nodes.iter_mut().zip(group) {
                *node = root.cast_signed();
            }
            // Leaves are negative, and so is the conjunction of nothing but leaves.
            while nodes.iter().fold(-1, |all, node| all & node) >= 0 {
                for node in &mut nodes {
                    let child = self.child((*node).max(0) as usize, p);
                    *node = if *node < 0 { *node } else { child };
                }
            }
            for leaf in nodes {
                sum += self.leaf[!leaf as usize];
            }
        }
        sum
    }

    fn shape(&self) -> Shape {
        Shape::Steps
    }

    /// Adds nothing: the law is flat almost everywhere.
    fn add_gradient(&self, _: &[f64], _: f64, _: &mut [f64]) {}

    /// Zero, and touches nothing: the law is flat almost everywhere.
    fn curvature(&self, _: &[f64], _: f64, _: Curvature<'_>) -> f64 {
        0.0
    }
}

/// How trees are grown, and when to stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostedTreesOptions {
    /// What is added of each tree, in `(0, 1]`.
    pub learning_rate: f64,
    /// Trees at most, at least 1.
    pub rounds: usize,
    /// Rounds without a better loss on the runs set aside after which no more trees are grown, at
    /// least 1.
    pub patience: usize,
    /// Leaves of a tree at most, at least 2.
    pub max_leaves: usize,
    /// Runs in a leaf at least, at least 1.
    pub min_samples_leaf: usize,
    /// Share of the runs set aside to find the number of rounds, in `(0, 1)`.
    pub evaluation: f64,
    /// Seed by which runs are set aside.
    pub seed: u64,
}

impl Default for BoostedTreesOptions {
    /// `RegMix`'s settings, and a fifth of the runs set aside.
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            rounds: 10_000,
            patience: 3,
            max_leaves: 31,
            min_samples_leaf: 20,
            evaluation: 0.2,
            seed: 42,
        }
    }
}

/// Runs to grow trees on.
struct Runs<'a> {
    mixtures: &'a Matrix,
    bins: Bins,
}

impl<'a> Runs<'a> {
    fn new(mixtures: &'a Matrix, live: &[usize]) -> Self {
        let bins = Bins::new(mixtures, live);
        Self { mixtures, bins }
    }
}

impl BoostedTreesOptions {
    /// Runs the law needs: without the ones set aside, as many as one split needs.
    pub(crate) fn needed(&self, _live: usize) -> usize {
        let split = self.min_samples_leaf.saturating_mul(2);
        let all = split as f64 / (1.0 - self.evaluation);
        (all.ceil() as usize).max(split + 1)
    }

    /// How many of the runs are set aside: at least one.
    fn set_aside(&self, runs: usize) -> usize {
        ((self.evaluation * runs as f64) as usize).max(1)
    }

    /// Fits the laws of all tasks in parallel: mixtures `K × m` and losses `K × n`, splitting by
    /// the domains `live` alone.
    ///
    /// A share of the runs, the same for all tasks, is set aside to find the number of rounds;
    /// then as many trees are grown on all runs. `progress` is called after each task, from any
    /// thread.
    ///
    /// # Errors
    /// [`CoreError::TooFewRuns`]; [`CoreError::Shape`]; [`CoreError::Unsupported`] when a weight or
    /// loss is not finite or an option out of range.
    pub fn fit_tasks(
        &self,
        mixtures: &Matrix,
        live: &[usize],
        losses: &Matrix,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(BoostedTrees, TaskReport)>, CoreError> {
        self.check()?;
        let runs = mixtures.rows();
        check_runs(
            mixtures,
            losses.rows(),
            (0..runs).flat_map(|k| losses.row(k)),
        )?;
        if runs < self.needed(live.len()) {
            return Err(CoreError::TooFewRuns {
                law: "lightgbm",
                runs,
                live: live.len(),
                needed: self.needed(live.len()),
            });
        }
        let mut rest: Vec<usize> = (0..runs).collect();
        rest.shuffle(&mut generator(self.seed, Purpose::Evaluation, 0));
        let mut aside = rest.split_off(runs - self.set_aside(runs));
        rest.sort_unstable();
        aside.sort_unstable();
        let (first, held) = (mixtures.select_rows(&rest), mixtures.select_rows(&aside));
        let (first, all) = (Runs::new(&first, live), Runs::new(mixtures, live));
        Ok((0..losses.columns())
            .into_par_iter()
            .map(|task| {
                let y = losses.column(task);
                let part = |runs: &[usize]| runs.iter().map(|&k| y[k]).collect::<Vec<f64>>();
                let (found, report) = self.stopped(&first, &part(&rest), &held, &part(&aside));
                let ones = vec![1.0; runs];
                let (law, residuals) = self.grown(&all, &y, &ones, found.roots.len());
                progress();
                let report = law.report(&residuals, report.converged);
                (law, report)
            })
            .collect())
    }

    /// Fits one law to the runs `x` (`K × m`) with losses `y` (length `K`), with as many trees as
    /// are best for other runs: `RegMix`'s own protocol. Prediction for those runs is flattered by
    /// having chosen the number of trees.
    ///
    /// # Errors
    /// As [`BoostedTreesOptions::fit_tasks`]; and when there are no other runs.
    pub fn fit_with_evaluation(
        &self,
        x: &Matrix,
        y: &[f64],
        x_eval: &Matrix,
        y_eval: &[f64],
    ) -> Result<(BoostedTrees, TaskReport), CoreError> {
        self.check()?;
        check_runs(x, y.len(), y)?;
        check_runs(x_eval, y_eval.len(), y_eval)?;
        if x_eval.columns() != x.columns() {
            return Err(CoreError::Shape {
                what: "domains of the evaluation runs",
                expected: x.columns(),
                found: x_eval.columns(),
            });
        }
        if x_eval.rows() == 0 {
            return Err(CoreError::Unsupported(
                "there are no evaluation runs".into(),
            ));
        }
        let needed = self.min_samples_leaf.saturating_mul(2);
        if x.rows() < needed {
            return Err(CoreError::TooFewRuns {
                law: "lightgbm",
                runs: x.rows(),
                live: x.columns(),
                needed,
            });
        }
        let live: Vec<usize> = (0..x.columns()).collect();
        Ok(self.stopped(&Runs::new(x, &live), y, x_eval, y_eval))
    }

    /// Fits again to runs of the weights `w` (length `K`, whole numbers, some positive), with as
    /// many trees as `from` has. Bins are those of all runs given, whatever their weight.
    pub(crate) fn refit(
        &self,
        mixtures: &Matrix,
        live: &[usize],
        y: &[f64],
        w: &[f64],
        from: &BoostedTrees,
    ) -> BoostedTrees {
        let runs = Runs::new(mixtures, live);
        self.grown(&runs, y, w, from.roots.len()).0
    }

    /// Grows so many trees, or fewer when no split helps, and returns the residuals as well.
    fn grown(
        &self,
        runs: &Runs<'_>,
        y: &[f64],
        w: &[f64],
        rounds: usize,
    ) -> (BoostedTrees, Vec<f64>) {
        let mut law = BoostedTrees::mean(y, w);
        let mut residuals: Vec<f64> = y.iter().map(|y| y - law.base).collect();
        let mut grower = Grower::new(&runs.bins, w, self.max_leaves, self.min_samples_leaf);
        for _ in 0..rounds {
            if !grower.grow(&mut residuals, self.learning_rate, &mut law) {
                break;
            }
        }
        (law, residuals)
    }

    /// Grows trees until the first of the mean absolute and the mean squared error on other runs
    /// has not fallen for `patience` rounds, and keeps those up to its least: what LightGBM's
    /// Python package does with the metrics `l1` and `l2`.
    fn stopped(
        &self,
        runs: &Runs<'_>,
        y: &[f64],
        x_eval: &Matrix,
        y_eval: &[f64],
    ) -> (BoostedTrees, TaskReport) {
        let ones = vec![1.0; y.len()];
        let mut law = BoostedTrees::mean(y, &ones);
        let mut residuals: Vec<f64> = y.iter().map(|y| y - law.base).collect();
        let mut errors: Vec<f64> = y_eval.iter().map(|y| y - law.base).collect();
        let mut grower = Grower::new(&runs.bins, &ones, self.max_leaves, self.min_samples_leaf);
        // Of either metric: its least value and the number of trees there.
        let mut least = [(f64::INFINITY, 0); 2];
        let mut stalled = None;
        while stalled.is_none()
            && law.roots.len() < self.rounds
            && grower.grow(&mut residuals, self.learning_rate, &mut law)
        {
            let trees = law.roots.len();
            let root = law.roots[trees - 1];
            for (k, error) in errors.iter_mut().enumerate() {
                *error -= law.tree(root, x_eval.row(k));
            }
            let sizes = [errors.iter().map(|e| e.abs()).sum(), dot(&errors, &errors)];
            for (least, size) in least.iter_mut().zip(sizes) {
                if size < least.0 {
                    *least = (size, trees);
                }
            }
            let stands = |(_, best): &&(f64, usize)| trees - best >= self.patience;
            stalled = least.iter().find(stands).map(|(_, best)| *best);
        }
        law.truncate(stalled.unwrap_or(least[0].1));
        for (residual, (k, y)) in residuals.iter_mut().zip(y.iter().enumerate()) {
            *residual = y - law.predict(runs.mixtures.row(k));
        }
        let report = law.report(&residuals, stalled.is_some());
        (law, report)
    }

    fn check(&self) -> Result<(), CoreError> {
        let refuse = |message: &str| Err(CoreError::Unsupported(message.into()));
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return refuse("the learning rate of boosted trees must lie in (0, 1]");
        }
        if self.rounds == 0 || self.patience == 0 || self.min_samples_leaf == 0 {
            return refuse(
                "rounds, patience and runs per leaf of boosted trees must be at least 1",
            );
        }
        if self.max_leaves < 2 {
            return refuse("boosted trees must have 2 leaves at least");
        }
        if self.rounds.saturating_mul(self.max_leaves) > i32::MAX as usize {
            return refuse("rounds times leaves of boosted trees must stay below 2^31");
        }
        if !(self.evaluation > 0.0 && self.evaluation < 1.0) {
            return refuse(
                "the share of runs set aside for boosted trees must lie between 0 and 1",
            );
        }
        Ok(())
    }
}

fn check_runs<'a>(
    mixtures: &'a Matrix,
    found: usize,
    losses: impl IntoIterator<Item = &'a f64>,
) -> Result<(), CoreError> {
    let runs = mixtures.rows();
    if found != runs {
        return Err(CoreError::Shape {
            what: "losses",
            expected: runs,
            found,
        });
    }
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    if !(0..runs).all(|k| finite(mixtures.row(k))) || !losses.into_iter().all(|y| y.is_finite()) {
        let message = "boosted trees need weights and losses that are finite";
        return Err(CoreError::Unsupported(message.into()));
    }
    if runs >= MAX_RUNS {
        let message = format!("boosted trees take fewer than {MAX_RUNS} runs; there are {runs}");
        return Err(CoreError::Unsupported(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights on a grid, each many times, so that bins do not depend on how often a run occurs.
    fn runs() -> (Matrix, Vec<f64>) {
        let x = Matrix::from_fn(120, 3, |k, j| ((k * (2 * j + 3) + k / 7) % 8) as f64 / 8.0);
        let loss = |k: usize| x.get(k, 0) * x.get(k, 1) + (x.get(k, 2) - 0.4).abs();
        let y = (0..120).map(loss).collect();
        (x, y)
    }

    #[test]
    fn a_run_of_weight_two_counts_as_two_and_one_of_none_as_none() {
        let (x, y) = runs();
        let live = [0, 1, 2];
        let options = BoostedTreesOptions::default();
        let fitted = options.fit_tasks(&x, &live, &Matrix::from_fn(120, 1, |k, _| y[k]), &|| ());
        let from = &fitted.unwrap()[0].0;

        let w: Vec<f64> = (0..120).map(|k| f64::from(k * 5 % 3)).collect();
        let weighted = options.refit(&x, &live, &y, &w, from);
        let drawn: Vec<usize> = (0..120).flat_map(|k| vec![k; w[k] as usize]).collect();
        let many: Vec<f64> = drawn.iter().map(|&k| y[k]).collect();
        let ones = vec![1.0; drawn.len()];
        let repeated = options.refit(&x.select_rows(&drawn), &live, &many, &ones, from);
        assert_eq!(weighted.roots.len(), from.roots.len());
        assert!(weighted.roots.len() > 20);
        for k in 0..120 {
            let error = weighted.predict(x.row(k)) - repeated.predict(x.row(k));
            assert!(error.abs() < 1e-12);
        }
    }

    #[test]
    fn fitting_again_to_all_runs_gives_the_same_law() {
        let (x, y) = runs();
        let options = BoostedTreesOptions::default();
        let losses = Matrix::from_fn(120, 1, |k, _| y[k]);
        let fitted = options.fit_tasks(&x, &[0, 2], &losses, &|| ()).unwrap();
        let from = &fitted[0].0;
        assert_eq!(options.refit(&x, &[0, 2], &y, &[1.0; 120], from), *from);
    }

    #[test]
    fn trees_walked_together_are_the_sum_of_each_alone() {
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
}
