//! Signals that ask this process to end, such as Ctrl-C, and the request to stop that they become.

use std::fmt;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::LaunchError;

/// What is asked of a process that runs runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRequest {
    /// Nothing: go on.
    None,
    /// End the runs that run, put them back, and end.
    Graceful,
    /// End the runs by force, put them back, and end.
    Immediate,
}

/// Signals that ask this process to end, since it began to watch for them.
pub struct Interrupts {
    signals: Signals,
    first: Option<i32>,
    repeated: bool,
}

impl fmt::Debug for Interrupts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupts")
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

impl Interrupts {
    /// From now on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] where the system does not allow it.
    pub fn watch() -> Result<Self, LaunchError> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| {
            LaunchError::refused(
                format!("signals can't be watched: {error}"),
                "try again; the system is short of something",
            )
        })?;
        Ok(Self {
            signals,
            first: None,
            repeated: false,
        })
    }

    /// What the signals so far ask for: the first one to stop, a second one to stop at once.
    pub fn stop_request(&mut self) -> StopRequest {
        for signal in self.signals.pending() {
            self.repeated = self.first.is_some();
            self.first.get_or_insert(signal);
        }
        match self.first {
            None => StopRequest::None,
            Some(_) if self.repeated => StopRequest::Immediate,
            Some(_) => StopRequest::Graceful,
        }
    }

    /// The exit code of a process that such a signal ended, if there was one.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        self.first
            .and_then(|signal| u8::try_from(128 + signal).ok())
    }
}
