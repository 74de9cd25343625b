//! Laws: functions from a mixture to the loss of one task, fitted to a swarm.
//!
//! One file per law. A law is deterministic given its swarm and options; [`LawFamily::SHAPE`] says
//! whether it is convex in `p`. `registry.rs` has the list of laws, and `numerics/` what they are
//! fitted with.

mod autoscale;
mod averaged;
mod batch;
mod bimix;
mod boosted_trees;
#[cfg(test)]
mod conformance;
mod effective_data;
mod family;
mod fitted;
mod gaussian_process;
mod kind;
#[cfg(test)]
mod linear;
mod log_linear;
mod numerics;
mod options;
mod phased;
mod refit;
mod registry;
mod repeated;
mod saturating;

pub use autoscale::{AutoScale, AutoScaleOptions};
pub use averaged::Averaged;
pub(crate) use batch::ExponentialLaws;
pub use batch::LawBatch;
pub use bimix::{BiMix, BiMixOptions};
pub use boosted_trees::BoostedTreesOptions;
pub use effective_data::{EffectiveData, EffectiveDataOptions};
pub use family::{FitData, LawFamily, LawSetting, LawSettings};
pub use gaussian_process::{GaussianProcess, GaussianProcessOptions, Kernel, ProcessKernel};
#[cfg(test)]
pub use linear::{Linear, LinearOptions};
pub use log_linear::{LogLinear, LogLinearOptions, RIDGE_GRID, fit_log_linear, fit_tasks};
pub use numerics::{Basis, BoostedTrees, DesignMatrix, TaskReport};
pub(crate) use numerics::{Cholesky, undetermined, weighted_gram};
pub use phased::{PhasedLaw, PhasedOptions, Timing};
pub use refit::Refit;
pub(crate) use registry::AnyLaw;
pub use registry::{FittedLaw, LawKind, LawOptions, Registered};
pub use repeated::{Repeated, Repeats};
pub use saturating::{Saturating, SaturatingOptions};

/// A fitted law of one task over `m` domains.
pub trait Law: Send + Sync {
    /// The predicted loss at the weights `p` (length `m`), in the unit of the losses it was
    /// fitted to.
    fn predict(&self, p: &[f64]) -> f64;

    /// Adds `scale · ∂f̂/∂p` to `into` (length `m`).
    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]);

    /// Of a convex law: adds the Hessian of `scale · f̂` to `into`, for every law here a few terms `h g gᵀ` and a
    /// diagonal. Where the reducible loss is an exponential, the first `g` is the slope of its exponent. Adds nothing
    /// for a law that is not convex.
    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature);

    /// The law as a log-linear one, where it is one.
    fn log_linear(&self) -> Option<&LogLinear> {
        None
    }

    /// The law as one that is log-linear but for floor and scale, where it is one: the cone program knows only those.
    fn log_linear_form(&self) -> Option<LogLinearForm<'_>> {
        self.log_linear().map(|law| LogLinearForm {
            floor: law.log_c.exp(),
            scale: 1.0,
            law,
        })
    }

    /// The law as an exponential, where it is one: many mixtures are then valued by one matrix
    /// product, and one by one otherwise.
    fn exponential(&self) -> Option<Exponential<'_>> {
        None
    }
}

/// A law of the form `floor + scale exp(t·p)`, with `t` of a log-linear law.
#[derive(Debug, Clone, Copy)]
pub struct LogLinearForm<'a> {
    /// The irreducible loss; below 0 only in calibrated laws.
    pub floor: f64,
    /// Above 0; 1 but for calibrated laws.
    pub scale: f64,
    /// What has `t`; its own `c` is not meant.
    pub law: &'a LogLinear,
}

/// A law of the form `c + exp(level + Σ_φ s_φ Σ_j v_φj φ(p_j))`.
#[derive(Debug)]
pub struct Exponential<'a> {
    /// `c`, the irreducible loss; below 0 only in calibrated laws.
    pub floor: f64,
    /// The exponent without any data.
    pub level: f64,
    /// By function `φ`: its coefficients `v` (length `m`) and their sign `s`.
    pub terms: Vec<(Basis, &'a [f64], f64)>,
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

/// A sum of Hessians over `m` weights, `Σ h g gᵀ + diag(d)` with `h, d ≥ 0`, and single entries beside the diagonal.
#[derive(Debug, Clone)]
pub struct Curvature {
    /// `h`, one per term.
    heights: Vec<f64>,
    /// `g`, one row of `m` per term.
    slopes: Vec<f64>,
    /// `d`, of length `m`.
    pub diagonal: Vec<f64>,
    /// Entries `(i, k)` and `(k, i)`, `i ≠ k`, in any order; those of one place add up.
    pairs: Vec<(usize, usize, f64)>,
}

impl Curvature {
    /// Zero over `m` weights.
    #[must_use]
    pub fn new(m: usize) -> Self {
        Self {
            heights: Vec::new(),
            slopes: Vec::new(),
            diagonal: vec![0.0; m],
            pairs: Vec::new(),
        }
    }

    /// Back to zero, the memory kept.
    pub fn clear(&mut self) {
        self.heights.clear();
        self.slopes.clear();
        self.diagonal.fill(0.0);
        self.pairs.clear();
    }

    /// Adds a term of height `h ≥ 0`; the caller fills the `g` that is returned, zeros of length `m`.
    pub fn term(&mut self, height: f64) -> &mut [f64] {
        let start = self.slopes.len();
        self.heights.push(height);
        self.slopes.resize(start + self.diagonal.len(), 0.0);
        &mut self.slopes[start..]
    }

    /// Adds to the entries `(i, k)` and `(k, i)`, `i ≠ k`.
    pub fn add_pair(&mut self, i: usize, k: usize, value: f64) {
        self.pairs.push((i, k, value));
    }

    /// The single entries: `(i, k)`, which stands for `(k, i)` too, and what is to be added there.
    #[must_use]
    pub fn pairs(&self) -> &[(usize, usize, f64)] {
        &self.pairs
    }

    /// `h` of every term.
    #[must_use]
    pub fn heights(&self) -> &[f64] {
        &self.heights
    }

    /// `g` of term `i`.
    #[must_use]
    pub fn slope(&self, i: usize) -> &[f64] {
        let m = self.diagonal.len();
        &self.slopes[i * m..(i + 1) * m]
    }

    /// Entry `(i, j)` of the whole.
    #[must_use]
    pub fn entry(&self, i: usize, j: usize) -> f64 {
        let terms = (0..self.heights.len()).map(|t| {
            let slope = self.slope(t);
            self.heights[t] * slope[i] * slope[j]
        });
        let here = |&&(a, b, _): &&(usize, usize, f64)| (a, b) == (i, j) || (b, a) == (i, j);
        let pairs = self.pairs.iter().filter(here).map(|(.., value)| value);
        let diagonal = if i == j { self.diagonal[i] } else { 0.0 };
        terms.sum::<f64>() + pairs.sum::<f64>() + diagonal
    }
}

/// `Σ_i w_i f̂_i(p)`: the average the method minimizes. `weights` are aligned with `laws`.
#[must_use]
pub fn average_loss<L: Law>(laws: &[L], weights: &[f64], p: &[f64]) -> f64 {
    laws.iter()
        .zip(weights)
        .map(|(law, weight)| weight * law.predict(p))
        .sum()
}

/// Refuses a list of a file that does not have one entry per domain.
pub(crate) fn check_length(what: &str, found: usize, m: usize) -> Result<(), String> {
    if found == m {
        return Ok(());
    }
    Err(format!("`{what}` has {found} entries for {m} domains"))
}
