//! Projects: `olmix init`, `update`, `plan`, `commit`, and the history.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use olmix_io::ProjectDomain;
use olmix_project::Method;

use super::{Common, choice};

/// Which project.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// A folder of the project (default: the working directory; the nearest olmix.yaml above it counts).
    #[arg(
        id = "project",
        long = "project",
        value_name = "DIR",
        global = true,
        default_value = "."
    )]
    pub folder: PathBuf,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  olmix init --from generate.yaml --from fit.yaml\n  olmix init house --from out/mixture.json --target-tokens 1e12\n\nWrites olmix.yaml, for you to read and edit, and .olmix/ledger.sqlite, which holds the history."
)]
pub struct InitArgs {
    /// The project's folder; made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Where the domains, their tokens and the settings come from: a generation config, a fit config or a
    /// mixture.json. May be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub from: Vec<PathBuf>,
    /// The project's name (default: the folder's).
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Tokens of the run that mixtures are for (default: what the files say).
    #[arg(long, value_name = "R")]
    pub target_tokens: Option<f64>,
    /// How often that run may see a token.
    #[arg(long, value_name = "K", requires = "target_tokens")]
    pub repetition: Option<f64>,
    /// Parameters of a proxy without embeddings, for costs.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub proxy_parameters: Option<u64>,
    /// What every job takes.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// The change.
    #[command(subcommand)]
    pub command: UpdateCommand,
    /// What it is called in the log (default: what it does).
    #[arg(long, short, value_name = "TEXT", global = true)]
    pub message: Option<String>,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// What is known of domains that change.
#[derive(Debug, Args)]
pub struct DomainArgs {
    /// Files of the domain, paths or globs: its tokens are counted. For one domain only; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub path: Vec<String>,
    /// What the files hold, where their names do not say: tokens, megatron, jsonl or parquet.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Its size in the prior, where that is not its tokens. For one domain only.
    #[arg(long, value_name = "S")]
    pub size: Option<f64>,
    /// Tasks, or families of tasks, that the domains are meant to help.
    #[arg(long, value_name = "TASK,…", value_delimiter = ',')]
    pub tasks: Vec<String>,
}

/// A change to the domains.
#[derive(Debug, Subcommand)]
pub enum UpdateCommand {
    /// New domains.
    #[command(
        after_help = "Examples:\n  olmix update add code:python=1.2e9 code:go=3e8 --tasks code\n  olmix update add wiki --path 'shards/wiki/*.npy'"
    )]
    Add {
        /// NAME=TOKENS, or NAME with --path.
        #[arg(value_name = "NAME[=TOKENS]", required = true, value_parser = ProjectDomain::from_argument)]
        domains: Vec<ProjectDomain>,
        /// What is known of them.
        #[command(flatten)]
        known: DomainArgs,
    },
    /// Domains that are no longer used. Needs no runs.
    Remove {
        /// They.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Cut a domain into parts that add up to it, within 1 %.
    #[command(
        after_help = "Example:\n  olmix update partition pdf --into pdf:math=4e8 pdf:law=3e8 --rest pdf:other"
    )]
    Partition {
        /// The whole.
        domain: String,
        /// The parts.
        #[arg(long, value_name = "NAME[=TOKENS]", num_args = 1.., required = true, value_parser = ProjectDomain::from_argument)]
        into: Vec<ProjectDomain>,
        /// A further part, for what the others leave.
        #[arg(long, value_name = "NAME")]
        rest: Option<String>,
    },
    /// A domain whose content changed. Its tokens are counted again, unless they are given.
    #[command(
        after_help = "Examples:\n  olmix update revise pdf=9e8\n  olmix update revise pdf --path 'shards/pdf-v2/*.npy'"
    )]
    Revise {
        /// NAME=TOKENS, or NAME where its paths are known or given.
        #[arg(value_name = "NAME[=TOKENS]", value_parser = ProjectDomain::from_argument)]
        domain: ProjectDomain,
        /// What is known of it.
        #[command(flatten)]
        known: DomainArgs,
    },
    /// Several changes of a file, made together.
    #[command(
        after_help = "The file:\n  - add: {code:python: {tokens: 1.2e9, paths: [shards/python/*.npy], tasks: [code]}, code:go: 3e8}\n  - remove: [algebraicstack]\n  - revise: {pdf: {tokens: 9e8}}\n  - partition: {pdf: {into: {pdf:math: 4e8, pdf:law: 3e8}, rest: pdf:other}}"
    )]
    Apply {
        /// It.
        file: PathBuf,
    },
}

/// `olmix plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Methods:\n  full-reuse     old ratios among all domains that the update left alone, as one virtual domain\n  partial-reuse  the same, but for domains that are coupled with the update (or named with --free)\n  swarm-reuse    old runs and new ones in one law over all domains, everything free in the mixture\n  recompute      a new swarm over all domains\n  auto           the one that fits, and why\n\nExamples:\n  olmix plan\n  olmix plan --method partial-reuse --budget 60\n  olmix plan --method full-reuse --freeze web='dclm:*' --write swarm-2\n\nWith --write: generate.yaml, fit.yaml and the runs of earlier swarms. Then\n  olmix generate --config swarm-2/generate.yaml --base launch.yaml --output swarm-2\n  olmix launch run --variants swarm-2/launch\n  olmix collect --swarm swarm-2/runs --output swarm-2\n  olmix fit --config swarm-2/fit.yaml --output-dir swarm-2/out\n  olmix commit swarm-2/out/mixture.json"
)]
pub struct PlanArgs {
    /// The method.
    #[arg(long, value_name = "METHOD", default_value = "auto", value_parser = method())]
    pub method: MethodChoice,
    /// Runs at most.
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub budget: Option<u32>,
    /// The mixture to go on from (default: the newest of main).
    #[arg(long, value_name = "MIXTURE")]
    pub from: Option<String>,
    /// Domains, or patterns such as dclm:*, that are free though the update left them alone.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub free: Vec<String>,
    /// A virtual domain of its own: the domains of a pattern, frozen inside and free as a whole. May be given several
    /// times; the rest is another one.
    #[arg(long, value_name = "NAME=PATTERN", value_parser = group)]
    pub freeze: Vec<(String, String)>,
    /// Where ratios are reused, fit old runs too: laws over all domains, ratios kept in the solve.
    #[arg(long)]
    pub old_runs: bool,
    /// Pull to the prior with each virtual domain as one, instead of to that of all domains.
    #[arg(long)]
    pub collapsed_kl: bool,
    /// A mixture.json with laws over the new domains, of a pilot of a few runs, to say what is coupled.
    #[arg(long, value_name = "FILE")]
    pub pilot: Option<PathBuf>,
    /// Write the configs of the swarm to a folder, and record the plan.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// A whole number, such as `30_000_000` or `3e7`.
fn whole(text: &str) -> Result<u64, String> {
    let domain = ProjectDomain::from_argument(&format!("n={text}"));
    let number = domain.ok().and_then(|domain| domain.tokens);
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "it must be a whole number above 0, such as 3e7".into())
}

/// A method, or whichever fits.
#[derive(Debug, Clone, Copy)]
pub struct MethodChoice(pub Option<Method>);

fn method() -> impl TypedValueParser<Value = MethodChoice> {
    let methods = Method::ALL.map(|(name, method)| (name, MethodChoice(Some(method))));
    choice(methods.into_iter().chain([("auto", MethodChoice(None))]))
}

fn group(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, pattern)) if !name.is_empty() && !pattern.is_empty() => {
            Ok((name.to_owned(), pattern.to_owned()))
        }
        _ => Err("write NAME=PATTERN, such as web='dclm:*'".into()),
    }
}

/// `olmix commit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  olmix commit swarm-2/out/mixture.json\n  olmix commit by-hand.csv --line experiment -m 'as the paper has it'\n  olmix commit                 after a removal: the old mixture over what stays\n\nOf a fit, the laws, its config, and the swarm's ratios and metrics are kept too."
)]
pub struct CommitArgs {
    /// A mixture.json of a fit, or any file that `olmix mix show` reads.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The line of mixtures that it continues.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub line: String,
    /// The mixture that it follows (default: the newest of its line).
    #[arg(long, value_name = "MIXTURE")]
    pub from: Option<String>,
    /// Record a fit though the runs behind it are not there any more: they can't be fitted again then.
    #[arg(long)]
    pub without_runs: bool,
    /// What it is called in the log.
    #[arg(long, short, value_name = "TEXT")]
    pub message: Option<String>,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Records, the newest first.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Names: main (the newest of a line), main@3, fit@2, swarm@1, domains@4, a tag, or the beginning of a hash."
)]
pub struct ShowRecordArgs {
    /// The record.
    #[arg(value_name = "NAME", default_value = "main")]
    pub name: String,
    /// Write the files that are kept with it to a folder.
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier record.
    #[arg(value_name = "A")]
    pub a: String,
    /// The later record, of the same kind.
    #[arg(value_name = "B")]
    pub b: String,
    /// Rows of the table.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix tag`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  olmix tag v1-final main@3\n  olmix tag                    lists the tags"
)]
pub struct TagArgs {
    /// The tag; one that is there is moved.
    #[arg(value_name = "TAG")]
    pub tag: Option<String>,
    /// The record (default: the newest mixture of main).
    #[arg(value_name = "NAME", default_value = "main")]
    pub name: String,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Unpack every file that is kept, too, hash what it holds, and check the indexes.
    #[arg(long)]
    pub deep: bool,
    /// Which project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix history`.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Write the history as plain files: a JSON file for each record, and the files kept with them.
    Export {
        /// A new folder.
        folder: PathBuf,
        /// Which project.
        #[command(flatten)]
        project: ProjectArgs,
    },
    /// Make a project of an export, with the same records and hashes.
    Import {
        /// The export.
        export: PathBuf,
        /// The folder of the new project.
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// What every job takes.
        #[command(flatten)]
        common: Common,
    },
}
