//! A project with a memory: what its data was at any time, which mixtures were made of it, and what to do
//! next.
//!
//! ```text
//! olmix.yaml, and in .olmix/ledger.sqlite:
//!
//! domains@1 ── update ──► domains@2 ── update ──► …
//!     │                       │
//!   swarm@1 ─► fit@1 ─► main@1 ── plan ─► swarm@2 ─► fit@2 ─► main@2
//! ```
//!
//! The ledger is what is true; the block `domains` of `olmix.yaml` shows its newest version.

mod apply_changes;
mod commit;
mod content;
mod cost;
mod diff;
mod domain_name;
mod error;
mod export;
mod plan;
mod project;
mod risk;
mod undo;
mod update;

pub use commit::{Committed, NewMixture};
pub use content::{
    DomainsContent, FitContent, GainOver, MixtureContent, PlannedContent, SwarmContent,
    WeightOrigin,
};
pub use diff::{DomainDiff, RecordDiff};
pub use error::ProjectError;
pub use olmix_core::reuse::{FreeReason, ReuseMethod};
pub use plan::{
    CollapsedConstraints, ExpectedLoss, ExpectedLosses, Plan, PlanOptions, ReusableSwarm,
};
pub use project::{Init, Project};
pub use risk::{Estimate, Risk, SharedTask};
pub use undo::Undone;
pub use update::Updated;

use olmix_ledger::Time;

/// Who made a record, and when.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The command line, quoted as a shell would read it.
    pub command: String,
    /// Milliseconds since 1970.
    pub now: Time,
}
