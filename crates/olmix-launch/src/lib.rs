//! Running a swarm of proxies, and collecting what was measured.
//!
//! | what | where |
//! | --- | --- |
//! | takes runs from the ledger, records how they end | [`Launcher`] |
//! | starts and follows them | [`Engine`]; [`Local`] is the one of this machine |
//! | which commands a run is | [`commands`], by the trainer of its launch config |
//! | what a job of a cluster does on its node | [`node`] |
//! | where a swarm lies | [`SwarmPaths`], [`load_variants`] |
//! | how far it is | [`Snapshot`] |
//! | metrics of finished runs, from wherever | [`mod@collect`] |
//!
//! Folders are named for the machine: `launcher/` and `engine/` work where a launch was started, `node/`
//! where a cluster runs a job, and `protocol/` is what both know.

pub mod collect;
mod engine;
mod error;
mod host;
mod launcher;
pub mod node;
mod object_store;
mod protocol;
mod run;
mod swarm;
mod swarm_report;
pub mod testing;

pub use engine::cluster;
pub use engine::registry;
pub use engine::{Ended, Engine, Local, MultiEngine, OpenEngine, RunRecorder};
pub use error::LaunchError;
pub use host::clock::{Clock, SystemClock, now, utc};
pub use host::interrupt::{Interrupts, StopRequest};
pub use host::process::{Liveness, liveness};
pub use launcher::engines::{OpenedEngine, engine_settings, reconcile, site, tools};
pub use launcher::time_limit::{ShortTimeLimit, short_time_limit};
pub use launcher::{DEFAULT_RETRIES, Event, LaunchEnd, Launcher, Tools, Until, Watcher, commands};
pub use object_store::Storage;
pub use protocol::{Job, JobSpec, Outcome, RemoteFolder, Step};
pub use run::log::FILE as RUN_LOG;
pub use run::progress::{RunProgress, Snapshot};
pub use swarm::{LEDGER, SwarmPaths, Variant, load_variants, resolve_path, run_folder};
pub use swarm_report::SwarmReport;
