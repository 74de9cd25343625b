//! Comma-separated text as Python, spreadsheets and people write it.
//!
//! Excel writes `;` between cells and a comma in numbers wherever that is the custom of the country, and may
//! begin a file with `sep=;`. Such files are read where what they mean is certain, and refused by name where
//! it is not.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::csv_table::Cell;
use super::line_counter::LineCounter;
use crate::error::{IoError, Location};
use crate::input::InputFile;
use crate::messages::excerpt;
use crate::names::{CONTROL_HELP, has_control};

/// The separators that are looked for, the usual one first.
const SEPARATORS: [u8; 3] = *b",;\t";

/// A header and rows of as many cells.
#[derive(Debug)]
pub struct Delimited {
    file: String,
    header: StringRecord,
    header_line: u64,
    rows: Vec<(u64, StringRecord)>,
    /// Whether numbers have a comma where others have a point.
    decimal_comma: bool,
}

/// Most bytes of a cell, a name or a number: a quote that is never closed makes the rest of a file one cell.
const MOST_CELL: usize = 1 << 20;

impl Delimited {
    /// Reads a file of cells. Its separator is `,`, `;` or a tab: what gives the most columns, in the header
    /// and in the line below alike.
    ///
    /// # Errors
    /// [`IoError::Input`] with the line for text that is not UTF-8 or CSV, an empty file, rows of the wrong
    /// length, and numbers of which some have a decimal comma and others a decimal point.
    pub(crate) fn parse(input: &InputFile) -> Result<Self, IoError> {
        let text = input.text()?;
        let refuse = |line: u64, message: String, help: &str| {
            IoError::input(&input.name, Location::Line(line), message, help)
        };
        let (skipped, separator) = separator(text);
        let text = text.get(skipped..).unwrap_or_default();
        let mut reader = reader(text, separator);
        let mut records = reader.records();
        let mut counter = LineCounter::new(text);
        let first = u64::from(skipped > 0);
        let header = match records.next() {
            Some(Ok(header)) => header,
            Some(Err(error)) => return Err(broken(&input.name, &error)),
            None => {
                return Err(refuse(
                    1,
                    "the file is empty".into(),
                    "give a header line and one line per run",
                ));
            }
        };
        let header_line = first + counter.line_of(&header);
        let too_long = |line: u64, cell: &str| {
            refuse(
                line,
                format!(
                    "a cell has {} bytes, and the bound is {MOST_CELL}: `{}`",
                    cell.len(),
                    excerpt(cell)
                ),
                "check for quotes that are not closed, and leave columns of long texts out",
            )
        };
        if let Some(name) = header.iter().find(|name| name.len() > MOST_CELL) {
            return Err(too_long(header_line, name));
        }
        if let Some(name) = header.iter().find(|name| has_control(name)) {
            let name = excerpt(name);
            let message =
                format!("the column `{name}` has a line break or control character in its name");
            return Err(refuse(header_line, message, CONTROL_HELP));
        }
        let mut rows = Vec::new();
        for cells in records {
            let cells = cells.map_err(|error| broken(&input.name, &error))?;
            let line = first + counter.line_of(&cells);
            if cells.len() != header.len() {
                let between = match separator {
                    b';' => "semicolons",
                    b'\t' => "tabs",
                    _ => "commas",
                };
                return Err(refuse(
                    line,
                    format!(
                        "the row has {} cells, the header {} columns",
                        cells.len(),
                        header.len()
                    ),
                    &format!(
                        "check for missing or extra {between}, and for quotes that are not closed"
                    ),
                ));
            }
            if let Some(cell) = cells.iter().find(|cell| cell.len() > MOST_CELL) {
                return Err(too_long(line, cell));
            }
            rows.push((line, cells));
        }
        let mut read = Self {
            file: input.name.clone(),
            header,
            header_line,
            rows,
            decimal_comma: false,
        };
        read.decimal_comma = read.has_decimal_commas()?;
        Ok(read)
    }

    /// As `Delimited::parse`, of a file.
    ///
    /// # Errors
    /// [`IoError::Read`], and as `Delimited::parse`.
    pub fn read(path: &std::path::Path) -> Result<Self, IoError> {
        Self::parse(&InputFile::read(path, None)?)
    }

    /// The file, as the user gave it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Names of the columns, without white space around them.
    #[must_use]
    pub fn header(&self) -> &StringRecord {
        &self.header
    }

    /// The line of the header, from 1.
    #[must_use]
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The line of a row, from 1; 0 for one that is not there.
    #[must_use]
    pub fn line(&self, row: usize) -> u64 {
        self.rows.get(row).map_or(0, |(line, _)| *line)
    }

    /// The text of a cell; empty where there is none.
    #[must_use]
    pub fn text(&self, row: usize, column: usize) -> &str {
        let cells = self.rows.get(row).map(|(_, cells)| cells);
        cells
            .and_then(|cells| cells.get(column))
            .unwrap_or_default()
    }

    /// What a cell holds.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let text = self.text(row, column);
        if self.decimal_comma
            && let Some(number) = with_point(text)
        {
            return cell(&number).map_or(Cell::Text(text), Cell::Number);
        }
        cell_of(text)
    }

    /// Whether numbers are written with a decimal comma. Cells that may as well hold thousands (`1,234`) decide
    /// nothing, and stay text where nothing else decides.
    fn has_decimal_commas(&self) -> Result<bool, IoError> {
        let (mut comma, mut point) = (None, None);
        for (line, cells) in &self.rows {
            for text in cells {
                if comma.is_none() && with_point(text).is_some() && !may_be_thousands(text) {
                    comma = Some((*line, text));
                }
                if point.is_none()
                    && text.contains('.')
                    && !text.contains(',')
                    && cell(text).is_some()
                {
                    point = Some((*line, text));
                }
            }
        }
        match (comma, point) {
            (Some((at, with_comma)), Some((line, with_point))) => Err(IoError::input(
                &self.file,
                Location::Line(at),
                format!(
                    "`{}` has a decimal comma, and `{}` on line {line} a decimal point",
                    excerpt(with_comma),
                    excerpt(with_point)
                ),
                "write all numbers alike, with a decimal point",
            )),
            (comma, _) => Ok(comma.is_some()),
        }
    }
}

/// Where the text begins behind a line such as `sep=;`, and the separator.
fn separator(text: &str) -> (usize, u8) {
    let line = text.lines().next().unwrap_or_default();
    if let Some([separator]) = line.trim().strip_prefix("sep=").map(str::as_bytes) {
        let rest = text.get(line.len()..).unwrap_or_default();
        let skipped = rest.find('\n').map_or(text.len(), |at| line.len() + at + 1);
        return (skipped, *separator);
    }
    let columns = |separator: u8| {
        let mut reader = reader(text, separator);
        let mut records = reader.records();
        let mut next = || records.next()?.ok().map(|cells| cells.len());
        let header = next()?;
        match next() {
            Some(row) if row != header => None,
            _ => Some(header),
        }
    };
    let mut best = (b',', columns(b',').unwrap_or(1));
    for separator in SEPARATORS {
        if let Some(found) = columns(separator).filter(|found| *found > best.1) {
            best = (separator, found);
        }
    }
    (0, best.0)
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(separator)
        .from_reader(text.as_bytes())
}

/// What a text is as a cell: a number, a missing one, or text.
pub(super) fn cell_of(text: &str) -> Cell<'_> {
    match cell(text) {
        Some(number) if number.is_finite() => Cell::Number(number),
        Some(_) => Cell::Missing,
        None => match text.to_ascii_lowercase().as_str() {
            "" | "na" | "n/a" | "#n/a" | "<na>" | "null" | "none" => Cell::Missing,
            _ => Cell::Text(text),
        },
    }
}

/// The number of a cell, which may not be finite; `12.5 %` is 0.125.
fn cell(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => Some(percent.trim_end().parse::<f64>().ok()? / 100.0),
        None => text.parse().ok(),
    }
}

/// A number with a decimal comma, such as `0,26` or `1.234,5`, written with a point.
fn with_point(text: &str) -> Option<String> {
    let (whole, rest) = text.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.trim_start_matches(['+', '-']);
    let mut groups = unsigned.split('.');
    let first = groups.next()?;
    let grouped = groups.clone().count() == 0
        || first.len() <= 3 && groups.all(|group| group.len() == 3 && digits(group));
    let fraction = rest.trim_end_matches('%').trim_end();
    let mantissa = fraction.split(['e', 'E']).next()?;
    let number = digits(first) && grouped && digits(mantissa) && unsigned.len() + 1 >= whole.len();
    number.then(|| format!("{}.{rest}", whole.replace('.', "")))
}

/// Whether a comma may stand between thousands: three digits behind it, and no zero in front.
fn may_be_thousands(text: &str) -> bool {
    let Some((whole, rest)) = text.split_once(',') else {
        return false;
    };
    let whole = whole.trim_start_matches(['+', '-']);
    let three = rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    three && whole.len() <= 3 && !whole.starts_with('0') && !whole.contains('.')
}

fn broken(file: &str, error: &csv::Error) -> IoError {
    let location = error
        .position()
        .map_or(Location::File, |position| Location::Line(position.line()));
    IoError::input(
        file,
        location,
        format!("not a CSV file: {error}"),
        "give a file of comma-separated values",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Delimited, IoError> {
        Delimited::parse(&InputFile::of("t.csv", text.as_bytes().to_vec()))
    }

    fn numbers(text: &str) -> Vec<Option<f64>> {
        let read = parse(text).unwrap();
        let cell = |(row, column)| match read.cell(row, column) {
            Cell::Number(number) => Some(number),
            _ => None,
        };
        let cells = (0..read.len()).flat_map(|row| (1..read.header().len()).map(move |c| (row, c)));
        cells.map(cell).collect()
    }

    #[test]
    fn cells_are_separated_by_what_gives_the_most_columns() {
        for text in [
            "run,a,b\nx,0.25,0.75\n",
            "run;a;b\nx;0.25;0.75\n",
            "run\ta\tb\nx\t0.25\t0.75\n",
            "sep=;\r\nrun;a;b\r\nx;0.25;0.75\r\n",
            "sep=,\nrun,a,b\nx,0.25,0.75\n",
            "run;a;b\nx;0,25;0,75\n",
            "run,a,b\nx,\"0,25\",\"0,75\"\n",
            "run;a;b\nx;25 %;75%\n",
            "run;a;b\nx;25,0 %;75,0%\n",
        ] {
            assert_eq!(numbers(text), [Some(0.25), Some(0.75)], "{text:?}");
        }
        // A name with a semicolon is a name.
        let read = parse("run,a;b\nx,1\n").unwrap();
        assert_eq!(read.header().get(1), Some("a;b"));
    }

    #[test]
    fn a_comma_in_a_number_is_read_where_it_is_certain_what_it_means() {
        // A number elsewhere in the file decides.
        assert_eq!(numbers("run;a\nx;1,234\ny;0,5\n"), [Some(1.234), Some(0.5)]);
        assert_eq!(numbers("run;a\nx;1.234,5\n"), [Some(1234.5)]);
        assert_eq!(numbers("run;a\nx;-0,5e-3\n"), [Some(-0.0005)]);
        assert_eq!(numbers("run;a\nx;1,234\ny;2,500\n"), [None, None]);
        assert_eq!(numbers("run;a\nx;1,2,3\ny;a,b\n"), [None, None]);
        let message = parse("run;a;b\nx;0,25;0.75\n").unwrap_err().to_string();
        let expected = "t.csv:2: `0,25` has a decimal comma, and `0.75` on line 2 a decimal point";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn lines_are_counted_with_those_that_are_skipped() {
        let read = parse("sep=;\n\nrun;a\n\nx;1\n").unwrap();
        assert_eq!((read.header_line(), read.line(0)), (3, 5));
        let message = parse("sep=;\nrun;a\nx;1;2\n").unwrap_err().to_string();
        assert!(
            message.contains("t.csv:3: the row has 3 cells"),
            "{message}"
        );
        assert!(message.contains("extra semicolons"), "{message}");
    }
}
