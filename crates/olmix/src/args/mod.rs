//! The command line.

mod analyze;
mod collect;
mod demo;
mod launch;
mod project;
mod proxy;
mod tokenize;

pub use analyze::{AnalyzeCommand, AnalyzeReuseArgs};
pub use collect::CollectArgs;
pub use demo::DemoArgs;
pub use launch::{
    EngineName, LaunchCancelArgs, LaunchCommand, LaunchLogsArgs, LaunchRunArgs, LaunchStatusArgs,
    LaunchWorkArgs, SwarmArgs,
};
pub use project::{
    CommitArgs, DiffArgs, DomainArgs, HistoryCommand, InitArgs, LogArgs, PlanArgs, ProjectArgs,
    ShowRecordArgs, TagArgs, UpdateArgs, UpdateCommand, VerifyArgs,
};
pub use proxy::{ProxyCommand, ProxyEvalArgs, ProxyTrainArgs};
pub use tokenize::TokenizeArgs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use olmix_core::generate::Design;
use olmix_core::study::Question;
use olmix_core::{DeadDomains, LawKind, Ridge};
use olmix_io::{KlReg, Preset, Trainer};

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
        after_help = "Example:\n  olmix generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml --output swarm\n\nWrites ratios.csv with every mixture, weights.svg and weights.png, and with --base one launch config per run in launch/.\n\nDesigns:\n  random     independent draws\n  maximin    the same distribution, space-filling\n  d_optimal  of many draws, those with the most information about a law's coefficients\n  v_optimal  of many draws, those after which a law predicts best where a mixture may be proposed\nWith saturating laws, on two measured swarms, v_optimal needed two thirds of the runs that random draws did, or fewer (docs/study.md).\n\nSee docs/generation-config.md for every key of the config."
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
        after_help = "Example:\n  olmix sweep --config examples/demo/fit.yaml --target-tokens 1e9,2e9 --repetition 2,4 --kl 0.01,0.05"
    )]
    Sweep(SweepArgs),
    /// Compare published methods on one swarm: mixtures side by side, each with its loss predicted by
    /// the laws of all methods.
    #[command(
        after_help = "Example:\n  olmix compare --config examples/demo/fit.yaml --presets olmixbase,unimax,natural\n\nA mixture looks best to the law that it was optimized with. The table of gains shows what the laws of the other methods predict for it."
    )]
    Compare(CompareArgs),
    /// Study how many runs, which law and which optimizer your swarm needs: the research questions of
    /// the method's paper.
    #[command(
        after_help = "Questions:\n  swarm-size          error and regret against the number of runs, for several numbers of domains\n  swarm-distribution  sparse or dense mixtures, near the prior or far from it\n  laws                rank correlation of every law with unseen runs, against the number of runs\n  granularity         one law per task, per family, or for the average\n  constraints         the swarm within the token caps, or the solve, or both\n  solver              exact at several λ, local search, simulation, search\n  designs             which runs are worth training, chosen by their mixtures alone\n  reuse               the paper's case study: how much gain reuse keeps while domains change (64 domains)\n  proxy-size          whether two model sizes rank the same mixtures alike (--against)\n\nExample:\n  olmix study laws --config examples/demo/fit.yaml --seeds 3\n\nA study that is interrupted resumes when it is started again. docs/study.md has results for three public swarms."
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
    #[command(
        after_help = "Formats:\n  olmo-core    YAML for SourceMixtureList\n  megatron     the argument of --data-path in Megatron-LM and NeMo\n  huggingface  Python: datasets.interleave_datasets\n  litgpt       Python: litdata.CombinedStreamingDataset\n  streaming    YAML: MosaicML Streaming's streams\n  levanter     YAML: data.configs and data.train_weights\n  mix          YAML: the mix of a launch config\n  csv, json, yaml\nWeights are rounded to nine decimals that sum to one.\n\nExample:\n  olmix export --mixture out/mixture.json --format megatron --data generate.yaml"
    )]
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

/// Settings of the laws that replace the config's.
#[derive(Debug, Clone, Copy, Args)]
pub struct LawArgs {
    /// Ridge penalty on the laws' coefficients: a number from 0, or `auto` to choose it (and the basis
    /// functions of a saturating law) by cross-validation [default: the config's].
    #[arg(long, value_name = "RHO|auto", value_parser = ridge)]
    pub ridge: Option<Ridge>,
    /// Whether domains that no run sampled are an error, or held at their prior share [default: the
    /// config's].
    #[arg(long, value_name = "error|hold", value_parser = dead_domains)]
    pub dead_domains: Option<DeadDomains>,
}

fn ridge(text: &str) -> Result<Ridge, String> {
    if text == "auto" {
        return Ok(Ridge::Auto);
    }
    match text.parse::<f64>() {
        Ok(rho) if rho.is_finite() && rho >= 0.0 => Ok(Ridge::Fixed(rho)),
        _ => Err("it must be `auto` or a number that is not negative, such as 1e-5".into()),
    }
}

fn kl_reg(text: &str) -> Result<KlReg, String> {
    if text == "auto" {
        return Ok(KlReg::Auto);
    }
    match text.parse::<f64>() {
        Ok(kl) if kl.is_finite() && kl >= 0.0 => Ok(KlReg::Fixed(kl)),
        _ => Err("it must be `auto` or a number that is not negative, such as 0.05".into()),
    }
}

fn trainer(text: &str) -> Result<Trainer, String> {
    let found = Trainer::ALL.iter().find(|(name, _)| *name == text);
    let names = || Trainer::ALL.map(|(name, _)| name).join(", ");
    found
        .map(|(_, trainer)| *trainer)
        .ok_or_else(|| format!("it must be one of {}", names()))
}

fn design(text: &str) -> Result<Design, String> {
    let found = Design::ALL.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, design)| *design)
        .ok_or_else(|| "it must be random, maximin, d_optimal or v_optimal".into())
}

/// 0 for none, or at least `least` and at most 100,000.
fn none_or(least: usize, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count == 0 || (least..=100_000).contains(&count) => Ok(count),
        _ => Err(format!(
            "it must be 0 (none) or a whole number from {least} to 100000"
        )),
    }
}

fn dead_domains(text: &str) -> Result<DeadDomains, String> {
    match text {
        "error" => Ok(DeadDomains::Error),
        "hold" => Ok(DeadDomains::Hold),
        _ => Err("it must be `error` or `hold`".into()),
    }
}

/// `olmix fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// The fit config (YAML, see docs/fit-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Folder for the results; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// A published method, in place of the config's law, granularity, optimizer and caps:
    /// olmixbase, regmix, data-mixing-laws, bimix, autoscale, admire; or unimax, natural, uniform,
    /// temperature, which need no swarm.
    #[arg(long, value_name = "NAME", value_parser = Preset::named)]
    pub preset: Option<Preset>,
    /// Strength λ of the KL term, in loss per nat: a number from 0, or `auto` to choose it from data
    /// [default: the config's].
    #[arg(long = "kl", value_name = "λ|auto", value_parser = kl_reg)]
    pub kl_reg: Option<KlReg>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Number of bootstrap resamples for the intervals; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(10, text))]
    pub bootstrap: Option<usize>,
    /// Number of cross-validation folds; 0 for none [default: the config's].
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(2, text))]
    pub folds: Option<usize>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The fit config (YAML), which is compared as well.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The methods: olmixbase, regmix, data-mixing-laws, bimix, autoscale, admire, unimax, natural,
    /// uniform, temperature.
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        value_parser = Preset::named,
        default_value = "olmixbase,regmix,unimax,natural"
    )]
    pub presets: Vec<Preset>,
    /// Folder for compare.csv, compare-crossed.csv, compare.json and the figure.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Whether domains that no run sampled are an error, or held at their prior share [default: the
    /// config's].
    #[arg(long, value_name = "error|hold", value_parser = dead_domains)]
    pub dead_domains: Option<DeadDomains>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// A question that `olmix study` can ask.
#[derive(Debug, Clone, Copy)]
pub enum StudyQuestion {
    /// One that is answered from the swarm alone.
    Of(Question),
    /// One that needs a second metrics file.
    ProxySize,
}

fn question(text: &str) -> Result<StudyQuestion, String> {
    if text == "proxy-size" {
        return Ok(StudyQuestion::ProxySize);
    }
    let found = Question::ALL.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, question)| StudyQuestion::Of(*question))
        .ok_or_else(|| {
            let names: Vec<&str> = Question::ALL.iter().map(|(name, _)| *name).collect();
            format!("there are {} and proxy-size", names.join(", "))
        })
}

fn law(text: &str) -> Result<LawKind, String> {
    let found = LawKind::FITTED.into_iter().find(|law| law.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = LawKind::FITTED.iter().map(|law| law.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

/// `olmix study`.
#[derive(Debug, Args)]
pub struct StudyArgs {
    /// The question, one of those listed below.
    #[arg(value_parser = question)]
    pub question: StudyQuestion,
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Number of repetitions of each setting, each with another seed.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = seeds)]
    pub seeds: usize,
    /// The law to fit; the question `laws` fits all of them [default: the config's].
    #[arg(long, value_name = "NAME", value_parser = law)]
    pub law: Option<LawKind>,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// For `proxy-size`: metrics of the same mixtures, measured on models of another size.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Folder for the table, the figure and the journal.
    #[arg(long, value_name = "DIR", default_value = "out/study")]
    pub output_dir: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

fn seeds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(seeds) if (1..=10_000).contains(&seeds) => Ok(seeds),
        _ => Err("it must be a whole number from 1 to 10000".into()),
    }
}

/// `olmix sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Folder for sweep.csv, sweep.svg and sweep.png.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Settings of the laws.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Tokens R of the final run, such as 1e12,6e12 [default: the config's].
    #[arg(long, value_name = "R,…", value_delimiter = ',')]
    pub target_tokens: Vec<f64>,
    /// Repetition factors k: how often the run may see each token.
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        default_value = "2,3,4,5"
    )]
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term, in loss per nat.
    #[arg(
        long,
        value_name = "λ,…",
        value_delimiter = ',',
        default_value = "0,0.005,0.01,0.05,0.1"
    )]
    pub kl: Vec<f64>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix priors`.
#[derive(Debug, Subcommand)]
pub enum PriorsCommand {
    /// Count the tokens of every leaf of a generation config and print its `priors`.
    #[command(
        after_help = "Example:\n  olmix priors compute --config generate.yaml --output priors.yaml\n\nPaths are local or s3://, gs://, az://, http(s)://; credentials and endpoints come from the usual environment variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME, …).\n\nFormats, by extension or data.format (of one source: its format):\n  tokens    .npy, .bin: tokens of data.dtype, with or without an NPY header; counted by size\n  megatron  .bin with an .idx beside it\n  jsonl     .jsonl, .json, .ndjson, plain or .gz or .zst; data.text_field holds the text\n  parquet   .parquet; data.text_field is the column\nTexts are tokenized with data.tokenizer (the path of a tokenizer.json), or counted as UTF-8 bytes."
    )]
    Compute(PriorsComputeArgs),
    /// Show the sizes in a config, or in a file of priors, as bars.
    #[command(after_help = FILES)]
    Show(ShowArgs),
}

/// `olmix priors compute`.
#[derive(Debug, Args)]
pub struct PriorsComputeArgs {
    /// The generation config (YAML, see docs/generation-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// File for the priors [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Count every text again, also those that were counted before.
    #[arg(long)]
    pub no_cache: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The mixture: mixture.json, or any file that `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// The format, one of those listed below.
    #[arg(long, value_name = "FORMAT", value_parser = trainer)]
    pub format: Trainer,
    /// A generation config that lists the files of each domain.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Tokens of the run [default: those that the mixture was made for].
    #[arg(long, value_name = "R")]
    pub target_tokens: Option<f64>,
    /// How often the run may see each token [default: the factor that the mixture was made for].
    #[arg(long, value_name = "K")]
    pub repetition_factor: Option<f64>,
    /// File for the configuration [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix mix`.
#[derive(Debug, Subcommand)]
pub enum MixCommand {
    /// Show a mixture as bars.
    #[command(after_help = FILES)]
    Show(ShowArgs),
    /// Show the distance between two mixtures, and the domains that change most.
    #[command(after_help = FILES)]
    Diff(MixDiffArgs),
}

/// The files that `olmix mix` and `olmix priors show` read.
const FILES: &str = "Files: mixture.json; a list or mapping of domains and weights (JSON, YAML or CSV); the `priors` or the `mix` of a config; a run of a swarm as ratios.csv#RUN.\n\nExamples:\n  olmix priors show examples/swarm/generate.yaml\n  olmix mix diff examples/demo/fit.yaml out/mixture.json";

/// `olmix mix show` and `olmix priors show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A file with a mixture or priors, one of those listed below.
    pub file: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix mix diff`.
#[derive(Debug, Args)]
pub struct MixDiffArgs {
    /// The first mixture.
    pub a: PathBuf,
    /// The second mixture.
    pub b: PathBuf,
    /// Number of domains to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The generation config (YAML, see docs/generation-config.md).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A launch config with what all runs share; with it, one launch config per run is written.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Folder for ratios.csv, the figure and the launch configs.
    #[arg(long, value_name = "DIR", default_value = "swarm")]
    pub output: PathBuf,
    /// Number of mixtures [default: the config's, else 3 (m + 1) for m free leaves].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub variants: Option<u32>,
    /// How mixtures are chosen, one of the designs below [default: the config's].
    #[arg(long, value_name = "DESIGN", value_parser = design)]
    pub design: Option<Design>,
    /// Seed of the draws [default: the config's].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A mixture.json that `olmix fit` wrote.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// Mixtures to predict, one row each, in the format of ratios.csv.
    #[arg(long, value_name = "FILE")]
    pub ratios: PathBuf,
    /// Measured metrics of these mixtures, in the format of metrics.csv.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// File for the predictions of every task, as CSV [default: predictions.csv beside the mixture
    /// file].
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
