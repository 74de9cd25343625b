//! From finished runs, wherever they were recorded, to `ratios.csv` and `metrics.csv`.

mod config_mixture;
mod definition;
mod entries;
mod filter;
mod folder;
mod ledger;
mod mixtures;
mod mlflow;
mod recording;
mod run;
mod short;
mod swanlab;
mod table;
mod tabular;
mod wandb;
mod wire;

use std::path::{Path, PathBuf};

use crate::LaunchError;
use crate::swarm::LEDGER;

pub use table::Collected;
pub use tabular::Columns;

/// Where runs were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The ledger of a swarm that `olmix launch` ran.
    Ledger(PathBuf),
    /// A table with a row per run: CSV, TSV, JSON Lines or Parquet.
    Table(PathBuf),
    /// A folder of metrics files.
    Folder(PathBuf),
    /// A folder of local run folders of Weights & Biases.
    Wandb(PathBuf),
    /// The address of an `MLflow` tracking server.
    Mlflow(String),
}

impl Source {
    /// What a text names: an address, a ledger, or one of the kinds of folders.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for what does not exist, and a file that is not a ledger.
    pub fn of(text: &str) -> Result<Self, LaunchError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Mlflow(text.trim_end_matches('/').to_owned()));
        }
        let path = PathBuf::from(text);
        if path.is_file() {
            return Ok(if tabular::is_table(&path) {
                Self::Table(path)
            } else {
                Self::Ledger(path)
            });
        }
        if !path.is_dir() {
            return Err(LaunchError::refused(
                format!("{text}: there is no such file or folder"),
                "give --swarm a ledger.sqlite, a folder of runs, or the address of an MLflow server",
            ));
        }
        let ledger = path.join(LEDGER);
        if ledger.is_file() {
            Ok(Self::Ledger(ledger))
        } else if wandb::is_one(&path) {
            Ok(Self::Wandb(path))
        } else {
            Ok(Self::Folder(path))
        }
    }
}

/// What is to be collected.
#[derive(Debug, Clone)]
pub struct Query<'q> {
    /// Where runs were recorded.
    pub source: Source,
    /// Which columns of a table hold what.
    pub columns: Columns<'q>,
    /// A `ratios.csv` with their mixtures.
    pub ratios: Option<&'q Path>,
    /// A folder of launch configs with their mixtures.
    pub variants: Option<&'q Path>,
    /// The experiment of an `MLflow` server.
    pub experiment: Option<&'q str>,
    /// Only metrics that match one of these globs, if there are any.
    pub include: &'q [String],
    /// No metrics that match one of these.
    pub exclude: &'q [String],
    /// Runs that stopped short of the others' last step, too.
    pub include_short: bool,
}

/// Collects the runs that finished.
///
/// # Errors
/// [`LaunchError`] for a source, mixtures or globs that can't be used, and when no run is left.
pub fn collect(query: &Query<'_>) -> Result<Collected, LaunchError> {
    // Columns that were asked for by --metrics are asked for.
    let include = match query.include {
        [] => query.columns.metrics,
        include => include,
    };
    let filter = filter::Filter::new(include, query.exclude)?;
    if query.experiment.is_some() && !matches!(query.source, Source::Mlflow(_)) {
        return Err(LaunchError::refused(
            "--experiment is of an MLflow server, and --swarm names none",
            "leave it out, or give --swarm the server's address",
        ));
    }
    let asked = &query.columns;
    let of_table = asked.run.is_some() || !asked.mix.is_empty() || !asked.metrics.is_empty();
    if of_table && !matches!(query.source, Source::Table(_)) {
        return Err(LaunchError::refused(
            "--run-column, --mix and --metrics are of a table, and --swarm names none",
            "leave them out, or give --swarm a CSV, TSV, JSON Lines or Parquet file",
        ));
    }
    let given = mixtures::Mixtures::read(query.ratios, query.variants)?;
    let found = match &query.source {
        Source::Ledger(path) => ledger::read(path)?,
        Source::Table(path) => tabular::read(path, query.columns, given.is_some())?,
        Source::Folder(path) => folder::read(path)?,
        Source::Wandb(path) => wandb::read(path, given.as_ref())?,
        Source::Mlflow(address) => mlflow::read(address, query.experiment, given.as_ref())?,
    };
    table::build(found, given.as_ref(), filter, query.include_short)
}
