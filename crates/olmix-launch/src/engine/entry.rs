//! How an engine is opened.

use olmix_io::EngineConfig;

use super::cluster::Cluster;
use super::contract::Engine;
use crate::LaunchError;

/// How an engine is opened: what its module has as `ENGINE`.
#[derive(Debug, Clone, Copy)]
pub enum EngineEntry {
    /// Runs are processes of this machine, at most so many at once, and end with their launcher.
    Processes(fn(usize) -> Box<dyn Engine>),
    /// Runs are jobs of a scheduler, which settings say the way to.
    Cluster(fn(&EngineConfig) -> Result<Box<dyn Cluster>, LaunchError>),
}
