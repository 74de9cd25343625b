//! k-fold cross-validated predictions: each run predicted by laws fitted without it.

use std::cmp::Reverse;

use rand::seq::SliceRandom;

use super::replicates::runs_by_mixture;
use super::scores::{Scores, score};
use crate::law::{FittedLaw, Law, LawOptions};
use crate::random::{Purpose, generator};
use crate::swarm::dot;
use crate::{CoreError, Matrix, Swarm};

/// Out-of-fold predictions of every run and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfFold {
    /// Number of folds.
    pub folds: usize,
    /// The fold of each run, length `K`.
    pub fold_of: Vec<usize>,
    /// Predicted losses, `K × n`.
    pub predictions: Matrix,
    /// Scores per task, length `n`.
    pub tasks: Vec<Scores>,
    /// Scores of the weighted average loss.
    pub average: Scores,
    /// RMSE of the weighted average loss in each fold.
    pub fold_rmse: Vec<f64>,
    /// Tasks (positions) whose law is no better out of fold than their mean.
    pub no_better_than_mean: Vec<usize>,
    /// Predictions far outside of what was ever measured.
    pub explosions: Vec<Explosion>,
}

/// A prediction of an unseen run that is far from every measured loss of its task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explosion {
    /// Row of the run.
    pub run: usize,
    /// Column of the task.
    pub task: usize,
    /// What the law said.
    pub predicted: f64,
    /// What was measured.
    pub measured: f64,
}

impl Explosion {
    /// How far off the prediction is.
    pub(crate) fn miss(&self) -> f64 {
        (self.predicted - self.measured).abs()
    }
}

/// Predictions of runs that were set aside before the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// Ids of the runs.
    pub runs: Vec<String>,
    /// Predicted losses, runs × tasks.
    pub predictions: Matrix,
    /// Measured losses, runs × tasks.
    pub measured: Matrix,
    /// Scores per task.
    pub tasks: Vec<Scores>,
    /// Scores of the weighted average loss.
    pub average: Scores,
}

/// The fold of each run, of which `groups` has the rows: runs of a group are in one fold, membership is drawn from
/// `seed`. Sizes differ by at most one where no group has several runs.
#[must_use]
pub fn assign_folds(groups: &[Vec<usize>], folds: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<&Vec<usize>> = groups.iter().collect();
    order.shuffle(&mut generator(seed, Purpose::Folds, 0));
    // Large groups first, so that small ones even the folds out; groups of one size stay in their order.
    order.sort_by_key(|group| Reverse(group.len()));
    let mut fold_of = vec![0; groups.iter().map(Vec::len).sum()];
    let mut sizes = vec![0; folds.max(1)];
    for group in order {
        let smallest = (0..sizes.len()).min_by_key(|&fold| sizes[fold]);
        let fold = smallest.unwrap_or_default();
        sizes[fold] += group.len();
        for &run in group {
            fold_of[run] = fold;
        }
    }
    fold_of
}

/// Predicts every run by laws fitted to the runs of the other folds, as a user would have fitted
/// them: same options, same starts. Replicates are in one fold ([`runs_by_mixture`]): a run whose mixture the laws
/// have seen is no unseen run.
///
/// With few runs, more folds than asked for are used, so that every fit keeps the
/// runs it needs; `None` when even leaving out single runs leaves too few.
///
/// Deterministic. Costs about `folds` fits.
///
/// # Errors
/// As [`LawOptions::fit`].
pub fn out_of_fold(
    swarm: &Swarm,
    prior: &[f64],
    options: &LawOptions,
    folds: usize,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<Option<OutOfFold>, CoreError> {
    let whole = whole_laws(swarm, prior, options)?;
    out_of_fold_from(swarm, prior, options, &whole, (folds, seed), progress)
}

/// As [`out_of_fold`] with folds and seed, from the laws of all runs where those of folds are found from them
/// ([`whole_laws`]).
pub(crate) fn out_of_fold_from(
    swarm: &Swarm,
    prior: &[f64],
    options: &LawOptions,
    whole: &[FittedLaw],
    (folds, seed): (usize, u64),
    progress: &(dyn Fn() + Sync),
) -> Result<Option<OutOfFold>, CoreError> {
    let (runs, needed) = (swarm.len(), options.needed(swarm.live_domains().len()));
    let groups = runs_by_mixture(swarm.mixtures());
    let assigned = |folds: usize| {
        // No way to assign runs leaves more than this to fit to.
        if runs - runs.div_ceil(folds) < needed {
            return None;
        }
        let fold_of = assign_folds(&groups, folds, seed);
        let size = |fold| fold_of.iter().filter(|of| **of == fold).count();
        let largest = (0..folds).map(size).max().unwrap_or(runs);
        (runs - largest >= needed).then_some((folds, fold_of))
    };
    let Some((folds, fold_of)) = (folds.max(2)..=groups.len()).find_map(assigned) else {
        return Ok(None);
    };
    let mut predictions = Matrix::zeros(runs, swarm.tasks().len());
    for fold in 0..folds {
        let train: Vec<usize> = (0..runs).filter(|&i| fold_of[i] != fold).collect();
        let part = swarm.subset(&train);
        let laws = options.fit_part(&part, prior, whole, progress)?;
        for run in (0..runs).filter(|&i| fold_of[i] == fold) {
            let mixture = swarm.mixtures().row(run);
            for (task, law) in laws.iter().enumerate() {
                predictions.set(run, task, law.predict(mixture));
            }
        }
    }
    Ok(Some(OutOfFold::new(swarm, folds, fold_of, predictions)))
}

/// The laws of all runs, where those of the folds are found from them; none otherwise.
pub(super) fn whole_laws(
    swarm: &Swarm,
    prior: &[f64],
    options: &LawOptions,
) -> Result<Vec<FittedLaw>, CoreError> {
    let needed = options.needed(swarm.live_domains().len());
    if !options.folds_by_refit() || swarm.len() < needed {
        return Ok(Vec::new());
    }
    let fitted = options.fit(swarm, prior, &|| ())?;
    Ok(fitted.into_iter().map(|(law, _)| law).collect())
}

/// A prediction further outside of the measured range than this many times its width has
/// exploded.
const EXPLOSION: f64 = 1.0;

impl OutOfFold {
    fn new(swarm: &Swarm, folds: usize, fold_of: Vec<usize>, predictions: Matrix) -> Self {
        let tasks = score_tasks(&predictions, swarm.losses());
        let weights = swarm.task_weights();
        let measured = swarm.average_losses();
        let predicted: Vec<f64> = (0..swarm.len())
            .map(|run| dot(predictions.row(run), &weights))
            .collect();
        let fold_rmse = (0..folds)
            .map(|fold| {
                let squares: Vec<f64> = (0..swarm.len())
                    .filter(|&run| fold_of[run] == fold)
                    .map(|run| (predicted[run] - measured[run]).powi(2))
                    .collect();
                (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt()
            })
            .collect();
        let no_better_than_mean = (0..tasks.len())
            .filter(|&task| tasks[task].rmse.is_nan() || tasks[task].rmse >= tasks[task].mean_rmse)
            .collect();
        Self {
            folds,
            explosions: explosions(&predictions, swarm.losses()),
            average: score(&predicted, &measured),
            fold_of,
            predictions,
            tasks,
            fold_rmse,
            no_better_than_mean,
        }
    }
}

fn explosions(predictions: &Matrix, measured: &Matrix) -> Vec<Explosion> {
    let mut explosions = Vec::new();
    for task in 0..measured.columns() {
        let column = measured.column(task);
        let least = column.iter().copied().fold(f64::INFINITY, f64::min);
        let most = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = EXPLOSION * (most - least);
        for (run, &measured) in column.iter().enumerate() {
            let predicted = predictions.get(run, task);
            let inside = predicted >= least - margin && predicted <= most + margin;
            if !inside {
                explosions.push(Explosion {
                    run,
                    task,
                    predicted,
                    measured,
                });
            }
        }
    }
    explosions
}

/// Predicts runs that took no part in the fit.
#[must_use]
pub fn held_out<L: Law>(laws: &[L], test: &Swarm) -> HeldOut {
    let predictions = Matrix::from_fn(test.len(), laws.len(), |run, task| {
        laws[task].predict(test.mixtures().row(run))
    });
    let weights = test.task_weights();
    let predicted: Vec<f64> = (0..test.len())
        .map(|run| dot(predictions.row(run), &weights))
        .collect();
    HeldOut {
        runs: test.runs().to_vec(),
        tasks: score_tasks(&predictions, test.losses()),
        average: score(&predicted, &test.average_losses()),
        measured: test.losses().clone(),
        predictions,
    }
}

fn score_tasks(predictions: &Matrix, measured: &Matrix) -> Vec<Scores> {
    (0..measured.columns())
        .map(|task| score(&predictions.column(task), &measured.column(task)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_keep_groups_together_and_are_even_without_any() {
        let single: Vec<Vec<usize>> = (0..11).map(|run| vec![run]).collect();
        let fold_of = assign_folds(&single, 3, 7);
        // As they have always been: the position of each run in the shuffled order, modulo the folds.
        let mut order: Vec<usize> = (0..11).collect();
        order.shuffle(&mut generator(7, Purpose::Folds, 0));
        for (position, run) in order.into_iter().enumerate() {
            assert_eq!(fold_of[run], position % 3);
        }
        let mut grouped = vec![vec![0, 3, 10], vec![1, 2]];
        grouped.extend((4..10).map(|run| vec![run]));
        let fold_of = assign_folds(&grouped, 3, 7);
        assert!(fold_of[0] == fold_of[3] && fold_of[3] == fold_of[10]);
        assert_eq!(fold_of[1], fold_of[2]);
        let size = |fold| fold_of.iter().filter(|of| **of == fold).count();
        let mut sizes = [size(0), size(1), size(2)];
        sizes.sort_unstable();
        assert_eq!(sizes, [3, 4, 4]);
    }
}
