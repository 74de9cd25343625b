//! Errors of preparing, training and measuring a proxy; each says where, what and what to do.

use std::path::Path;

use olmix_data::DataError;
use olmix_fs::WriteError;
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
    /// Shards or a tokenizer that can't be used.
    #[error("{context}{error}")]
    Data {
        /// The config that names them, and its key, with `: ` behind; empty where there is none.
        context: String,
        /// What is wrong with them.
        error: Box<DataError>,
    },
    /// A file that can't be read or written.
    #[error(transparent)]
    File(#[from] IoError),
    /// The run can't go on, and would end the same way again.
    #[error(
        "{run}: training diverged at step {step}: {what}\n  help: lower training.learning_rate, or see \
         whether the data is what it should be; metrics.jsonl has the losses up to there"
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

    /// Something about the shards or the tokenizer that `place`, a config or a key of it, names.
    pub(crate) fn data(place: &str, error: DataError) -> Self {
        Self::Data {
            context: format!("{place}: "),
            error: Box::new(error),
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

impl From<DataError> for ProxyError {
    fn from(error: DataError) -> Self {
        Self::Data {
            context: String::new(),
            error: Box::new(error),
        }
    }
}

impl From<WriteError> for ProxyError {
    fn from(error: WriteError) -> Self {
        IoError::from(error).into()
    }
}
