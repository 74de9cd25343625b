//! `olmix proxy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;

/// `olmix proxy`.
#[derive(Debug, Subcommand)]
pub enum ProxyCommand {
    /// Work out every number of a run, and which tokens it sees in which order, without training.
    #[command(
        after_help = "Writes run.json (the plan), sequences.bin (the order of data) and tokenizer.json. Any trainer can go on from there; `olmix proxy train` prepares by itself."
    )]
    Prepare(ProxyTrainArgs),
    /// Train the model of a launch config on the processor.
    #[command(
        after_help = "Example:\n  olmix proxy train --config swarm/launch/web-3f2a-0007.yaml --out run\n\nA run that was stopped, at any moment and by anything, goes on from its last checkpoint and ends with the same bits. run/metrics.jsonl has the losses as they come; run/model/ is the trained model, which Python's transformers loads.\n\nSizes: demo, 1m, 15m, 30m, 60m, 100m, 190m, 370m, 1b (non-embedding parameters). Tokens, batch and learning rate follow from the size; every number can be set in `training`.\n\nExit codes: 3 when training diverged, so that trying again is of no use; 2 something you can mend; 1 anything else."
    )]
    Train(ProxyTrainArgs),
    /// Measure a trained model: bits per byte of gold answers and of held-out text.
    #[command(
        after_help = "Example:\n  olmix proxy eval --model run --tasks tasks/\n\nTasks are files of JSON Lines, NAME.jsonl each: {\"context\": …, \"answer\": …}, or {\"context\": …, \"choices\": […], \"gold\": 0}. NAME is the bits per byte of the gold answer, the mean over lines; NAME:accuracy how often it has the fewest. validation:DOMAIN is the bits per byte of held-out text."
    )]
    Eval(ProxyEvalArgs),
}

/// `olmix proxy train`.
#[derive(Debug, Args)]
pub struct ProxyTrainArgs {
    /// The launch config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The run's folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix proxy eval`.
#[derive(Debug, Args)]
pub struct ProxyEvalArgs {
    /// A run's folder, with its trained model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Task files, or folders of them, in place of the config's.
    #[arg(long, value_name = "PATH")]
    pub tasks: Vec<PathBuf>,
    /// A file that goes before every context, in place of the config's.
    #[arg(long, value_name = "FILE")]
    pub few_shot: Option<PathBuf>,
    /// Where the metrics go (default: metrics.json in the run's folder).
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
