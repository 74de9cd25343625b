//! Which column of a table holds what.

use globset::{Glob, GlobMatcher};

use super::Columns;
use super::grid::{Cell, Grid};
use crate::LaunchError;

/// Names that columns of runs have, in any case; the first that is there counts.
const RUN_COLUMNS: [&str; 6] = ["run", "run_id", "run_name", "name", "id", "index"];

/// States of runs in exports of trackers.
const STATES: [&str; 10] = [
    "finished",
    "completed",
    "success",
    "succeeded",
    "running",
    "crashed",
    "failed",
    "killed",
    "preempted",
    "pending",
];

/// How many columns a message lists.
const SHOWN: usize = 12;

/// Columns, as positions.
#[derive(Debug)]
pub(super) struct Chosen {
    pub run: usize,
    /// Columns of the mixture, and the domains they are.
    pub mix: Vec<(usize, String)>,
    pub metrics: Vec<usize>,
    /// The column that says how runs ended.
    pub state: Option<usize>,
    /// The column with the step of training at which all was measured.
    pub step: Option<usize>,
    pub notices: Vec<String>,
}

impl Chosen {
    pub fn of(grid: &Grid, asked: Columns<'_>, given: bool) -> Result<Self, LaunchError> {
        let mut notices = Vec::new();
        let run = run_column(grid, asked.run, &mut notices)?;
        let mix = matching(grid, "--mix", asked.mix)?;
        if mix.is_empty() && !given {
            return Err(LaunchError::refused(
                format!("{}: nothing says which columns hold the mixture", grid.file),
                match likely_mix(grid, run) {
                    Some(pattern) => format!("add --mix '{pattern}'"),
                    None => format!(
                        "add --mix 'PREFIX*'; the columns are {}",
                        listed(&grid.columns)
                    ),
                },
            ));
        }
        let mix: Vec<(usize, String)> = mix
            .into_iter()
            .map(|(column, pattern)| (column, domain(&grid.columns[column], pattern)))
            .collect();
        for (i, (column, name)) in mix.iter().enumerate() {
            if let Some((other, _)) = mix[..i].iter().find(|(_, other)| other == name) {
                return Err(LaunchError::refused(
                    format!(
                        "{}: the columns `{}` and `{}` are both the domain `{name}`",
                        grid.file, grid.columns[*other], grid.columns[*column]
                    ),
                    "give --mix patterns that name each domain once",
                ));
            }
        }
        let wanted = matching(grid, "--metrics", asked.metrics)?;
        let is_mix = |column: &usize| mix.iter().any(|(other, _)| other == column);
        if let Some((column, _)) = wanted
            .iter()
            .find(|(column, _)| is_mix(column) || *column == run)
        {
            let what = if *column == run {
                "names the runs"
            } else {
                "matches --mix"
            };
            return Err(LaunchError::refused(
                format!(
                    "{}: column `{}` matches --metrics, and {what} too",
                    grid.file, grid.columns[*column]
                ),
                "give patterns that match each column once",
            ));
        }
        let state = state_column(grid);
        let metrics: Vec<usize> = if asked.metrics.is_empty() {
            let other =
                |column: &usize| *column != run && Some(*column) != state && !is_mix(column);
            without_texts(grid, other, &mut notices)
        } else {
            wanted.into_iter().map(|(column, _)| column).collect()
        };
        let metrics = with_numbers(grid, metrics, &mut notices);
        Ok(Self {
            run,
            mix,
            metrics,
            state,
            step: step_column(grid),
            notices,
        })
    }
}

fn run_column(
    grid: &Grid,
    asked: Option<&str>,
    notices: &mut Vec<String>,
) -> Result<usize, LaunchError> {
    let position =
        |matches: &dyn Fn(&str) -> bool| grid.columns.iter().position(|name| matches(name));
    if let Some(name) = asked {
        return position(&|column| column == name).ok_or_else(|| {
            LaunchError::refused(
                format!(
                    "{}: there is no column `{name}` for --run-column",
                    grid.file
                ),
                format!("the columns are {}", listed(&grid.columns)),
            )
        });
    }
    let known = RUN_COLUMNS
        .iter()
        .find_map(|known| position(&|name| name.eq_ignore_ascii_case(known)));
    let Some(found) = known else {
        return Err(LaunchError::refused(
            format!("{}: nothing says which column names the runs", grid.file),
            format!(
                "add --run-column; the columns are {}",
                listed(&grid.columns)
            ),
        ));
    };
    let name = &grid.columns[found];
    if name != "run" && name != "run_id" {
        notices.push(format!(
            "runs are named by the column `{name}` (--run-column names another)"
        ));
    }
    Ok(found)
}

/// Columns that match globs, each with the first glob it matches.
fn matching<'q>(
    grid: &Grid,
    option: &str,
    globs: &'q [String],
) -> Result<Vec<(usize, &'q str)>, LaunchError> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for text in globs {
        let glob = matcher(option, text)?;
        let mut any = false;
        for (column, name) in grid.columns.iter().enumerate() {
            if name == text || glob.is_match(name) {
                any = true;
                if !found.iter().any(|(other, _)| *other == column) {
                    found.push((column, text));
                }
            }
        }
        if !any {
            return Err(LaunchError::refused(
                format!("{}: {option} '{text}' matches no column", grid.file),
                format!("the columns are {}", listed(&grid.columns)),
            ));
        }
    }
    found.sort_by_key(|(column, _)| *column);
    Ok(found)
}

fn matcher(option: &str, text: &str) -> Result<GlobMatcher, LaunchError> {
    let glob = Glob::new(text).map_err(|error| {
        LaunchError::refused(
            format!("{option}: {error}"),
            "write a glob such as 'data.mix.*'",
        )
    })?;
    Ok(glob.compile_matcher())
}

/// What of a column's name stands for the wildcards of a glob: the name between the text in front of the first
/// one and the text behind the last.
fn domain(column: &str, glob: &str) -> String {
    let wild = |c: char| matches!(c, '*' | '?' | '[' | '{');
    let Some(first) = glob.find(wild) else {
        return column.to_owned();
    };
    let last = glob.rfind(['*', '?', ']', '}']).unwrap_or(first);
    let (before, behind) = (&glob[..first], glob.get(last + 1..).unwrap_or_default());
    let inner = column
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(behind));
    inner
        .filter(|inner| !inner.is_empty())
        .unwrap_or(column)
        .to_owned()
}

/// The column of an export that says how runs ended: it is called State, and holds states alone.
fn state_column(grid: &Grid) -> Option<usize> {
    let column = grid.columns.iter().position(|name| {
        name.eq_ignore_ascii_case("state") || name.eq_ignore_ascii_case("status")
    })?;
    let is_state = |cell: &Cell| match cell {
        Cell::Text(text) => STATES.contains(&text.to_lowercase().as_str()),
        _ => false,
    };
    grid.column(column).all(is_state).then_some(column)
}

/// The column with the last step of each run.
fn step_column(grid: &Grid) -> Option<usize> {
    let known = [
        "train/global_step",
        "trainer/global_step",
        "global_step",
        "_step",
        "step",
    ];
    let position = |known: &&str| {
        grid.columns
            .iter()
            .position(|name| name.eq_ignore_ascii_case(known))
    };
    known.iter().find_map(position)
}

/// Columns with a name and without texts.
fn without_texts(
    grid: &Grid,
    may: impl Fn(&usize) -> bool,
    notices: &mut Vec<String>,
) -> Vec<usize> {
    let has_text = |column: &usize| {
        grid.column(*column)
            .any(|cell| matches!(cell, Cell::Text(_)))
    };
    let named = (0..grid.columns.len()).filter(|column| !grid.columns[*column].is_empty());
    let (texts, others): (Vec<usize>, Vec<usize>) = named.filter(may).partition(has_text);
    if !texts.is_empty() {
        let texts: Vec<String> = texts
            .into_iter()
            .map(|column| grid.columns[column].clone())
            .collect();
        notices.push(format!(
            "columns with texts are not metrics: {}",
            listed(&texts)
        ));
    }
    others
}

/// Columns in which some cell is a number; trackers' exports have columns that are empty.
fn with_numbers(grid: &Grid, columns: Vec<usize>, notices: &mut Vec<String>) -> Vec<usize> {
    let has_number = |column: &usize| {
        grid.column(*column)
            .any(|cell| matches!(cell, Cell::Number(_)))
    };
    let (full, empty): (Vec<usize>, Vec<usize>) = columns.into_iter().partition(has_number);
    if !empty.is_empty() {
        let empty: Vec<String> = empty
            .into_iter()
            .map(|column| grid.columns[column].clone())
            .collect();
        notices.push(format!(
            "columns without a number are not metrics: {}",
            listed(&empty)
        ));
    }
    full
}

/// A pattern of columns whose rows all sum to 1, or to 100: what the mixture seems to be.
fn likely_mix(grid: &Grid, run: usize) -> Option<String> {
    let prefix = |name: &str| Some(name[..=name.rfind(['.', '/', ':'])?].to_owned());
    let mut prefixes: Vec<String> = grid
        .columns
        .iter()
        .filter_map(|name| prefix(name))
        .collect();
    prefixes.dedup();
    let sums = |prefix: &String, to: f64| {
        let columns: Vec<usize> = (0..grid.columns.len())
            .filter(|&column| column != run && grid.columns[column].starts_with(prefix.as_str()))
            .collect();
        columns.len() > 1
            && grid.rows.iter().all(|(_, cells)| {
                let weight = |&column: &usize| match cells[column] {
                    Cell::Number(number) => number,
                    _ => 0.0,
                };
                (columns.iter().map(weight).sum::<f64>() - to).abs() <= 0.01 * to
            })
    };
    let found = prefixes
        .iter()
        .find(|prefix| sums(prefix, 1.0) || sums(prefix, 100.0));
    found.map(|prefix| format!("{prefix}*"))
}

/// Names in backquotes, shortened.
pub(super) fn listed(names: &[String]) -> String {
    let names = names.iter().filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    olmix_io::first_few(names, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_stands_for_the_wildcards() {
        for (column, glob, expected) in [
            ("data.mix.web", "data.mix.*", "web"),
            ("data.mix.web:science", "data.mix.*", "web:science"),
            ("mix/web/weight", "mix/*/weight", "web"),
            ("web", "*", "web"),
            ("p_web", "p_{web,code}", "web"),
            ("web", "web", "web"),
            ("data.mix.", "data.mix.*", "data.mix."),
        ] {
            assert_eq!(domain(column, glob), expected, "{column} {glob}");
        }
    }
}
