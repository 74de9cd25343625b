//! Progress where standard error is not a terminal, such as in the log of a batch job: a line now and then. A program
//! that shows progress itself, as the package for Python does, asks for more of them by `OLMIX_PROGRESS=lines`.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::still_working::FIRST;

/// Lines come so far apart, the first one sooner; work that takes less prints none.
const APART: Duration = Duration::from_secs(30);
/// Lines for a program come so far apart.
const REPORTED: Duration = Duration::from_millis(200);

/// Whether a program reads what is printed here.
pub fn are_read() -> bool {
    std::env::var_os("OLMIX_PROGRESS").is_some_and(|how| how == "lines")
}

/// Prints where a bar is until it is dropped.
pub struct ProgressLines {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressLines {
    /// Follows `bar`, whose message is the name of its stage, and hands lines to `print`.
    pub fn follow(bar: ProgressBar, print: impl FnMut(&str) + Send + 'static) -> Self {
        Self::every([FIRST, APART], bar, line, print)
    }

    /// As [`ProgressLines::follow`], for a program: `progress: resampling runs: 43 of 100`.
    pub fn report(bar: ProgressBar, print: impl FnMut(&str) + Send + 'static) -> Self {
        let reported = |bar: &ProgressBar| {
            let (done, all) = (bar.position(), bar.length().unwrap_or(0));
            format!("progress: {}: {done} of {all}", bar.message())
        };
        Self::every([REPORTED; 2], bar, reported, print)
    }

    fn every(
        [first, apart]: [Duration; 2],
        bar: ProgressBar,
        line: impl Fn(&ProgressBar) -> String + Send + 'static,
        mut print: impl FnMut(&str) + Send + 'static,
    ) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut wait = first;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                print(&line(&bar));
                wait = apart;
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for ProgressLines {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed what it could.
            let _ = thread.join();
        }
    }
}

/// `resampling runs: 43 of 100, about 2m left`.
fn line(bar: &ProgressBar) -> String {
    let (done, all) = (bar.position(), bar.length().unwrap_or(0));
    let message = bar.message();
    if message.is_empty() {
        return "at work".to_owned();
    }
    let mut text = format!("{message}: {done} of {all}");
    if done > 0 && done < all {
        let left = indicatif::HumanDuration(bar.eta());
        text += &format!(", about {left:#} left");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn progress_lines_name_the_stage_and_how_far_it_is_until_they_are_dropped() {
        let bar = ProgressBar::hidden();
        bar.set_message("resampling runs");
        bar.set_length(100);
        bar.set_position(43);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let short = Duration::from_millis(1);
        let (seen, twice) = channel();
        let following = ProgressLines::every([short; 2], bar, line, move |line| {
            let mut lines = into.lock().unwrap();
            lines.push(line.to_owned());
            if lines.len() == 2 {
                let _ = seen.send(());
            }
        });
        twice.recv().unwrap();
        drop(following);
        let printed = lines.lock().unwrap().clone();
        assert!(
            printed[0].starts_with("resampling runs: 43 of 100, about "),
            "{printed:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(lines.lock().unwrap().len(), printed.len());
    }
}
