//! A clock that stands still until it is told to go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use olmix_ledger::Time;

use crate::host::clock::{Clock, now};

/// A clock that goes on only by [`Clock::sleep`] and [`FakeClock::advance`]: a launch of hours takes
/// milliseconds. It begins at the time of this machine.
#[derive(Debug)]
pub struct FakeClock {
    start: Time,
    milliseconds: AtomicU64,
}

impl FakeClock {
    /// A clock, to be shared with an engine and a launcher.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        Arc::new(Self {
            start: now(),
            milliseconds: AtomicU64::new(0),
        })
    }

    /// Lets time pass, in whole milliseconds.
    pub fn advance(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Time {
        self.start + Time::try_from(self.milliseconds.load(Ordering::SeqCst)).unwrap_or(Time::MAX)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::SeqCst))
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
    }
}
