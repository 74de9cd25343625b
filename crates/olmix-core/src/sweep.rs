//! One fit, many solves: the mixture for every target size, repetition factor and λ.

use crate::Mixture;
use crate::optimize::Solution;

/// The grid of a sweep; every combination is a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepGrid {
    /// Target tokens `R`; empty solves without caps.
    pub target_tokens: Vec<f64>,
    /// Repetition factors `k`.
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term.
    pub kl: Vec<f64>,
}

/// One cell of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepCell {
    /// `R`; `None` where there are no caps.
    pub target_tokens: Option<f64>,
    /// `k`.
    pub repetition: Option<f64>,
    /// λ.
    pub kl: f64,
    /// The mixture found, or why there is none.
    pub outcome: Result<SweepOutcome, String>,
}

/// The mixture of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepOutcome {
    /// The mixture.
    pub mixture: Mixture,
    /// How the solve ended.
    pub solution: Solution,
    /// Weighted average of the predicted losses.
    pub predicted: f64,
    /// Number of repetition caps that bind.
    pub caps_binding: usize,
}

/// All cells, target tokens slowest, λ fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The cells.
    pub cells: Vec<SweepCell>,
    /// Predicted average loss of the natural distribution.
    pub natural: f64,
}
