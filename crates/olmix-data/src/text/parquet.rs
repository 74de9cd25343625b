//! Texts of Parquet files, and the tokens of those that hold lists of tokens.

use std::fs::File;
use std::path::Path;

use olmix_fs::DOCUMENT;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use super::parquet_pages::check_pages;
use super::{Each, Source, Trouble, Trouble::Stop, too_long};

/// Documents that are read at a time.
const BATCH: usize = 1024;

/// Goes through the texts of a column; null counts as an empty text.
pub(super) fn texts(
    file: File,
    source: &Source<'_>,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut Each<'_>,
) -> Result<(), Trouble> {
    let size = file
        .metadata()
        .map_err(|error| Stop(error.to_string()))?
        .len();
    let pages = file.try_clone().map_err(|error| Stop(error.to_string()))?;
    let reader = SerializedFileReader::new(file)?;
    let field = source.field;
    let groups = reader.num_row_groups();
    let mut row = 0;
    for group in 0..groups {
        let rows = reader.get_row_group(group)?;
        let column = column(rows.metadata().columns(), field).map_err(Stop)?;
        check_pages(&pages, rows.metadata().column(column)).map_err(Stop)?;
        let described = rows.metadata().column(column).column_descr();
        if described.max_rep_level() > 0 {
            let why = if is_integer(described.physical_type()) {
                "holds lists of numbers, not text; tokens need not be tokenized"
            } else {
                "has a list in each row; make one text of it, such as the messages of a chat by their template"
            };
            return Err(Stop(format!("the column `{field}` {why}")));
        }
        let mut take = |value: &[u8]| -> Result<(), Trouble> {
            row += 1;
            let text = std::str::from_utf8(value);
            let text = text.map_err(|_| {
                let text = format!("text {row} of the column `{field}` is not UTF-8");
                Trouble::Document(text)
            });
            text.and_then(&mut *each)
                .or_else(|trouble| source.passed_over(trouble))
        };
        match rows.get_column_reader(column)? {
            ColumnReader::ByteArrayColumnReader(reader) => values(reader, &mut take)?,
            ColumnReader::FixedLenByteArrayColumnReader(reader) => values(reader, &mut take)?,
            _ => return Err(Stop(format!("the column `{field}` holds no text"))),
        }
        // The bytes of a group are not known to be equal, but their sum is.
        let (before, after) = (group as u64, group as u64 + 1);
        progress(size * after / groups as u64 - size * before / groups as u64);
    }
    Ok(())
}

/// All values of a column, but for nulls.
fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble>
where
    T::T: AsBytes,
{
    let mut values: Vec<T::T> = Vec::with_capacity(BATCH);
    let (mut definition, mut repetition) = (Vec::new(), Vec::new());
    let limit = DOCUMENT.bytes();
    loop {
        values.clear();
        definition.clear();
        repetition.clear();
        let levels = (Some(&mut definition), Some(&mut repetition));
        let (records, _, _) = reader.read_records(BATCH, levels.0, levels.1, &mut values)?;
        if records == 0 {
            return Ok(());
        }
        for value in &values {
            if value.as_bytes().len() as u64 > limit {
                return Err(too_long("a value", limit));
            }
            take(value.as_bytes())?;
        }
    }
}

/// The tokens of a column of lists of whole numbers, from the footer where it says them; `None` for other
/// columns.
pub(super) fn tokens(path: &Path, field: &str) -> Result<Option<u64>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let failed = |error: ParquetError| error.to_string();
    let pages = file.try_clone().map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let mut tokens = 0;
    for group in 0..reader.num_row_groups() {
        let rows = reader.get_row_group(group).map_err(failed)?;
        let columns = rows.metadata().columns();
        // A list is named by its field; the column is an element of it.
        let is_it = |column: &ColumnChunkMetaData| {
            let path = column.column_path().string();
            path == field
                || path
                    .strip_prefix(field)
                    .is_some_and(|rest| rest.starts_with('.'))
        };
        let Some(at) = columns.iter().position(is_it) else {
            return Ok(None);
        };
        let column = rows.metadata().column(at);
        let described = column.column_descr();
        if described.max_rep_level() == 0 || !is_integer(described.physical_type()) {
            return Ok(None);
        }
        // Values count nulls and empty lists.
        let nulls = column.statistics().and_then(Statistics::null_count_opt);
        let values = u64::try_from(column.num_values()).unwrap_or(0);
        tokens += if let Some(nulls) = nulls {
            values.saturating_sub(nulls)
        } else {
            check_pages(&pages, column)?;
            read_values(rows.as_ref(), at).map_err(failed)?
        };
    }
    Ok(Some(tokens))
}

/// How many values a column has that are not null, by reading it.
fn read_values(rows: &dyn RowGroupReader, column: usize) -> Result<u64, ParquetError> {
    fn of<T: DataType>(mut reader: ColumnReaderImpl<T>) -> Result<u64, ParquetError> {
        let (mut count, mut values) = (0, Vec::new());
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        loop {
            values.clear();
            definition.clear();
            repetition.clear();
            let levels = (Some(&mut definition), Some(&mut repetition));
            let (records, found, _) =
                reader.read_records(BATCH, levels.0, levels.1, &mut values)?;
            if records == 0 {
                return Ok(count);
            }
            count += found as u64;
        }
    }
    match rows.get_column_reader(column)? {
        ColumnReader::Int32ColumnReader(reader) => of(reader),
        ColumnReader::Int64ColumnReader(reader) => of(reader),
        _ => Ok(0),
    }
}

fn is_integer(kind: Type) -> bool {
    matches!(kind, Type::INT32 | Type::INT64)
}

/// The column of a field.
fn column(columns: &[ColumnChunkMetaData], field: &str) -> Result<usize, String> {
    let column = columns
        .iter()
        .position(|column| column.column_path().string() == field);
    // The elements of a list have names of their own.
    let list = || {
        let inner = format!("{field}.");
        columns.iter().position(|column| {
            column.column_path().string().starts_with(&inner)
                && column.column_descr().max_rep_level() > 0
        })
    };
    column.or_else(list).ok_or_else(|| {
        let names: Vec<String> = columns
            .iter()
            .map(|column| column.column_path().string())
            .collect();
        format!(
            "there is no column `{field}`; there are: {}",
            names.join(", ")
        )
    })
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        Stop(error.to_string())
    }
}
