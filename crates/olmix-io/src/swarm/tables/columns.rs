//! Tables that are in memory already, column by column: what a data frame holds.

use sha2::{Digest, Sha256};

use super::csv_table::Cell;
use super::delimited;
use crate::input::{InputRecord, hex};

/// A column of a table in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; one that is not finite is a missing cell.
    Numbers(Vec<f64>),
    /// Texts, read as the cells of a CSV file are; `None` is a missing cell.
    Texts(Vec<Option<String>>),
}

impl Column {
    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a cell holds.
    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Numbers(numbers) => match numbers.get(row) {
                Some(number) if number.is_finite() => Cell::Number(*number),
                _ => Cell::Missing,
            },
            Self::Texts(texts) => match texts.get(row).and_then(Option::as_deref) {
                Some(text) => delimited::cell_of(text.trim()),
                None => Cell::Missing,
            },
        }
    }

    /// A cell as the id of a run: whole numbers without a point.
    pub(super) fn id(&self, row: usize) -> String {
        match self {
            Self::Numbers(numbers) => match numbers.get(row) {
                Some(number) if number.is_finite() => format!("{number}"),
                _ => String::new(),
            },
            Self::Texts(texts) => {
                let text = texts.get(row).and_then(Option::as_deref);
                text.unwrap_or_default().trim().to_owned()
            }
        }
    }
}

/// A hash of names and cells: the same table has the same, whatever made it.
pub(super) fn record(name: &str, columns: &[(String, Column)], role: &str) -> InputRecord {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (name, column) in columns {
        part(name.as_bytes());
        match column {
            Column::Numbers(numbers) => {
                let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
                part(b"numbers");
                part(&bytes);
            }
            Column::Texts(texts) => {
                part(b"texts");
                for text in texts {
                    part(&[u8::from(text.is_some())]);
                    part(text.as_deref().unwrap_or_default().as_bytes());
                }
            }
        }
    }
    InputRecord {
        role: role.to_owned(),
        path: name.to_owned(),
        sha256: hex(&hash.finalize()),
    }
}
