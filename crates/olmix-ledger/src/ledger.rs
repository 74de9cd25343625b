//! Opening a ledger, and its transactions.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::open::{self, Access, Unwritable};
use crate::{LedgerError, schema};

/// The record of swarms and runs.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) connection: Connection,
    path: PathBuf,
    access: Access,
    unwritable: Option<Unwritable>,
}

impl Ledger {
    /// Opens a ledger, which is made, with its folder, where there is none.
    ///
    /// # Errors
    /// [`LedgerError`] for a file that is not a ledger, one of a newer version, and what the operating
    /// system or the database refuse.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(|error| unmakable(path, &error))?;
        }
        if !path.exists() {
            // SQLite makes the tables in an empty file as in none.
            let made = fs::OpenOptions::new().append(true).create(true).open(path);
            made.map_err(|error| unmakable(path, &error))?;
        }
        Self::connect(path).map_err(|(error, _)| error)
    }

    /// As [`Ledger::open`], for a ledger that its owner alone may read and write (`0600`), with the files that
    /// `SQLite` has beside it; whoever could read an earlier one.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_private(path: &Path) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(|error| unmakable(path, &error))?;
        }
        if path.is_dir() {
            return Self::open(path);
        }
        open::make_private(path).map_err(|error| unmakable(path, &error))?;
        Self::open(path)
    }

    /// Opens a ledger that exists.
    ///
    /// # Errors
    /// As [`Ledger::open`], and [`LedgerError::Missing`].
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        is_there(path)?;
        Self::connect(path).map_err(|(error, _)| error)
    }

    /// Opens a ledger that exists, to read it: also where it can't be written, on a disk that is mounted
    /// read-only or full, or in the folder of someone else. What would write then fails with the reason.
    ///
    /// A ledger that is written while it is read in a folder that can't be written to may be read half before
    /// and half after a change; records have hashes, so that this is found.
    ///
    /// # Errors
    /// As [`Ledger::open_existing`]; and for one that can't be written while its newest changes are in a
    /// write-ahead log that can't be read without writing, or that an earlier version of olmix made.
    pub fn open_to_read(path: &Path) -> Result<Self, LedgerError> {
        is_there(path)?;
        let (error, code) = match Self::connect(path) {
            Ok(ledger) => return Ok(ledger),
            Err(failed) => failed,
        };
        if !open::may_be_readable(&error, code) {
            return Err(error);
        }
        let (connection, access, unwritable) = open::to_read(path, error)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            access,
            unwritable: Some(unwritable),
        })
    }

    fn connect(path: &Path) -> Result<Self, (LedgerError, Option<rusqlite::ErrorCode>)> {
        if path.is_dir() {
            let folder = LedgerError::NotALedger {
                file: path.to_owned(),
                what: "a folder".into(),
            };
            return Err((folder, None));
        }
        let failed = |error: rusqlite::Error| {
            let code = error.sqlite_error_code();
            (LedgerError::database(path, &error), code)
        };
        let mut connection = open::connection(path, Access::Write).map_err(failed)?;
        schema::prepare(&mut connection, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            access: Access::Write,
            unwritable: None,
        })
    }

    /// Whether nothing can be recorded in it: it was opened by [`Ledger::open_to_read`] where it can't be
    /// written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.unwritable.is_some()
    }

    /// Another connection to the same database, to read it.
    pub(crate) fn second_connection(&self) -> rusqlite::Result<Connection> {
        let access = match self.access {
            Access::Write => Access::Read,
            other => other,
        };
        open::connection(&self.path, access)
    }

    /// What the database said; where it can't be written, why.
    fn error(&self, error: &rusqlite::Error) -> LedgerError {
        match &self.unwritable {
            Some(unwritable)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly) =>
            {
                unwritable.error(&self.path)
            }
            _ => LedgerError::database(&self.path, error),
        }
    }

    /// The path that it was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings everything into the one file, so that it can be moved, and closes it.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn settle(self) -> Result<(), LedgerError> {
        self.with(|connection| {
            let mode = |mode: &str| {
                connection.pragma_update_and_check(None, "journal_mode", mode, |row| {
                    row.get::<_, String>(0)
                })
            };
            mode("DELETE").map(|_| ())
        })
    }

    /// Reads, or changes by a single statement.
    pub(crate) fn with<T>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        job(&self.connection).map_err(|error| self.error(&error))
    }

    /// Changes, whole or not at all, with no other writer in between.
    pub(crate) fn change<T>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let done = self.attempt(|transaction| job(transaction).map(Ok::<T, Infallible>))?;
        match done {
            Ok(done) => Ok(done),
            Err(never) => match never {},
        }
    }

    /// As [`Ledger::change`], for a job that may find that it should not be done: nothing is changed then.
    pub(crate) fn attempt<T, E>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T, E>>,
    ) -> Result<Result<T, E>, LedgerError> {
        if let Some(unwritable) = &self.unwritable {
            return Err(unwritable.error(&self.path));
        }
        let path = &self.path;
        let failed = |error: rusqlite::Error| LedgerError::database(path, &error);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let done = job(&transaction).map_err(failed)?;
        if done.is_ok() {
            transaction.commit().map_err(failed)?;
        }
        Ok(done)
    }
}

/// An error where there is no file, or where it can't be told.
fn is_there(path: &Path) -> Result<(), LedgerError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(LedgerError::Missing(path.to_owned())),
        Err(error) => Err(LedgerError::Database {
            file: path.to_owned(),
            what: format!("can't be read: {error}"),
            help: "ask its owner for the right to read its folder",
        }),
    }
}

fn unmakable(path: &Path, error: &std::io::Error) -> LedgerError {
    LedgerError::Database {
        file: path.to_owned(),
        what: format!("it can't be made: {error}"),
        help: "choose a folder that you may write to",
    }
}
