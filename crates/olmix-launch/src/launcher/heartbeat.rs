//! The heartbeat of a launcher in the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use olmix_ledger::{Ledger, LedgerError};

use crate::host::clock::Clock;

/// How often a launcher records that it is alive.
const INTERVAL: Duration = Duration::from_secs(2);

/// A thread that records every two seconds that a launcher is alive, until it is dropped.
pub struct Heartbeat {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Begins, with a connection of its own to the ledger.
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger can't be opened once more.
    pub fn start(ledger: &Ledger, id: &str, clock: Arc<dyn Clock>) -> Result<Self, LedgerError> {
        let own = Ledger::open_existing(ledger.path())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (id, stopped) = (id.to_owned(), Arc::clone(&stop));
        let beat = move || {
            while !stopped.load(Ordering::Relaxed) {
                // One that is missed (a full disk, say) does no harm.
                let _ = own.heartbeat(&id, clock.now());
                std::thread::park_timeout(INTERVAL);
            }
        };
        Ok(Self {
            stop,
            thread: Some(std::thread::spawn(beat)),
        })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
