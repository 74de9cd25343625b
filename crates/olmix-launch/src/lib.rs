//! Running a swarm of proxies, and collecting what was measured.
//!
//! | what | where |
//! | --- | --- |
//! | takes runs from the ledger, records how they end | [`Launcher`] |
//! | starts and follows them | [`Engine`]; [`Local`] is the one of this machine |
//! | which commands a run is | [`job`](trainer::job), by the trainer of its launch config |
//! | where a swarm lies | [`Place`], [`load_variants`] |
//! | how far it is | [`Snapshot`] |
//! | metrics of finished runs, from wherever | [`collect`] |

mod clock;
pub mod cluster;
pub mod collect;
mod engine;
mod error;
mod fleet;
mod interrupt;
mod job;
mod judge;
mod launcher;
mod local;
mod log;
mod metrics;
mod process;
mod progress;
mod shell;
mod storage;
mod swarm;
pub mod trainer;
pub mod work;

pub use clock::{now, utc};
pub use engine::{Book, Ended, Engine, Outcome};
pub use error::LaunchError;
pub use fleet::{Fleet, Opener};
pub use interrupt::Interrupts;
pub use job::{Away, Job, Step};
pub use launcher::{Ending, Event, Launcher, Until, Watcher, Wish};
pub use local::Local;
pub use log::FILE as RUN_LOG;
pub use process::{Liveness, liveness};
pub use progress::{RunProgress, Snapshot};
pub use storage::Storage;
pub use swarm::{LEDGER, Place, Variant, folder_of, load_variants, settled};
pub use trainer::Tools;
