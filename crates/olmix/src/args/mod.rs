//! The command line.

mod analyze;
mod choice;
mod collect;
mod demo;
mod fit;
mod generate;
mod launch;
mod mix;
mod project;
mod proxy;
mod study;
mod tokenize;

pub use analyze::{AnalyzeCommand, AnalyzeReuseArgs};
pub use collect::CollectArgs;
pub use demo::DemoArgs;
pub use fit::{CompareArgs, FitArgs, LawArgs, PredictArgs, SweepArgs};
pub use generate::GenerateArgs;
pub use launch::{
    EngineName, LaunchCancelArgs, LaunchCommand, LaunchLogsArgs, LaunchRunArgs, LaunchStatusArgs,
    LaunchWorkArgs, SwarmArgs,
};
pub use mix::{ExportArgs, MixCommand, MixDiffArgs, PriorsCommand, PriorsComputeArgs, ShowArgs};
pub use project::{
    CommitArgs, DiffArgs, DomainArgs, HistoryCommand, InitArgs, LogArgs, PlanArgs, ProjectArgs,
    ShowRecordArgs, TagArgs, UpdateArgs, UpdateCommand, VerifyArgs,
};
pub use proxy::{ProxyCommand, ProxyEvalArgs, ProxyTrainArgs};
pub use study::{StudyArgs, StudyQuestion};
pub use tokenize::TokenizeArgs;

use choice::choice;

use clap::{Args, Parser, Subcommand};

/// How much of each kind of data should a language model be trained on?
///
/// Reads a swarm (many small proxy runs, the mixture and the losses of each), fits a law per task
/// from mixture to loss, and solves for the best mixture under the data there is.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 2 something you can mend (one message says what), 1 anything else."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole story on a laptop: make data, train a swarm, fit laws, propose a mixture, and train a
    /// larger model on it.
    Demo(DemoArgs),
    /// Turn text into token shards.
    Tokenize(TokenizeArgs),
    /// Count the tokens of every source, or look at counts.
    Priors {
        /// What to do.
        #[command(subcommand)]
        command: PriorsCommand,
    },
    /// Draw the mixtures of a swarm from a generation config.
    #[command(
        after_help = "Example:\n  olmix generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml --output swarm\n\nWrites ratios.csv with every mixture, weights.svg and weights.png, and with --base one launch config per run in launch/.\n\nDesigns:\n  random     independent draws\n  maximin    the same distribution, filled evenly\n  d_optimal  of many draws, those with the most information on a law\n  v_optimal  of many draws, those after which a law predicts best where a mixture may be proposed\nWith saturating laws, on two measured swarms, v_optimal needed two thirds of the runs that random draws did, or fewer (docs/study.md)."
    )]
    Generate(GenerateArgs),
    /// Train and measure the runs of a swarm.
    Launch {
        /// What to do.
        #[command(subcommand)]
        command: LaunchCommand,
    },
    /// Train or measure one proxy model.
    Proxy {
        /// What to do.
        #[command(subcommand)]
        command: ProxyCommand,
    },
    /// Gather what the runs of a swarm measured, as ratios.csv and metrics.csv.
    Collect(CollectArgs),
    /// Fit a law per task, check it, and propose a mixture.
    #[command(
        after_help = "Example:\n  olmix fit --config examples/demo/fit.yaml --output-dir out\n\nWrites out/<hash>/ with every figure and file, and out/mixture.json and out/report.html as those of the latest fit."
    )]
    Fit(FitArgs),
    /// One fit, many solves: the mixture for every target size, repetition factor and KL strength.
    #[command(
        after_help = "Example:\n  olmix sweep --config examples/demo/fit.yaml --target-tokens 1e9,2e9 --repetition 2,4 --kl 0.01,0.05"
    )]
    Sweep(SweepArgs),
    /// Several published methods on one swarm: their mixtures side by side, each judged by the laws
    /// of all.
    #[command(
        after_help = "Example:\n  olmix compare --config examples/demo/fit.yaml --presets olmixbase,unimax,natural\n\nA mixture always looks best to the law it was made with; the table of gains shows what the other laws say of it."
    )]
    Compare(CompareArgs),
    /// How many runs, which law, which optimizer? The questions of the method's paper, asked of your
    /// swarm.
    #[command(
        after_help = "Questions:\n  swarm-size          error and regret against the number of runs, for several numbers of domains\n  swarm-distribution  sparse or dense mixtures, near the prior or far from it\n  laws                rank correlation of every law with unseen runs, against the number of runs\n  granularity         one law per task, per family, or for the average\n  constraints         the swarm within the token caps, or the solve, or both\n  solver              exact at several λ, local search, simulation, search\n  designs             which runs are worth training, told by their mixtures alone\n  reuse               the paper's case study: what reuse keeps while domains change (64 domains)\n  proxy-size          do two swarms over the same mixtures rank them alike? (--against)\n\nExample:\n  olmix study laws --config examples/demo/fit.yaml --seeds 3\n\nA study that is stopped goes on where it was when started again."
    )]
    Study(StudyArgs),
    /// What theory says of a mixture's reuse, in numbers.
    Analyze {
        /// What to do.
        #[command(subcommand)]
        command: AnalyzeCommand,
    },
    /// Make a project: a readable olmix.yaml, and a ledger that remembers every version of the data and every mixture.
    Init(InitArgs),
    /// Tell what changed in the data: the next version of the domain set.
    Update(UpdateArgs),
    /// What to recompute after updates, what it costs and what it risks, before anything is trained.
    Plan(PlanArgs),
    /// Record a mixture, with the fit and the swarm behind it.
    Commit(CommitArgs),
    /// Draw the history: what each step was made of, cost and gained.
    Log(LogArgs),
    /// Everything that is recorded of a mixture, fit, swarm or version of the domains.
    Show(ShowRecordArgs),
    /// What is different between two records.
    Diff(DiffArgs),
    /// Give a record a name of its own, or list such names.
    Tag(TagArgs),
    /// Check that the history is what was recorded.
    Verify(VerifyArgs),
    /// The history as plain files, and back.
    History {
        /// What to do.
        #[command(subcommand)]
        command: HistoryCommand,
    },
    /// A mixture as a trainer's own configuration.
    #[command(
        after_help = "Formats:\n  olmo-core    YAML for SourceMixtureList\n  megatron     a line for --data-path of Megatron-LM and NeMo\n  huggingface  Python: datasets.interleave_datasets\n  litgpt       Python: litdata.CombinedStreamingDataset\n  streaming    YAML: MosaicML Streaming's streams\n  levanter     YAML: data.configs and data.train_weights\n  mix          YAML: the mix of a launch config\n  csv, json, yaml\nWeights are rounded to nine decimals that sum to one.\n\nExample:\n  olmix export --mixture out/mixture.json --format megatron --data generate.yaml"
    )]
    Export(ExportArgs),
    /// Look at a mixture, or at what changes between two.
    Mix {
        /// What to do.
        #[command(subcommand)]
        command: MixCommand,
    },
    /// What fitted laws say of other mixtures, and how right they were.
    #[command(
        after_help = "Example:\n  olmix predict --mixture out/mixture.json --ratios other.csv --metrics other-metrics.csv"
    )]
    Predict(PredictArgs),
    /// Print a completion script for your shell.
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
}

/// Options that every job takes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Common {
    /// Print the result as JSON, and nothing else, on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads to use (default: one per core). The result is the same bits on any number.
    #[arg(long, value_name = "N", global = true)]
    pub threads: Option<usize>,
}
