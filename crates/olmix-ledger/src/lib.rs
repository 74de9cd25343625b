//! What happened: the runs of swarms and their states, in one `SQLite` file.
//!
//! A [`Ledger`] may be open in many processes at once. Every change of a run's state is one transaction
//! that names the state it changes from, so that two launchers never hold a run together, and a process
//! that dies leaves it as before or after.
//!
//! ```text
//! queued ─► running ─► finished
//!   ▲          │  └──► failed
//!   └──────────┘   (put back, or failed with retries left; what is not finished can be cancelled)
//! ```
//!
//! There is no clock in here: times are milliseconds since 1970 and are given by the caller.

mod error;
mod launchers;
mod ledger;
mod outcome;
mod run;
mod runs;
mod schema;
mod swarms;

pub use error::LedgerError;
pub use launchers::{LauncherRecord, Process};
pub use ledger::Ledger;
pub use outcome::{Cancelled, Failed, FailureKind, Finished};
pub use run::{Run, RunId, Stage, State};
pub use swarms::{NewRun, NewSwarm, Rerun, Swarm, SwarmId, Synced};

/// Milliseconds since 1970.
pub type Time = i64;
