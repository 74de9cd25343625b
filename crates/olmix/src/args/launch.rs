//! `olmix launch`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use olmix_io::EngineKind;
use olmix_launch::DEFAULT_RETRIES;

use super::{Common, CostArgs};

/// `olmix launch`.
#[derive(Debug, Subcommand)]
pub enum LaunchCommand {
    /// Train and measure every run of a swarm; resume where an earlier launch ended.
    #[command(
        after_help = "Example:\n  olmix launch run --variants swarm/launch\n\nRuns are written to swarm/runs, and their states to swarm/runs/ledger.sqlite. Ctrl-C stops cleanly. After any interruption the same command resumes; several launchers at once share the work.\n\nOn a cluster:\n  olmix launch preview --variants swarm/launch --engine slurm\n  olmix launch run --variants swarm/launch --engine slurm\n\nThere Ctrl-C only ends the following: runs continue, and the same command follows them again. `olmix launch cancel` ends them (docs/engines.md).\n\nExit codes: 0 if all runs finished, 1 if some did not, 2 for an error that you can correct, 130 if stopped."
    )]
    Run(LaunchRunArgs),
    /// Show what would run, with the exact commands; nothing is run or written.
    #[command(
        after_help = "Example:\n  olmix launch preview --variants swarm/launch --engine slurm --device H100 --price 2.5"
    )]
    Preview(LaunchPreviewArgs),
    /// Show the states of the runs, failures by cause, and the time left.
    #[command(after_help = "Example:\n  olmix launch status --variants swarm/launch --watch")]
    Status(LaunchStatusArgs),
    /// Cancel runs, on this machine and on clusters.
    #[command(
        after_help = "Examples:\n  olmix launch cancel web-3f2a-0007 --variants swarm/launch\n  olmix launch cancel --waiting --variants swarm/launch"
    )]
    Cancel(LaunchCancelArgs),
    /// Print the log of a run.
    #[command(
        after_help = "Example:\n  olmix launch logs web-3f2a-0007 --variants swarm/launch --follow"
    )]
    Logs(LaunchLogsArgs),
    /// Execute a run on a node of a cluster; submission scripts call it.
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

/// A launch is of a folder, where other commands take one config.
fn no_config(_: &str) -> Result<PathBuf, &'static str> {
    Err(
        "launches take the folder of launch configs that `olmix generate --base` writes: --variants DIR; one run \
         alone is trained by `olmix proxy train --config`",
    )
}

/// `olmix launch run` and `olmix launch preview`.
#[derive(Debug, Args)]
pub struct LaunchRunArgs {
    /// Folder of launch configs, one for each run.
    #[arg(long, value_name = "DIR")]
    pub variants: PathBuf,
    /// Refused, with what to give instead.
    #[arg(long, hide = true, value_name = "FILE", value_parser = no_config)]
    pub config: Option<PathBuf>,
    /// What executes the runs [default: the section `engine` of the launch configs or of olmix.yaml, else
    /// local].
    #[arg(long, value_parser = engine())]
    pub engine: Option<EngineKind>,
    /// Number of runs at the same time [default: local one per core; on a cluster as many as it allows].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Folder of the runs [default: `runs` beside the variants].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The ledger [default: ledger.sqlite in the folder of runs].
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// How often a run that was killed or failed by chance is retried.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RETRIES)]
    pub retries: u32,
    /// Submit to the cluster and return; the same command without --detach follows the runs.
    #[arg(long)]
    pub detach: bool,
    /// Run failed and cancelled runs again, whatever the cause.
    #[arg(long)]
    pub retry_failed: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch preview`.
#[derive(Debug, Args)]
pub struct LaunchPreviewArgs {
    /// What would be run.
    #[command(flatten)]
    pub run: LaunchRunArgs,
    /// What it would cost.
    #[command(flatten)]
    pub cost: CostArgs,
}

/// Selects a launched swarm.
#[derive(Debug, Args)]
pub struct SwarmArgs {
    /// Folder of the launch configs.
    #[arg(long, value_name = "DIR")]
    pub variants: Option<PathBuf>,
    /// Folder of the runs.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The ledger; one of --variants, --out and --ledger is enough.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// `olmix launch status`.
#[derive(Debug, Args)]
pub struct LaunchStatusArgs {
    /// The swarm.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// Update the display until no run is waiting or running.
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch cancel`.
#[derive(Debug, Args)]
pub struct LaunchCancelArgs {
    /// Names of the runs to cancel.
    #[arg(value_name = "RUN", required_unless_present_any = ["all", "waiting"])]
    pub runs: Vec<String>,
    /// Cancel all runs that have not finished.
    #[arg(long, conflicts_with = "runs")]
    pub all: bool,
    /// Cancel all runs that have not started; running ones continue.
    #[arg(long, conflicts_with_all = ["runs", "all"])]
    pub waiting: bool,
    /// The swarm.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch logs`.
#[derive(Debug, Args)]
pub struct LaunchLogsArgs {
    /// Name of the run.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Number of last lines to print; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tail: usize,
    /// Continue to print until the run has ended.
    #[arg(long, short)]
    pub follow: bool,
    /// The swarm.
    #[command(flatten)]
    pub swarm: SwarmArgs,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix launch work`.
#[derive(Debug, Args)]
pub struct LaunchWorkArgs {
    /// File of job specifications of a submission.
    #[arg(long, value_name = "FILE")]
    pub orders: String,
    /// Number of the job specification, from 1.
    #[arg(long, value_name = "N")]
    pub task: usize,
}
