//! `olmix demo`.

use std::path::PathBuf;

use clap::Args;

use super::Common;

/// `olmix demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder for data, configs, runs and report; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "olmix-demo")]
    pub output: PathBuf,
    /// Seed of the data, the swarm and every model.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
