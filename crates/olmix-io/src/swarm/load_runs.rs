//! Runs that a fitted law is asked about: any mixtures over its domains, measured or not.

use std::path::Path;

use olmix_core::{DomainSet, Matrix, Task};

use super::tables::csv_table::Table;
use super::tables::run_join::{Metric, matrix};
use super::tables::table_reader::TableReader;
use super::tasks::mmlu;
use super::tasks::task_columns::{Member, TaskColumns};
use crate::artifact::domain_weights::DomainWeights;
use crate::error::{IoError, Location};
use crate::input::{InputFile, InputRecord};
use crate::messages::{did_you_mean, excerpt, listed};

/// Mixtures over known domains, and what was measured of them.
#[derive(Debug, Clone)]
pub struct Runs {
    /// Run ids, in the order of the ratios file.
    pub ids: Vec<String>,
    /// Runs × domains, columns in the order of the domains asked for.
    pub mixtures: Matrix,
    /// Losses, where metrics were given.
    pub measured: Option<Measured>,
    /// What the user should know.
    pub notices: Vec<String>,
    /// The files read.
    pub inputs: Vec<InputRecord>,
}

/// Measured losses of runs.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Which tasks were measured, as positions in the tasks asked for; at least one.
    pub tasks: Vec<usize>,
    /// Runs × [`Measured::tasks`]: losses as the laws know them (turned and shifted).
    pub losses: Matrix,
}

/// Reads mixtures whose columns are exactly `domains`, in any order.
///
/// # Errors
/// [`IoError`] for a file or row that can't be used, and for columns that are missing or unknown.
pub fn load_mixtures(path: &Path, domains: &DomainSet) -> Result<Runs, IoError> {
    let mut reader = TableReader::default();
    let table = reader.table(path, "ratios")?;
    let rows: Vec<usize> = (0..table.len()).collect();
    let mixtures = reader.mixtures(&table, &rows, &columns(&table, domains)?)?;
    let (ids, x): (Vec<String>, Vec<Vec<f64>>) = rows
        .iter()
        .zip(mixtures)
        .filter_map(|(&row, mixture)| Some((table.id(row).to_owned(), mixture?)))
        .unzip();
    if ids.is_empty() {
        return Err(none_left(&table));
    }
    Ok(Runs {
        mixtures: matrix(&x, domains.len()),
        ids,
        measured: None,
        notices: reader.notices,
        inputs: reader.inputs,
    })
}

/// Reads mixtures as [`load_mixtures`] does, or the one of any file that [`DomainWeights::read`] understands,
/// named after the file. There a domain that is not named has weight 0.
///
/// # Errors
/// [`IoError`] as [`load_mixtures`], and for domains that are not among `domains`.
pub fn load_any_mixtures(path: &Path, domains: &DomainSet) -> Result<Runs, IoError> {
    let of_table = match load_mixtures(path, domains) {
        Ok(runs) => return Ok(runs),
        Err(error) => error,
    };
    let Ok(found) = DomainWeights::read(path) else {
        return Err(of_table);
    };
    if found.kind == "run" {
        return Err(of_table);
    }
    let file = path.display().to_string();
    let known = |name: &str| found.weights.iter().find(|(other, _)| other == name);
    let unknown: Vec<&str> = found
        .weights
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let unknown = unknown
        .into_iter()
        .filter(|name| domains.position(name).is_none());
    let unknown: Vec<&str> = unknown.collect();
    if let Some(first) = unknown.first() {
        return Err(IoError::input(
            file,
            Location::File,
            format!(
                "the laws do not know these domains: {}",
                listed(unknown.clone(), 5)
            ),
            did_you_mean(first, domains.names(), || {
                "give the domains that the laws were fitted to, and no others".into()
            }),
        ));
    }
    let weight = |name: &str| known(name).map_or(0.0, |(_, weight)| *weight);
    let input = InputFile::read(path, None)?;
    let name = path
        .file_stem()
        .map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
    Ok(Runs {
        ids: vec![name],
        mixtures: matrix(&[domains.names().map(weight).collect()], domains.len()),
        measured: None,
        notices: Vec::new(),
        inputs: vec![input.record("ratios")],
    })
}

/// Reads mixtures as [`load_mixtures`] does, with the measurements of those in `metrics`.
///
/// Runs are joined by id; those in one file only are left out, as are runs with a measurement
/// that is not a finite number. Tasks without a column are left out too. `members` is aligned
/// with `tasks`. MMLU subjects become groups as in a fit.
///
/// # Errors
/// [`IoError`] as [`load_mixtures`], and when no task was measured or no run is left.
pub fn load_runs(
    ratios_path: &Path,
    metrics_path: &Path,
    domains: &DomainSet,
    tasks: &[Task],
    members: &[Vec<Member>],
) -> Result<Runs, IoError> {
    let mut reader = TableReader::default();
    let ratios_table = reader.table(ratios_path, "ratios")?;
    let metrics_table = reader.table(metrics_path, "metrics")?;
    let columns = columns(&ratios_table, domains)?;
    let mut available = reader.offered_metrics(&metrics_table).metrics;
    // Laws may be of single subjects, which grouping replaces.
    for (column, name) in metrics_table.columns().iter().enumerate() {
        if mmlu::subject(name).is_some() && !available.iter().any(|m| m.name == *name) {
            available.push(Metric {
                name: name.clone(),
                sources: vec![(column, 1.0)],
            });
        }
    }
    let (task_columns, found) = TaskColumns::new(tasks, members, &available);
    let lacking: Vec<&str> = (0..tasks.len())
        .filter(|position| !found.contains(position))
        .map(|position| tasks[position].name.as_str())
        .collect();
    if found.is_empty() {
        return Err(metrics_table.header_error(
            format!(
                "no task of the laws was measured: looked for {}",
                listed(lacking, 5)
            ),
            "give the metrics that the laws were fitted to, under the same names",
        ));
    }
    if !lacking.is_empty() {
        reader.notice(format!(
            "{} does not have these tasks of the laws, which are not compared: {}",
            metrics_table.file(),
            listed(lacking, 5)
        ));
    }
    let joined = reader.join(&ratios_table, &metrics_table)?;
    let rows: Vec<usize> = joined.iter().map(|run| run.ratios).collect();
    let mixtures = reader.mixtures(&ratios_table, &rows, &columns)?;
    let rows: Vec<usize> = joined.iter().map(|run| run.metrics).collect();
    let measured = reader.metrics(&metrics_table, &rows, &task_columns.metrics);
    let (mut ids, mut x, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for ((run, mixture), measured) in joined.iter().zip(mixtures).zip(measured) {
        if let (Some(mixture), Some(measured)) = (mixture, measured) {
            ids.push(ratios_table.id(run.ratios).to_owned());
            x.push(mixture);
            let values = task_columns.measured(&measured);
            let loss = |(&task, value): (&usize, f64)| tasks[task].loss_of(value);
            y.push(found.iter().zip(values).map(loss).collect());
        }
    }
    if ids.is_empty() {
        return Err(none_left(&metrics_table));
    }
    Ok(Runs {
        mixtures: matrix(&x, domains.len()),
        ids,
        measured: Some(Measured {
            losses: matrix(&y, found.len()),
            tasks: found,
        }),
        notices: reader.notices,
        inputs: reader.inputs,
    })
}

/// For each domain, its column in the table.
fn columns(table: &Table, domains: &DomainSet) -> Result<Vec<usize>, IoError> {
    let names = || table.columns().iter().map(String::as_str);
    let unknown: Vec<&str> = names()
        .filter(|name| domains.position(name).is_none())
        .collect();
    let missing: Vec<&str> = domains
        .names()
        .filter(|domain| !names().any(|name| name == *domain))
        .collect();
    if let Some(first) = missing.first() {
        return Err(table.header_error(
            format!(
                "the laws know domains that have no column here: {}",
                listed(missing.clone(), 5)
            ),
            did_you_mean(first, unknown.iter().copied(), || {
                "add the columns, with 0 where a run does not use the domain".into()
            }),
        ));
    }
    if let Some(first) = unknown.first() {
        return Err(table.header_error(
            format!(
                "the laws do not know the domains of these columns: {}",
                listed(unknown.clone(), 5)
            ),
            did_you_mean(first, domains.names(), || {
                "give the domains that the laws were fitted to, and no others".into()
            }),
        ));
    }
    let position = |domain: &str| names().position(|name| name == domain);
    Ok(domains.names().filter_map(position).collect())
}

fn none_left(table: &Table) -> IoError {
    table.header_error(
        format!(
            "no run is left: each of them, such as `{}`, has a cell that is not a finite number",
            excerpt(table.id(0))
        ),
        "check whether one column is empty",
    )
}
