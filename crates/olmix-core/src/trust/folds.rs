//! k-fold out-of-fold predictions: each run predicted by laws fitted without it.

use crate::Matrix;
use crate::trust::Scores;

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
