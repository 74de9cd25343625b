//! What tests of engines and launchers need: a clock that they set, a recorder in memory, a fake engine and
//! a fake cluster with scripted runs, and the conformance suite that every engine passes.
//!
//! Nothing here is used by a launch.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)] // a failed step fails the test

mod clock;
mod conformance;
mod fake_cluster;
mod recorder;
#[cfg(test)]
mod tests;

pub use crate::engine::fake::{Attempt, FakeEngine, FakeService};
pub use clock::FakeClock;
pub use conformance::{CHECKS, Check, Subject, check_all, shell_job};
pub use fake_cluster::{FakeCluster, FakeJob};
pub use recorder::MemoryRecorder;
