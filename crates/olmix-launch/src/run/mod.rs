//! What a run leaves in its folder: its log, its metrics, and how far it is.

pub mod folder;
pub mod log;
pub mod metrics;
pub mod progress;
