//! A journal of cells that are done, so that a study can be stopped at any moment and go on.
//!
//! The one file that is written piece by piece and not whole: a line of JSON per cell, after a line
//! that says what it is a journal of. A line that was cut short is taken for a cell that was not run.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use olmix_core::study::Cell;
use serde_json::Value;

use crate::failure::Failure;

type Key = (Vec<String>, u64);

/// Open for appending.
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    known: HashMap<Key, Vec<f64>>,
}

impl Journal {
    /// Opens or makes a journal; one of another study, config, data or version is begun anew.
    pub fn open(path: &Path, identity: &str) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| unwritable(path, error);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(failed(&error)),
        };
        let mut lines = text.lines();
        let ours = lines.next() == Some(identity);
        let known = if ours {
            lines.filter_map(entry).collect()
        } else {
            HashMap::new()
        };
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
            .map_err(|error| failed(&error))?;
        let mut options = OpenOptions::new();
        options.create(true);
        if ours {
            options.append(true);
        } else {
            options.write(true).truncate(true);
        }
        let mut file = options.open(path).map_err(|error| failed(&error))?;
        // A last line that was cut short must not swallow the next one.
        let start = if ours {
            "\n".to_owned()
        } else {
            format!("{identity}\n")
        };
        file.write_all(start.as_bytes())
            .map_err(|error| failed(&error))?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            known,
        })
    }

    /// The numbers of a cell that was run before.
    pub fn known(&self, cell: &Cell) -> Option<Vec<f64>> {
        self.known.get(&(cell.keys.clone(), cell.seed)).cloned()
    }

    /// Writes all cells in the order of the study, so that the file's bytes are the same on any number of threads.
    pub fn finish(self, identity: &str, results: &[(Cell, Vec<f64>)]) -> Result<(), Failure> {
        let lines = results.iter().map(|(cell, values)| line(cell, values));
        let text: String = std::iter::once(format!("{identity}\n"))
            .chain(lines)
            .collect();
        Ok(olmix_fs::write_whole(&self.path, text.as_bytes())?)
    }

    /// Notes a cell that is done.
    pub fn add(&self, cell: &Cell, values: &[f64]) -> Result<(), Failure> {
        let line = line(cell, values);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())
            .map_err(|error| unwritable(&self.path, &error))
    }
}

fn line(cell: &Cell, values: &[f64]) -> String {
    serde_json::json!([cell.keys, cell.seed, values]).to_string() + "\n"
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused(format!(
        "{}: the journal of the study can't be written: {error}",
        path.display()
    ))
}

fn entry(line: &str) -> Option<(Key, Vec<f64>)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let [keys, seed, values] = value.as_array()?.as_slice() else {
        return None;
    };
    let keys: Option<Vec<String>> = keys
        .as_array()?
        .iter()
        .map(|key| key.as_str().map(str::to_owned))
        .collect();
    // JSON has no NaN: a number that is not one is null.
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let values = values.as_array()?.iter().map(number).collect();
    Some(((keys?, seed.as_u64()?), values))
}
