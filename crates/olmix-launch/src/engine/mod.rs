//! Engines: what runs runs. A file for each, behind one [contract](contract).

pub mod cluster;
pub mod contract;
mod entry;
pub(crate) mod fake;
pub(crate) mod local;
pub(crate) mod multi;
mod ray;
pub mod registry;
mod slurm;

pub use contract::{Ended, Engine, RunRecorder};
pub use entry::EngineEntry;
pub use local::Local;
pub use multi::{MultiEngine, OpenEngine};
