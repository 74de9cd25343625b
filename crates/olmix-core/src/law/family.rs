//! What a law is to the rest of the method: one implementation of [`LawFamily`] per law, in the
//! law's own file. `registry.rs` makes everything else of it.

use std::sync::Arc;

use super::registry::Registered;
use super::{Basis, Law, Shape, TaskReport};
use crate::{CoreError, Matrix};

/// A kind of law with its settings: how it is fitted, and what its coefficients mean.
///
/// Adding a law is a file with its coefficients ([`Law`]), its settings (this trait) and a line in
/// `registry.rs`; configs, help and the conformance tests of all laws come from that line.
pub trait LawFamily: Registered + Clone {
    /// What an optimizer can make of every law of this kind. Stated here and nowhere else.
    const SHAPE: Shape;
    /// The settings that a config may give this law; all others are refused.
    const SETTINGS: &'static [LawSetting];
    /// Whether the laws of a part of the runs are found by [`LawFamily::refit`] from those of all runs where laws are
    /// cross-validated: for laws whose descents from afar are long and end at the same minimum.
    const FOLDS_BY_REFIT: bool = false;

    /// [`LawFamily::FOLDS_BY_REFIT`] with these settings.
    fn folds_by_refit(&self) -> bool {
        Self::FOLDS_BY_REFIT
    }

    /// The law with these settings, each at its default where `None`. Returns `None` when the law
    /// needs a setting that is not given.
    fn with_settings(settings: &LawSettings) -> Option<Self>;

    /// The law with its settings, as a person reads it.
    fn describe(&self) -> String;

    /// Runs that a fit over `live` sampled domains needs: as many as the law has parameters, but
    /// for those that a ridge determines.
    fn needed(&self, live: usize) -> usize;

    /// Parameters of a law over `live` sampled domains, where it has a number of them; else
    /// [`LawFamily::needed`].
    fn parameters(&self, live: usize) -> usize {
        self.needed(live)
    }

    /// The same law fitted with less effort, where there is a choice: enough to compare laws.
    #[must_use]
    fn quick(&self) -> Self {
        self.clone()
    }

    /// What to try in place of settings that are to be chosen from data.
    fn candidates(&self) -> Vec<Self> {
        vec![self.clone()]
    }

    /// What to try next, where this was the best of [`LawFamily::candidates`].
    fn refinements(&self) -> Vec<Self> {
        Vec::new()
    }

    /// Fits one law per task, in parallel. `progress` is called once after each task, from any
    /// thread. Same bits on any number of threads. The caller has checked [`LawFamily::needed`].
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] for losses that the law can't take and for settings out of range.
    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(Self::Law, TaskReport)>, CoreError>;

    /// Fits the laws of some tasks again, each from its law of all runs, with a weight per run
    /// (how often a resample drew it; length `K`). Single-threaded, to six digits: the intervals
    /// over resamples are far coarser. Returns one law per entry of `from`.
    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &Self::Law)],
    ) -> Vec<Self::Law>;

    /// Whether coefficients read from a file are those of a law over `m` domains.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn validate(law: &Self::Law, m: usize) -> Result<(), String>;

    /// The irreducible loss, in the unit of the losses; 0 for a law that knows none. No prediction
    /// is below it.
    fn floor(law: &Self::Law) -> f64;

    /// Writes the slope (length `m`) of the logarithm of `f̂ − floor` at `p` to `into`, which is
    /// zero. `reducible` is `f̂(p) − floor`, above 0.
    fn log_slope(law: &Self::Law, p: &[f64], reducible: f64, into: &mut [f64]) {
        law.add_gradient(p, 1.0 / reducible, into);
    }

    /// The functions of weights that the law is linear in, up to a transformation of the loss: with 1 they are the
    /// design by which it is told how far a mixture is from the runs. `None` for a law that predicts by likeness.
    fn design_functions(&self) -> Option<Vec<Basis>> {
        Some(vec![Basis::Power(1.0), Basis::Power(0.5)])
    }

    /// The mixtures of the runs (`K × m`), for a law that predicts by likeness to them: a file
    /// holds them once for all tasks.
    fn shared_runs(_law: &Self::Law) -> Option<&Arc<Matrix>> {
        None
    }

    /// Gives a law that was read from a file its [`LawFamily::shared_runs`].
    fn share_runs(_law: &mut Self::Law, _runs: &Arc<Matrix>) {}
}

/// A setting that a config may give and that not every law takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LawSetting {
    /// δ of the Huber loss, in the unit of the losses.
    HuberDelta,
    /// ρ of the ridge term on the coefficients.
    Ridge,
}

impl LawSetting {
    /// The setting's name, as in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HuberDelta => "huber_delta",
            Self::Ridge => "ridge",
        }
    }
}

/// Values of settings; `None` leaves a law's default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LawSettings {
    /// See [`LawSetting::HuberDelta`].
    pub huber_delta: Option<f64>,
    /// See [`LawSetting::Ridge`].
    pub ridge: Option<f64>,
    /// Tokens `R` of the final run, where they are known.
    pub target_tokens: Option<f64>,
    /// Seed of a law that draws.
    pub seed: u64,
}

impl FitData<'_> {
    /// Weights of the runs, length `K`.
    #[must_use]
    pub fn run_weights(&self) -> Vec<f64> {
        let ones = || vec![1.0; self.mixtures.rows()];
        self.weights.map_or_else(ones, <[f64]>::to_vec)
    }
}

/// The runs that laws are fitted to.
#[derive(Debug, Clone, Copy)]
pub struct FitData<'a> {
    /// `K × m` weights of the runs.
    pub mixtures: &'a Matrix,
    /// Domains that at least one run sampled, as positions, ascending; length `m_live`.
    pub live: &'a [usize],
    /// `K × n` losses.
    pub losses: &'a Matrix,
    /// Weights of the runs (length `K`), above 0; `None` where every run has the weight 1. Laws that take none
    /// ([`crate::law::LawOptions::takes_run_weights`]) never see any.
    pub weights: Option<&'a [f64]>,
    /// The natural distribution (length `m`): what domains that no run sampled are worth is its
    /// average of the others.
    pub prior: &'a [f64],
}
