//! The log-linear law `f̂(p) = exp(log c) + exp(t·p)` (Data Mixing Laws, 2403.16952; the
//! recommended law of Olmix, 2602.12237).
//!
//! `c` is what no mixture removes; `t_j < 0` says that domain `j` lowers the loss. Because the
//! weights sum to 1, `t` carries the scale of the second term: adding a constant to every `t_j`
//! multiplies it.

use serde::{Deserialize, Serialize};

use super::{Design, Law, newton};
use crate::CoreError;
use crate::swarm::dot;

/// A fitted log-linear law of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLinear {
    /// Logarithm of the irreducible loss.
    pub log_c: f64,
    /// One coefficient per domain, length `m`, in nats per unit of weight.
    pub t: Vec<f64>,
}

impl Law for LogLinear {
    fn predict(&self, p: &[f64]) -> f64 {
        self.log_c.exp() + dot(&self.t, p).exp()
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let factor = scale * dot(&self.t, p).exp();
        for (into, t) in into.iter_mut().zip(&self.t) {
            *into += factor * t;
        }
    }
}

/// The objective of a fit: `Σ_k w_k huber_δ(f̂(x_k) − y_k) + ½ρ‖t‖²`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogLinearOptions {
    /// δ: residuals up to it count squared, beyond it linearly. In the unit of the losses.
    pub huber_delta: f64,
    /// ρ ≥ 0.
    pub ridge: f64,
}

impl Default for LogLinearOptions {
    /// The reference's objective: δ = 0.02, no ridge.
    fn default() -> Self {
        Self {
            huber_delta: 0.02,
            ridge: 0.0,
        }
    }
}

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Summed Huber loss at the law, without the ridge term.
    pub huber: f64,
    /// Whether the gradient vanished to working precision.
    pub converged: bool,
    /// Starts tried.
    pub starts: usize,
    /// Starts that ended within 1e-6 (relative) of the least objective.
    pub starts_at_best: usize,
    /// Newton iterations over all starts.
    pub iterations: usize,
    /// Condition number (2-norm, estimated) of the weighted design at the law; above 1e8 some
    /// direction of `t` is hardly determined by the runs.
    pub condition: f64,
}
