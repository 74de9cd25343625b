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

/// Settings of the laws, in place of the config's.
#[derive(Debug, Clone, Copy, Args)]
pub struct LawArgs {
    /// Ridge on the laws' coefficients: a number, or `auto` to choose it (and the functions of a
    /// saturating law) by out-of-fold error.
    #[arg(long, value_name = "RHO|auto", value_parser = ridge)]
    pub ridge: Option<Ridge>,
    /// Domains that no run sampled: refuse them, or hold them at their natural share.
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
    /// The fit config (YAML), in the reference implementation's schema.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where results go; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// A published method, in place of the config's law, granularity, optimizer and caps:
    /// olmixbase, regmix, data-mixing-laws, bimix, autoscale, admire; or unimax, natural, uniform,
    /// temperature, which need no swarm.
    #[arg(long, value_name = "NAME", value_parser = Preset::named)]
    pub preset: Option<Preset>,
    /// Strength λ of the pull to the prior, in place of the config's: a number, or `auto` to choose
    /// it from data.
    #[arg(long = "kl", value_name = "λ|auto", value_parser = kl_reg)]
    pub kl_reg: Option<KlReg>,
    /// How laws are fitted.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Resamples of the bootstrap over runs, in place of the config's; 0 for none.
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(10, text))]
    pub bootstrap: Option<usize>,
    /// Folds of the out-of-fold check, in place of the config's; 0 for none.
    #[arg(long, value_name = "N", value_parser = |text: &str| none_or(2, text))]
    pub folds: Option<usize>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The fit config (YAML); it is compared too.
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
    /// Where compare.csv, compare-crossed.csv, compare.json and the figure go.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// Domains that no run sampled: refuse them, or hold them at their natural share.
    #[arg(long, value_name = "error|hold", value_parser = dead_domains)]
    pub dead_domains: Option<DeadDomains>,
    /// What every job takes.
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
    /// The question.
    #[arg(value_parser = question)]
    pub question: StudyQuestion,
    /// The fit config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// How often each setting is repeated, with another seed each time.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = seeds)]
    pub seeds: usize,
    /// The law that is fitted, in place of the config's; the question `laws` fits them all.
    #[arg(long, value_name = "NAME", value_parser = law)]
    pub law: Option<LawKind>,
    /// How laws are fitted.
    #[command(flatten)]
    pub laws: LawArgs,
    /// For `proxy-size`: metrics of the same runs, measured on other models.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Where the table, the figure and the journal go.
    #[arg(long, value_name = "DIR", default_value = "out/study")]
    pub output_dir: PathBuf,
    /// What every job takes.
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
    /// Where sweep.csv, sweep.svg and sweep.png go.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub output_dir: PathBuf,
    /// How laws are fitted.
    #[command(flatten)]
    pub laws: LawArgs,
    /// Target tokens R of the final run, such as 1e12,6e12 (default: the config's).
    #[arg(long, value_name = "R,…", value_delimiter = ',')]
    pub target_tokens: Vec<f64>,
    /// Repetition factors k.
    #[arg(
        long,
        value_name = "K,…",
        value_delimiter = ',',
        default_value = "2,3,4,5"
    )]
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term.
    #[arg(
        long,
        value_name = "λ,…",
        value_delimiter = ',',
        default_value = "0,0.005,0.01,0.05,0.1"
    )]
    pub kl: Vec<f64>,
    /// What every job takes.
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
    /// Draw the sizes in a config, or in a file of priors, as bars.
    #[command(after_help = FILES)]
    Show(ShowArgs),
}

/// `olmix priors compute`.
#[derive(Debug, Args)]
pub struct PriorsComputeArgs {
    /// The generation config (YAML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Where the priors go (default: standard output).
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Read every text again, whether it was counted before or not.
    #[arg(long)]
    pub no_cache: bool,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// mixture.json, or any file that `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// The trainer, or a plain table: see below.
    #[arg(long, value_name = "FORMAT", value_parser = trainer)]
    pub format: Trainer,
    /// A generation config, which says where the data of each domain is.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Tokens of the run (default: those the mixture was made for).
    #[arg(long, value_name = "R")]
    pub target_tokens: Option<f64>,
    /// How often the run may see a token (default: what the mixture was made for).
    #[arg(long, value_name = "K")]
    pub repetition_factor: Option<f64>,
    /// Where it goes (default: standard output).
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix mix`.
#[derive(Debug, Subcommand)]
pub enum MixCommand {
    /// Draw a mixture as bars.
    #[command(after_help = FILES)]
    Show(ShowArgs),
    /// How far apart two mixtures are, and what moves most.
    #[command(after_help = FILES)]
    Diff(MixDiffArgs),
}

/// What `olmix mix` reads.
const FILES: &str = "Files: mixture.json, a list or mapping of domains and weights (JSON, YAML or CSV), the `priors` or the `mix` of a config, and runs of a swarm as ratios.csv#RUN.\n\nExample:\n  olmix mix diff examples/demo/fit.yaml out/mixture.json";

/// `olmix mix show` and `olmix priors show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A mixture, or priors.
    pub file: PathBuf,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix mix diff`.
#[derive(Debug, Args)]
pub struct MixDiffArgs {
    /// The mixture before.
    pub a: PathBuf,
    /// The mixture after.
    pub b: PathBuf,
    /// Domains to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The generation config (YAML), in the reference implementation's schema.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A launch config; with it, one launch config per run is written.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Where ratios.csv, the figure and the launch configs go.
    #[arg(long, value_name = "DIR", default_value = "swarm")]
    pub output: PathBuf,
    /// Number of mixtures (default: the config's; without one, 3 (m + 1) for m free leaves).
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub variants: Option<u32>,
    /// How mixtures are chosen, one of the designs below (default: the config's).
    #[arg(long, value_name = "DESIGN", value_parser = design)]
    pub design: Option<Design>,
    /// Seed of the draws (default: the config's).
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What every job takes.
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
    /// What was measured on them, in the format of metrics.csv.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Where the predictions of every task go, as CSV (default: predictions.csv beside the
    /// mixture file).
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}
