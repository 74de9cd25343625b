//! The mixtures of a table: shares or percents, the whole table alike.

use super::columns::Chosen;
use super::grid::{Cell, Grid};
use crate::LaunchError;

/// How far a sum may be from 1, or from 100 in percent.
const TOLERANCE: f64 = 0.01;

/// What rounding leaves below 0 of a share is 0.
pub(in crate::collect) const ROUNDING: f64 = 1e-9;

pub(in crate::collect) type Mixture = Vec<(String, f64)>;

/// The mixtures of the rows of a table.
pub(in crate::collect) struct Shares {
    /// None where no column holds any; why a run has none.
    pub mixtures: Vec<Result<Option<Mixture>, String>>,
    pub notice: Option<String>,
}

/// The weights of a row, as they are written.
#[derive(Debug, Default)]
pub(in crate::collect) struct Row {
    pub weights: Mixture,
    /// Domains without a value.
    pub missing: Vec<String>,
}

impl Row {
    fn sum(&self) -> f64 {
        self.weights.iter().map(|(_, weight)| weight).sum()
    }
}

/// Reads the mixtures. A cell without a value is 0 where the others sum to the whole.
pub(super) fn of(grid: &Grid, chosen: &Chosen, names: &[String]) -> Result<Shares, LaunchError> {
    if chosen.mix.is_empty() {
        return Ok(Shares {
            mixtures: vec![Ok(None); grid.rows.len()],
            notice: None,
        });
    }
    let rows = grid.rows.iter().map(|row| read(grid, chosen, row));
    let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    scaled(&grid.file, rows, &|row| {
        format!("`{}` ({})", names[row], grid.rows[row].0)
    })
}

/// Shares, or percents, as shares of 1; `at` says where a row stands.
pub(in crate::collect) fn scaled(
    file: &str,
    rows: Vec<Row>,
    at: &dyn Fn(usize) -> String,
) -> Result<Shares, LaunchError> {
    let is_whole = |row: &Row, to: f64| (row.sum() - to).abs() <= TOLERANCE * to + ROUNDING;
    let whole = |to: f64| rows.iter().position(|row| is_whole(row, to));
    let (shares, percents) = (whole(1.0), whole(100.0));
    if let (Some(shares), Some(percents)) = (shares, percents) {
        return Err(LaunchError::refused(
            format!(
                "{file}: the mixture of {} sums to 1, that of {} to 100",
                at(shares),
                at(percents)
            ),
            "write all mixtures as shares, or all in percent",
        ));
    }
    let scale = if percents.is_some() { 100.0 } else { 1.0 };
    let mut mixtures = Vec::with_capacity(rows.len());
    for (i, row) in rows.into_iter().enumerate() {
        let close = is_whole(&row, scale);
        if !close && row.missing.is_empty() {
            return Err(LaunchError::refused(
                format!(
                    "{file}: the mixture of {} sums to {:.6}, not to 1 and not to 100",
                    at(i),
                    row.sum()
                ),
                "give the columns of all domains and no others; shares are of the run's tokens",
            ));
        }
        mixtures.push(if close {
            let weights = row.weights.into_iter();
            let share = |(domain, weight): (String, f64)| (domain, weight / scale);
            Ok(Some(weights.map(share).collect()))
        } else {
            Err(format!("its mixture has no value for `{}`", row.missing[0]))
        });
    }
    Ok(Shares {
        mixtures,
        notice: percents.map(|_| "the mixtures are in percent, and are divided by 100".to_owned()),
    })
}

fn read(
    grid: &Grid,
    chosen: &Chosen,
    (place, cells): &(String, Vec<Cell>),
) -> Result<Row, LaunchError> {
    let mut row = Row::default();
    for (column, domain) in &chosen.mix {
        let wrong = |what: String| {
            LaunchError::refused(
                format!(
                    "{}: {place}: column `{}` is {what}",
                    grid.file, grid.columns[*column]
                ),
                "the columns of --mix hold shares, or percents, of the run's tokens",
            )
        };
        let weight = match &cells[*column] {
            Cell::Number(weight) if *weight < -ROUNDING => {
                return Err(wrong(format!("{weight}, below 0")));
            }
            Cell::Number(weight) => weight.max(0.0),
            Cell::Text(text) => return Err(wrong(format!("`{text}`, not a number"))),
            Cell::Missing | Cell::NotFinite => {
                row.missing.push(domain.clone());
                0.0
            }
        };
        row.weights.push((domain.clone(), weight));
    }
    Ok(row)
}
