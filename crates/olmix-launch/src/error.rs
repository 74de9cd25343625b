//! What ends a launch or a collection early.

use olmix_fs::WriteError;
use olmix_io::IoError;
use olmix_ledger::LedgerError;
use thiserror::Error;

/// Something the user can mend.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// A file can't be read, written or used.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The ledger can't be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is asked for can't be done.
    #[error("{message}\n  help: {help}")]
    Refused {
        /// What was found.
        message: String,
        /// What to do.
        help: String,
    },
}

impl LaunchError {
    pub(crate) fn refused(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<WriteError> for LaunchError {
    fn from(error: WriteError) -> Self {
        IoError::from(error).into()
    }
}
