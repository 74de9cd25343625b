//! Projects: `olmix init`, `update`, `plan`, `commit`, and the history.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use olmix_io::ProjectDomain;
use olmix_project::ReuseMethod;

use super::{Common, CostArgs, choice, tokens};

/// Selects the project.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// Folder of the project, or any folder inside: the nearest olmix.yaml above is used.
    #[arg(
        id = "project",
        long = "project",
        value_name = "DIR",
        global = true,
        default_value = "."
    )]
    pub folder: PathBuf,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        olmix init --from generate.yaml --from fit.yaml\n  \
        olmix init house --from out/mixture.json --target-tokens 1e12\n\n\
        Writes olmix.yaml, which you edit, and .olmix/ledger.sqlite, which holds the history \
        (docs/project.md).")]
pub struct InitArgs {
    /// Folder of the project; created if it does not exist.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// File with domains, token counts and settings: a generation config, a fit config or a mixture.json;
    /// repeatable.
    #[arg(long, value_name = "FILE", required = true)]
    pub from: Vec<PathBuf>,
    /// Name of the project [default: the folder's].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Tokens of the run that mixtures are for [default: as in the files].
    #[arg(long, value_name = "R", value_parser = tokens)]
    pub target_tokens: Option<f64>,
    /// How often that run may see each token, such as 4 [default: as in the files].
    #[arg(long, value_name = "K", requires = "target_tokens")]
    pub repetition: Option<f64>,
    /// Non-embedding parameters of a proxy, from which costs in FLOPs are computed.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub proxy_parameters: Option<u64>,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// `olmix plan`.
#[derive(Debug, Args)]
#[command(after_help = "Methods:\n  \
        full-reuse     unchanged domains keep their ratios, as one virtual domain\n  \
        partial-reuse  the same, except for domains that are coupled with the update (or named with \
        --free)\n  swarm-reuse    old and new runs are fitted together over all domains, and every weight is \
        free\n  recompute      a new swarm over all domains\n  \
        auto           selects a method and states the reason\n\n\
        Examples:\n  \
        olmix plan\n  \
        olmix plan --method partial-reuse --budget 60\n  \
        olmix plan --runs 10 --write more\n  \
        olmix plan --method full-reuse --freeze web='dclm:*' --write swarm-2\n  \
        olmix plan --calibrate 5 --config fit.yaml --write target\n\n\
        --write DIR writes generate.yaml, fit.yaml and the runs of earlier swarms. Then\n  \
        olmix generate --config swarm-2/generate.yaml --base launch.yaml --output swarm-2\n  \
        olmix launch run --variants swarm-2/launch\n  \
        olmix collect --swarm swarm-2/runs --output swarm-2\n  \
        olmix fit --config swarm-2/fit.yaml --output-dir swarm-2/out\n  \
        olmix commit swarm-2/out/mixture.json")]
pub struct PlanArgs {
    /// The method, one of those listed below.
    #[arg(long, value_name = "METHOD", default_value = "auto", value_parser = method())]
    pub method: MethodChoice,
    /// Largest number of runs [default: `runs_per_domain` for each sampled domain and one more, rounded up].
    #[arg(long, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub budget: Option<u32>,
    /// Number of runs, whatever the rule asks for. Where no domain changed: more runs for the same domains,
    /// chosen to go with those that are there and fitted together with them.
    #[arg(long, value_name = "RUNS", conflicts_with = "budget",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub runs: Option<u32>,
    /// The mixture to start from [default: the newest of main].
    #[arg(long, value_name = "MIXTURE")]
    pub from: Option<String>,
    /// With partial-reuse, domains or patterns such as dclm:* that are free although the update does not
    /// change them [default: those that are coupled with the update].
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub free: Vec<String>,
    /// A separate virtual domain: domains that match the pattern keep their ratios, their summed weight is
    /// free; repeatable, and the remaining domains form another one.
    #[arg(long, value_name = "NAME=PATTERN", value_parser = group)]
    pub freeze: Vec<(String, String)>,
    /// With full-reuse and partial-reuse, fit old runs as well: laws over all domains, ratios kept in the
    /// solve.
    #[arg(long)]
    pub old_runs: bool,
    /// Compute the KL term with each virtual domain as one domain, instead of over all domains.
    #[arg(long)]
    pub collapsed_kl: bool,
    /// A mixture.json of a pilot: laws of a few runs over the new domains, from which coupling is estimated.
    #[arg(long, value_name = "FILE")]
    pub pilot: Option<PathBuf>,
    /// Number of mixtures to train at the target: those are chosen that calibrate the laws of the fit config best
    /// (docs/transfer.md). Needs --config, and no project.
    #[arg(long, value_name = "RUNS", requires = "config",
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        conflicts_with_all = ["method", "budget", "runs", "from", "free", "freeze", "old_runs", "collapsed_kl",
            "pilot", "device", "utilization", "price", "project"])]
    pub calibrate: Option<u32>,
    /// With --calibrate, the fit config of the proxies; target runs that it names count.
    #[arg(long, value_name = "FILE", requires = "calibrate")]
    pub config: Option<PathBuf>,
    /// Folder for the configs of the swarm; the plan is recorded [default: the plan is only printed]. With
    /// --calibrate, for ratios.csv with the mixtures.
    #[arg(long, value_name = "DIR")]
    pub write: Option<PathBuf>,
    /// What the runs cost.
    #[command(flatten)]
    pub cost: CostArgs,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Parses a whole number above 0, such as `30_000_000` or `3e7`.
fn whole(text: &str) -> Result<u64, String> {
    let domain = ProjectDomain::from_argument(&format!("n={text}"));
    let number = domain.ok().and_then(|domain| domain.tokens);
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "it must be a whole number above 0, such as 3e7".into())
}

/// A method, or `None` for `auto`.
#[derive(Debug, Clone, Copy)]
pub struct MethodChoice(pub Option<ReuseMethod>);

fn method() -> impl TypedValueParser<Value = MethodChoice> {
    let methods = ReuseMethod::ALL.map(|(name, method)| (name, MethodChoice(Some(method))));
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
#[command(after_help = "Examples:\n  \
        olmix commit swarm-2/out/mixture.json\n  \
        olmix commit by-hand.csv --line experiment -m 'as the paper has it'\n  \
        olmix commit                 after a removal: the old mixture over the remaining domains\n\n\
        With the mixture of a fit, the laws, the config, and the swarm's ratios and metrics are recorded too.")]
pub struct CommitArgs {
    /// A mixture.json of a fit, or any file that `olmix mix show` reads.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The line of mixtures to continue.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub line: String,
    /// The parent mixture [default: the newest of the line].
    #[arg(long, value_name = "MIXTURE")]
    pub from: Option<String>,
    /// Record a fit although its runs no longer exist; the fit can't be repeated from the project then.
    #[arg(long)]
    pub without_runs: bool,
    /// Message for the log [default: the method that made the mixture].
    #[arg(long, short, value_name = "TEXT")]
    pub message: Option<String>,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix log`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  olmix log --limit 10")]
pub struct LogArgs {
    /// Number of records to show, the newest first.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// Show all records.
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Names: main (the newest of a line), main@3, fit@2, swarm@1, domains@4, a tag, or the \
        beginning of a hash.\n\n\
        Examples:\n  \
        olmix show\n  \
        olmix show fit@2 --files old-fit"
)]
pub struct ShowRecordArgs {
    /// Name of the record.
    #[arg(value_name = "NAME", default_value = "main")]
    pub name: String,
    /// Folder to write the recorded files to.
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix diff`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  olmix diff main@1 main@2")]
pub struct DiffArgs {
    /// Name of the earlier record.
    #[arg(value_name = "A")]
    pub a: String,
    /// Name of the later record, of the same kind.
    #[arg(value_name = "B")]
    pub b: String,
    /// Number of rows to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix tag`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  olmix tag v1-final main@3\n  olmix tag                    list the tags"
)]
pub struct TagArgs {
    /// The tag; an existing tag is moved.
    #[arg(value_name = "TAG")]
    pub tag: Option<String>,
    /// Name of the record.
    #[arg(value_name = "NAME", default_value = "main")]
    pub name: String,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix verify`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  olmix verify --deep")]
pub struct VerifyArgs {
    /// Also unpack and hash every recorded file, and check the indexes.
    #[arg(long)]
    pub deep: bool,
    /// The project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `olmix history`.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Write the history as plain files: a JSON file for each record, and the recorded files.
    #[command(after_help = "Example:\n  olmix history export history")]
    Export {
        /// The folder to create.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The project.
        #[command(flatten)]
        project: ProjectArgs,
    },
    /// Create a project from an export, with the same records and hashes.
    #[command(after_help = "Example:\n  olmix history import history house")]
    Import {
        /// The exported folder.
        export: PathBuf,
        /// Folder of the new project.
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// Options of every command.
        #[command(flatten)]
        common: Common,
    },
}
