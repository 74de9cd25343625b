//! `olmix proxy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;

/// `olmix proxy`.
#[derive(Debug, Subcommand)]
pub enum ProxyCommand {
    /// Plan a run without training: every hyperparameter, and the order of its data.
    #[command(after_help = "Example:\n  \
            olmix proxy prepare --config swarm/launch/web-3f2a-0007.yaml --out run\n\n\
            Writes run.json (the plan), sequences.bin (the order of data) and tokenizer.json, from which any \
            trainer can continue. `olmix proxy train` does this itself.")]
    Prepare(ProxyTrainArgs),
    /// Train the model of a launch config on the CPU.
    #[command(after_help = "Example:\n  \
            olmix proxy train --config swarm/launch/web-3f2a-0007.yaml --out run\n\n\
            An interrupted run resumes from its last checkpoint, and the result has the same bits. \
            run/metrics.jsonl receives the losses during training; run/model/ is the trained model, which \
            Python's transformers loads.\n\n\
            Sizes: demo, 1m, 15m, 30m, 60m, 100m, 190m, 370m, 1b (non-embedding parameters). Tokens, batch \
            size and learning rate follow from the size; every hyperparameter can be set in `training` \
            (docs/launch-config.md).\n\n\
            Exit codes: 0 for success, 2 for an error that you can correct, 3 if training diverged (a retry \
            would diverge again), 1 for any other error.")]
    Train(ProxyTrainArgs),
    /// Evaluate a trained model: bits per byte of gold answers and of held-out text.
    #[command(after_help = "Example:\n  \
            olmix proxy eval --model run --tasks tasks/\n\n\
            Tasks are files of JSON Lines, NAME.jsonl each: {\"context\": …, \"answer\": …}, or \
            {\"context\": …, \"choices\": […], \"gold\": 0}, or {\"text\": …}. The metric NAME is the mean bits \
            per byte of the gold answers, or the bits per byte of all texts; NAME:accuracy is how often the \
            gold choice has the fewest bits per byte. Values are those of lm-evaluation-harness \
            (docs/launch-config.md). validation:DOMAIN is the bits per byte of held-out text.")]
    Eval(ProxyEvalArgs),
}

/// `olmix proxy train`.
#[derive(Debug, Args)]
pub struct ProxyTrainArgs {
    /// The launch config (YAML, see docs/launch-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Folder of the run; created if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix proxy eval`.
#[derive(Debug, Args)]
pub struct ProxyEvalArgs {
    /// Folder of a run with its trained model.
    #[arg(long, value_name = "RUN")]
    pub model: PathBuf,
    /// Task file, or folder of task files; repeatable [default: the config's].
    #[arg(long, value_name = "PATH")]
    pub tasks: Vec<PathBuf>,
    /// File with a few-shot prefix for every context [default: the config's].
    #[arg(long, value_name = "FILE")]
    pub few_shot: Option<PathBuf>,
    /// Put an end-of-text token before every context [default: the config's].
    #[arg(long)]
    pub add_bos_token: bool,
    /// File for the metrics [default: metrics.json in the run's folder].
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
