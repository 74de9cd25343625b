//! What the end of a command says of its run.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use olmix_ledger::{FailureKind, Stage};

use crate::protocol::Outcome;
use crate::run::log;

/// How a run ends with a command that ended by itself; `None` when it goes on. Exit codes: 2 for a
/// configuration that can't be used, 3 for training that diverged.
pub fn classify_exit(stage: Stage, folder: &Path, status: ExitStatus) -> Option<Outcome> {
    let tail = log::tail(folder);
    let said = log::telling_line(&tail).map_or_else(String::new, |line| format!(": {line}"));
    // A shell tells of a command that a signal ended by 128 and the signal's number.
    let code = status.code();
    let signal = status.signal().or_else(|| {
        code.filter(|code| (129..=192).contains(code))
            .map(|code| code - 128)
    });
    let (kind, cause) = match (signal, code) {
        (Some(signal), _) => {
            let name = Signal::try_from(signal);
            let name = name.map_or_else(|_| signal.to_string(), |name| name.to_string());
            (
                FailureKind::Killed,
                format!("{stage}: ended by {name}{said}"),
            )
        }
        (_, Some(0)) => return None,
        (_, Some(2)) => (
            FailureKind::Configuration,
            format!("{stage}: its configuration can't be used (exit code 2){said}"),
        ),
        (_, Some(3)) => (
            FailureKind::Diverged,
            format!("{stage}: it diverged (exit code 3){said}"),
        ),
        (_, Some(code @ (126 | 127))) => (
            FailureKind::NotStarted,
            format!("{stage}: its command could not be started (exit code {code}){said}"),
        ),
        (_, code) => (
            FailureKind::Exited,
            format!("{stage}: exit code {}{said}", code.unwrap_or(-1)),
        ),
    };
    Some(Outcome::Failed { kind, cause })
}

/// The outcome of a run that took longer than it may.
pub fn timed_out(seconds: u64) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Timeout,
        cause: format!("it took longer than its timeout of {seconds} s, and was stopped"),
    }
}
