//! Swarms on real clusters of this machine: Slurm, Ray, and an object store between launcher and nodes.
//! With each fault, every run ends finished or failed for a stated reason, none runs twice at once, and the
//! tables are those of a swarm left alone.
#![cfg(target_os = "linux")]

mod conformance;
mod ray;
mod slurm_accounts;
mod slurm_control;
mod slurm_faults;
mod slurm_megatron;
mod slurm_submission;
mod slurm_trainer;
mod storage;
mod storage_azure;
mod storage_errors;
mod storage_parts;

use std::path::Path;

use crate::common::slurm::Slurm;
use crate::common::swarm::{config, swarm};

const RUNS: usize = 24;
const ON_SLURM: &str = "launch run --variants swarm/launch --engine slurm";

/// A swarm that a command trains, for a part of the cluster, with more of the section `engine`.
fn on_slurm(slurm: &Slurm, folder: &Path, runs: usize, command: &str, more: &str) {
    swarm(folder, runs, |_| command.to_owned());
    let partition = slurm.partition("low");
    let engine = format!("engine: {{type: slurm, time: 10, partition: {partition}{more}}}\n");
    for i in 0..runs {
        config(folder, i, runs, command, &engine);
    }
}
