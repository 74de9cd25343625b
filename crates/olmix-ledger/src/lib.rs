//! What happened, in one `SQLite` file: the runs of swarms and their states, and the history of a project.
//!
//! A [`Ledger`] may be open in many processes at once. Every change of a run's state is one transaction
//! that names the state it changes from, so that two launchers never hold a run together, and a process
//! that dies leaves it as before or after.
//!
//! ```text
//! queued ─► running ─► finished          queued ─► submitted ─► running ─► …
//!   ▲          │  └──► failed              ▲           ▲           │
//!   └──────────┘                           └───────────┴───────────┘
//! ```
//!
//! On the left a run of a launcher, on the right one that an engine has in its own queue. Back to queued go
//! those that were put back, lost, or failed with retries left; back to submitted those that the engine will
//! begin again by itself. What is not finished can be cancelled.
//!
//! The history is records of domain sets, swarms, fits and mixtures, each with what it was made of. They are
//! added and never changed; each has a hash over all that it says and the hashes of its parents, so that a
//! name and a hash say where a weight came from.
//!
//! There is no clock in here: times are milliseconds since 1970 and are given by the caller.

mod add;
mod engine_jobs;
mod error;
mod history;
mod launchers;
mod ledger;
mod outcome;
mod record;
mod run;
mod runs;
mod schema;
mod swarms;
mod verify;

pub use error::LedgerError;
pub use launchers::{LauncherRecord, Process};
pub use ledger::Ledger;
pub use outcome::{Cancelled, Failed, FailureKind, Finished, RunSelection};
pub use record::{Cost, NewFile, NewRecord, Parent, Record, RecordFile, RecordId, RecordKind};
pub use run::{EngineJob, Run, RunId, Stage, State};
pub use swarms::{NewRun, NewSwarm, RerunPolicy, Swarm, SwarmId, SyncSummary};

/// Milliseconds since 1970.
pub type Time = i64;
