//! Optimizers: from laws to the feasible mixture with the least predicted loss.
//!
//! One file per optimizer; `registry.rs` has the list, and `family.rs` what each states.

#[cfg(test)]
mod conformance;
mod exact;
mod family;
mod local;
mod loss_terms;
mod problem;
mod registry;
mod rule;
mod search;
mod simulation;
mod worst;

pub(crate) use exact::{ConstraintRows, compressed};
pub use exact::{Exact, solve_cone, solve_exact};
pub use family::{
    MixtureOptimizer, OptimizerInput, OptimizerNeeds, OptimizerSetting, OptimizerSettings,
    SolveKeepingRatios,
};
pub use local::{Local, local};
pub use loss_terms::{LossTerm, LossTerms, TermAt, TermRole};
pub(crate) use problem::BINDING_TOLERANCE;
pub use problem::ExactProblem;
pub use registry::{Optimizer, OptimizerKind};
pub use rule::{Rule, by_rule};
pub use search::{Search, search};
pub use simulation::{Simulation, SimulationOptions, simulate};
pub use worst::worst_mix;

use serde::{Deserialize, Serialize};

use crate::Binding;

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
    /// The terms of [`ExactProblem::terms`], in their order.
    pub terms: Vec<TermAt>,
    /// For a search: the run that was chosen (a row of the swarm).
    pub run: Option<usize>,
}
