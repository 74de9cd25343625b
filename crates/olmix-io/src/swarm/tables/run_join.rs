//! Rows of two tables become the runs of a swarm: joined by id, checked, never guessed.

use std::collections::{HashMap, HashSet};

use olmix_core::{Matrix, SUM_TOLERANCE};

use super::csv_table::{Cell, Table};
use super::table_reader::TableReader;
use crate::error::IoError;
use crate::messages::{count, excerpt, first_few, listed};
use crate::rounding::without_rounding;

/// How many names a message lists.
const SHOWN: usize = 5;

/// A run found in both tables: its row in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    pub ratios: usize,
    pub metrics: usize,
}

impl TableReader {
    /// The runs in both tables, in the order of the ratios. Runs in one table only are noticed.
    pub fn join(&mut self, ratios: &Table, metrics: &Table) -> Result<Vec<Joined>, IoError> {
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
        let in_ratios: HashSet<&str> = ratios.ids().collect();
        let unmeasured = ratios.ids().filter(|id| !by_id.contains_key(id));
        self.notice_only_in(ratios, unmeasured.collect());
        let unmixed = metrics.ids().filter(|id| !in_ratios.contains(id));
        self.notice_only_in(metrics, unmixed.collect());
        Ok(joined)
    }

    fn notice_only_in(&mut self, table: &Table, runs: Vec<&str>) {
        if !runs.is_empty() {
            let verb = if runs.len() == 1 { "is" } else { "are" };
            self.notice(format!(
                "{} {verb} only in {} and left out: {}",
                count(runs.len(), "run"),
                table.file(),
                listed(runs, SHOWN)
            ));
        }
    }

    /// The ratios of the rows named, `rows × columns`; `None` for a row with a missing cell, which is
    /// noticed.
    ///
    /// Columns are positions in the table. Sums must be 1 to within [`SUM_TOLERANCE`].
    pub fn mixtures(
        &mut self,
        table: &Table,
        rows: &[usize],
        columns: &[usize],
    ) -> Result<Vec<Option<Vec<f64>>>, IoError> {
        let mut dropped = Vec::new();
        let mut bad_sums = Vec::new();
        let mut mixtures = Vec::with_capacity(rows.len());
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
            mixtures.push(weights.ok());
        }
        if let Some(&(first, _)) = bad_sums.first() {
            return Err(sums_not_1(table, first, &bad_sums));
        }
        self.notice_dropped(table, dropped, "ratio");
        Ok(mixtures)
    }

    /// The metrics of the rows named, one vector per row; `None` for a run with a cell that is not a
    /// finite number in any column in use, which is noticed.
    pub fn metrics(
        &mut self,
        table: &Table,
        rows: &[usize],
        metrics: &[Metric],
    ) -> Vec<Option<Vec<f64>>> {
        let mut dropped = Vec::new();
        let mut measured = Vec::with_capacity(rows.len());
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
                let run = excerpt(table.id(row));
                dropped.push(format!("`{run}` ({})", excerpt(column)));
                measured.push(None);
            } else {
                measured.push(Some(values));
            }
        }
        self.notice_dropped(table, dropped, "metric");
        measured
    }

    fn notice_dropped(&mut self, table: &Table, dropped: Vec<String>, what: &str) {
        if dropped.is_empty() {
            return;
        }
        let (has, is) = if dropped.len() == 1 {
            ("has", "is")
        } else {
            ("have", "are")
        };
        self.notice(format!(
            "{} of {} {has} a {what} that is not a finite number and {is} left out: {}",
            count(dropped.len(), "run"),
            table.file(),
            first_few(dropped, SHOWN)
        ));
    }
}

/// Ratios of some runs, given with their sums, do not sum to 1.
fn sums_not_1(table: &Table, first: usize, bad_sums: &[(usize, f64)]) -> IoError {
    let runs = bad_sums.iter().map(|&(row, sum)| {
        let id = excerpt(table.id(row));
        format!("`{id}` ({}) to {sum:.4}", table.place_in_words(row))
    });
    table.error(
        first,
        format!(
            "the ratios of {} do not sum to 1: {}",
            count(bad_sums.len(), "run"),
            first_few(runs, SHOWN)
        ),
        "ratios are shares of the run's tokens; make each row sum to 1 (within 0.01), and \
         check that no column is missing",
    )
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
            Cell::Number(weight) if without_rounding(weight) < 0.0 => {
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
                    weights.push(without_rounding(weight));
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

/// Rows of equal length as a matrix.
pub(crate) fn matrix(rows: &[Vec<f64>], columns: usize) -> Matrix {
    let cell = |i: usize, j: usize| rows.get(i).and_then(|row| row.get(j)).copied();
    Matrix::from_fn(rows.len(), columns, |i, j| cell(i, j).unwrap_or(f64::NAN))
}
