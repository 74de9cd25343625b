//! From finished runs, wherever they were recorded, to `ratios.csv` and `metrics.csv`.
//!
//! | step | where |
//! | --- | --- |
//! | what `--swarm` names | `source.rs` |
//! | a source is read | a file or folder for each: `ledger.rs`, `folder.rs`, `wandb/`, `mlflow/`, `tensorboard/`, `trackio.rs`, `swanlab.rs`, `tabular/` |
//! | files are taken apart | `formats/` |
//! | parts of a run become one | `recording.rs` |
//! | a mixture is found in a config, or given | `config_mixture.rs`, `mixtures.rs` |
//! | phases of the runs are compared | `phases.rs` |
//! | metrics are chosen | `filter.rs` |
//! | names that no table can hold | `names.rs` |
//! | runs that stopped short are found | `short.rs` |
//! | runs that can't be used are told | `usable.rs` |
//! | two tables are made | `table.rs` |

mod config_mixture;
mod definition;
mod filter;
mod folder;
mod formats;
mod ledger;
mod mixtures;
mod mlflow;
mod names;
mod phases;
mod recording;
mod run;
mod short;
mod source;
mod swanlab;
mod table;
mod tabular;
mod tensorboard;
mod trackio;
mod usable;
mod wandb;

use std::path::Path;

use crate::LaunchError;

pub use source::Source;
pub use table::Collected;
pub use tabular::Columns;

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
    /// The experiment of `MLflow`.
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
    if query.experiment.is_some() && !query.source.has_experiments() {
        return Err(LaunchError::refused(
            "--experiment is of MLflow, and --swarm names something else",
            "leave it out, or give --swarm an MLflow server, mlflow.db or mlruns",
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
    let (experiment, given) = (query.experiment, given.as_ref());
    let mut found = match &query.source {
        Source::Ledger(path) => ledger::read(path)?,
        Source::Table(path) => tabular::read(path, query.columns, given.is_some())?,
        Source::Folder(path) => folder::read(path)?,
        Source::Wandb(path) => wandb::read(path, given)?,
        Source::MlflowServer(address) => mlflow::read_server(address, experiment, given)?,
        Source::MlflowDatabase(path) => mlflow::read_database(path, experiment, given)?,
        Source::MlflowFiles(path) => mlflow::read_file_store(path, experiment, given)?,
        Source::Tensorboard(path) => tensorboard::read(path, given)?,
        Source::Trackio(path) => trackio::read(path, given)?,
        Source::Swanlab(path) => swanlab::read(path, given)?,
    };
    names::leave_out(&mut found);
    table::build(found, given, filter, query.include_short)
}
