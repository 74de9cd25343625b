//! From a measured swarm to laws, trust in them, and a mixture: the main job, start to end.

use serde::{Deserialize, Serialize};

use crate::law::{LogLinear, LogLinearOptions, TaskReport};
use crate::optimize::{Optimizer, Solution};
use crate::trust::{Bootstrap, HeldOut, OutOfFold};
use crate::{Constraints, Mixture, Swarm};

/// Which law is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    /// `exp(log c) + exp(t·p)` per task.
    LogLinear,
    /// No law: the observed runs speak for themselves.
    Search,
}

/// What to do with domains that no run sampled, whose coefficient is free of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadDomains {
    /// Refuse, naming them.
    #[default]
    Error,
    /// Hold each at its natural share in the proposed mixture; laws value it like the prior's
    /// average of the sampled domains.
    Hold,
}

/// The ridge on `t`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ridge {
    /// `ρ ≥ 0`; 0 is the reference's objective.
    Fixed(f64),
    /// The `ρ` of the grid with the least out-of-fold error of the average loss.
    Auto,
}

/// Everything [`fit`] is told, apart from the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct FitSpec {
    /// The law.
    pub law: LawKind,
    /// Huber's δ, in the unit of the losses.
    pub huber_delta: f64,
    /// Ridge on the law's coefficients.
    pub ridge: Ridge,
    /// Policy for domains that no run sampled.
    pub dead_domains: DeadDomains,
    /// How the mixture is found; `None` fits and reports only.
    pub optimizer: Option<Optimizer>,
    /// The natural distribution (or whatever prior the KL term pulls to), `p0`.
    pub prior: Mixture,
    /// Caps and bounds.
    pub constraints: Constraints,
    /// Folds of the out-of-fold check; below 2 there is none.
    pub folds: usize,
    /// Resamples of the bootstrap; 0 for none.
    pub bootstrap: usize,
    /// Coverage of intervals, in (0, 1).
    pub confidence: f64,
    /// Seed of every random draw.
    pub seed: u64,
}

/// What [`fit`] found.
#[derive(Debug, Clone)]
pub struct Fit {
    /// One law per task over all domains of the swarm; empty for [`LawKind::Search`].
    pub laws: Vec<LogLinear>,
    /// How each fit went, aligned with [`Fit::laws`].
    pub reports: Vec<TaskReport>,
    /// The options the laws were fitted with, the chosen ridge among them.
    pub options: LogLinearOptions,
    /// Domains that no run sampled, as positions.
    pub dead: Vec<usize>,
    /// How well laws predict runs they have not seen; `None` without folds or law.
    pub out_of_fold: Option<OutOfFold>,
    /// How well the laws predict the runs set aside by `n_test`, when there are any.
    pub held_out: Option<HeldOut>,
    /// The proposed mixture, unless only a fit was asked for.
    pub proposal: Option<Proposal>,
}

/// A proposed mixture and what is expected of it.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The mixture.
    pub mixture: Mixture,
    /// How the optimizer ended.
    pub solution: Solution,
    /// Predicted loss per task at the mixture.
    pub predicted: Vec<f64>,
    /// Predicted loss per task at the natural distribution; empty for [`LawKind::Search`].
    pub natural: Vec<f64>,
    /// Weighted average of [`Proposal::predicted`].
    pub predicted_average: f64,
    /// Weighted average of [`Proposal::natural`].
    pub natural_average: Option<f64>,
    /// Intervals from resampled runs; `None` without bootstrap.
    pub bootstrap: Option<Bootstrap>,
}
