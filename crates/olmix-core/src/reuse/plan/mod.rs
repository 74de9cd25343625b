//! The policy of reuse, written once: `olmix plan` follows it, and `olmix study reuse` measures it.
//!
//! After an update of the domain set the policy answers, from numbers alone: which method; which domains keep
//! their ratios and which are free; which mixtures the new swarm draws, and how many; whether earlier runs
//! are fitted again. A project adds its history, a study adds an oracle that stands in for training.
//!
//! ```text
//! lineage, old mixture, old runs, coupling ─► PlanInputs ─ choose ─► method ─ plan ─► ReusePlan
//!                                                                                      │ frozen  in laws and solve
//!                                                                                      │ drawn   in the swarm
//!                                                                                      └ runs
//! ```

mod expected;
mod policy;
mod reason;
mod removal;
mod request;
mod result;
mod runs;
#[cfg(test)]
mod tests;

pub use expected::{ExpectedLaws, gain_kept_by_runs};
pub use policy::{FreezeGroup, PlanError, PlanInputs, existing_name};
pub use reason::{FreeReason, PlanReason};
pub use removal::{RemainingMixture, remaining_mixture};
pub use request::{PlanRequest, ReuseMethod, UnusedOption};
pub use result::{Alternative, FreeDomain, ReusePlan};
pub use runs::{CANDIDATES_PER_RUN, Rounding, RunRule, sampling_center};

/// Runs that an earlier swarm needs to be fitted again. It has a level of its own: one run says nothing
/// beyond it, and two say little.
pub const LEAST_OLD_RUNS: usize = 3;

/// Earlier swarms that are fitted again, the newest ones: each adds one level per task to the law.
pub const MOST_OLD_SWARMS: usize = 16;
