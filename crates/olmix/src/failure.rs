//! What ends a command early, and the exit code it ends with.

use std::fmt;

use olmix_fs::WriteError;
use olmix_io::IoError;
use olmix_launch::LaunchError;
use olmix_ledger::LedgerError;
use olmix_project::ProjectError;
use olmix_proxy::ProxyError;
use olmix_report::ReportError;

/// What can't be done, and what to do.
#[derive(Debug)]
pub struct Usage {
    message: String,
    /// Empty where the message says it.
    help: String,
}

/// Something went wrong.
#[derive(Debug)]
pub enum Failure {
    /// The user can mend it: exit code 2.
    Input(Box<IoError>),
    /// An option, a config or a file can't be honoured: exit code 2.
    Usage(Usage),
    /// The work was done as far as it could be, or stopped; with the exit code that says so.
    Ended(u8, String),
    /// A defect of ours: exit code 1.
    Internal(String),
}

impl Failure {
    /// A [`Failure::Usage`], displayed as two lines: message, then help.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Usage {
            message: message.into(),
            help: help.into(),
        })
    }

    /// A [`Failure::Usage`] whose message says what to do.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::usage(message, "")
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Usage(_) => 2,
            Self::Ended(code, _) => *code,
            Self::Internal(_) => 1,
        }
    }

    /// Whether all there is to say was said elsewhere.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Ended(_, message) if message.is_empty())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Usage(Usage { message, help }) if help.is_empty() => f.write_str(message),
            Self::Usage(Usage { message, help }) => write!(f, "{message}\n  help: {help}"),
            Self::Ended(_, message) => f.write_str(message),
            Self::Internal(message) => write!(f, "{message} (this is a defect of olmix)"),
        }
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Self {
        Self::Input(Box::new(error))
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        IoError::from(error).into()
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::Internal(format!("a figure could not be drawn: {error}"))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<ProxyError> for Failure {
    fn from(error: ProxyError) -> Self {
        match error {
            ProxyError::Diverged { .. } => Self::Ended(3, error.to_string()),
            ProxyError::File(error) => error.into(),
            other => Self::refused(other.to_string()),
        }
    }
}
