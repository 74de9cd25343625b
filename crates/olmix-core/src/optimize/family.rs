//! What an optimizer is to the rest of the method: one implementation of [`MixtureOptimizer`] per
//! optimizer, in the optimizer's own file. `registry.rs` makes everything else of it.

use super::registry::OptimizerKind;
use super::{ExactProblem, Solution};
use crate::{CoreError, Swarm};

/// A way to find a mixture, with its settings.
///
/// Adding an optimizer is a file with its settings (this trait) and a line in `registry.rs`; the
/// words of a config, its checks and the dispatch come from that line.
pub trait MixtureOptimizer: Clone {
    /// What it works from.
    const NEEDS: OptimizerNeeds;

    /// Whether a config may give a kind of its line this setting.
    fn takes(kind: OptimizerKind, setting: OptimizerSetting) -> bool;

    /// The optimizer with these settings; `kind` tells apart the kinds of its line.
    fn with_settings(kind: OptimizerKind, settings: &OptimizerSettings) -> Self;

    /// Which of the kinds of its line it is.
    fn kind(&self) -> OptimizerKind;

    /// Whether the worst mixture is asked for.
    fn is_worst(&self) -> bool;

    /// λ ≥ 0, in the unit of the losses per nat; `None` without a KL term.
    fn kl_reg(&self) -> Option<f64>;

    /// The same with another λ, where there is a KL term.
    #[must_use]
    fn with_kl_reg(&self, kl_reg: f64) -> Self;

    /// The optimizer with less effort, where there is a choice: enough for the mixtures of resampled runs, which differ by
    /// more.
    #[must_use]
    fn for_resamples(&self) -> Self {
        self.clone()
    }

    /// How often [`MixtureOptimizer::solve`] reports progress.
    fn steps(&self) -> usize;

    /// Finds a mixture. Deterministic from the seed on any number of threads.
    ///
    /// # Errors
    /// [`CoreError::RatiosNotKept`] where domains are to keep their ratios and the optimizer can't;
    /// [`CoreError::Infeasible`], [`CoreError::NoFeasibleRun`] or [`CoreError::NoFeasibleSample`]
    /// when no mixture satisfies the constraints.
    fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError>;
}

/// What an optimizer works from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerNeeds {
    /// Laws that are convex in the mixture.
    ConvexLaws,
    /// Laws of any shape.
    Laws,
    /// The observed runs, and no law.
    Runs,
    /// The sizes of the domains alone.
    Sizes,
}

/// A setting that a config may give and that not every optimizer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerSetting {
    /// λ of the KL term.
    KlReg,
    /// An exponent on the prior.
    Temperature,
}

/// Values of settings.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OptimizerSettings {
    /// λ ≥ 0, in the unit of the losses per nat.
    pub kl_reg: f64,
    /// Whether the worst mixture is asked for.
    pub worst: bool,
    /// Exponent on the prior, above 0; `None` for the optimizer's default.
    pub temperature: Option<f64>,
}

/// What an optimizer is given.
#[derive(Clone, Copy)]
pub struct OptimizerInput<'a> {
    /// Domains, laws, weights of the tasks, `q` of the KL term and constraints. An optimizer puts
    /// its own λ in the place of the problem's.
    pub problem: ExactProblem<'a>,
    /// The natural distribution, length `m`.
    pub prior: &'a [f64],
    /// The measured runs, for optimizers that start from them or choose among them.
    pub swarm: &'a Swarm,
    /// Solves the problem among mixtures in which some domains keep their ratios; `None` where all
    /// are free.
    pub keeping_ratios: Option<&'a SolveKeepingRatios<'a>>,
    /// Seed of all draws.
    pub seed: u64,
    /// Called once for each of [`MixtureOptimizer::steps`], from any thread.
    pub progress: &'a (dyn Fn() + Sync),
}

/// See [`OptimizerInput::keeping_ratios`].
pub type SolveKeepingRatios<'a> =
    dyn Fn(&ExactProblem<'_>) -> Result<Solution, CoreError> + Sync + 'a;

impl OptimizerInput<'_> {
    /// Refuses domains that are to keep their ratios.
    ///
    /// # Errors
    /// [`CoreError::RatiosNotKept`].
    pub fn all_free(&self) -> Result<(), CoreError> {
        match self.keeping_ratios {
            Some(_) => Err(CoreError::RatiosNotKept),
            None => Ok(()),
        }
    }
}
