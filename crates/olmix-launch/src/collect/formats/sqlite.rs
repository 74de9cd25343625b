//! Databases of trackers, read and never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use crate::LaunchError;

/// How long another program may hold a database before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a file begins that is a database.
const BEGINNING: &[u8; 16] = b"SQLite format 3\0";

/// A database that is open for reading.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    /// Tables and their columns.
    tables: BTreeMap<String, BTreeSet<String>>,
}

/// Whether a file is a database, whatever is in it.
pub fn is_database(path: &Path) -> bool {
    let mut beginning = [0; BEGINNING.len()];
    let file = std::fs::File::open(path);
    file.is_ok_and(|mut file| file.read_exact(&mut beginning).is_ok()) && beginning == *BEGINNING
}

impl Database {
    /// Opens a database for reading.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for one that another program holds, that can't be read, or that is damaged.
    pub fn open(path: &Path) -> Result<Self, LaunchError> {
        let failed = |error: rusqlite::Error| refusal(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let mut database = Self {
            connection,
            path: path.to_owned(),
            tables: BTreeMap::new(),
        };
        let columns = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'";
        let columns = database.rows(columns, &[], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        for (table, column) in columns {
            database.tables.entry(table).or_default().insert(column);
        }
        Ok(database)
    }

    /// Whether there are tables of these names.
    pub fn has(&self, tables: &[&str]) -> bool {
        tables.iter().all(|table| self.tables.contains_key(*table))
    }

    /// Whether a table has a column.
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables
            .get(table)
            .is_some_and(|columns| columns.contains(column))
    }

    /// Refuses a database without the columns that are read.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with the first table or column that is not there.
    pub fn require(
        &self,
        tables: &[(&str, &[&str])],
        what: &str,
        help: &str,
    ) -> Result<(), LaunchError> {
        for (table, columns) in tables {
            for column in *columns {
                if !self.has_column(table, column) {
                    return Err(LaunchError::refused(
                        format!(
                            "{}: {what} of a version that this olmix does not know: its table `{table}` has no column \
                             `{column}`",
                            self.path.display()
                        ),
                        help,
                    ));
                }
            }
        }
        Ok(())
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn rows<T>(
        &self,
        query: &str,
        values: &[&dyn rusqlite::ToSql],
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, LaunchError> {
        let failed = |error: rusqlite::Error| refusal(&self.path, &error);
        let mut query = self.connection.prepare(query).map_err(failed)?;
        let rows = query.query_map(values, row).map_err(failed)?;
        rows.collect::<rusqlite::Result<Vec<T>>>().map_err(failed)
    }
}

fn refusal(path: &Path, error: &rusqlite::Error) -> LaunchError {
    let path = path.display();
    let (message, help) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            format!("{path}: the database is in use: another program writes to it"),
            "try again when that program has ended, or give a copy of the file",
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            format!("{path}: the database is damaged: {error}"),
            "give an undamaged copy",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => (
            format!("{path}: the database can't be opened: {error}"),
            "make the file and its folder readable for you, or give a copy; a program that still writes to it keeps \
             a part in PATH-wal beside it",
        ),
        _ => (
            format!("{path}: the database can't be read: {error}"),
            "check which program wrote it",
        ),
    };
    LaunchError::refused(message, help)
}
