//! `olmix collect`.

use std::path::PathBuf;

use clap::Args;

use super::Common;

/// `olmix collect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Sources, told by what --swarm names:\n  a ledger.sqlite, or a folder of runs with one   what `olmix launch run` did\n  a folder of RUN.json or RUN/metrics.json        {\"metric\": number, …}, from any trainer\n  a folder with wandb/run-*                       local run folders of Weights & Biases\n  http://… or https://…                           an MLflow tracking server, with --experiment\n\nExamples:\n  olmix collect --swarm swarm/runs --output swarm\n  olmix collect --swarm http://localhost:5000 --experiment proxies --ratios swarm/ratios.csv --output swarm\n\nAn MLflow server's MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, are taken from the environment."
)]
pub struct CollectArgs {
    /// Where the runs were recorded.
    #[arg(long, value_name = "PATH|URL")]
    pub swarm: String,
    /// The folder that ratios.csv and metrics.csv are written to.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Only metrics whose names match; accuracies too. May be given several times.
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No metrics whose names match. May be given several times.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// The mixtures of the runs, where their folders or the server don't say.
    #[arg(long, value_name = "FILE", conflicts_with = "variants")]
    pub ratios: Option<PathBuf>,
    /// The same from a folder of launch configs.
    #[arg(long, value_name = "DIR")]
    pub variants: Option<PathBuf>,
    /// The experiment, where a tracking server has several.
    #[arg(long, value_name = "NAME")]
    pub experiment: Option<String>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
