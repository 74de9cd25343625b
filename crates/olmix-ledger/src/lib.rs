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
//! On the left a run of a launcher, on the right one that an engine has in its own queue. Back to queued
//! go those that were put back, lost, or failed with retries left; back to submitted those that the
//! engine will begin again by itself. What is not finished can be cancelled.
//!
//! The history is records of domain sets, swarms, fits and mixtures, each with what it was made of. They
//! are added and never changed; each has a hash over all that it says and the hashes of its parents, so
//! that a name and a hash say where a weight came from.
//!
//! ```
//! use olmix_ledger::{Ledger, NewRun, NewSwarm, RerunPolicy, State};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let runs = folder.path().join("runs");
//! // What `olmix launch run` does first: record a swarm and its runs.
//! let mut ledger = Ledger::open(&runs.join("ledger.sqlite"))?;
//! let variants = folder.path().join("launch");
//! let new = NewSwarm { name: "first".into(), variants, out: runs.clone() };
//! let swarm = ledger.swarm(&new, 0)?;
//! let run = NewRun {
//!     name: "first-00".into(),
//!     config: "00.yaml".into(),
//!     config_sha256: "e3b0c442".into(),
//!     mixture: vec![("web".into(), 0.75), ("code".into(), 0.25)],
//!     phases: Vec::new(),
//! };
//! ledger.sync(swarm.id, &[run], RerunPolicy { retries: 2, all: false }, 0)?;
//!
//! // Any process reads the states of runs, meanwhile and later.
//! let ledger = Ledger::open_existing(&runs.join("ledger.sqlite"))?;
//! for run in ledger.runs(swarm.id)? {
//!     println!("{}: {}, attempt {}", run.name, run.state, run.attempt);
//!     assert_eq!(run.state, State::Queued);
//! }
//! let [queued, ..] = ledger.counts(swarm.id)?;
//! assert_eq!(queued, 1);
//! # Ok(())
//! # }
//! ```
//!
//! There is no clock in here: times are milliseconds since 1970 and are given by the caller.

mod add;
mod engine_jobs;
mod error;
mod history;
mod launchers;
mod ledger;
mod open;
mod outcome;
mod phases;
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
pub use phases::PhaseMixture;
pub use record::{
    Cost, NewFile, NewRecord, Parent, Record, RecordFile, RecordId, RecordKind, is_kept_name,
    is_sha256,
};
pub use run::{EngineJob, Run, RunId, Stage, State};
pub use swarms::{NewRun, NewSwarm, RerunPolicy, Swarm, SwarmId, SyncSummary};

/// Milliseconds since 1970.
pub type Time = i64;
