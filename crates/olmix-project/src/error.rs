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
    /// There is none here or above.
    #[error("there is no olmix.yaml in {} or above it\n  help: go to the project's folder, name it with --project, or make one with `olmix init`", .0.display())]
    Missing(PathBuf),
    /// What can't be done.
    #[error("{}: {what}\n  help: {help}", .file.display())]
    Refused {
        /// What it is about.
        file: PathBuf,
        /// What was found.
        what: String,
        /// What to do.
        help: String,
    },
    /// A file.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The ledger.
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
