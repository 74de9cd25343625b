//! Numbers that compare predicted with measured losses.

use serde::{Deserialize, Serialize};

/// Agreement of predictions with measurements over some runs; losses, lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pearson correlation; `None` when one side is constant or there are fewer than 3 runs.
    pub pearson: Option<f64>,
    /// Spearman rank correlation, ties at their mean rank.
    pub spearman: Option<f64>,
    /// Root of the mean squared error, in the unit of the losses.
    pub rmse: f64,
    /// Mean of predicted − measured.
    pub bias: f64,
    /// Measured loss of the run predicted best, minus the least measured loss.
    pub regret_at_1: f64,
    /// Mean of measured − predicted over the tenth of the runs (at least one) that are predicted
    /// best: positive when the law promises there more than it keeps.
    pub optimism: f64,
    /// RMSE of predicting the mean of the measurements: what a law must beat.
    pub mean_rmse: f64,
}
