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
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
];

/// The version of ledgers made here.
const VERSION: i64 = 6;

/// Sets up a connection, and makes or migrates the tables.
///
/// # Errors
/// [`LedgerError`], with the database's code where it refuses.
pub fn prepare(connection: &mut Connection, file: &Path) -> Result<(), Refusal> {
    let failed = |error: rusqlite::Error| refusal(file, &error);
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

/// Looks at a ledger that can't be written: one of an earlier version can't be brought up to date.
pub fn check_to_read(connection: &Connection, file: &Path) -> Result<(), LedgerError> {
    let version = check(connection, file).map_err(|(error, _)| error)?;
    if version == VERSION {
        return Ok(());
    }
    Err(LedgerError::Database {
        file: file.to_owned(),
        what: format!(
            "an earlier olmix made it (version {version}, and this olmix has {VERSION}), and it can't be \
             written"
        ),
        help: "copy it into a folder of yours: reading it there brings the copy up to date",
    })
}

/// An error, and the database's code where it said one.
pub type Refusal = (LedgerError, Option<rusqlite::ErrorCode>);

fn refusal(file: &Path, error: &rusqlite::Error) -> Refusal {
    (
        LedgerError::database(file, error),
        error.sqlite_error_code(),
    )
}

/// The version of a ledger, 0 for a new one; an error for what is none and for a newer one.
fn check(connection: &Connection, file: &Path) -> Result<i64, Refusal> {
    let number = |query: &str| {
        connection
            .query_row(query, [], |row| row.get::<_, i64>(0))
            .map_err(|error| refusal(file, &error))
    };
    // In this order: another process may make the ledger between two of these reads, and it commits tables, id and version
    // at once. So where there are tables, what is read after them is theirs.
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let id = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    if id != APPLICATION_ID && tables > 0 {
        let other = LedgerError::NotALedger {
            file: file.to_owned(),
            what: "a SQLite database of something else".into(),
        };
        return Err((other, None));
    }
    if version > VERSION {
        let newer = LedgerError::Newer {
            file: file.to_owned(),
            found: version,
            known: VERSION,
        };
        return Err((newer, None));
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
