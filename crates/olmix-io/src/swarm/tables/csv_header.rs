//! The header of a table of runs, and the lines of its records.

use std::collections::HashMap;

use csv::StringRecord;

use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// The columns that can hold run ids; the first that is there does.
const ID_COLUMNS: [&str; 2] = ["run", "run_id"];

/// Finds the lines of records that come in order.
///
/// The reader's own positions come before the line ends that it skips ahead of a record, so
/// after a blank line they would name the wrong line.
pub(super) struct LineCounter<'t> {
    text: &'t [u8],
    offset: usize,
    line: u64,
}

impl<'t> LineCounter<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            offset: 0,
            line: 1,
        }
    }

    pub fn line_of(&mut self, record: &StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        while let Some(byte) = self.text.get(self.offset) {
            if self.offset >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.offset += 1;
        }
        self.line
    }
}

/// The position of the id column, and the positions of the data columns: all but ids and metadata (see
/// [`super::csv_table::Table`]).
pub(super) fn split_header(
    file: &str,
    line: u64,
    header: &StringRecord,
) -> Result<(usize, Vec<usize>), IoError> {
    let line = Location::Line(line);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (position, name) in header.iter().enumerate() {
        if !name.is_empty() && seen.insert(name, position).is_some() {
            return Err(IoError::input(
                file,
                line,
                format!("column `{}` occurs twice", excerpt(name)),
                "rename or remove one of the two",
            ));
        }
    }
    let Some(&id) = ID_COLUMNS.iter().find_map(|name| seen.get(name)) else {
        let names: Vec<&str> = header.iter().filter(|name| !name.is_empty()).collect();
        let found = if names.is_empty() {
            "no named column".to_owned()
        } else {
            format!("the columns {}", listed(names, 8))
        };
        return Err(IoError::input(
            file,
            line,
            format!("there is no column of run ids; found {found}"),
            "give a CSV file with a column `run` or `run_id` that identifies each run",
        ));
    };
    let metadata = |name: &str| {
        name.is_empty()
            || ["name", "index"].contains(&name)
            || ID_COLUMNS.contains(&name)
            || name.starts_with("Unnamed:")
    };
    let fields: Vec<usize> = header
        .iter()
        .enumerate()
        .filter(|(_, name)| !metadata(name))
        .map(|(position, _)| position)
        .collect();
    if fields.is_empty() {
        return Err(IoError::input(
            file,
            line,
            "there is no column besides ids and metadata",
            "give one column per domain (ratios) or metric (metrics)",
        ));
    }
    Ok((id, fields))
}
