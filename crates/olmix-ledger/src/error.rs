//! What can go wrong with a ledger.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::run::DamagedRun;

/// A ledger that can't be used. Displayed as two lines: what was found, then the help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is no file at the path.
    #[error(
        "{}: there is no ledger\n  help: name the folder of a swarm's runs or its ledger.sqlite; `olmix \
         launch run` makes it",
        .0.display()
    )]
    Missing(PathBuf),
    /// The file is something else.
    #[error(
        "{}: not a ledger of olmix: {what}\n  help: name a ledger.sqlite that `olmix launch run` made, or \
         a path where there is none yet",
        .file.display()
    )]
    NotALedger {
        /// The path of the ledger.
        file: PathBuf,
        /// What it is.
        what: String,
    },
    /// A later version of olmix made it.
    #[error(
        "{}: this ledger has version {found}, and this olmix knows versions up to {known}\n  help: use \
         the newer olmix that made it; nothing was changed",
        .file.display()
    )]
    Newer {
        /// The path of the ledger.
        file: PathBuf,
        /// The version of the ledger's tables.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// Something that can't be recorded or found.
    #[error("{}: {what}\n  help: {help}", .file.display())]
    Refused {
        /// The path of the ledger.
        file: PathBuf,
        /// What was found.
        what: String,
        /// What to do.
        help: String,
    },
    /// The database refuses.
    #[error("{}: {what}\n  help: {help}", .file.display())]
    Database {
        /// The path of the ledger.
        file: PathBuf,
        /// What `SQLite` said.
        what: String,
        /// What to do.
        help: &'static str,
    },
}

/// What to do about a damaged ledger.
pub(crate) const DAMAGED: &str = "the file is damaged; restore a copy, or move it away and begin again: runs go on from their checkpoints";

impl LedgerError {
    pub(crate) fn database(file: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let file = file.to_owned();
        if let rusqlite::Error::FromSqlConversionFailure(_, _, why) = error
            && let Some(damaged) = why.downcast_ref::<DamagedRun>()
        {
            return Self::Database {
                file,
                what: damaged.to_string(),
                help: DAMAGED,
            };
        }
        let what = error.to_string();
        let help = match error.sqlite_error_code() {
            Some(Code::NotADatabase) => {
                return Self::NotALedger {
                    file,
                    what: "no SQLite database".into(),
                };
            }
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
                "another process holds the ledger for long; try again, and keep the ledger on a disk of \
                 this machine"
            }
            Some(Code::DiskFull) => "free some space; what was recorded before is safe",
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
                crate::open::why_unwritable(&file)
            }
            Some(Code::DatabaseCorrupt) => DAMAGED,
            _ => "the ledger was changed by hand, or this is a defect; please report it",
        };
        Self::Database { file, what, help }
    }
}
