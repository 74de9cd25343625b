//! No command is silent for long: where nothing was said for almost two seconds and no bar is shown, a line says
//! that it is at work.
//!
//! Progress bars say more, where a command has steps to count. This is for everything else: large files that are
//! read, reports that are written, disks and services that are slow.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::output;

/// After so long without a word, the first line comes, and the next ones so far apart.
pub const FIRST: Duration = Duration::from_millis(1500);
const NEXT: Duration = Duration::from_secs(30);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(250);

/// When the process began, as far as this knows.
static BEGAN: OnceLock<Instant> = OnceLock::new();
/// When something was said last, in milliseconds since then.
static SAID: AtomicU64 = AtomicU64::new(0);
/// Bars that are shown.
static BARS: AtomicUsize = AtomicUsize::new(0);

/// From now on a line is printed on standard error whenever `command` is silent for long. A thread that ends with the
/// process.
pub fn watch(command: String) {
    let began = *BEGAN.get_or_init(Instant::now);
    std::thread::spawn(move || {
        let mut patience = FIRST;
        let mut seen = SAID.load(Ordering::Relaxed);
        loop {
            std::thread::sleep(LOOK);
            let said = SAID.load(Ordering::Relaxed);
            if said != seen {
                // Something else was said since: the next silence is a new one.
                (seen, patience) = (said, FIRST);
            }
            let silent = began.elapsed().saturating_sub(Duration::from_millis(said));
            if BARS.load(Ordering::Relaxed) > 0 || silent < patience {
                continue;
            }
            let seconds = began.elapsed().as_secs().max(1);
            output::eprint_line(&format!("{command}: at work for {seconds} s"));
            (seen, patience) = (SAID.load(Ordering::Relaxed), NEXT);
        }
    });
}

/// Something was said.
pub fn said() {
    if let Some(began) = BEGAN.get() {
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        SAID.store(now, Ordering::Relaxed);
    }
}

/// Something that tells of progress by itself is shown as long as this is there.
#[derive(Debug)]
pub struct Shown(());

impl Shown {
    /// It is shown from now on.
    pub fn new() -> Self {
        BARS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        said();
        BARS.fetch_sub(1, Ordering::Relaxed);
    }
}
