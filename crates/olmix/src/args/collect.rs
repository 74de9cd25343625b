//! `olmix collect`.

use std::path::PathBuf;

use clap::Args;

use super::Common;

/// `olmix collect`.
#[derive(Debug, Args)]
#[command(after_help = "The value of --swarm determines the source:\n  \
        a ledger.sqlite, or a folder of runs with one   runs of `olmix launch run`\n  \
        a folder of RUN.json or RUN/metrics.json        {\"metric\": number, …}, by any trainer; olmes\n  \
        a folder of RUN/MODEL/results_TIME.json         lm-evaluation-harness\n  \
        a folder with wandb/run-* or offline-run-*      Weights & Biases\n  \
        a folder of RUN/events.out.tfevents.*           TensorBoard\n  \
        PROJECT.db, or a folder with one                trackio\n  \
        a folder with swanlog/run-*                     SwanLab\n  \
        mlflow.db, mlruns, or a folder with one         MLflow, with --experiment\n  \
        http://… or https://…                           an MLflow tracking server, with --experiment\n  \
        a .csv, .tsv, .jsonl, .json or .parquet file    a table with a row per run, with --mix\n\n\
        Examples:\n  \
        olmix collect --swarm swarm/runs --output swarm\n  \
        olmix collect --swarm wandb --output swarm\n  \
        olmix collect --swarm http://localhost:5000 --experiment proxies --ratios swarm/ratios.csv --output \
        swarm\n  \
        olmix collect --swarm export.csv --run-column Name --mix 'data.mix.*' --metrics 'eval/*bpb' --tokens \
        token_counts.csv --output swarm\n\n\
        Besides ratios.csv and metrics.csv, a first fit.yaml is written where there is none.\n\n\
        Credentials of an MLflow server come from MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and \
        MLFLOW_TRACKING_PASSWORD, in the environment. docs/collect.md has the details.")]
pub struct CollectArgs {
    /// The source of the runs, one of those listed below.
    #[arg(long, value_name = "PATH|URL")]
    pub swarm: String,
    /// Folder for ratios.csv, metrics.csv, metrics.meta.json and a first fit.yaml.
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Keep only metrics whose names match; repeatable [default: all but scores beside losses,
    /// validation losses in nats, and what repeats other metrics].
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out metrics whose names match; repeatable.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Of a table, the column that names the runs [default: `run`, `run_id`, `run_name`, `name`, `id` or `index`,
    /// in any case].
    #[arg(long, value_name = "COLUMN")]
    pub run_column: Option<String>,
    /// Of a table, columns with the mixture, in shares or in percent. What stands for the wildcard names the
    /// domain; repeatable.
    #[arg(long, value_name = "GLOB")]
    pub mix: Vec<String>,
    /// Of a table, columns that were measured; repeatable [default: all other columns of numbers].
    #[arg(long, value_name = "GLOB")]
    pub metrics: Vec<String>,
    /// Tokens of each domain, for the first fit.yaml: a CSV file with the columns domain and tokens, or a YAML or
    /// JSON file.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// A ratios.csv with the mixtures of the runs, where the source does not record them; it counts before
    /// what trackers have in their configs.
    #[arg(long, value_name = "FILE", conflicts_with = "variants")]
    pub ratios: Option<PathBuf>,
    /// A folder of launch configs with the mixtures of the runs, in place of --ratios.
    #[arg(long, value_name = "DIR")]
    pub variants: Option<PathBuf>,
    /// The experiment on the tracking server, or in its database or folder; required if there are several.
    #[arg(long, value_name = "NAME")]
    pub experiment: Option<String>,
    /// Keep runs that stopped short of the others' last step. Without this they are left out by name.
    #[arg(long)]
    pub include_short: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
