//! Tables, and how a ledger of an earlier version becomes one of this.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::LedgerError;

/// Marks a database as a ledger of olmix: `olmx`.
const APPLICATION_ID: i64 = 0x6f6c_6d78;

/// What makes each version from the one before it; the first makes version 1. Only ever added to.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The version of ledgers made here.
const VERSION: i64 = 4;

/// Sets up a connection, and makes or migrates the tables.
pub fn prepare(connection: &mut Connection, file: &Path) -> Result<(), LedgerError> {
    let failed = |error: rusqlite::Error| LedgerError::database(file, &error);
    let pragma = |connection: &Connection, name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    // Looked at before anything is written: a database of something else stays as it is.
    check(connection, file)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .map_err(failed)?;
    make_wal(connection).map_err(failed)?;
    if pragma(connection, "user_version")? == VERSION {
        return Ok(());
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Another process may have been first.
    let from = check(&transaction, file)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", VERSION))
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// The version of a ledger, 0 for a new one; an error for what is none and for a newer one.
fn check(connection: &Connection, file: &Path) -> Result<i64, LedgerError> {
    let number = |query: &str| {
        connection
            .query_row(query, [], |row| row.get::<_, i64>(0))
            .map_err(|error| LedgerError::database(file, &error))
    };
    let version = number("PRAGMA user_version")?;
    let id = number("PRAGMA application_id")?;
    if id != APPLICATION_ID && number("SELECT count(*) FROM sqlite_schema")? > 0 {
        return Err(LedgerError::NotALedger {
            file: file.to_owned(),
            what: "a SQLite database of something else".into(),
        });
    }
    if version > VERSION {
        return Err(LedgerError::Newer {
            file: file.to_owned(),
            found: version,
            known: VERSION,
        });
    }
    Ok(version)
}

/// Turns the write-ahead log on. The change needs the file alone, and `SQLite` does not wait for that
/// by itself.
fn make_wal(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Err(error) if tries < 200 && is_busy(&error) => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(25));
            }
            other => return other.map(|_| ()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(
        error.sqlite_error_code(),
        Some(Code::DatabaseBusy | Code::DatabaseLocked)
    )
}
