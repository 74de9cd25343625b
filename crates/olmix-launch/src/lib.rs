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

//!
//! ```
//! use std::fs;
//!
//! use olmix_io::EngineConfig;
//! use olmix_launch::{
//!     DEFAULT_RETRIES, Event, LaunchEnd, Launcher, OpenedEngine, StopRequest, SwarmPaths, SystemClock, Until,
//!     Watcher, load_variants, tools,
//! };
//! use olmix_ledger::{Ledger, RerunPolicy, State};
//!
//! struct Print;
//!
//! impl Watcher for Print {
//!     fn event(&mut self, event: &Event) {
//!         println!("{event:?}");
//!     }
//!
//!     fn stop_request(&mut self, _ledger: &Ledger) -> StopRequest {
//!         StopRequest::None
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! // A launch config whose trainer is a shell command.
//! fs::create_dir(folder.join("launch"))?;
//! fs::write(
//!     folder.join("launch/00.yaml"),
//!     r#"
//! name: first-00
//! group_id: first
//! training: {seed: 0}
//! trainer: {command: "echo '{\"loss\": 1.5}' > {out}/metrics.json"}
//! mix: {web: 0.75, code: 0.25}
//! "#,
//! )?;
//! let paths = SwarmPaths::new(&folder.join("launch"), None, None)?;
//! let variants = load_variants(&paths.variants)?;
//! let mut ledger = Ledger::open(&paths.ledger)?;
//! let rerun = RerunPolicy { retries: DEFAULT_RETRIES, all: false };
//! let (swarm, _) = paths.register(&mut ledger, &variants, rerun)?;
//!
//! // Two processes of this machine at once, with one thread each.
//! let (settings, clock) = (EngineConfig::default(), SystemClock::shared());
//! let mut engine = OpenedEngine::open(&settings)?.for_swarm(2, &ledger, &swarm, &clock)?;
//! let mut launcher = Launcher {
//!     ledger: &mut ledger,
//!     swarm: &swarm,
//!     tools: tools(&settings, 1)?,
//!     retries: DEFAULT_RETRIES,
//!     until: Until::Complete,
//!     clock,
//! };
//! assert_eq!(launcher.run(&mut engine, &mut Print)?, LaunchEnd::Complete);
//!
//! let run = ledger.runs(swarm.id)?.remove(0);
//! assert_eq!(run.state, State::Finished);
//! assert_eq!(run.metrics, Some(vec![("loss".to_owned(), 1.5)]));
//! # Ok(())
//! # }
//! ```

pub mod collect;
mod domain_files;
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

pub use domain_files::domain_files;
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
