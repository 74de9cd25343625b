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

use super::numerics::{Bins, BoostedTrees, Grower, MAX_RUNS};
use super::{
    Basis, Curvature, FitData, Law, LawFamily, LawSetting, LawSettings, Registered, Shape,
    TaskReport,
};
use crate::swarm::dot;
use crate::{CoreError, Matrix, Purpose, generator};

impl Law for BoostedTrees {
    fn predict(&self, p: &[f64]) -> f64 {
        self.value(p)
    }

    /// Adds nothing: the law is flat almost everywhere.
    fn add_gradient(&self, _: &[f64], _: f64, _: &mut [f64]) {}

    /// Nothing: the law is flat almost everywhere.
    fn curvature(&self, _: &[f64], _: f64, _: &mut Curvature) {}
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
                law: Self::NAME,
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
                let report = tree_report(&law, &residuals, report.converged);
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
                law: Self::NAME,
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
    fn refit_task(
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
        let report = tree_report(&law, &residuals, stalled.is_some());
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

/// Of trees grown to their number, with the residuals (length `K`) they leave.
fn tree_report(law: &BoostedTrees, residuals: &[f64], converged: bool) -> TaskReport {
    TaskReport {
        huber: 0.5 * dot(residuals, residuals),
        converged,
        starts: 1,
        starts_at_best: 1,
        iterations: law.roots.len(),
        condition: f64::NAN,
    }
}

impl LawFamily for BoostedTreesOptions {
    const SHAPE: Shape = Shape::Steps;
    const SETTINGS: &'static [LawSetting] = &[];

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        Some(Self {
            seed: settings.seed,
            ..Self::default()
        })
    }

    fn describe(&self) -> String {
        format!(
            "boosted trees, up to {} of {} leaves, rate {}",
            self.rounds, self.max_leaves, self.learning_rate
        )
    }

    /// Without the runs set aside, as many as one split needs.
    fn needed(&self, _live: usize) -> usize {
        let split = self.min_samples_leaf.saturating_mul(2);
        let all = split as f64 / (1.0 - self.evaluation);
        (all.ceil() as usize).max(split + 1)
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        None
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(BoostedTrees, TaskReport)>, CoreError> {
        self.fit_tasks(data.mixtures, data.live, data.losses, progress)
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &BoostedTrees)],
    ) -> Vec<BoostedTrees> {
        let again = |&(task, known): &(usize, &BoostedTrees)| {
            let y = data.losses.column(task);
            self.refit_task(data.mixtures, data.live, &y, weights, known)
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &BoostedTrees, m: usize) -> Result<(), String> {
        law.validate(m)
    }

    /// None is known.
    fn floor(_: &BoostedTrees) -> f64 {
        0.0
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
mod tests;
