//! Laws: functions from a mixture to the loss of one task, fitted to a swarm.
//!
//! One file per law. A law is deterministic given its swarm and options, and convex in `p`
//! unless its file says otherwise.

mod design;
mod linalg;
mod log_linear;
mod newton;
mod rows;

pub use design::Design;
pub(crate) use linalg::{Cholesky, weighted_gram};
pub(crate) use log_linear::refit;
pub use log_linear::{LogLinear, LogLinearOptions, TaskReport, fit_log_linear, fit_tasks};

/// A fitted law of one task over `m` domains.
pub trait Law: Send + Sync {
    /// The predicted loss at the weights `p` (length `m`), in the unit of the losses it was
    /// fitted to.
    fn predict(&self, p: &[f64]) -> f64;

    /// Adds `scale · ∂f̂/∂p` to `into` (length `m`).
    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]);
}

/// `Σ_i w_i f̂_i(p)`: the average the method minimizes. `weights` are aligned with `laws`.
#[must_use]
pub fn average_loss<L: Law>(laws: &[L], weights: &[f64], p: &[f64]) -> f64 {
    laws.iter()
        .zip(weights)
        .map(|(law, weight)| weight * law.predict(p))
        .sum()
}
