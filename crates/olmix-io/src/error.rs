//! What can go wrong with files: every error names the file, the place, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use olmix_core::CoreError;
use olmix_fs::WriteError;
use thiserror::Error;

use crate::core_messages::core_sentence;

/// Where in a file something was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Location {
    /// The file as a whole.
    #[default]
    File,
    /// A line, counted from 1.
    Line(u64),
    /// A character, line and column counted from 1.
    Position {
        /// The line, from 1.
        line: u64,
        /// The column, in characters.
        column: u64,
    },
    /// A field of a structured file, such as `law.tasks`.
    Field(String),
}

/// Input that can't be used: where it is, what was found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// The file, as the user knows it.
    pub file: String,
    /// The place in the file.
    pub location: Location,
    /// What was found.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match &self.location {
            Location::File => {}
            Location::Line(line) => write!(f, ":{line}")?,
            Location::Position { line, column } => write!(f, ":{line}:{column}")?,
            Location::Field(field) => write!(f, ": {field}")?,
        }
        write!(f, ": {}\n  help: {}", self.message, self.help)
    }
}

/// An error of reading or writing files. The user can mend every one of them.
///
/// Displayed as two lines: place and finding, then the help.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IoError {
    /// The content of a file can't be used.
    #[error("{0}")]
    Input(Box<InputError>),
    /// A file can't be read.
    #[error("{file}: can't be read: {reason}\n  help: {help}")]
    Read {
        /// The file, as the user knows it.
        file: String,
        /// What the operating system said.
        reason: String,
        /// What to do.
        help: String,
    },
    /// A file or folder can't be written.
    #[error("{file}: can't be written: {reason}\n  help: {help}")]
    Write {
        /// The file or folder, as the user knows it.
        file: String,
        /// What the operating system said.
        reason: String,
        /// What to do.
        help: String,
    },
    /// The method refuses what a file asks for.
    #[error("{file}: {}\n  help: {help}", core_sentence(error))]
    Core {
        /// The file that asks for it.
        file: String,
        /// Why it is refused.
        error: Box<CoreError>,
        /// What to do.
        help: String,
    },
}

impl IoError {
    /// An [`IoError::Input`].
    pub fn input(
        file: impl Into<String>,
        location: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Input(Box::new(InputError {
            file: file.into(),
            location,
            message: message.into(),
            help: help.into(),
        }))
    }

    /// An [`IoError::Core`], with help that fits the error.
    pub fn core(file: impl Into<String>, error: CoreError) -> Self {
        let help = core_help(&error).to_owned();
        Self::Core {
            file: file.into(),
            error: Box::new(error),
            help,
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> &str {
        match self {
            Self::Input(error) => &error.help,
            Self::Read { help, .. } | Self::Write { help, .. } | Self::Core { help, .. } => help,
        }
    }

    /// A file can't be read, with what the operating system said.
    #[must_use]
    pub fn read(path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "check the path; there is no such file",
            io::ErrorKind::PermissionDenied => "make the file readable for you",
            io::ErrorKind::IsADirectory => "name a file; this is a folder",
            _ => "check that the file can be opened",
        };
        Self::Read {
            file: path.display().to_string(),
            reason: error.to_string(),
            help: help.into(),
        }
    }

    /// A file or folder can't be written, with what the operating system said.
    #[must_use]
    pub fn write(path: &Path, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space, or write to another disk"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "choose an output folder that you may write to"
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "a file is in the way; choose another output folder, or move the file"
            }
            io::ErrorKind::InvalidFilename => "choose a shorter or simpler name",
            _ => "check the output folder, or choose another",
        };
        Self::Write {
            file: path.display().to_string(),
            reason: error.to_string(),
            help: help.into(),
        }
    }
}

impl From<WriteError> for IoError {
    fn from(WriteError { path, error }: WriteError) -> Self {
        Self::write(&path, &error)
    }
}

fn core_help(error: &CoreError) -> &'static str {
    match error {
        CoreError::TooFewRuns { .. } => {
            "add runs, or merge domains so that fewer coefficients have to be fitted"
        }
        CoreError::DeadDomains(_) => {
            "set regression.dead_domains to `hold` (or pass --dead-domains hold) to keep them at \
             their natural share, or remove their columns"
        }
        CoreError::NoVariation(_) => "give runs of different mixtures",
        CoreError::ConstantTask(_) => "add it to filtering.drop_metrics",
        CoreError::Infeasible(_) => {
            "loosen constraints.bounds, constraints.groups or constraints.repetition_factor, or \
             lower constraints.target_tokens"
        }
        CoreError::SolverFailed(_) => {
            "the laws may follow the noise of the runs: fit with regression.ridge `auto` (`--ridge auto`); else \
             check that losses and priors are of ordinary size, and raise proposer.kl_reg"
        }
        CoreError::BadSum(_) | CoreError::BadWeight { .. } => {
            "weights and sizes must be positive numbers of ordinary size"
        }
        _ => "correct the files named, or the settings that ask for this",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solve_that_does_not_converge_names_the_ridge_that_helps() {
        let error = IoError::core("fit.yaml", CoreError::SolverFailed("NumericalError".into()));
        assert!(error.to_string().contains("`--ridge auto`"), "{error}");
    }

    #[test]
    fn an_input_error_is_two_lines_with_its_place() {
        let location = Location::Position {
            line: 12,
            column: 5,
        };
        let error = IoError::input("fit.yaml", location, "unknown key `x`", "did you mean `y`?");
        assert_eq!(
            error.to_string(),
            "fit.yaml:12:5: unknown key `x`\n  help: did you mean `y`?"
        );
        assert_eq!(error.help(), "did you mean `y`?");
        let error = IoError::input("m.json", Location::Field("law.t".into()), "short", "redo");
        assert_eq!(error.to_string(), "m.json: law.t: short\n  help: redo");
    }

    #[test]
    fn a_full_disk_is_named_as_such() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let error = IoError::write(Path::new("out"), &error);
        assert!(error.to_string().starts_with("out: can't be written: "));
        assert!(error.help().contains("free some space"));
    }

    #[test]
    fn a_write_error_of_a_file_in_the_way_of_a_folder_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"x").unwrap();
        for error in [
            olmix_fs::StagedFolder::new(&file).map(|_| ()).unwrap_err(),
            olmix_fs::check_writable(&file.join("sub/sub")).unwrap_err(),
            olmix_fs::write_whole(&file.join("a"), b"x").unwrap_err(),
        ] {
            let written = error.to_string();
            let error = IoError::from(error);
            assert!(error.to_string().starts_with(&written), "{error}");
            assert!(error.help().contains("a file is in the way"), "{error}");
        }
    }
}
