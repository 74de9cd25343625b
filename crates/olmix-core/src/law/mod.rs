//! Laws: functions from a mixture to the loss of one task, fitted to a swarm.
//!
//! One file per law. A law is deterministic given its swarm and options, and convex in `p`
//! unless its file says otherwise.

mod autoscale;
mod basis;
mod bimix;
mod boosted_trees;
mod design;
mod fitted;
mod gaussian_process;
mod least_squares;
mod likelihood;
mod linalg;
mod log_linear;
mod newton;
mod options;
mod rows;
mod saturating;
mod tree_bins;
mod tree_grower;

pub use autoscale::{AutoScale, AutoScaleOptions};
pub use basis::Basis;
pub use bimix::{BiMix, BiMixOptions};
pub use boosted_trees::{BoostedTrees, BoostedTreesOptions};
pub use design::Design;
pub(crate) use design::undetermined;
pub use fitted::FittedLaw;
pub use gaussian_process::{GaussianProcess, GaussianProcessOptions};
pub(crate) use linalg::{Cholesky, weighted_gram};
pub use log_linear::{LogLinear, LogLinearOptions, TaskReport, fit_log_linear, fit_tasks};
pub use options::{LawOptions, Refit};
pub use saturating::{Saturating, SaturatingOptions};

/// A fitted law of one task over `m` domains.
pub trait Law: Send + Sync {
    /// The predicted loss at the weights `p` (length `m`), in the unit of the losses it was
    /// fitted to.
    fn predict(&self, p: &[f64]) -> f64;

    /// Adds `scale · ∂f̂/∂p` to `into` (length `m`).
    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]);

    /// Of a convex law: the Hessian of `scale · f̂`, which for every one here is `h g gᵀ + diag(d)`: returns
    /// `h ≥ 0`, fills `into.slope` with `g` and adds `d ≥ 0` to `into.diagonal`.
    fn curvature(&self, p: &[f64], scale: f64, into: Curvature<'_>) -> f64;

    /// What an optimizer can make of the law.
    fn shape(&self) -> Shape {
        Shape::Convex
    }

    /// The law as a log-linear one, where it is one: the cone program knows only those.
    fn log_linear(&self) -> Option<&LogLinear> {
        None
    }
}

/// What kind of function of `p` a law is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Convex, with the Hessian that [`Law::curvature`] gives.
    Convex,
    /// Differentiable, not convex: [`Law::curvature`] says nothing.
    Smooth,
    /// A step function: [`Law::add_gradient`] adds nothing.
    Steps,
}

/// Where a law puts its Hessian; both of length `m`.
#[derive(Debug)]
pub struct Curvature<'a> {
    /// `g`, overwritten.
    pub slope: &'a mut [f64],
    /// `d`, added to.
    pub diagonal: &'a mut [f64],
}

/// `Σ_i w_i f̂_i(p)`: the average the method minimizes. `weights` are aligned with `laws`.
#[must_use]
pub fn average_loss<L: Law>(laws: &[L], weights: &[f64], p: &[f64]) -> f64 {
    laws.iter()
        .zip(weights)
        .map(|(law, weight)| weight * law.predict(p))
        .sum()
}
