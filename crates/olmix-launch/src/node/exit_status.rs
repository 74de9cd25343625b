//! What the end of a command says of its run.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use olmix_ledger::{FailureKind, Stage};

use crate::protocol::Outcome;
use crate::run::log;

/// What systems say of a disk that is full, or as full as this user may make it.
const DISK_FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

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
        // Whatever code it has for that: with room on the disk the same command goes on.
        (_, Some(code)) if code != 3 && DISK_FULL.iter().any(|words| tail.contains(words)) => (
            FailureKind::Exited,
            format!("{stage}: the disk is full (exit code {code}){said}"),
        ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_configuration_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |said: &str, code: i32| {
            std::fs::write(folder.path().join(log::FILE), said).unwrap();
            let status = ExitStatus::from_raw(code << 8);
            match classify_exit(Stage::Train, folder.path(), status) {
                Some(Outcome::Failed { kind, cause }) => Some((kind, cause)),
                _ => None,
            }
        };
        let full = "error: run/model: can't be written: No space left on device (os error 28)\n";
        for (said, code, expected) in [
            (full, 2, FailureKind::Exited),
            (
                "OSError: [Errno 122] Disk quota exceeded",
                1,
                FailureKind::Exited,
            ),
            ("error: mix: no such domain", 2, FailureKind::Configuration),
            (full, 3, FailureKind::Diverged),
        ] {
            let (kind, cause) = kind(said, code).unwrap();
            assert_eq!(kind, expected, "{cause}");
            assert_eq!(
                cause.contains("the disk is full"),
                kind == FailureKind::Exited
            );
        }
        assert_eq!(kind(full, 0), None);
    }
}
