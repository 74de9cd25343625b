//! Opening a ledger, and its transactions.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{LedgerError, schema};

/// How long a transaction waits for those of other processes, each of which takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The record of swarms and runs.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) connection: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Opens a ledger, which is made, with its folder, where there is none.
    ///
    /// # Errors
    /// [`LedgerError`] for a file that is not a ledger, one of a newer version, and what the operating
    /// system or the database refuse.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(|error| LedgerError::Database {
                file: path.to_owned(),
                what: format!("its folder can't be made: {error}"),
                help: "choose a folder that you may write to",
            })?;
        }
        Self::connect(path, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens a ledger that exists.
    ///
    /// # Errors
    /// As [`Ledger::open`], and [`LedgerError::Missing`].
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing(path.to_owned()));
        }
        Self::connect(path, OpenFlags::empty())
    }

    fn connect(path: &Path, create: OpenFlags) -> Result<Self, LedgerError> {
        if path.is_dir() {
            return Err(LedgerError::NotALedger {
                file: path.to_owned(),
                what: "a folder".into(),
            });
        }
        let failed = |error: rusqlite::Error| LedgerError::database(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        schema::prepare(&mut connection, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
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
        job(&self.connection).map_err(|error| LedgerError::database(&self.path, &error))
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
