//! A file with a row per run, in any of the formats that tables of runs come in, as named columns of cells.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use olmix_io::tables::{Cell as CsvCell, Delimited, csv_number};
use serde_json::{Map, Value};

use crate::LaunchError;

/// The formats, by the ends of file names.
const FORMATS: [(&str, Format); 8] = [
    ("csv", Format::Delimited),
    ("tsv", Format::Delimited),
    ("txt", Format::Delimited),
    ("parquet", Format::Parquet),
    ("pq", Format::Parquet),
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("json", Format::Json),
];

#[derive(Debug, Clone, Copy)]
enum Format {
    Delimited,
    Parquet,
    JsonLines,
    Json,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    /// A number that is not finite.
    NotFinite,
    Missing,
    Text(String),
}

/// Rows and columns; every row has a cell for every column.
#[derive(Debug)]
pub(super) struct Grid {
    pub file: String,
    pub columns: Vec<String>,
    /// Where each row stands, such as `line 3`, and its cells.
    pub rows: Vec<(String, Vec<Cell>)>,
    /// The cells as they are written, where that is text: a run `007` is not the run `7`.
    written: Option<Delimited>,
}

/// Whether a file is a table of runs, by its name.
pub(in crate::collect) fn is_table(path: &Path) -> bool {
    format(path).is_some()
}

fn format(path: &Path) -> Option<Format> {
    let end = path.extension()?.to_str()?.to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|(known, _)| *known == end)
        .map(|(_, format)| *format)
}

impl Grid {
    /// Reads a table. Values inside objects have columns of their own, with names joined by `.`.
    pub fn read(path: &Path) -> Result<Self, LaunchError> {
        let file = path.display().to_string();
        let refused = |what: String| {
            LaunchError::refused(
                format!("{file}: {what}"),
                "give a table with a row per run: CSV, TSV, JSON Lines (an object per line) or Parquet",
            )
        };
        let grid = match format(path) {
            None | Some(Format::Delimited) => Self::of_delimited(Delimited::read(path)?),
            Some(Format::Parquet) => {
                let rows = olmix_data::parquet_objects(path).map_err(refused)?;
                let rows = rows.into_iter().enumerate();
                Self::of_objects(
                    file.clone(),
                    rows.map(|(i, row)| (format!("row {}", i + 1), row)),
                )
            }
            Some(Format::JsonLines) => {
                Self::of_objects(file.clone(), json_lines(path, &refused)?.into_iter())
            }
            Some(Format::Json) => Self::of_objects(file.clone(), json(path, &refused)?.into_iter()),
        };
        if grid.rows.is_empty() {
            return Err(refused("holds no row".into()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = grid
            .columns
            .iter()
            .find(|name| !name.is_empty() && !seen.insert(*name))
        {
            return Err(refused(format!("column `{twice}` occurs twice")));
        }
        Ok(grid)
    }

    fn of_delimited(table: Delimited) -> Self {
        let columns: Vec<String> = table.header().iter().map(str::to_owned).collect();
        let cell = |row: usize, column: usize| match table.cell(row, column) {
            CsvCell::Number(number) => Cell::Number(number),
            CsvCell::Text(text) => Cell::Text(text.to_owned()),
            CsvCell::Missing if table.text(row, column).parse::<f64>().is_ok() => Cell::NotFinite,
            CsvCell::Missing => Cell::Missing,
        };
        let row = |row: usize| {
            let cells = (0..columns.len()).map(|column| cell(row, column)).collect();
            (format!("line {}", table.line(row)), cells)
        };
        Self {
            file: table.file().to_owned(),
            rows: (0..table.len()).map(row).collect(),
            columns,
            written: Some(table),
        }
    }

    fn of_objects(
        file: String,
        objects: impl Iterator<Item = (String, Map<String, Value>)>,
    ) -> Self {
        let (mut columns, mut places): (Vec<String>, HashMap<String, usize>) = Default::default();
        let mut sparse = Vec::new();
        for (place, object) in objects {
            let mut cells = Vec::new();
            flatten("", object, &mut cells);
            let cells = cells.into_iter().map(|(name, cell)| {
                let next = columns.len();
                let column = *places.entry(name.clone()).or_insert(next);
                if column == next {
                    columns.push(name);
                }
                (column, cell)
            });
            let cells: Vec<(usize, Cell)> = cells.collect();
            sparse.push((place, cells));
        }
        let row = |(place, cells): (String, Vec<(usize, Cell)>)| {
            let mut row = vec![Cell::Missing; columns.len()];
            for (column, cell) in cells {
                row[column] = cell;
            }
            (place, row)
        };
        Self {
            file,
            rows: sparse.into_iter().map(row).collect(),
            columns,
            written: None,
        }
    }

    /// The name in a cell: its text, or its number; empty where there is none.
    pub fn name(&self, row: usize, column: usize) -> String {
        if let Some(table) = &self.written {
            return table.text(row, column).to_owned();
        }
        match self.rows.get(row).and_then(|(_, cells)| cells.get(column)) {
            Some(Cell::Text(text)) => text.trim().to_owned(),
            Some(Cell::Number(number)) => csv_number(*number),
            _ => String::new(),
        }
    }

    /// The cells of a column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = &Cell> {
        self.rows
            .iter()
            .filter_map(move |(_, cells)| cells.get(column))
    }
}

fn flatten(above: &str, object: Map<String, Value>, into: &mut Vec<(String, Cell)>) {
    for (key, value) in object {
        let name = if above.is_empty() {
            key
        } else {
            format!("{above}.{key}")
        };
        let cell = match value {
            Value::Object(inner) => {
                flatten(&name, inner, into);
                continue;
            }
            Value::Number(number) => number.as_f64().map_or(Cell::NotFinite, Cell::Number),
            Value::String(text) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Cell::Number(number),
                Ok(_) => Cell::NotFinite,
                Err(_) if text.trim().is_empty() => Cell::Missing,
                Err(_) => Cell::Text(text),
            },
            Value::Null => Cell::Missing,
            other => Cell::Text(other.to_string()),
        };
        into.push((name, cell));
    }
}

type Rows = Vec<(String, Map<String, Value>)>;

fn json_lines(path: &Path, refused: &dyn Fn(String) -> LaunchError) -> Result<Rows, LaunchError> {
    let text = text(path, refused)?;
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("line {}", i + 1);
        let value =
            serde_json::from_str(line).map_err(|error| refused(format!("{place}: {error}")))?;
        rows.push((
            place.clone(),
            object_of(value).ok_or_else(|| refused(format!("{place}: not an object")))?,
        ));
    }
    Ok(rows)
}

fn json(path: &Path, refused: &dyn Fn(String) -> LaunchError) -> Result<Rows, LaunchError> {
    let value = serde_json::from_str(&text(path, refused)?);
    let value: Value = value.map_err(|error| refused(error.to_string()))?;
    let Value::Array(items) = value else {
        return Err(refused("not a list of objects".into()));
    };
    let item = |(i, value): (usize, Value)| {
        let place = format!("row {}", i + 1);
        let object = object_of(value).ok_or_else(|| refused(format!("{place}: not an object")));
        Ok((place, object?))
    };
    items.into_iter().enumerate().map(item).collect()
}

fn text(path: &Path, refused: &dyn Fn(String) -> LaunchError) -> Result<String, LaunchError> {
    let text = olmix_fs::read_text_bounded(path).map_err(|error| refused(error.to_string()))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

fn object_of(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
