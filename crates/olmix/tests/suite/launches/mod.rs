//! What `olmix launch` promises on one machine. Processes are looked up as Linux has them.
#![cfg(target_os = "linux")]

mod cancellation;
mod failures;
mod recovery;
mod swarm;
