//! Opening a ledger's database: to write, to read what can't be written, and for its owner alone.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{LedgerError, schema};

/// How long a transaction waits for those of other processes, each of which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a database was opened; another connection to it is opened alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// To read and write.
    Write,
    /// To read, with the write-ahead log beside it.
    Read,
    /// To read a file that nobody writes: no log is there, and none can be made.
    Immutable,
}

/// Why a ledger can't be written, where it was opened to be read.
#[derive(Debug, Clone)]
pub(crate) struct Unwritable {
    what: String,
    help: &'static str,
}

impl Unwritable {
    pub fn error(&self, file: &Path) -> LedgerError {
        LedgerError::Database {
            file: file.to_owned(),
            what: self.what.clone(),
            help: self.help,
        }
    }
}

/// Opens a connection; the tables are not looked at.
pub(crate) fn connection(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        Access::Write => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)?
        }
        Access::Read => Connection::open_with_flags(path, read)?,
        Access::Immutable => {
            let flags = read | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(uri(path) + "?immutable=1", flags)?
        }
    };
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Opens a ledger that can't be written. `why` is what opening it to write said.
pub(crate) fn to_read(
    path: &Path,
    why: LedgerError,
) -> Result<(Connection, Access, Unwritable), LedgerError> {
    let LedgerError::Database { what, help, .. } = why else {
        return Err(why);
    };
    let log = sibling(path, "-wal");
    let access = match fs::metadata(&log) {
        Ok(found) if found.len() > 0 => Access::Read,
        _ => Access::Immutable,
    };
    let opened = connection(path, access).map_err(|error| LedgerError::database(path, &error));
    let opened = opened.and_then(|connection| {
        schema::check_to_read(&connection, path)?;
        Ok(connection)
    });
    match opened {
        Ok(connection) => Ok((connection, access, Unwritable { what, help })),
        // Opened only where SQLite could not: closing a file that it has open would drop its locks.
        Err(LedgerError::Database { .. }) if is_closed_to_us(path) => Err(LedgerError::Database {
            file: path.to_owned(),
            what: "it is not for you to read".into(),
            help: "ask its owner for the right (`chmod g+r`, with the files beside it); the ledger of a swarm \
                   whose engine has variables (`engine.env`) is for its owner alone",
        }),
        // What is in the log can't be left out: it is the newest.
        Err(LedgerError::Database { .. }) if access == Access::Read => Err(LedgerError::Database {
            file: path.to_owned(),
            what: format!(
                "it can't be written here ({what}), and its newest changes are in {}",
                log.display()
            ),
            help: "copy ledger.sqlite, ledger.sqlite-wal and ledger.sqlite-shm into a folder of yours and read \
                   that, or let its owner run any command on it",
        }),
        Err(error) => Err(error),
    }
}

fn is_closed_to_us(path: &Path) -> bool {
    let opened = fs::File::open(path);
    opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Whether a ledger can be read where this is what opening it to write said.
pub(crate) fn may_be_readable(error: &LedgerError, code: Option<rusqlite::ErrorCode>) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(error, LedgerError::Database { .. })
        && matches!(
            code,
            Some(
                Code::ReadOnly
                    | Code::CannotOpen
                    | Code::PermissionDenied
                    | Code::DiskFull
                    | Code::SystemIoFailure
            )
        )
}

/// What keeps files from being made beside a ledger, and what to do about it.
pub(crate) fn why_unwritable(file: &Path) -> &'static str {
    const WRITABLE: &str = "make the ledger and its folder writable for you";
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let probe = folder
        .unwrap_or(Path::new("."))
        .join(format!(".olmix-probe-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    let _ = made.is_ok().then(|| fs::remove_file(&probe));
    match made.err().map(|error| error.kind()) {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            "no file can be made beside it: free some space, or files where the disk has no room for more of \
             them (`df -i`)"
        }
        Some(io::ErrorKind::ReadOnlyFilesystem) => {
            "its disk is mounted read-only: work on a copy of the folder, or mount it to be written"
        }
        _ => WRITABLE,
    }
}

/// Makes a new ledger's file, empty, for its owner alone; gives one that is there, and what is beside it, to
/// its owner alone.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(path)?;
        // SQLite gives the files that it makes beside a database the permissions of that.
        for file in [
            path.to_owned(),
            sibling(path, "-wal"),
            sibling(path, "-shm"),
        ] {
            match fs::set_permissions(&file, fs::Permissions::from_mode(0o600)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A file that SQLite has beside a database.
fn sibling(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A path as SQLite takes it with options behind it.
fn uri(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                uri.push(char::from(*byte));
            }
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_any_letters_are_opened_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?c#d%é&.sqlite");
        let made = Connection::open(&path).unwrap();
        made.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (7)")
            .unwrap();
        drop(made);
        let read = connection(&path, Access::Immutable).unwrap();
        let x: i64 = read
            .query_row("SELECT x FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(x, 7);
        assert!(read.execute_batch("DELETE FROM t").is_err());
    }
}
