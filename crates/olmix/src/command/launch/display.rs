//! How far a swarm is, for people: one line that is kept up to date.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use olmix_launch::{Event, Snapshot};
use olmix_ledger::{Ledger, State, Swarm};

use crate::bars::tokens_text;
use crate::output;
use crate::still_working::Shown;

/// How often the line is renewed on a terminal, and how often it is written elsewhere.
const RENEW: Duration = Duration::from_secs(1);
const REPEAT: Duration = Duration::from_secs(10);

/// Shows events and progress on standard error.
pub struct Display {
    quiet: bool,
    /// The bar; without a terminal there is none.
    bar: Option<ProgressBar>,
    /// When progress was shown last.
    shown: Instant,
    /// How long it waits from then: less for the first time.
    wait: Duration,
    _shown: Option<Shown>,
}

impl Display {
    /// A display; a `quiet` one shows nothing.
    pub fn new(quiet: bool, runs: usize) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(runs as u64);
            // What does not fit into the line of a narrow terminal is cut at its end.
            let style = ProgressStyle::with_template("{bar:20} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self {
            quiet,
            bar,
            shown: Instant::now(),
            wait: RENEW,
            _shown: (!quiet).then(Shown::new),
        }
    }

    /// Tells of what does not go without saying.
    pub fn event(&self, event: &Event) {
        let line = match event {
            Event::Started(..) | Event::Finished(_) => return,
            Event::Failed(name, true, cause) => format!("{name} is retried: {cause}"),
            Event::Failed(name, false, cause) => format!("{name} failed: {cause}"),
            Event::Cancelled(name) => format!("{name} was cancelled"),
            Event::Adopted(runs) => {
                format!("runs that continue on their engine are followed: {runs}")
            }
            Event::Requeued(name, cause) => format!("{name} is queued again: {cause}"),
            Event::Notice(line) => line.clone(),
            Event::Recovered(runs) => {
                format!("a launcher died; its runs are taken over: {runs}")
            }
        };
        self.say(&line);
    }

    /// Says a line, beside the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| output::eprint_line(line)),
            None => output::eprint_line(line),
        }
    }

    /// Shows how far the swarm is, now and then.
    pub fn look(&mut self, ledger: &Ledger, swarm: &Swarm) {
        if self.quiet || self.shown.elapsed() < self.wait {
            return;
        }
        self.shown = Instant::now();
        self.wait = if self.bar.is_some() { RENEW } else { REPEAT };
        // A look that fails is none; what matters is seen by the launcher.
        let Ok(runs) = ledger.runs(swarm.id) else {
            return;
        };
        let snapshot = Snapshot::take(swarm, &runs, olmix_launch::now());
        match &self.bar {
            Some(bar) => {
                // Tokens where they are known: a swarm of two long runs moves, too.
                let runs_done = (snapshot.count(State::Finished) as u64, runs.len() as u64);
                let (done, all) = snapshot.tokens.unwrap_or(runs_done);
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(line(&snapshot, runs.len()));
            }
            None => output::eprint_line(&line(&snapshot, runs.len())),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `3/8 runs, 4 running, 1 queued, 12.3M of 40.0M tokens, loss 3.214`.
fn line(snapshot: &Snapshot, runs: usize) -> String {
    let finished = snapshot.count(State::Finished);
    format!("{finished}/{runs} runs{}", details(snapshot))
}

/// What a line says after the number of runs that finished.
pub fn details(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for state in [
        State::Running,
        State::Submitted,
        State::Queued,
        State::Failed,
        State::Cancelled,
    ] {
        let count = snapshot.count(state);
        if count > 0 {
            text += &format!(", {count} {state}");
        }
    }
    // Of a swarm that is over, its tokens are said once, at its end.
    if let Some((done, all)) = snapshot.tokens.filter(|(done, all)| done < all) {
        text += &format!(", {} of {} tokens", tokens_text(done), tokens_text(all));
    }
    if let Some(loss) = snapshot.loss {
        text += &format!(", loss {loss:.3}");
    }
    if let Some(rate) = snapshot.tokens_per_second {
        text += &format!(", {} tokens/s", tokens_text(rate as u64));
    }
    if let Some(left) = snapshot.left {
        text += &format!(", {} left", duration(left.as_secs_f64()));
    }
    if let Some((name, cause)) = &snapshot.worst {
        let first = cause.lines().next().unwrap_or_default();
        text += &format!(", worst: {name}: {}", shortened(first, 60));
    }
    text
}

/// A text of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A duration for people, of two units at most: `3 min 5 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{minutes} min {} s", whole % 60),
        3600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let told = [0.4, 59.6, 185.0, 7260.0, 90_000.0]
            .map(duration)
            .join(", ");
        assert_eq!(told, "0 s, 1 min 0 s, 3 min 5 s, 2 h 1 min, 1 d 1 h");
    }

    #[test]
    fn the_line_says_what_there_is_to_say() {
        let snapshot = Snapshot {
            counts: [3, 0, 2, 6, 1, 0],
            tokens: Some((12_300_000, 40_000_000)),
            loss: Some(3.2138),
            tokens_per_second: Some(123_456.0),
            left: Some(Duration::from_secs(90)),
            runs_per_hour: None,
            gpu_hours: None,
            gpu_hours_left: None,
            worst: Some(("run-7".into(), "train: exit code 1\nmore".into())),
        };
        assert_eq!(
            details(&snapshot),
            ", 2 running, 3 queued, 1 failed, 12.3M of 40.0M tokens, loss 3.214, 123K tokens/s, 1 min 30 s \
             left, worst: run-7: train: exit code 1"
        );
        assert_eq!(details(&Snapshot::default()), "");
    }
}
