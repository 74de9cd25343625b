//! Tables by the Arrow C interface: from any package that offers it, and to any that takes it.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, StringArray};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::argument;
use crate::tables::Columns;

/// A column while its batches are read.
enum Cells {
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

/// The columns of anything with `__arrow_c_stream__`: arrays of float64 (missing cells are NaN), or lists of texts.
#[pyfunction]
pub fn arrow_columns<'py>(table: &Bound<'py, PyAny>, name: &str) -> PyResult<Columns<'py>> {
    let py = table.py();
    let capsule = table.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>()?;
    let stream = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    let refused = |error: &dyn std::fmt::Display| {
        argument(
            name,
            &format!("its Arrow stream can't be read: {error}"),
            "give a data frame",
        )
    };
    // A capsule of this name holds such a stream by the Arrow C interface; reading takes it out.
    #[allow(unsafe_code)]
    let reader = unsafe { RecordBatchStreamReader::from_raw(stream.cast().as_ptr()) };
    let reader = reader.map_err(|error| refused(&error))?;
    let mut columns: Vec<(String, Cells)> = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| refused(&error))?;
        let schema = batch.schema();
        for (j, array) in batch.columns().iter().enumerate() {
            let column = schema.field(j).name();
            let read = cells(array).ok_or_else(|| {
                let message = format!("column {column:?} is of the type {}", array.data_type());
                argument(name, &message, "give numbers or texts, or drop the column")
            })?;
            match columns.get_mut(j) {
                Some((_, before)) => append(before, read),
                None => columns.push((column.clone(), read)),
            }
        }
    }
    let object = |(column, cells)| -> PyResult<_> {
        let cells = match cells {
            Cells::Numbers(numbers) => PyArray1::from_vec(py, numbers).into_any(),
            Cells::Texts(texts) => texts.into_pyobject(py)?,
        };
        Ok((column, cells))
    };
    columns.into_iter().map(object).collect()
}

/// Columns as an Arrow stream of one batch, in a capsule.
#[pyfunction]
pub fn arrow_stream<'py>(
    py: Python<'py>,
    columns: Columns<'py>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let array = |(name, cells): (String, Bound<'py, PyAny>)| -> PyResult<(String, ArrayRef)> {
        if let Ok(numbers) = cells.extract::<PyReadonlyArray1<'_, f64>>() {
            let numbers: Float64Array = numbers.as_array().iter().copied().map(Some).collect();
            return Ok((name, Arc::new(numbers)));
        }
        let texts: StringArray = cells
            .extract::<Vec<Option<String>>>()?
            .into_iter()
            .collect();
        Ok((name, Arc::new(texts)))
    };
    let arrays = columns
        .into_iter()
        .map(array)
        .collect::<PyResult<Vec<_>>>()?;
    let refused = |error: &dyn std::fmt::Display| {
        let message = format!("it is no Arrow table: {error}");
        argument("table", &message, "give columns of one length")
    };
    let batch = RecordBatch::try_from_iter(arrays).map_err(|error| refused(&error))?;
    let schema = batch.schema();
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

fn append(into: &mut Cells, more: Cells) {
    match (into, more) {
        (Cells::Numbers(into), Cells::Numbers(more)) => into.extend(more),
        (Cells::Texts(into), Cells::Texts(more)) => into.extend(more),
        // Batches of one stream have one schema.
        _ => {}
    }
}

/// The cells of an array; `None` for what is neither numbers nor texts.
fn cells(array: &ArrayRef) -> Option<Cells> {
    macro_rules! numbers {
        ($($kind:ty => $number:expr),*) => {
            $(if let Some(array) = array.as_primitive_opt::<$kind>() {
                let number: fn(<$kind as arrow_array::ArrowPrimitiveType>::Native) -> f64 = $number;
                let cells = array.iter().map(|cell| cell.map_or(f64::NAN, number));
                return Some(Cells::Numbers(cells.collect()));
            })*
        };
    }
    numbers!(
        Float64Type => |x| x, Float32Type => f64::from, Float16Type => f64::from,
        Int8Type => f64::from, Int16Type => f64::from, Int32Type => f64::from, Int64Type => |x| x as f64,
        UInt8Type => f64::from, UInt16Type => f64::from, UInt32Type => f64::from, UInt64Type => |x| x as f64
    );
    if let Some(array) = array.as_boolean_opt() {
        let number = |cell: Option<bool>| cell.map_or(f64::NAN, |cell| f64::from(u8::from(cell)));
        return Some(Cells::Numbers(array.iter().map(number).collect()));
    }
    let text = |cell: Option<&str>| cell.map(str::to_owned);
    if let Some(array) = array.as_string_opt::<i32>() {
        return Some(Cells::Texts(array.iter().map(text).collect()));
    }
    if let Some(array) = array.as_string_opt::<i64>() {
        return Some(Cells::Texts(array.iter().map(text).collect()));
    }
    if let Some(array) = array.as_string_view_opt() {
        return Some(Cells::Texts(array.iter().map(text).collect()));
    }
    let dictionary = array.as_any_dictionary_opt()?;
    let keys = dictionary.normalized_keys();
    let missing = |row: &usize| dictionary.keys().is_null(*row);
    match cells(dictionary.values())? {
        Cells::Numbers(values) => {
            let cell = |(row, key): (usize, &usize)| {
                let value = values.get(*key).copied().unwrap_or(f64::NAN);
                if missing(&row) { f64::NAN } else { value }
            };
            Some(Cells::Numbers(keys.iter().enumerate().map(cell).collect()))
        }
        Cells::Texts(values) => {
            let cell = |(row, key): (usize, &usize)| {
                let value = values.get(*key).cloned().flatten();
                value.filter(|_| !missing(&row))
            };
            Some(Cells::Texts(keys.iter().enumerate().map(cell).collect()))
        }
    }
}
