//! What `olmix` promises, through its binary.
//!
//! One program of tests: it is linked once, and tests that wait (for a cluster, a server, a process to end)
//! share the cores with those that compute. A module is the part of the command line that it tests;
//! `clusters` and `launches`, and the tests of killed processes elsewhere, are what
//! `scripts/repeat-tests.sh` repeats.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a step that fails fails the test, and what is skipped is said
#![cfg_attr(not(target_os = "linux"), allow(dead_code))] // helpers of tests of processes

mod acceptance;
mod browser;
mod building;
mod clusters;
mod common;
mod documentation;
mod explore;
mod inputs;
mod launches;
mod mixtures;
mod projects;
mod reliability;
mod swarms;
mod trackers;
