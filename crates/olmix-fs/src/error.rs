//! A file or folder that can't be written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file or folder can't be written, locked or removed.
#[derive(Debug, Error)]
#[error("{}: can't be written: {error}", path.display())]
pub struct WriteError {
    /// The file or folder that was to be there in the end, never a temporary name.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub error: io::Error,
}

impl WriteError {
    /// The operating system's answer, with the path it is about.
    #[must_use]
    pub fn new(path: &Path, error: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            error,
        }
    }

    /// For `map_err`: a function that adds the path to what the operating system said.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self + Copy + '_ {
        move |error| Self::new(path, error)
    }
}
