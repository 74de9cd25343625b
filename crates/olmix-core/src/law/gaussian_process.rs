//! A Gaussian process: constant × RBF kernel plus white noise, on normalized losses (ADMIRE, arXiv
//! 2508.11551). Smooth, not convex.
//!
//! ```text
//! f̂(p) = mean + sd Σ_k α_k k(p, x_k),   k(p, x) = c exp(−‖p − x‖² / 2ℓ²),   α = (C + s I)⁻¹ z
//! ```
//!
//! `z` are the losses with mean 0 and standard deviation 1, `C` the kernel between the runs. Length
//! scale `ℓ`, constant `c` and noise `s` have the greatest marginal likelihood within their bounds;
//! `numerics/likelihood.rs` finds it for all tasks at once, without restarts or chance.

use std::sync::Arc;

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::numerics::{Cholesky, Hyper, most_likely};
use super::{
    Basis, Curvature, FitData, Law, LawFamily, LawSetting, LawSettings, Shape, TaskReport,
};
use crate::{CoreError, Matrix};

/// A fitted process over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianProcess {
    /// `ℓ`, in units of weight.
    pub length_scale: f64,
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
    pub runs: Arc<Matrix>,
}

impl GaussianProcess {
    /// `k(p, x_k)` of every run, length `K`.
    fn kernel(&self, p: &[f64]) -> Vec<f64> {
        let scale = -0.5 / (self.length_scale * self.length_scale);
        let distance =
            |x: &[f64]| -> f64 { self.live.iter().map(|&j| (p[j] - x[j]).powi(2)).sum() };
        (0..self.runs.rows())
            .map(|k| self.constant * (scale * distance(self.runs.row(k))).exp())
            .collect()
    }

    /// Variance of the predicted loss, without the noise of a measurement, in squared units of the
    /// loss. Costs `K³ / 3`.
    #[must_use]
    pub fn variance(&self, p: &[f64]) -> f64 {
        let size = self.runs.rows();
        let rows: Vec<Vec<f64>> = (0..size).map(|k| self.kernel(self.runs.row(k))).collect();
        let covariance = Mat::from_fn(size, size, |i, k| rows[i][k]);
        let mut cholesky = Cholesky::new(size);
        let near = self.kernel(p);
        let mut solved = near.clone();
        if !cholesky.factor(&covariance, |_| self.noise) {
            return self.constant * self.sd * self.sd;
        }
        cholesky.solve(&mut solved);
        let known: f64 = near.iter().zip(&solved).map(|(a, b)| a * b).sum();
        (self.constant - known).max(0.0) * self.sd * self.sd
    }
}

impl Law for GaussianProcess {
    fn predict(&self, p: &[f64]) -> f64 {
        let kernel = self.kernel(p);
        let sum: f64 = kernel.iter().zip(&self.alpha).map(|(k, a)| k * a).sum();
        self.mean + self.sd * sum
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let factor = -scale * self.sd / (self.length_scale * self.length_scale);
        for (k, (kernel, alpha)) in self.kernel(p).iter().zip(&self.alpha).enumerate() {
            let x = self.runs.row(k);
            for &j in &self.live {
                into[j] += factor * kernel * alpha * (p[j] - x[j]);
            }
        }
    }

    /// Nothing: the law is not convex.
    fn curvature(&self, _: &[f64], _: f64, _: &mut Curvature) {}
}

/// How the process is fitted: there is nothing to set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GaussianProcessOptions {}

impl GaussianProcessOptions {
    /// Fits the laws of all tasks: mixtures `K × m` with the sampled domains `live`, losses `K × n`.
    /// `progress` is called once after each task, from any thread. Costs some 50 eigendecompositions
    /// of `K × K` matrices for all tasks together, and a Cholesky factor each.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] when a loss is not finite.
    pub fn fit_tasks(
        &self,
        mixtures: &Matrix,
        live: &[usize],
        losses: &Matrix,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(GaussianProcess, TaskReport)>, CoreError> {
        let runs = Arc::new(mixtures.clone());
        let normalized: Vec<Normalized> = (0..losses.columns())
            .map(|task| Normalized::new(&losses.column(task)))
            .collect();
        if normalized
            .iter()
            .any(|n| !(n.mean.is_finite() && n.sd.is_finite()))
        {
            return Err(CoreError::Unsupported(
                "a Gaussian process needs losses that are finite".into(),
            ));
        }
        let distances = squared_distances(mixtures, live);
        let z: Vec<&[f64]> = normalized.iter().map(|n| n.z.as_slice()).collect();
        let found = most_likely(&distances, &z);
        Ok(found
            .into_par_iter()
            .zip(&normalized)
            .map(|((best, fallback), target)| {
                let fitted = |hyper: Hyper| law(hyper, &distances, target, live, &runs, None);
                // Interpolation is trusted only as far as the likelihood itself agrees.
                let (law, other) = (fitted(best), fallback.log_likelihood);
                let law = if law.log_likelihood < other {
                    fitted(fallback)
                } else {
                    law
                };
                progress();
                let rss: f64 = law
                    .alpha
                    .iter()
                    .map(|a| (law.noise * law.sd * a).powi(2))
                    .sum();
                let report = TaskReport {
                    // α = (z − f̂) / s, so residuals follow from it.
                    huber: 0.5 * rss,
                    converged: law.log_likelihood.is_finite(),
                    starts: 1,
                    starts_at_best: 1,
                    iterations: 1,
                    condition: f64::NAN,
                };
                (law, report)
            })
            .collect())
    }
}

impl LawFamily for GaussianProcessOptions {
    const SHAPE: Shape = Shape::Smooth;
    const SETTINGS: &'static [LawSetting] = &[];

    fn with_settings(_: &LawSettings) -> Option<Self> {
        Some(Self::default())
    }

    fn describe(&self) -> String {
        "Gaussian process, constant × RBF + noise".to_owned()
    }

    /// With fewer runs a standard deviation says nothing.
    fn needed(&self, _live: usize) -> usize {
        3
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        None
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(GaussianProcess, TaskReport)>, CoreError> {
        self.fit_tasks(data.mixtures, data.live, data.losses, progress)
    }

    /// With the length scale, constant and noise of the known laws: a run of weight `w` has the
    /// noise of `w` measurements.
    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &GaussianProcess)],
    ) -> Vec<GaussianProcess> {
        let distances = squared_distances(data.mixtures, data.live);
        let runs = Arc::new(data.mixtures.clone());
        let again = |&(task, known): &(usize, &GaussianProcess)| {
            let target = Normalized::weighted(&data.losses.column(task), weights);
            let hyper = Hyper {
                length_scale: known.length_scale,
                constant: known.constant,
                noise: known.noise,
                log_likelihood: f64::NAN,
            };
            law(hyper, &distances, &target, data.live, &runs, Some(weights))
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &GaussianProcess, m: usize) -> Result<(), String> {
        if law.runs.rows() != law.alpha.len() {
            let (alpha, runs) = (law.alpha.len(), law.runs.rows());
            return Err(format!("`alpha` has {alpha} entries for {runs} `mixtures`"));
        }
        if law.live.iter().any(|&j| j >= m) || law.runs.columns() != m {
            return Err(format!("`live` or `mixtures` do not fit {m} domains"));
        }
        Ok(())
    }

    /// None is known.
    fn floor(_: &GaussianProcess) -> f64 {
        0.0
    }

    fn shared_runs(law: &GaussianProcess) -> Option<&Arc<Matrix>> {
        Some(&law.runs)
    }

    fn share_runs(law: &mut GaussianProcess, runs: &Arc<Matrix>) {
        law.runs = Arc::clone(runs);
    }
}

/// Losses as a process sees them: `z` (length `K`) has mean 0 and standard deviation 1.
struct Normalized {
    z: Vec<f64>,
    mean: f64,
    sd: f64,
}

impl Normalized {
    fn new(y: &[f64]) -> Self {
        let count = y.len().max(1) as f64;
        let mean = y.iter().sum::<f64>() / count;
        let sd = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count).sqrt();
        let sd = if sd == 0.0 { 1.0 } else { sd };
        Self {
            z: y.iter().map(|y| (y - mean) / sd).collect(),
            mean,
            sd,
        }
    }

    /// By the mean and standard deviation of runs with weights `w` (length `K`).
    fn weighted(y: &[f64], w: &[f64]) -> Self {
        let sum: f64 = w.iter().sum();
        let mean = y.iter().zip(w).map(|(y, w)| w * y).sum::<f64>() / sum;
        let squares: f64 = y.iter().zip(w).map(|(y, w)| w * (y - mean).powi(2)).sum();
        let sd = (squares / sum).sqrt();
        let sd = if sd > 0.0 { sd } else { 1.0 };
        Self {
            z: y.iter().map(|y| (y - mean) / sd).collect(),
            mean,
            sd,
        }
    }
}

/// `K × K`, over the live domains.
fn squared_distances(mixtures: &Matrix, live: &[usize]) -> Mat<f64> {
    let row = |k: usize| mixtures.row(k);
    Mat::from_fn(mixtures.rows(), mixtures.rows(), |i, k| {
        live.iter().map(|&j| (row(i)[j] - row(k)[j]).powi(2)).sum()
    })
}

fn law(
    hyper: Hyper,
    distances: &Mat<f64>,
    target: &Normalized,
    live: &[usize],
    runs: &Arc<Matrix>,
    weights: Option<&[f64]>,
) -> GaussianProcess {
    let size = distances.nrows();
    let scale = -0.5 / (hyper.length_scale * hyper.length_scale);
    let covariance = Mat::from_fn(size, size, |i, k| {
        hyper.constant * (scale * distances[(i, k)]).exp()
    });
    let mut cholesky = Cholesky::new(size);
    let noise = |k: usize| hyper.noise / weights.map_or(1.0, |w| w[k].max(1e-9));
    let mut alpha = target.z.clone();
    let log_likelihood = if cholesky.factor(&covariance, noise) {
        cholesky.solve(&mut alpha);
        let fit: f64 = alpha.iter().zip(&target.z).map(|(a, z)| a * z).sum();
        let constant = size as f64 * (2.0 * std::f64::consts::PI).ln();
        -0.5 * (fit + cholesky.log_determinant() + constant)
    } else {
        alpha.fill(0.0);
        f64::NEG_INFINITY
    };
    GaussianProcess {
        length_scale: hyper.length_scale,
        constant: hyper.constant,
        noise: hyper.noise,
        mean: target.mean,
        sd: target.sd,
        alpha,
        log_likelihood,
        live: live.to_vec(),
        runs: Arc::clone(runs),
    }
}
