//! How the fit of one task's law went.

use serde::{Deserialize, Serialize};

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Summed Huber loss at the law, without the ridge term.
    pub huber: f64,
    /// Whether the gradient vanished to working precision.
    pub converged: bool,
    /// Starts from which descents were made.
    pub starts: usize,
    /// Starts that ended within 1e-6 (relative) of the least objective.
    pub starts_at_best: usize,
    /// Newton iterations over all starts.
    pub iterations: usize,
    /// Condition number (2-norm, estimated) of the weighted design at the law; above 1e8 some
    /// direction of `t` is hardly determined by the runs.
    pub condition: f64,
}
