//! Rows of two tables become the runs of a swarm: joined by id, checked, never guessed.

use std::collections::HashMap;

use olmix_core::{Matrix, SUM_TOLERANCE};

use crate::IoError;
use crate::messages::{count, excerpt, listed};
use crate::swarm::csv_table::{Cell, Table};

/// How many names a message lists.
const SHOWN: usize = 5;

/// A run found in both tables: its row in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    pub ratios: usize,
    pub metrics: usize,
}

/// The runs in both tables, in the order of the ratios.
pub(crate) fn join(
    ratios: &Table,
    metrics: &Table,
    notices: &mut Vec<String>,
) -> Result<Vec<Joined>, IoError> {
    let by_id: HashMap<&str, usize> = metrics.ids().zip(0..).collect();
    let joined: Vec<Joined> = ratios
        .ids()
        .enumerate()
        .filter_map(|(row, id)| {
            let metrics = *by_id.get(id)?;
            Some(Joined {
                ratios: row,
                metrics,
            })
        })
        .collect();
    if joined.is_empty() {
        return Err(metrics.header_error(
            format!(
                "no run is in both files: {} has {} such as `{}`, {} has {} such as `{}`",
                ratios.file(),
                count(ratios.len(), "run"),
                excerpt(ratios.id(0)),
                metrics.file(),
                count(metrics.len(), "run"),
                excerpt(metrics.id(0)),
            ),
            "give both files the same run ids in the column `run` or `run_id`",
        ));
    }
    let mut only_in = |table: &Table, alone: Vec<&str>| {
        if !alone.is_empty() {
            notices.push(format!(
                "{} only in {} and left out: {}",
                are(alone.len()),
                table.file(),
                listed(alone, SHOWN)
            ));
        }
    };
    let kept: HashMap<&str, usize> = ratios.ids().zip(0..).collect();
    only_in(
        ratios,
        ratios.ids().filter(|id| !by_id.contains_key(id)).collect(),
    );
    only_in(
        metrics,
        metrics.ids().filter(|id| !kept.contains_key(id)).collect(),
    );
    Ok(joined)
}

/// "1 run is" or "3 runs are".
fn are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, "run"))
}

/// The ratios of the rows named, `rows × columns`; `None` for a row with a missing cell.
///
/// Columns are positions in the table. Sums must be 1 to within [`SUM_TOLERANCE`].
pub(crate) fn ratios(
    table: &Table,
    rows: &[usize],
    columns: &[usize],
    notices: &mut Vec<String>,
) -> Result<Vec<Option<Vec<f64>>>, IoError> {
    let mut dropped = Vec::new();
    let mut bad_sums = Vec::new();
    let mut result = Vec::with_capacity(rows.len());
    for &row in rows {
        let weights = ratio_row(table, row, columns)?;
        match &weights {
            Err(column) => dropped.push(format!("`{}` ({column})", excerpt(table.id(row)))),
            Ok(weights) => {
                let sum: f64 = weights.iter().sum();
                // A sum written as 0.99 is 0.01 from 1 only up to rounding.
                if (sum - 1.0).abs() > SUM_TOLERANCE + 1e-9 {
                    bad_sums.push((row, sum));
                }
            }
        }
        result.push(weights.ok());
    }
    if let Some(&(first, _)) = bad_sums.first() {
        let shown: Vec<String> = bad_sums
            .iter()
            .take(SHOWN)
            .map(|&(row, sum)| {
                let id = excerpt(table.id(row));
                format!("`{id}` (line {}) to {sum:.4}", table.line(row))
            })
            .collect();
        let more = bad_sums.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return Err(table.error(
            first,
            format!(
                "the ratios of {} do not sum to 1: {}{more}",
                count(bad_sums.len(), "run"),
                shown.join(", ")
            ),
            "ratios are shares of the run's tokens; make each row sum to 1 (within 0.01), and \
             check that no column is missing",
        ));
    }
    say_dropped(table, &dropped, "ratio", notices);
    Ok(result)
}

/// The weights of a row; the name of the first column whose cell is missing.
fn ratio_row<'t>(
    table: &'t Table,
    row: usize,
    columns: &[usize],
) -> Result<Result<Vec<f64>, &'t str>, IoError> {
    let mut weights = Ok(Vec::with_capacity(columns.len()));
    for &column in columns {
        let name = table.columns().get(column).map_or("", String::as_str);
        match table.cell(row, column) {
            Cell::Number(weight) if weight < 0.0 => {
                return Err(table.error(
                    row,
                    format!(
                        "run `{}` has the negative ratio {weight} in column `{}`",
                        excerpt(table.id(row)),
                        excerpt(name)
                    ),
                    "ratios are shares of the run's tokens, between 0 and 1",
                ));
            }
            Cell::Text(text) => {
                return Err(table.error(
                    row,
                    format!(
                        "run `{}` has `{}` in column `{}`, which is not a number",
                        excerpt(table.id(row)),
                        excerpt(text),
                        excerpt(name)
                    ),
                    "write the ratio as a number between 0 and 1; if the column is not a domain, \
                     remove it",
                ));
            }
            Cell::Number(weight) => {
                if let Ok(weights) = &mut weights {
                    weights.push(weight);
                }
            }
            Cell::Missing => weights = weights.and(Err(name)),
        }
    }
    Ok(weights)
}

/// A metric as a weighted sum of columns of a table; mostly of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub name: String,
    /// Columns of the table and their weights.
    pub sources: Vec<(usize, f64)>,
}

/// The metrics of the rows named, one vector per row; `None` for a run with a cell that is not a
/// finite number in any column in use.
pub(crate) fn metrics(
    table: &Table,
    rows: &[usize],
    metrics: &[Metric],
    notices: &mut Vec<String>,
) -> Vec<Option<Vec<f64>>> {
    let mut dropped = Vec::new();
    let mut result = Vec::with_capacity(rows.len());
    for &row in rows {
        let mut missing = None;
        let mut value = |metric: &Metric| {
            let mut sum = 0.0;
            for &(column, weight) in &metric.sources {
                match table.cell(row, column) {
                    Cell::Number(number) => sum += weight * number,
                    _ => missing = missing.or(table.columns().get(column)),
                }
            }
            sum
        };
        let values: Vec<f64> = metrics.iter().map(&mut value).collect();
        if let Some(column) = missing {
            dropped.push(format!(
                "`{}` ({})",
                excerpt(table.id(row)),
                excerpt(column)
            ));
            result.push(None);
        } else {
            result.push(Some(values));
        }
    }
    say_dropped(table, &dropped, "metric", notices);
    result
}

fn say_dropped(table: &Table, dropped: &[String], what: &str, notices: &mut Vec<String>) {
    if dropped.is_empty() {
        return;
    }
    let more = dropped.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let verb = if dropped.len() == 1 { "has" } else { "have" };
    notices.push(format!(
        "{} of {} {verb} a {what} that is not a finite number and {} left out: {}{more}",
        count(dropped.len(), "run"),
        table.file(),
        if dropped.len() == 1 { "is" } else { "are" },
        dropped
            .iter()
            .take(SHOWN)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    ));
}

/// Rows of equal length as a matrix.
pub(crate) fn matrix(rows: &[Vec<f64>], columns: usize) -> Matrix {
    let cell = |i: usize, j: usize| rows.get(i).and_then(|row| row.get(j)).copied();
    Matrix::from_fn(rows.len(), columns, |i, j| cell(i, j).unwrap_or(f64::NAN))
}
