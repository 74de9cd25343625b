//! Contents of result files: tables and matrices.

use olmix_core::Matrix;

use crate::error::IoError;

/// A CSV file with a header and rows. Cells are quoted where needed; lines end in `\n`.
///
/// `file` names it in messages.
///
/// # Errors
/// [`IoError::Input`] when a row does not have as many cells as the header.
pub fn csv_bytes<R, C>(file: &str, header: &[&str], rows: R) -> Result<Vec<u8>, IoError>
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let failed = |error: String| {
        IoError::input(
            file,
            crate::error::Location::File,
            format!("the table can't be written: {error}"),
            "this is a defect; please report it",
        )
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(header).and_then(|()| {
        let mut rows = rows.into_iter();
        rows.try_for_each(|row| writer.write_record(row))
    });
    written.map_err(|error| failed(error.to_string()))?;
    writer
        .into_inner()
        .map_err(|error| failed(error.to_string()))
}

/// A number for a CSV cell: the shortest text that reads back as the same `f64`; empty when it
/// is not finite.
#[must_use]
pub fn csv_number(number: f64) -> String {
    if number.is_finite() {
        number.to_string()
    } else {
        String::new()
    }
}

/// A matrix in the format of NumPy's `.npy` files: version 1.0, `float64`, little-endian, C
/// order.
#[must_use]
pub fn npy(matrix: &Matrix) -> Vec<u8> {
    /// Magic, version and length of the header come first; the data starts at a multiple of 64.
    const PREAMBLE: usize = 10;
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let mut header =
        format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let length = (PREAMBLE + header.len() + 1).next_multiple_of(64) - PREAMBLE;
    header.extend(std::iter::repeat_n(' ', length - header.len() - 1));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // Two numbers of at most 20 digits: the header is 128 bytes or less.
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(header.bytes());
    for i in 0..rows {
        for value in matrix.row(i) {
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_quotes_what_needs_it_and_keeps_numbers_exact() {
        let rows = [[String::from("a,\"b\""), csv_number(0.1 + 0.2)]];
        let bytes = csv_bytes("t.csv", &["domain", "weight"], rows).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "domain,weight\n\"a,\"\"b\"\"\",0.30000000000000004\n");
        assert_eq!(csv_number(f64::NAN), "");
        let short = [[String::from("a")]];
        assert!(csv_bytes("t.csv", &["x", "y"], short).is_err());
    }

    #[test]
    fn npy_has_an_aligned_header_and_rows_in_order() {
        let matrix = Matrix::from_fn(2, 3, |i, j| (10 * i + j) as f64);
        let bytes = npy(&matrix);
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"));
        assert!(header.ends_with('\n'));
        let data: Vec<f64> = bytes[10 + length..]
            .chunks_exact(8)
            .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap()))
            .collect();
        assert_eq!(data, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    }
}
