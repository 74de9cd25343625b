//! Gaussian processes: constant × kernel plus white noise, on normalized losses. Smooth, not convex.
//!
//! ```text
//! f̂(p) = mean + sd Σ_k α_k c R(p, x_k),   α = (c R + s I)⁻¹ z
//! ```
//!
//! `z` are the losses with mean 0 and standard deviation 1, `R` the likeness ([`Kernel`]). Of two kernels a task has the
//! one that its losses are likelier by: that of ADMIRE (arXiv 2508.11551), isotropic in the weights, and one with a length
//! scale for each domain. `numerics/likelihood.rs` finds the parameters of the first for all tasks at once, without
//! restarts or chance; `lengths.rs` those of the second.

mod kernel;
mod lengths;
mod options;

use std::sync::Arc;

use faer::Mat;
use serde::{Deserialize, Serialize};

use super::numerics::Cholesky;
use super::{Curvature, Law};
use crate::Matrix;
pub use kernel::Kernel;
use kernel::Near;
pub use options::{GaussianProcessOptions, ProcessKernel};

/// A fitted process over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianProcess {
    /// `R`.
    #[serde(flatten)]
    pub kernel: Kernel,
    /// `c`, a share of the variance of the losses.
    pub constant: f64,
    /// `s`, a share of the variance of the losses.
    pub noise: f64,
    /// Mean of the losses.
    pub mean: f64,
    /// Standard deviation of the losses.
    pub sd: f64,
    /// One coefficient per run, length `K`.
    pub alpha: Vec<f64>,
    /// Logarithm of the marginal likelihood of the normalized losses.
    pub log_likelihood: f64,
    /// Domains that at least one run sampled, as positions: others have no part in distances.
    pub live: Vec<usize>,
    /// The mixtures of the runs, `K × m`; the laws of all tasks share them, and a file holds them
    /// once.
    #[serde(skip)]
    runs: Arc<Matrix>,
    /// What the kernel needs of the runs.
    #[serde(skip)]
    near: Near,
}

impl GaussianProcess {
    /// The mixtures of the runs, `K × m`.
    #[must_use]
    pub fn runs(&self) -> &Arc<Matrix> {
        &self.runs
    }

    /// `c R(p, x_k)` of every run, length `K`.
    fn covariance(&self, p: &[f64]) -> Vec<f64> {
        let mut near = self.near.likeness(&self.kernel, &self.live, &self.runs, p);
        near.iter_mut().for_each(|near| *near *= self.constant);
        near
    }

    fn between_runs(&self) -> Mat<f64> {
        let size = self.runs.rows();
        let mut covariance = Mat::zeros(size, size);
        for k in 0..size {
            let column = self.covariance(self.runs.row(k));
            covariance.col_as_slice_mut(k).copy_from_slice(&column);
        }
        covariance
    }

    /// Variance of the predicted loss, without the noise of a measurement, in squared units of the
    /// loss. Costs `K³ / 3`.
    #[must_use]
    pub fn variance(&self, p: &[f64]) -> f64 {
        let mut cholesky = Cholesky::new(self.runs.rows());
        let near = self.covariance(p);
        let mut solved = near.clone();
        if !cholesky.factor(&self.between_runs(), |_| self.noise) {
            return self.constant * self.sd * self.sd;
        }
        cholesky.solve(&mut solved);
        let known: f64 = near.iter().zip(&solved).map(|(a, b)| a * b).sum();
        (self.constant - known).max(0.0) * self.sd * self.sd
    }
}

impl Law for GaussianProcess {
    fn predict(&self, p: &[f64]) -> f64 {
        let near = self.covariance(p);
        let sum: f64 = near.iter().zip(&self.alpha).map(|(k, a)| k * a).sum();
        self.mean + self.sd * sum
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let mut factors = self.covariance(p);
        for (factor, alpha) in factors.iter_mut().zip(&self.alpha) {
            *factor *= scale * self.sd * alpha;
        }
        let runs = (self.live.as_slice(), &*self.runs);
        self.near.add_slope(&self.kernel, runs, p, &factors, into);
    }

    /// Nothing: the law is not convex.
    fn curvature(&self, _: &[f64], _: f64, _: &mut Curvature) {}
}
