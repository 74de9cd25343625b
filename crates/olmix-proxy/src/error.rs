//! What can go wrong with a proxy, told so that the reader can mend it.

use std::path::Path;

use olmix_io::IoError;
use thiserror::Error;

/// Why a proxy could not be trained or measured.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// A config, a task file or a shard that can't be used.
    #[error("{file}: {problem}\n  help: {help}")]
    Input {
        /// The file, as the user knows it.
        file: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// A file that can't be read or written.
    #[error(transparent)]
    File(#[from] IoError),
    /// The run can't go on, and would end the same way again.
    #[error(
        "{run}: training diverged at step {step}: {what}\n  help: lower training.learning_rate, or see whether the \
         data is what it should be; metrics.jsonl has the losses up to there"
    )]
    Diverged {
        /// The run's folder.
        run: String,
        /// The step, counted from 1.
        step: u64,
        /// What was no longer a number, or too large.
        what: String,
    },
}

impl ProxyError {
    /// Something about a file.
    pub fn input(file: &Path, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Input {
            file: file.display().to_string(),
            problem: problem.into(),
            help: help.into(),
        }
    }

    /// A file of a run that can't be read.
    pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self::File(IoError::read(file, error))
    }

    /// A file of a run that can't be written.
    pub(crate) fn unwritable(file: &Path, error: &std::io::Error) -> Self {
        Self::File(IoError::write(file, error))
    }

    /// A file that another program wrote, or that was changed by hand.
    pub(crate) fn broken(file: &Path, problem: impl Into<String>) -> Self {
        Self::input(
            file,
            problem,
            "the file was changed or is not of this run; remove the run's folder to start it anew",
        )
    }
}
