//! Optimizers: from laws to the feasible mixture with the least predicted loss.
//!
//! One file per optimizer.

mod cone;
mod exact;
mod interior;
mod local;
mod problem;
mod rule;
mod search;
mod simulation;
mod worst;

pub use exact::{solve_cone, solve_exact};
pub use local::local;
pub use problem::ExactProblem;
pub use rule::{Rule, by_rule};
pub use search::search;
pub use simulation::{SimulationOptions, simulate};
pub use worst::worst_mix;

use serde::{Deserialize, Serialize};

use crate::Binding;

/// How the mixture is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Optimizer {
    /// `min_p Σ w_i f̂_i(p) + λ KL(p ‖ p0)` by an interior-point method, with a certificate.
    Exact {
        /// λ ≥ 0, in the unit of the losses per nat.
        kl_reg: f64,
        /// Find the worst mixture instead (a counterfactual; a local maximum).
        worst: bool,
    },
    /// Descent from many starts, for laws that are not convex.
    Local {
        /// λ ≥ 0, in the unit of the losses per nat.
        kl_reg: f64,
        /// Find the worst mixture instead.
        worst: bool,
    },
    /// RegMix's iterated sampling.
    Simulation {
        /// Sizes of the search.
        options: SimulationOptions,
        /// Find the worst mixture instead.
        worst: bool,
    },
    /// The best feasible observed run.
    Search {
        /// Find the worst run instead.
        worst: bool,
    },
    /// A rule that looks at sizes alone.
    Rule(Rule),
}

impl Optimizer {
    /// Whether the worst mixture is asked for.
    #[must_use]
    pub fn is_worst(&self) -> bool {
        match self {
            Self::Exact { worst, .. }
            | Self::Local { worst, .. }
            | Self::Simulation { worst, .. }
            | Self::Search { worst } => *worst,
            Self::Rule(_) => false,
        }
    }

    /// λ, where there is a KL term.
    #[must_use]
    pub fn kl_reg(&self) -> Option<f64> {
        match self {
            Self::Exact { kl_reg, .. } | Self::Local { kl_reg, .. } => Some(*kl_reg),
            _ => None,
        }
    }

    /// The same with another λ, where there is a KL term.
    #[must_use]
    pub fn with_kl_reg(&self, kl_reg: f64) -> Self {
        match *self {
            Self::Exact { worst, .. } => Self::Exact { kl_reg, worst },
            Self::Local { worst, .. } => Self::Local { kl_reg, worst },
            _ => self.clone(),
        }
    }

    /// The optimizer's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact { .. } => "exact",
            Self::Local { .. } => "local",
            Self::Simulation { .. } => "simulation",
            Self::Search { .. } => "search",
            Self::Rule(rule) => rule.name(),
        }
    }
}

/// How an optimizer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Optimal to the solver's tolerances, certified by the duality gap.
    Optimal,
    /// Optimal to reduced tolerances only.
    AlmostOptimal,
    /// The best of sampled or observed candidates; no certificate.
    BestCandidate,
    /// A local maximum of a convex objective; no certificate.
    LocalMaximum,
    /// Made by a rule: nothing was optimized.
    Rule,
}

/// A mixture found by an optimizer, with what it knows of its quality.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Weights over all domains, summing to 1.
    pub weights: Vec<f64>,
    /// How it ended.
    pub status: Status,
    /// The objective minimized, recomputed at the returned weights.
    pub objective: f64,
    /// `KL(p ‖ p0)` in nats at the returned weights.
    pub kl: f64,
    /// Primal minus dual objective, where there is a dual.
    pub duality_gap: Option<f64>,
    /// Iterations of the solver, or rounds of the search.
    pub iterations: usize,
    /// Constraints that hold with equality.
    pub binding: Vec<Binding>,
    /// For a search: the run that was chosen (a row of the swarm).
    pub run: Option<usize>,
}
