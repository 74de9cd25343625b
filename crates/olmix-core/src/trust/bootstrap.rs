//! A bootstrap over runs: how much the mixture and its gain depend on which runs were made.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// A two-sided percentile interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What resampling the runs gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// Coverage the intervals aim at, such as 0.9.
    pub confidence: f64,
    /// The mixture proposed from each resample, resamples × `m`.
    pub mixtures: Matrix,
    /// Interval of each domain's weight, length `m`.
    pub weights: Vec<Interval>,
    /// Gain of *the proposed mixture* over the natural distribution by the laws of each resample,
    /// as a fraction of the natural loss.
    pub gains: Vec<f64>,
    /// Interval of the gain.
    pub gain: Interval,
    /// Resamples whose solve failed and that are left out.
    pub failed: usize,
}
