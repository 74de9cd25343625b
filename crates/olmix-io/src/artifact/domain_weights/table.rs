//! Weights of domains in CSV: a row per domain, or a run of a table of runs.

use std::path::Path;

use super::{DomainWeights, KNOWN, plain};
use crate::config::yaml::whole_amount;
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::messages::{excerpt, listed};
use crate::swarm::tables::csv_table::{Cell, Table};
use crate::swarm::tables::delimited::Delimited;
use crate::swarm::tables::table_reader::TableReader;

/// Names of the column of domains, in any case.
const DOMAIN: [&str; 2] = ["domain", "source"];

/// Names of the column of weights, and of that of tokens, in any case.
const WEIGHT: [&str; 5] = ["weight", "share", "ratio", "proportion", "mixture"];
const TOKENS: [&str; 4] = ["tokens", "token_count", "token_counts", "count"];

/// The column that has one of some names.
fn column(table: &Delimited, names: &[&str]) -> Option<usize> {
    let header = table.header();
    let is = |cell: &str, name: &&str| cell.eq_ignore_ascii_case(name);
    names
        .iter()
        .find_map(|name| header.iter().position(|cell| is(cell, name)))
}

/// Reads a column of weights beside one of domains, or the run of a table of runs.
pub(super) fn read(path: &Path, run: Option<&str>) -> Result<DomainWeights, IoError> {
    let input = InputFile::read(path, None)?;
    let cells = Delimited::parse(&input)?;
    let domain = column(&cells, &DOMAIN).filter(|_| run.is_none());
    let (weight, tokens) = (column(&cells, &WEIGHT), column(&cells, &TOKENS));
    match (domain, weight, tokens) {
        (Some(domain), Some(weight), _) => {
            let value = |row: usize| match cells.cell(row, weight) {
                Cell::Number(number) => number,
                _ => f64::NAN,
            };
            Ok(plain(
                "mixture",
                numbers(&cells, domain, weight, "weight", &value)?,
            ))
        }
        (Some(domain), None, Some(tokens)) => {
            let found = counts(&cells, domain, tokens)?;
            let weights = found
                .iter()
                .map(|(name, tokens)| (name.clone(), *tokens as f64));
            Ok(DomainWeights {
                tokens: Some(found.iter().map(|(_, tokens)| *tokens).collect()),
                ..plain("priors", weights.collect())
            })
        }
        _ => of_run(path, &input.name, run),
    }
}

/// Domains with a number each.
fn numbers(
    cells: &Delimited,
    domain: usize,
    column: usize,
    what: &str,
    value: &dyn Fn(usize) -> f64,
) -> Result<Vec<(String, f64)>, IoError> {
    let mut found: Vec<(String, f64)> = Vec::with_capacity(cells.len());
    for row in 0..cells.len() {
        let name = cells.text(row, domain);
        let bad = |message: String, help: &str| {
            Err(IoError::input(
                cells.file(),
                Location::Line(cells.line(row)),
                message,
                help,
            ))
        };
        if name.is_empty() {
            return bad(
                "the domain has no name".into(),
                "name it, or remove the row",
            );
        }
        if found.iter().any(|(other, _)| other == name) {
            let message = format!("domain `{}` occurs twice", excerpt(name));
            return bad(message, "keep one row per domain");
        }
        let number = value(row);
        if number.is_nan() {
            let text = excerpt(cells.text(row, column));
            let message = format!(
                "the {what} of `{}` is `{text}`, not a number",
                excerpt(name)
            );
            return bad(message, "write it as a number with a decimal point");
        }
        found.push((name.to_owned(), number));
    }
    Ok(found)
}

/// Domains with their tokens, which may be written as `2T` or `800B`.
fn counts(cells: &Delimited, domain: usize, column: usize) -> Result<Vec<(String, u64)>, IoError> {
    let written = |row: usize| match cells.cell(row, column) {
        // Exact where it is written in digits.
        Cell::Number(number) => whole_amount(cells.text(row, column)).map_or(number, |n| n as f64),
        _ => whole_amount(cells.text(row, column)).map_or(f64::NAN, |n| n as f64),
    };
    let found = numbers(cells, domain, column, "number of tokens", &written)?;
    let count = |(row, (name, tokens)): (usize, (String, f64))| {
        if (1.0..1e19).contains(&tokens) && tokens.fract() == 0.0 {
            let exact = whole_amount(cells.text(row, column));
            return Ok((name, exact.unwrap_or(tokens as u64)));
        }
        Err(IoError::input(
            cells.file(),
            Location::Line(cells.line(row)),
            format!("domain `{}` has {tokens} tokens", excerpt(&name)),
            "give a whole number of tokens above 0, such as 1500000000 or 1.5B",
        ))
    };
    found.into_iter().enumerate().map(count).collect()
}

fn of_run(path: &Path, name: &str, run: Option<&str>) -> Result<DomainWeights, IoError> {
    let table = Table::read(path, "ratios")?;
    let row = match run {
        Some(run) => (0..table.len()).find(|&row| table.id(row) == run),
        None => (table.len() == 1).then_some(0),
    };
    let row = row.ok_or_else(|| {
        let ids = listed((0..table.len()).map(|row| table.id(row)), 5);
        let message = match run {
            Some(run) => format!("there is no run `{}`, but {ids}", excerpt(run)),
            None => format!("there are {} runs: {ids}", table.len()),
        };
        let help = format!("name a run: {}#{}", path.display(), table.id(0));
        IoError::input(name, Location::File, message, help)
    })?;
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    let weights = TableReader::default().mixtures(&table, &[row], &columns)?;
    let weights = weights.into_iter().flatten().next().ok_or_else(|| {
        let message = format!(
            "run `{}` has a ratio that is not a number",
            excerpt(table.id(row))
        );
        IoError::input(name, table.place(row), message, KNOWN)
    })?;
    Ok(plain(
        "run",
        table.columns().iter().cloned().zip(weights).collect(),
    ))
}
