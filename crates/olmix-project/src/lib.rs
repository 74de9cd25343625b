//! A project with a memory: what its data was at any time, which mixtures were made of it, and what to do next.
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

mod commit;
mod commit_fit;
mod content;
mod cost;
mod earlier;
mod error;
mod freeze;
mod ground;
mod knowledge;
mod likeness;
mod plain_files;
mod plan;
mod planner;
mod project;
mod risk;
mod update;
mod version;
mod write;

pub use commit::{Committed, NewMixture};
pub use content::{
    DomainsContent, FitContent, Frozen, MixtureContent, Origin, PlannedContent, SwarmContent,
};
pub use error::ProjectError;
pub use likeness::{Likeness, fingerprint};
pub use plan::{Alternative, Carried, Free, FreeReason, Method, Plan, PlanOptions};
pub use project::{Init, Project};
pub use risk::{Estimate, Risk, SharedTask};
pub use update::Updated;

use olmix_ledger::Time;

/// Who made a record, and when.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The command line.
    pub command: String,
    /// Milliseconds since 1970.
    pub now: Time,
}
