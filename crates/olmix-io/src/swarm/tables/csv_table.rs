//! A CSV file of one row per run, with an id column.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::columns::{self, Column};
use super::csv_header::split_header;
use super::delimited::Delimited;
use crate::checksums::changed;
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::input::InputRecord;
use crate::messages::excerpt;
use crate::names::{CONTROL_HELP, has_control};

/// A table of runs: an id column, metadata columns, and data columns (domains or metrics).
///
/// Metadata are `name`, columns without a name (also `Unnamed: 0` and the like), and `run_id` and `index`
/// beside `run`. The file may be one of Excel (see [`Delimited`]).
#[derive(Debug, Clone)]
pub struct Table {
    file: String,
    record: InputRecord,
    /// Names of the data columns, in the order of the file.
    columns: Vec<String>,
    /// For each data column, its place in a row.
    fields: Vec<usize>,
    ids: Vec<String>,
    /// For each row, its place among the cells.
    rows: Vec<usize>,
    cells: Arc<Cells>,
}

/// The column of ratios that names the phase of a row, where runs have several.
pub(crate) const PHASE: &str = "phase";

/// Where the cells of a table are.
#[derive(Debug)]
enum Cells {
    /// Of a file.
    File(Delimited),
    /// In memory.
    Memory(Vec<(String, Column)>),
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'t> {
    /// A finite number.
    Number(f64),
    /// Nothing, or a number that is not finite: what a crashed run leaves.
    Missing,
    /// Text that is not a number.
    Text(&'t str),
}

impl Table {
    /// Reads a table. `role` is what it is used as (`ratios`, `metrics`), for its record.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] with the line for text that is
    /// not UTF-8, a table without id column, data column or row, columns or ids that occur
    /// twice, rows of the wrong length, and empty ids.
    pub fn read(path: &Path, role: &str) -> Result<Self, IoError> {
        Self::parse(InputFile::read(path, None)?, role)
    }

    /// What is to be said of a table that olmix wrote and that was changed since.
    ///
    /// # Errors
    /// [`IoError::Read`] for checksums beside it that can't be read.
    pub fn changed(&self) -> Result<Option<String>, IoError> {
        changed(&self.record)
    }

    /// As [`Table::read`], of content that is at hand; `file` names it in messages.
    ///
    /// # Errors
    /// [`IoError::Input`] as [`Table::read`].
    pub fn from_bytes(file: &str, bytes: Vec<u8>, role: &str) -> Result<Self, IoError> {
        Self::parse(InputFile::of(file, bytes), role)
    }

    /// A table whose columns are at hand, as those of a data frame; `name` is what messages call it. Hints speak of
    /// data frames.
    ///
    /// # Errors
    /// [`IoError::Input`] as [`Table::read`], for columns of different lengths too.
    pub fn from_columns(
        name: &str,
        columns: Vec<(String, Column)>,
        role: &str,
    ) -> Result<Self, IoError> {
        let whole = Location::File;
        let header: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let (id, fields) = split_header(
            name,
            &whole,
            &header,
            "give a column `run` that identifies each run, or use the names of the runs as the index of the data \
             frame",
        )?;
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        if let Some((odd, column)) = columns.iter().find(|(_, column)| column.len() != rows) {
            return Err(IoError::input(
                name,
                whole,
                format!(
                    "column `{}` has {} cells, and `{}` has {rows}",
                    excerpt(odd),
                    column.len(),
                    excerpt(header.first().copied().unwrap_or_default()),
                ),
                "give every column one cell per run",
            ));
        }
        if let Some(bad) = header.iter().find(|name| has_control(name)) {
            let message = format!(
                "the name of column `{}` has a line break or control character",
                excerpt(bad)
            );
            return Err(IoError::input(name, whole, message, CONTROL_HELP));
        }
        let id_name = header.get(id).copied().unwrap_or_default().to_owned();
        let names = fields.iter().filter_map(|&field| header.get(field));
        let names = names.map(|name| (*name).to_owned()).collect();
        let texts = (0..rows).map(|row| columns.get(id).map_or_else(String::new, |c| c.1.id(row)));
        let texts: Vec<String> = texts.collect();
        let record = columns::record(name, &columns, role);
        Self {
            file: name.to_owned(),
            record,
            columns: names,
            fields,
            ids: Vec::new(),
            rows: (0..rows).collect(),
            cells: Arc::new(Cells::Memory(columns)),
        }
        .with_ids(&id_name, texts)
    }

    fn parse(input: InputFile, role: &str) -> Result<Self, IoError> {
        let record = input.record(role);
        let cells = Delimited::parse(&input)?;
        let header: Vec<&str> = cells.header().iter().collect();
        let line = Location::Line(cells.header_line());
        let (id, fields) = split_header(
            &input.name,
            &line,
            &header,
            "give a CSV file with a column `run`, `run_id` or `index` that identifies each run; \
             `olmix collect --run-column` reads a table with another",
        )?;
        let id_name = header.get(id).copied().unwrap_or_default().to_owned();
        let names = fields.iter().filter_map(|&field| header.get(field));
        let names = names.map(|name| (*name).to_owned()).collect();
        let rows = 0..cells.len();
        let texts = rows.map(|row| cells.text(row, id).to_owned()).collect();
        Self {
            file: input.name,
            record,
            columns: names,
            fields,
            ids: Vec::new(),
            rows: (0..cells.len()).collect(),
            cells: Arc::new(Cells::File(cells)),
        }
        .with_ids(&id_name, texts)
    }

    /// Takes the cells of the id column, once they are checked.
    fn with_ids(mut self, id_column: &str, texts: Vec<String>) -> Result<Self, IoError> {
        let refuse = |place: Location, message: String, help: &str| {
            Err(IoError::input(&self.file, place, message, help))
        };
        if texts.is_empty() {
            let (message, help) = match *self.cells {
                Cells::File(_) => ("the file has a header but no row", "give one line per run"),
                Cells::Memory(_) => ("the table has no row", "give one row per run"),
            };
            return refuse(self.header_place(), message.into(), help);
        }
        // Ratios of runs in phases have a row for each phase.
        let phase = self.columns.iter().position(|name| name == PHASE);
        let phase = phase.filter(|_| self.record.role.ends_with("ratios"));
        let mut seen: HashMap<(&str, String), usize> = HashMap::new();
        for (row, run) in texts.iter().enumerate() {
            if run.is_empty() {
                return refuse(
                    self.place(row),
                    format!("the run id (column `{}`) is empty", excerpt(id_column)),
                    "give every run an id, or remove the row",
                );
            }
            if has_control(run) {
                let message = format!(
                    "the run id `{}` has a line break or control character",
                    excerpt(run)
                );
                return refuse(self.place(row), message, CONTROL_HELP);
            }
            let of = phase.map_or_else(String::new, |column| self.text(row, column));
            if let Some(first) = seen.insert((run, of), row) {
                return Err(self.occurs_twice(row, first, run));
            }
        }
        drop(seen);
        self.ids = texts;
        Ok(self)
    }

    fn occurs_twice(&self, row: usize, first: usize, run: &str) -> IoError {
        let first = self.place_in_words(first);
        let message = format!("run `{}` occurs twice, first on {first}", excerpt(run));
        self.error(row, message, "keep one row per run")
    }

    /// Refuses a table in which a run has several rows.
    pub(crate) fn unique_ids(&self) -> Result<(), IoError> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (row, run) in self.ids.iter().enumerate() {
            if let Some(first) = seen.insert(run, row) {
                return Err(self.occurs_twice(row, first, run));
            }
        }
        Ok(())
    }

    /// The file, as the user gave it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Path and hash of the file.
    #[must_use]
    pub fn record(&self) -> &InputRecord {
        &self.record
    }

    /// Names of the data columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a table without rows can't be made
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Run ids, in the order of the file.
    #[must_use]
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// The id of a row.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        self.ids.get(row).map_or("", String::as_str)
    }

    /// Where a row is: its line in a file, or its number in a table in memory, from 0 as data frames count.
    #[must_use]
    pub fn place(&self, row: usize) -> Location {
        match &*self.cells {
            Cells::File(cells) => Location::Line(cells.line(self.rows[row])),
            Cells::Memory(_) => Location::Field(format!("row {}", self.rows[row])),
        }
    }

    /// Where a row is, in words: `line 4` or `row 3`.
    #[must_use]
    pub fn place_in_words(&self, row: usize) -> String {
        match &*self.cells {
            Cells::File(cells) => format!("line {}", cells.line(self.rows[row])),
            Cells::Memory(_) => format!("row {}", self.rows[row]),
        }
    }

    fn header_place(&self) -> Location {
        match &*self.cells {
            Cells::File(_) => Location::Line(1),
            Cells::Memory(_) => Location::File,
        }
    }

    /// The cell of a row in a data column.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let Some(&field) = self.fields.get(column) else {
            return Cell::Missing;
        };
        let row = self.rows[row];
        match &*self.cells {
            Cells::File(cells) => cells.cell(row, field),
            Cells::Memory(columns) => match columns.get(field) {
                Some((_, column)) => column.cell(row),
                None => Cell::Missing,
            },
        }
    }

    /// The text of a row in a data column, as it is written; of numbers in memory, as they are printed.
    pub(crate) fn text(&self, row: usize, column: usize) -> String {
        let Some(&field) = self.fields.get(column) else {
            return String::new();
        };
        let row = self.rows[row];
        match &*self.cells {
            Cells::File(cells) => cells.text(row, field).to_owned(),
            Cells::Memory(columns) => columns
                .get(field)
                .map_or_else(String::new, |(_, column)| column.id(row)),
        }
    }

    /// Whether a data column has a cell that is text and no number.
    pub(crate) fn has_text(&self, column: usize) -> bool {
        (0..self.len()).any(|row| matches!(self.cell(row, column), Cell::Text(_)))
    }

    /// The rows named, in that order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let mut table = self.clone();
        table.ids = rows.iter().map(|&row| self.ids[row].clone()).collect();
        table.rows = rows.iter().map(|&row| self.rows[row]).collect();
        table
    }

    /// The same table without some of its data columns.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let mut table = self.clone();
        let kept = |name: &String| !names.contains(&name.as_str());
        let pairs = self.columns.iter().zip(&self.fields);
        table.fields = pairs
            .filter(|(name, _)| kept(name))
            .map(|(_, field)| *field)
            .collect();
        table.columns.retain(kept);
        table
    }

    /// An error at a row.
    pub fn error(&self, row: usize, message: impl Into<String>, help: &str) -> IoError {
        IoError::input(&self.file, self.place(row), message, help)
    }

    /// An error in the header.
    pub fn header_error(&self, message: impl Into<String>, help: impl Into<String>) -> IoError {
        IoError::input(&self.file, self.header_place(), message, help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, IoError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        Table::read(&path, "ratios")
    }

    #[test]
    fn a_table_header_splits_into_ids_data_and_metadata() {
        let table =
            read("\u{feff},Unnamed: 0,run,run_id,name,index, a ,b\r\n0,1,x,7,n,3,0.25,0.75\r\n")
                .unwrap();
        assert_eq!(table.columns(), ["a", "b"]);
        assert_eq!(table.ids().collect::<Vec<_>>(), ["x"]);
        assert_eq!(table.cell(0, 1), Cell::Number(0.75));
        assert_eq!(table.place(0), Location::Line(2));
        let table = read("run_id,a\nx,1\n").unwrap();
        assert_eq!(table.id(0), "x");
    }

    #[test]
    fn index_identifies_runs_where_nothing_else_does() {
        let table = read("index,metric/a,metric/b\n1,0.5,0.25\n2,0.75,1.5\n").unwrap();
        assert_eq!(table.ids().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(table.columns(), ["metric/a", "metric/b"]);
        assert_eq!(table.cell(1, 1), Cell::Number(1.5));
    }

    #[test]
    fn cells_are_numbers_missing_or_text() {
        let table = read("run,a\n1,1e-3\n2,\n3,NaN\n4,inf\n5,N/A\n6,abc\n7,1e999\n").unwrap();
        let cells: Vec<_> = (0..table.len()).map(|row| table.cell(row, 0)).collect();
        assert_eq!(cells[0], Cell::Number(0.001));
        assert_eq!(cells[5], Cell::Text("abc"));
        for missing in [1, 2, 3, 4, 6] {
            assert_eq!(cells[missing], Cell::Missing);
        }
    }

    #[test]
    fn tables_that_can_not_be_used_are_refused_at_their_line() {
        for (text, expected) in [
            ("", "t.csv:1: the file is empty"),
            ("run,a\n", "t.csv:1: the file has a header but no row"),
            (
                "id,a\nx,1\n",
                "t.csv:1: there is no column of run ids; found the columns `id`, `a`",
            ),
            ("run,a,a\nx,1,2\n", "t.csv:1: column `a` occurs twice"),
            ("run,run,a\nx,1,2\n", "t.csv:1: column `run` occurs twice"),
            (
                "run,a\nx,1\ny,1\nx,2\n",
                "t.csv:4: run `x` occurs twice, first on line 2",
            ),
            (
                "run,a\nx,1,2\n",
                "t.csv:2: the row has 3 cells, the header 2 columns",
            ),
            (
                "run,a\nx,1\n\ny\n",
                "t.csv:4: the row has 1 cells, the header 2 columns",
            ),
            ("run,a\n,1\n", "t.csv:2: the run id (column `run`) is empty"),
            ("run,name\nx,1\n", "t.csv:1: there is no column besides ids"),
            (
                "{\"json\": true}\n",
                "t.csv:1: there is no column of run ids",
            ),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?} gives {message}");
            assert!(message.contains("\n  help: "), "{message}");
        }
    }
}
