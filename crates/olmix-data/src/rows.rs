//! Rows of a Parquet file as objects, for tables of runs.

use std::fs::File;
use std::path::Path;

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value};

use crate::text::check_pages;

/// The rows of a small Parquet file, each as an object by the names of columns. Groups and maps become objects;
/// numbers that are not finite become texts such as `NaN`; lists, bytes and decimals are left out.
///
/// # Errors
/// What the reader says of a file that is not Parquet, or damaged.
pub fn parquet_objects(path: &Path) -> Result<Vec<Map<String, Value>>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let pages = file.try_clone().map_err(|error| error.to_string())?;
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let groups = reader.metadata().row_groups().iter();
    for column in groups.flat_map(RowGroupMetaData::columns) {
        check_pages(&pages, column)?;
    }
    let rows = reader
        .get_row_iter(None)
        .map_err(|error| error.to_string())?;
    rows.map(|row| {
        row.map(|row| object(&row))
            .map_err(|error| error.to_string())
    })
    .collect()
}

fn object(row: &Row) -> Map<String, Value> {
    let columns = row.get_column_iter();
    columns
        .map(|(name, field)| (name.clone(), value(field)))
        .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Bool(flag) => (*flag).into(),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float16(number) => float(f64::from(f32::from(*number))),
        Field::Float(number) => float(f64::from(*number)),
        Field::Double(number) => float(*number),
        Field::Str(text) => text.clone().into(),
        Field::Group(row) => Value::Object(object(row)),
        Field::MapInternal(map) => {
            let entry = |(key, inner): &(Field, Field)| match key {
                Field::Str(key) => Some((key.clone(), value(inner))),
                _ => None,
            };
            let entries = map.entries().iter().filter_map(entry);
            Value::Object(entries.collect())
        }
        _ => Value::Null,
    }
}

fn float(number: f64) -> Value {
    if number.is_finite() {
        number.into()
    } else {
        number.to_string().into()
    }
}
