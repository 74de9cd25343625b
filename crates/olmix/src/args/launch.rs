//! `olmix launch`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Common;

/// `olmix launch`.
#[derive(Debug, Subcommand)]
pub enum LaunchCommand {
    /// Train and measure every run of a swarm; go on where an earlier launch ended.
    #[command(
        after_help = "Example:\n  olmix launch run --variants swarm/launch\n\nRuns are written to swarm/runs, and their states to swarm/runs/ledger.sqlite. Ctrl-C stops cleanly; whatever stops it, the same command goes on, and several at once share the work. Exit codes: 0 all runs finished, 1 some did not, 2 something you can mend, 130 stopped."
    )]
    Run(LaunchRunArgs),
    /// What would be run, with the exact commands. Nothing is run or written.
    Preview(LaunchRunArgs),
    /// What has become of the runs.
    Status(LaunchStatusArgs),
    /// Cancel runs; those that run are stopped by their launcher.
    Cancel(LaunchCancelArgs),
}

/// What runs runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// Processes of this machine.
    Local,
}

/// `olmix launch run` and `olmix launch preview`.
#[derive(Debug, Args)]
pub struct LaunchRunArgs {
    /// The folder of launch configs, one for each run.
    #[arg(long, value_name = "DIR")]
    pub variants: PathBuf,
    /// What runs them.
    #[arg(long, value_enum, default_value = "local")]
    pub engine: EngineKind,
    /// How many runs at once (default: one per core, as far as there are runs).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// The folder of runs (default: `runs` beside the variants).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The ledger (default: ledger.sqlite in the folder of runs).
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// How often a run that was killed or failed by chance is tried again.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub retries: u32,
    /// Run what failed or was cancelled again, whatever it failed of.
    #[arg(long)]
    pub retry_failed: bool,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// Where a swarm that was launched lies.
#[derive(Debug, Args)]
pub struct SwarmArgs {
    /// The folder of launch configs.
    #[arg(long, value_name = "DIR")]
    pub variants: Option<PathBuf>,
    /// The folder of runs.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The ledger; one of the three is enough.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// `olmix launch status`.
#[derive(Debug, Args)]
pub struct LaunchStatusArgs {
    /// Where the swarm lies.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// Show it again and again, until no run is left that waits or runs.
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch cancel`.
#[derive(Debug, Args)]
pub struct LaunchCancelArgs {
    /// The runs.
    #[arg(value_name = "RUN", required_unless_present = "all")]
    pub runs: Vec<String>,
    /// All runs that have not finished.
    #[arg(long, conflicts_with = "runs")]
    pub all: bool,
    /// Where the swarm lies.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
