//! How Gaussian processes are fitted: the fits of all tasks, and what a file may hold.

use std::sync::Arc;

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::GaussianProcess;
use super::kernel::{Kernel, Near};
use super::lengths::likeliest_lengths;
use crate::law::numerics::{Cholesky, Hyper, most_likely};
use crate::law::{Basis, FitData, LawFamily, LawSetting, LawSettings, Shape, TaskReport};
use crate::{CoreError, Matrix};

/// Which kernels a process is fitted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKernel {
    /// For each task, the kernel that its losses are likelier by.
    #[default]
    Likelier,
    /// [`Kernel::Isotropic`].
    Isotropic,
}

/// How the process is fitted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GaussianProcessOptions {
    /// No config sets it.
    #[serde(default)]
    pub kernel: ProcessKernel,
}

/// Runs, and what all tasks share.
struct Runs<'a> {
    matrix: &'a Arc<Matrix>,
    live: &'a [usize],
    /// Weights of the runs (length `K`), above 0: a run of weight `w` has the noise of `w` measurements.
    weights: Option<&'a [f64]>,
}

impl GaussianProcessOptions {
    /// Fits the laws of all tasks: mixtures `K × m` with the sampled domains `live`, losses `K × n`.
    /// `progress` is called once after each task, from any thread. Costs some 50 eigendecompositions
    /// of `K × K` matrices for all tasks together, and for each task some 60 inverses of matrices of at most `256 × 256`
    /// where there are lengths by domain, and a Cholesky factor.
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
        let matrix = &Arc::new(mixtures.clone());
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
        let z: Vec<&[f64]> = normalized.iter().map(|n| n.z.as_slice()).collect();
        let found = most_likely(&squared_distances(mixtures, live), &z);
        let runs = &Runs {
            matrix,
            live,
            weights: None,
        };
        let by_domain = self.kernel == ProcessKernel::Likelier;
        Ok(found
            .into_par_iter()
            .zip(&normalized)
            .map(|((best, fallback), target)| {
                let isotropic = |hyper: Hyper| {
                    let kernel = Kernel::Isotropic {
                        length_scale: hyper.length_scale,
                    };
                    law(kernel, hyper.constant, hyper.noise, target, runs)
                };
                // Interpolation is trusted only as far as the likelihood itself agrees.
                let mut law = isotropic(best);
                if law.log_likelihood < fallback.log_likelihood {
                    law = isotropic(fallback);
                }
                let mut iterations = 1;
                if let Some((other, spent)) = by_domain
                    .then(|| likelier(law.log_likelihood, target, runs))
                    .flatten()
                {
                    (law, iterations) = (other, spent);
                }
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
                    iterations,
                    condition: f64::NAN,
                };
                (law, report)
            })
            .collect())
    }
}

/// The law with lengths by domain and the iterations to it, where it is likelier than `known`, its penalties included.
fn likelier(known: f64, target: &Normalized, runs: &Runs<'_>) -> Option<(GaussianProcess, usize)> {
    let lengths = likeliest_lengths(runs.matrix, runs.live, &target.z)?;
    let mut law = law(lengths.kernel, 1.0, lengths.noise_ratio, target, runs);
    // The constant that all runs are likeliest by, at this ratio of noise to it.
    let count = target.z.len() as f64;
    let quadratic: f64 = law.alpha.iter().zip(&target.z).map(|(a, z)| a * z).sum();
    let constant = (quadratic / count).max(f64::MIN_POSITIVE);
    law.log_likelihood += 0.5 * (quadratic - count - count * constant.ln());
    law.alpha.iter_mut().for_each(|alpha| *alpha /= constant);
    (law.constant, law.noise) = (constant, lengths.noise_ratio * constant);
    (law.log_likelihood - lengths.penalty > known).then_some((law, lengths.iterations))
}

impl LawFamily for GaussianProcessOptions {
    const SHAPE: Shape = Shape::Smooth;
    const SETTINGS: &'static [LawSetting] = &[];
    const FOLDS_BY_REFIT: bool = true;

    fn with_settings(_: &LawSettings) -> Option<Self> {
        Some(Self::default())
    }

    fn describe(&self) -> String {
        match self.kernel {
            ProcessKernel::Likelier => "Gaussian process, the likelier of two kernels + noise",
            ProcessKernel::Isotropic => "Gaussian process, constant × RBF + noise",
        }
        .to_owned()
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

    /// With the kernel, constant and noise of the known laws.
    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &GaussianProcess)],
    ) -> Vec<GaussianProcess> {
        let matrix = &Arc::new(data.mixtures.clone());
        let again = |&(task, known): &(usize, &GaussianProcess)| {
            let target = Normalized::weighted(&data.losses.column(task), weights);
            let runs = Runs {
                matrix,
                // The lengths of a kernel belong to the domains that it was fitted with.
                live: &known.live,
                weights: Some(weights),
            };
            law(
                known.kernel.clone(),
                known.constant,
                known.noise,
                &target,
                &runs,
            )
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &GaussianProcess, m: usize) -> Result<(), String> {
        let (alpha, runs) = (law.alpha.len(), law.runs.rows());
        if runs != alpha {
            return Err(format!("`alpha` has {alpha} entries for {runs} `mixtures`"));
        }
        if law.live.iter().any(|&j| j >= m) || law.runs.columns() != m {
            return Err(format!("`live` or `mixtures` do not fit {m} domains"));
        }
        let lengths = match &law.kernel {
            Kernel::Isotropic { length_scale } => vec![*length_scale],
            Kernel::ByDomain {
                log_length_scales,
                length_scales,
                rounding,
            } => {
                for (what, found) in [
                    ("log_length_scales", log_length_scales.len()),
                    ("length_scales", length_scales.len()),
                ] {
                    if found != law.live.len() {
                        let live = law.live.len();
                        return Err(format!("`{what}` has {found} entries for {live} of `live`"));
                    }
                }
                let lengths = log_length_scales.iter().chain(length_scales);
                lengths.copied().chain([*rounding]).collect()
            }
        };
        match lengths.into_iter().find(|l| l.is_nan() || *l <= 0.0) {
            Some(length) => Err(format!("a length scale is {length}; it must be above 0")),
            None => Ok(()),
        }
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
        law.near = Near::new(&law.kernel, &law.live, runs);
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
    kernel: Kernel,
    constant: f64,
    noise: f64,
    target: &Normalized,
    runs: &Runs<'_>,
) -> GaussianProcess {
    let mut law = GaussianProcess {
        near: Near::new(&kernel, runs.live, runs.matrix),
        kernel,
        constant,
        noise,
        mean: target.mean,
        sd: target.sd,
        alpha: target.z.clone(),
        log_likelihood: f64::NEG_INFINITY,
        live: runs.live.to_vec(),
        runs: Arc::clone(runs.matrix),
    };
    let size = target.z.len();
    let mut cholesky = Cholesky::new(size);
    let noise = |k: usize| noise / runs.weights.map_or(1.0, |w| w[k].max(1e-9));
    if cholesky.factor(&law.between_runs(), noise) {
        cholesky.solve(&mut law.alpha);
        let fit: f64 = law.alpha.iter().zip(&target.z).map(|(a, z)| a * z).sum();
        let constant = size as f64 * (2.0 * std::f64::consts::PI).ln();
        law.log_likelihood = -0.5 * (fit + cholesky.log_determinant() + constant);
    } else {
        law.alpha.fill(0.0);
    }
    law
}
