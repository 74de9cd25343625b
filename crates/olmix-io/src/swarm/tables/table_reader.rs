//! Reads tables of runs, and keeps what the user should know of them.

use std::path::Path;

use super::csv_table::Table;
use crate::checksums::changed;
use crate::error::IoError;
use crate::input::InputRecord;

/// A reader of tables: every file it reads is recorded, and every run or name it leaves out is noticed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableReader {
    /// What the user should know, in the order in which it was found.
    pub notices: Vec<String>,
    /// The files read, in order.
    pub inputs: Vec<InputRecord>,
}

impl TableReader {
    /// Reads a table and records it. `role` says what it is used as: `ratios`, `metrics`, or those of an
    /// earlier swarm.
    pub fn table(&mut self, path: &Path, role: &str) -> Result<Table, IoError> {
        let table = Table::read(path, role)?;
        self.record(table.record().clone())?;
        Ok(table)
    }

    /// Records a file that olmix may have written. One that was changed since is noticed.
    pub fn record(&mut self, input: InputRecord) -> Result<(), IoError> {
        self.notices.extend(changed(&input)?);
        self.inputs.push(input);
        Ok(())
    }

    /// Adds a notice.
    pub fn notice(&mut self, text: impl Into<String>) {
        self.notices.push(text.into());
    }
}
