//! `olmix launch`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use olmix_io::EngineKind;
use olmix_launch::DEFAULT_RETRIES;

use super::Common;

/// `olmix launch`.
#[derive(Debug, Subcommand)]
pub enum LaunchCommand {
    /// Train and measure every run of a swarm; go on where an earlier launch ended.
    #[command(
        after_help = "Example:\n  olmix launch run --variants swarm/launch\n\nRuns are written to swarm/runs, and their states to swarm/runs/ledger.sqlite. Ctrl-C stops cleanly; whatever stops it, the same command goes on, and several at once share the work.\n\nOn a cluster:\n  olmix launch preview --variants swarm/launch --engine slurm\n  olmix launch run --variants swarm/launch --engine slurm\n\nThere Ctrl-C only ends the following: runs go on, and are followed again by the same command. `olmix launch cancel` ends them. Exit codes: 0 all runs finished, 1 some did not, 2 something you can mend, 130 stopped."
    )]
    Run(LaunchRunArgs),
    /// What would be run, with the exact commands. Nothing is run or written.
    Preview(LaunchRunArgs),
    /// What has become of the runs.
    Status(LaunchStatusArgs),
    /// Cancel runs, wherever they are.
    Cancel(LaunchCancelArgs),
    /// The log of a run.
    Logs(LaunchLogsArgs),
    /// What a job of a cluster does on its node. Scripts of submissions call it.
    #[command(hide = true)]
    Work(LaunchWorkArgs),
}

/// The parser of the name of an engine: help and completions list those of the registry.
fn engine() -> impl TypedValueParser<Value = EngineKind> {
    let named = |kind: &EngineKind| {
        let summary = kind.summary().trim_end_matches('.');
        PossibleValue::new(kind.word()).help(summary)
    };
    let names = PossibleValuesParser::new(EngineKind::ALL.iter().map(named));
    names.try_map(|given| {
        let found = EngineKind::ALL.iter().find(|kind| kind.word() == given);
        found.copied().ok_or("no such engine")
    })
}

/// `olmix launch run` and `olmix launch preview`.
#[derive(Debug, Args)]
pub struct LaunchRunArgs {
    /// The folder of launch configs, one for each run.
    #[arg(long, value_name = "DIR")]
    pub variants: PathBuf,
    /// What runs them (default: what the section `engine` of the launch configs or of olmix.yaml says,
    /// else local).
    #[arg(long, value_parser = engine())]
    pub engine: Option<EngineKind>,
    /// How many runs at once (default: local one per core, as far as there are runs; on a cluster as many
    /// as it allows).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// The folder of runs (default: `runs` beside the variants).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The ledger (default: ledger.sqlite in the folder of runs).
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// How often a run that was killed or failed by chance is tried again.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RETRIES)]
    pub retries: u32,
    /// Submit to the cluster and return; the same command without it follows, and so does `olmix launch
    /// status`.
    #[arg(long)]
    pub detach: bool,
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
    #[arg(value_name = "RUN", required_unless_present_any = ["all", "waiting"])]
    pub runs: Vec<String>,
    /// All runs that have not finished.
    #[arg(long, conflicts_with = "runs")]
    pub all: bool,
    /// All runs that have not begun; those that have go on.
    #[arg(long, conflicts_with_all = ["runs", "all"])]
    pub waiting: bool,
    /// Where the swarm lies.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch logs`.
#[derive(Debug, Args)]
pub struct LaunchLogsArgs {
    /// The run.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The last lines only; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tail: usize,
    /// Go on printing until the run has ended.
    #[arg(long, short)]
    pub follow: bool,
    /// Where the swarm lies.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch work`.
#[derive(Debug, Args)]
pub struct LaunchWorkArgs {
    /// The file of orders of a submission.
    #[arg(long, value_name = "FILE")]
    pub orders: String,
    /// Which of them, from 1.
    #[arg(long, value_name = "N")]
    pub task: usize,
}
