//! A table of runs of any layout, as an export of a tracker or of pandas: a column names the runs, some hold the
//! mixture, others what was measured.

mod columns;
mod grid;
pub(super) mod shares;

use std::path::Path;

pub(super) use grid::is_table;

use super::run::{Cure, MeasuredRun, SourceRuns, Value};
use crate::LaunchError;
use columns::Chosen;
use grid::{Cell, Grid};

/// Which columns of a table hold what.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns<'q> {
    /// The column that names the runs.
    pub run: Option<&'q str>,
    /// Globs of the columns with the mixture; a domain is named by what stands for the wildcards.
    pub mix: &'q [String],
    /// Globs of the columns that were measured; without any, all other columns of numbers.
    pub metrics: &'q [String],
}

/// Ends of runs that count as finished, where a table has a column `State`.
const FINISHED: [&str; 4] = ["finished", "completed", "success", "succeeded"];

/// Reads a table. `given` says whether mixtures come from elsewhere.
pub(super) fn read(
    path: &Path,
    columns: Columns<'_>,
    given: bool,
) -> Result<SourceRuns, LaunchError> {
    let grid = Grid::read(path)?;
    let chosen = Chosen::of(&grid, columns, given)?;
    let mut found = SourceRuns::default();
    found.notices.extend(chosen.notices.iter().cloned());
    let names = run_names(&grid, chosen.run)?;
    let shares = shares::of(&grid, &chosen, &names)?;
    found.notices.extend(shares.notice);
    for ((name, mixture), (_, cells)) in names.into_iter().zip(shares.mixtures).zip(&grid.rows) {
        if let Some(state) = chosen
            .state
            .and_then(|column| unfinished(cells.get(column)?))
        {
            found.leave_out(name, format!("its state is {state}"), Cure::Finish);
            continue;
        }
        let mixture = match mixture {
            Ok(mixture) => mixture,
            Err(why) => {
                found.leave_out(name, why, Cure::Mixture);
                continue;
            }
        };
        let step = chosen.step.and_then(|column| match cells[column] {
            Cell::Number(step) => Some(step),
            _ => None,
        });
        let measured = |&column: &usize| {
            let number = match cells[column] {
                Cell::Number(number) => number,
                Cell::Missing => return None,
                Cell::NotFinite | Cell::Text(_) => f64::NAN,
            };
            Some((grid.columns[column].clone(), Value { number, step }))
        };
        found.runs.push(MeasuredRun {
            name,
            mixture,
            values: chosen.metrics.iter().filter_map(measured).collect(),
            ..MeasuredRun::default()
        });
    }
    Ok(found)
}

/// The names of the runs, one per row.
fn run_names(grid: &Grid, column: usize) -> Result<Vec<String>, LaunchError> {
    let name = |(row, (place, _)): (usize, &(String, Vec<Cell>))| {
        let name = grid.name(row, column);
        if !name.is_empty() {
            return Ok(name);
        }
        Err(LaunchError::refused(
            format!(
                "{}: {place}: column `{}` is empty",
                grid.file, grid.columns[column]
            ),
            "give every run a name, or remove the row",
        ))
    };
    grid.rows.iter().enumerate().map(name).collect()
}

/// The state of a run that did not finish.
fn unfinished(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(state) if !FINISHED.contains(&state.to_lowercase().as_str()) => Some(state),
        _ => None,
    }
}
