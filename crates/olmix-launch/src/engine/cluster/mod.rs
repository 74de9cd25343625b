//! Engines that have a queue of their own, such as the scheduler of a cluster.
//!
//! [`ClusterEngine`] is what they have in common: tickets, polling, runs that vanish, records of nodes. What
//! is particular to one is a [`Cluster`], a file each; `docs/engines.md` says how to add one.

mod cluster_engine;
pub mod contract;
mod poll;
mod probe;
mod results;
mod submission;
mod submit;
#[cfg(test)]
mod tests;
mod tracked_run;

pub use cluster_engine::ClusterEngine;
pub use contract::{Batch, Cluster, ClusterError, ExitReason, JobState, JobStatus};
pub use results::{make_scratch, scratch, storage};
pub use submission::{SUBMISSIONS, Site, preview, submission_folder};
