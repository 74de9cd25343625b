//! The command line.

mod analyze;
mod choice;
mod collect;
mod cost;
mod demo;
mod explore;
mod fit;
mod generate;
mod launch;
mod mix;
mod project;
mod proxy;
mod study;
mod tokenize;
mod update;

pub use analyze::{AnalyzeCommand, AnalyzeReuseArgs};
pub use collect::CollectArgs;
pub use cost::CostArgs;
pub use demo::DemoArgs;
pub use explore::ExploreArgs;
pub use fit::{CompareArgs, FitArgs, LawArgs, NextArgs, PredictArgs, SettingArgs, SweepArgs};
pub use generate::GenerateArgs;
pub use launch::{
    LaunchCancelArgs, LaunchCommand, LaunchLogsArgs, LaunchPreviewArgs, LaunchRunArgs,
    LaunchStatusArgs, LaunchWorkArgs, SwarmArgs,
};
pub use mix::{ExportArgs, MixCommand, MixDiffArgs, PriorsCommand, PriorsComputeArgs, ShowArgs};
pub use project::{
    CommitArgs, DiffArgs, HistoryCommand, InitArgs, LogArgs, PlanArgs, ProjectArgs, ShowRecordArgs,
    TagArgs, VerifyArgs,
};
pub use proxy::{ProxyCommand, ProxyEvalArgs, ProxyTrainArgs};
pub use study::{StudyArgs, StudyQuestion};
pub use tokenize::TokenizeArgs;
pub use update::{ChangedArg, DomainArgs, UpdateArgs, UpdateCommand};

use choice::choice;

use clap::{Args, Parser, Subcommand};

/// How much of each kind of data should a language model be trained on?
///
/// olmix reads a swarm (many small proxy runs, with the mixture and the losses of each), fits a law per task that
/// predicts the loss from the mixture, and solves for the best mixture within the data that exists.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
#[command(
    after_help = "Example:\n  olmix fit --config examples/demo/fit.yaml --output-dir out\n\nExit codes: 0 for success, 2 for an error that you can correct (one message says where and how), 1 for any other error.\n\nDocumentation: README.md for a tour, docs/ for configs and file formats, docs/glossary.md for terms."
)]
pub struct Arguments {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands of `olmix`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole method on this machine: make synthetic data, train a swarm, fit laws, propose a
    /// mixture, and train a larger model on it.
    #[command(
        after_help = "Example:\n  olmix demo --output olmix-demo\n\nTakes a few minutes and downloads nothing. Writes olmix-demo/report.html, the data, the configs and every run. A demo that is interrupted resumes."
    )]
    Demo(DemoArgs),
    /// Tokenize text into shards of tokens.
    Tokenize(TokenizeArgs),
    /// Count the tokens of the data, or show counts.
    Priors {
        /// The subcommand.
        #[command(subcommand)]
        command: PriorsCommand,
    },
    /// Draw the mixtures of a swarm from a generation config.
    #[command(
        after_help = "Example:\n  olmix generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml --output swarm\n\nWrites ratios.csv with every mixture, weights.svg and weights.png, and with --base one launch config per run in launch/.\n\nDesigns:\n  random     independent draws\n  maximin    space-filling, from the same variates as random draws\n  d_optimal  of many draws, those with the most information about a law's coefficients\n  v_optimal  of many draws, those after which a law predicts best where a mixture may be proposed\nWith saturating laws, on two measured swarms, v_optimal needed two thirds of the runs that random draws did, or fewer (docs/study.md).\n\nSee docs/generation-config.md for every key of the config."
    )]
    Generate(GenerateArgs),
    /// Train and measure the runs of a swarm.
    Launch {
        /// The subcommand.
        #[command(subcommand)]
        command: LaunchCommand,
    },
    /// Train or measure one proxy model.
    Proxy {
        /// The subcommand.
        #[command(subcommand)]
        command: ProxyCommand,
    },
    /// Collect the mixtures and metrics of a swarm's runs into ratios.csv and metrics.csv.
    Collect(CollectArgs),
    /// Fit a law per task, cross-validate it, and propose a mixture.
    #[command(
        after_help = "Example:\n  olmix fit --config examples/demo/fit.yaml --output-dir out\n\nWrites every figure and file to out/<hash>/, and copies those of the latest fit to out/mixture.json and out/report.html.\n\nSee docs/fit-config.md for every key of the config, docs/mixture-json.md for the result."
    )]
    Fit(FitArgs),
    /// Fit once and solve for every target size, repetition factor and strength of the KL term.
    #[command(
        after_help = "Example:\n  olmix sweep --config examples/demo/fit.yaml --target-tokens 1e9,2e9 --repetition 2,4 --kl 0.01,0.05\n  olmix sweep --config examples/demo/fit.yaml --objective code,qa"
    )]
    Sweep(SweepArgs),
    /// Compare published methods on one swarm: mixtures side by side, each with its loss predicted by
    /// the laws of all methods.
    #[command(
        after_help = "Example:\n  olmix compare --config examples/demo/fit.yaml --presets olmixbase,unimax,natural\n\nA mixture looks best to the law that it was optimized with. The table of gains shows what the laws of the other methods predict for it."
    )]
    Compare(CompareArgs),
    /// Choose the runs whose measurement is worth most for the mixture, and tell what stopping now costs.
    #[command(
        after_help = "Example:\n  olmix next examples/demo/fit.yaml --runs 5 --output next\n\nWrites ratios.csv with the mixtures to train, and with --base and --data one launch config per run in launch/. Train them, add their rows to the tables of the fit, and ask again. docs/next.md says how runs are chosen."
    )]
    Next(NextArgs),
    /// Study how many runs, which law and which optimizer your swarm needs: the research questions of
    /// the method's paper.
    #[command(
        after_help = "Questions:\n  swarm-size          error and regret against the number of runs, for several numbers of domains\n  swarm-distribution  sparse or dense mixtures, near the prior or far from it\n  laws                rank correlation of every law with unseen runs, against the number of runs\n  granularity         one law per task, per family, or for the average\n  constraints         the swarm within the token caps, or the solve, or both\n  solver              exact at several λ, local search, simulation, search\n  designs             which runs are worth training, chosen by their mixtures alone\n  regions             laws chosen by random folds against laws chosen by regions held out, too, where mixtures are proposed\n  next                runs chosen in batches by what earlier ones say, against a design made at once\n  reuse               the paper's case study: how much gain reuse keeps while domains change (64 domains)\n  revision            what old runs are worth after a part of a domain changed\n  proxy-size          whether two model sizes rank the same mixtures alike (--against)\n  transfer            what laws of small models are worth for larger ones, and what target runs add (--target)\n\nExample:\n  olmix study laws --config examples/demo/fit.yaml --seeds 3\n\nA study that is interrupted resumes when it is started again. docs/study.md has results for three public swarms."
    )]
    Study(StudyArgs),
    /// Compute what reusing a mixture's ratios costs, by theory and by given laws.
    Analyze {
        /// The subcommand.
        #[command(subcommand)]
        command: AnalyzeCommand,
    },
    /// Create a project: olmix.yaml for you to edit, and a ledger that records every version of the data and
    /// every mixture.
    Init(InitArgs),
    /// Record a change of the data as the next version of the domains.
    Update(UpdateArgs),
    /// Plan what to recompute after updates, with cost and risk, before anything is trained.
    Plan(PlanArgs),
    /// Record a mixture in the project, with the fit and the swarm behind it.
    Commit(CommitArgs),
    /// Show the history as a graph: what each record was made from, its cost and its gain.
    Log(LogArgs),
    /// Show everything that is recorded about a mixture, fit, swarm or version of the domains.
    Show(ShowRecordArgs),
    /// Show the differences between two records.
    Diff(DiffArgs),
    /// Name a record, or list the names.
    Tag(TagArgs),
    /// Verify that the history is as it was recorded.
    Verify(VerifyArgs),
    /// Export the history as plain files, or import it.
    History {
        /// The subcommand.
        #[command(subcommand)]
        command: HistoryCommand,
    },
    /// Export a mixture as the configuration of a trainer.
    #[command(after_help = mix::export_help())]
    Export(ExportArgs),
    /// Show a mixture, or the differences between two.
    Mix {
        /// The subcommand.
        #[command(subcommand)]
        command: MixCommand,
    },
    /// Predict the losses of other mixtures with fitted laws, and compare with measurements.
    #[command(
        after_help = "Example:\n  olmix predict --mixture out/mixture.json --ratios other.csv --metrics other-metrics.csv\n\nWith --metrics, the scores show how well the laws predict. They are a test only for runs that the laws were not fitted to."
    )]
    Predict(PredictArgs),
    /// Explore a fit in the browser: drag weights, bounds and task weights, and see the exact mixture at once.
    #[command(
        after_help = "Example:\n  olmix explore out\n\nServes a page on 127.0.0.1, under an address that only you are shown, until Ctrl-C. Nothing leaves the machine. docs/explore.md describes the page."
    )]
    Explore(ExploreArgs),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  olmix completions bash > ~/.local/share/bash-completion/completions/olmix"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Options of every command.
#[derive(Debug, Clone, Copy, Args)]
pub struct Common {
    /// Print the result as JSON on standard output, and nothing else.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Number of threads; the result does not depend on it [default: one per core].
    #[arg(long, value_name = "N", global = true)]
    pub threads: Option<usize>,
}

/// A number of a list. Of a decimal comma, `0,05`, the list would make `0` and `05`.
fn item(text: &str) -> Result<f64, String> {
    let digits = text.as_bytes();
    if digits.len() > 1 && digits.iter().all(u8::is_ascii_digit) && digits[0] == b'0' {
        return Err(
            "commas separate the numbers of a list; write decimals with a point, such as 0.05"
                .into(),
        );
    }
    text.parse().map_err(|_| "it must be a number".into())
}

/// A number of tokens, such as `1.5e12` or `2T`.
fn tokens(text: &str) -> Result<f64, String> {
    olmix_io::yaml::parse_tokens(text)
        .filter(|&tokens| tokens > 0.0)
        .ok_or_else(|| "it must be a number of tokens above 0, such as 1.5e12 or 2T".into())
}
