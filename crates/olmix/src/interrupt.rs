//! Ctrl-C, and what else asks a command to end.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output;

/// From now on an interrupt ends this process at once, whatever it is at: unfinished files are removed, a line says
/// so, and the exit code is 128 and the signal's number (130 for Ctrl-C).
///
/// Where the system allows no handler, the signal ends the process by itself, and the next command removes the
/// files.
pub fn end_at_once() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return;
    };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            olmix_fs::remove_unfinished();
            output::eprint_line(
                "\nerror: stopped; what was not finished was removed\n  help: the same command begins again, or \
                 goes on where it keeps its work",
            );
            std::process::exit(128 + signal);
        }
    });
}
