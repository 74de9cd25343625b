//! What can go wrong with a project.

use std::path::{Path, PathBuf};

use olmix_core::CoreError;
use olmix_fs::WriteError;
use olmix_io::IoError;
use olmix_ledger::LedgerError;
use thiserror::Error;

/// Something about a project that can't be used. Displayed as two lines: what was found, then the help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// No folder from this one upwards holds an `olmix.yaml`.
    #[error("there is no olmix.yaml in {} or above it\n  help: go to the project's folder, name it with \
        --project, or create one with `olmix init`", .0.display())]
    Missing(PathBuf),
    /// Something that can't be done.
    #[error("{}: {what}\n  help: {help}", .file.display())]
    Refused {
        /// The file that it is about.
        file: PathBuf,
        /// What was found, as a sentence without a full stop.
        what: String,
        /// What to do about it.
        help: String,
    },
    /// Two records of different kinds were to be compared.
    #[error("{0}: they can't be compared\n  help: name two of a kind; `olmix log` lists them")]
    Incomparable(String),
    /// A file that can't be read, written or understood.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The ledger can't be used, or was changed by hand.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl ProjectError {
    pub(crate) fn refused(file: &Path, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused {
            file: file.to_owned(),
            what: what.into(),
            help: help.into(),
        }
    }

    pub(crate) fn core(file: &Path, error: &CoreError, help: impl Into<String>) -> Self {
        Self::refused(file, error.to_string(), help)
    }
}

impl From<WriteError> for ProjectError {
    fn from(error: WriteError) -> Self {
        IoError::from(error).into()
    }
}
