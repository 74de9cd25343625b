//! The mixtures of a table: shares or percents, the whole table alike.

use super::columns::Chosen;
use super::grid::{Cell, Grid};
use crate::LaunchError;

/// How far a sum may be from 1, or from 100 in percent.
const TOLERANCE: f64 = 0.01;

/// What rounding leaves below 0 of a share is 0.
const ROUNDING: f64 = 1e-9;

pub(super) type Mixture = Vec<(String, f64)>;

/// The mixtures of the rows of a table.
pub(super) struct Shares {
    /// None where no column holds any; why a run has none.
    pub mixtures: Vec<Result<Option<Mixture>, String>>,
    pub notice: Option<String>,
}

/// Reads the mixtures. A cell without a value is 0 where the others sum to the whole.
pub(super) fn of(grid: &Grid, chosen: &Chosen, names: &[String]) -> Result<Shares, LaunchError> {
    if chosen.mix.is_empty() {
        return Ok(Shares {
            mixtures: vec![Ok(None); grid.rows.len()],
            notice: None,
        });
    }
    let rows: Vec<Row> = grid
        .rows
        .iter()
        .map(|row| read(grid, chosen, row))
        .collect::<Result<_, _>>()?;
    let whole = |to: f64| {
        rows.iter()
            .position(|row| (row.sum - to).abs() <= TOLERANCE * to + ROUNDING)
    };
    let (shares, percents) = (whole(1.0), whole(100.0));
    let at = |row: usize| format!("`{}` ({})", names[row], grid.rows[row].0);
    if let (Some(shares), Some(percents)) = (shares, percents) {
        return Err(LaunchError::refused(
            format!(
                "{}: the mixture of {} sums to 1, that of {} to 100",
                grid.file,
                at(shares),
                at(percents)
            ),
            "write all mixtures as shares, or all in percent",
        ));
    }
    let scale = if percents.is_some() { 100.0 } else { 1.0 };
    let mut mixtures = Vec::with_capacity(rows.len());
    for (i, row) in rows.into_iter().enumerate() {
        let close = (row.sum - scale).abs() <= TOLERANCE * scale + ROUNDING;
        if !close && row.missing.is_empty() {
            return Err(LaunchError::refused(
                format!(
                    "{}: the mixture of {} sums to {:.6}, not to 1 and not to 100",
                    grid.file,
                    at(i),
                    row.sum
                ),
                "give --mix the columns of all domains and no others; shares are of the run's tokens",
            ));
        }
        mixtures.push(if close {
            let weights = row
                .weights
                .into_iter()
                .map(|(domain, weight)| (domain, weight / scale));
            Ok(Some(weights.collect()))
        } else {
            Err(format!("its mixture has no value for `{}`", row.missing[0]))
        });
    }
    Ok(Shares {
        mixtures,
        notice: percents.map(|_| "the mixtures are in percent, and are divided by 100".to_owned()),
    })
}

struct Row {
    weights: Mixture,
    sum: f64,
    missing: Vec<String>,
}

fn read(
    grid: &Grid,
    chosen: &Chosen,
    (place, cells): &(String, Vec<Cell>),
) -> Result<Row, LaunchError> {
    let mut row = Row {
        weights: Vec::new(),
        sum: 0.0,
        missing: Vec::new(),
    };
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
        row.sum += weight;
        row.weights.push((domain.clone(), weight));
    }
    Ok(row)
}
