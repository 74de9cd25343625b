//! `olmix mix`, `olmix priors` and `olmix export`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use olmix_data::OnBadLine;
use olmix_io::export::Format;

use super::{Common, choice, tokens};

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
const FILES: &str = "Files: mixture.json; a list or mapping of domains and weights (JSON, YAML or CSV); the `priors`, the `mix` or the `train` of a config; a blend of Megatron (0.3 path 0.7 path), with --data over domains; a run of a swarm as ratios.csv#RUN.\n\nExamples:\n  olmix priors show examples/swarm/generate.yaml\n  olmix mix diff examples/demo/fit.yaml out/mixture.json";

/// `olmix mix show` and `olmix priors show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A file with a mixture or priors, one of those listed below.
    pub file: PathBuf,
    /// A generation config that lists the files of each domain, for the paths of a blend.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
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
    /// A generation config that lists the files of each domain, for the paths of a blend.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Number of domains to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix priors`.
#[derive(Debug, Subcommand)]
pub enum PriorsCommand {
    /// Count the tokens of every leaf of a generation config and print its `priors`.
    #[command(
        after_help = "Example:\n  olmix priors compute --config generate.yaml --output priors.yaml\n\nPaths are local or s3://, gs://, az://, http(s)://; credentials and endpoints come from the usual environment variables (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_NAME, …).\n\nFormats, by extension or data.format (of one source: its format):\n  tokens    .npy, .bin: tokens of data.dtype, with or without an NPY header; counted by size\n  megatron  .bin with an .idx beside it\n  datatrove .ds, with its .metadata or .index\n  litdata   chunk-*.bin with index.json\n  jsonl     .jsonl, .json, .ndjson, plain or .gz or .zst; data.text_field holds the text\n  parquet   .parquet; data.text_field is the column of texts, or of lists of tokens\nTexts are tokenized with data.tokenizer (the path of a tokenizer.json), or counted as UTF-8 bytes."
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
    /// What to do with a line of a text file (or a Parquet row) that is not a document: `stop` refuses the file,
    /// `skip` leaves the line out and reports how many were.
    #[arg(long, value_name = "stop|skip", default_value = "stop", value_parser = choice(OnBadLine::ALL))]
    pub on_bad_line: OnBadLine,
    /// Count every text again, also those that were counted before.
    #[arg(long)]
    pub no_cache: bool,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// The formats of `olmix export` with their names.
fn formats() -> impl Iterator<Item = (&'static str, &'static Format)> {
    Format::ALL.iter().map(|format| (format.name(), *format))
}

/// What stands below the options in the help of `olmix export`.
pub fn export_help() -> String {
    let mut text = String::from("Formats:\n");
    for format in Format::ALL {
        text += &format!("  {:<20}{}\n", format.name(), format.help());
    }
    text + "Weights are rounded to nine decimals that sum to one. A domain's weight is shared out over its files by \
            their tokens where the trainer takes a weight for each file.\n\nExamples:\n  \
            olmix export --mixture out/mixture.json --format megatron --data generate.yaml\n  \
            olmix export --mixture out/mixture.json --format levanter --check generate.yaml --target-tokens 100B \
            --sequence-length 4096"
}

/// `olmix export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The mixture: mixture.json, or any file that `olmix mix show` reads.
    #[arg(long, value_name = "FILE")]
    pub mixture: PathBuf,
    /// The format, one of those listed below.
    #[arg(long, value_name = "FORMAT", value_parser = choice(formats()))]
    pub format: &'static Format,
    /// A generation config that lists the files of each domain.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Tokens of the run [default: those that the mixture was made for].
    #[arg(long, value_name = "R", value_parser = tokens)]
    pub target_tokens: Option<f64>,
    /// How often the run may see each token [default: the factor that the mixture was made for].
    #[arg(long, value_name = "K")]
    pub repetition_factor: Option<f64>,
    /// Tokens of a sequence, for formats that count sequences.
    #[arg(long, value_name = "N")]
    pub sequence_length: Option<u64>,
    /// Tokens of a global batch; a run that is not whole batches is refused.
    #[arg(long, value_name = "B", value_parser = tokens)]
    pub batch_tokens: Option<f64>,
    /// Print what the trainer draws of the data in this generation config, beside what the mixture asks for,
    /// instead of the configuration.
    #[arg(long, value_name = "DATA", conflicts_with_all = ["data", "output"])]
    pub check: Option<PathBuf>,
    /// File for the configuration [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}
