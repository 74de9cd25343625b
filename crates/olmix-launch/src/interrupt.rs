//! Ctrl-C and its kin, asked for when it suits.

use std::fmt;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{LaunchError, Wish};

/// Signals that ask this process to end, since it began to watch for them.
pub struct Interrupts {
    signals: Signals,
    first: Option<i32>,
    more: bool,
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
            more: false,
        })
    }

    /// What they ask for: the first to stop, a second one to stop at once.
    pub fn wish(&mut self) -> Wish {
        for signal in self.signals.pending() {
            self.more = self.first.is_some();
            self.first.get_or_insert(signal);
        }
        match self.first {
            None => Wish::GoOn,
            Some(_) if self.more => Wish::StopNow,
            Some(_) => Wish::Stop,
        }
    }

    /// The exit code of a process that such a signal ended, if there was one.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        self.first
            .and_then(|signal| u8::try_from(128 + signal).ok())
    }
}
