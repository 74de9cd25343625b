//! A progress bar on standard error; where that is not a terminal, a line now and then.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use olmix_core::{FitStage, Observer};
use olmix_proxy::Progress;

use crate::output;
use crate::progress_lines::{self, ProgressLines};
use crate::still_working::Shown;
use crate::terminal::Medium;

/// Shows the stages of a fit.
pub struct Bar(
    ProgressBar,
    Option<ProgressLines>,
    #[expect(dead_code)] Option<Shown>,
);

impl Bar {
    /// A bar, hidden when `quiet`. Lines for a program come even then.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        bar.set_style(style(22, "{pos}/{len}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        let in_a_log = !quiet && !std::io::stderr().is_terminal();
        let lines = if progress_lines::are_read() {
            Some(ProgressLines::report(bar.clone(), output::eprint_line))
        } else {
            in_a_log.then(|| ProgressLines::follow(bar.clone(), output::eprint_line))
        };
        Self(bar, lines, (!quiet).then(Shown::new))
    }

    /// Begins a stage of another kind.
    pub fn begin(&self, what: &'static str, steps: usize) {
        self.0.set_message(what);
        self.0.set_length(steps as u64);
        self.0.set_position(0);
    }

    /// Begins a stage whose steps are bytes.
    pub fn begin_bytes(&self, what: &'static str, bytes: u64) {
        self.0.set_style(style(22, "{bytes}/{total_bytes}"));
        self.0.set_message(what);
        self.0.set_length(bytes);
        self.0.set_position(0);
    }

    /// Begins a stage whose steps are steps of training.
    pub fn begin_training(&self, steps: u64) {
        self.0.set_style(style(30, "{pos}/{len}"));
        self.0.set_message("training");
        self.0.set_length(steps);
    }

    /// Shows where training is: loss in nats a token, and tokens a second.
    pub fn trained(&self, at: Progress) {
        self.0.set_position(at.step);
        let rate = self.0.per_sec() * at.batch_tokens as f64;
        let rate = crate::bars::tokens_text(rate as u64);
        self.0
            .set_message(format!("loss {:.3}, {rate} tokens/s", at.loss));
    }

    /// Prints lines to standard error without breaking the bar.
    pub fn aside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    /// Adds steps that were done.
    pub fn add(&self, steps: u64) {
        self.0.inc(steps);
    }
}

/// A line of a message in so many columns, a bar, what was done, and the time left. Its bar is short on a narrow
/// terminal.
fn style(message: usize, done: &str) -> ProgressStyle {
    let columns = Medium::stderr().width.unwrap_or(80);
    let bar = columns.saturating_sub(message + 28).clamp(4, 30);
    let template = format!("{{msg:>{message}}} {{bar:{bar}}} {done} {{eta}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.1.take());
        self.0.finish_and_clear();
    }
}

impl Observer for Bar {
    fn stage(&self, stage: FitStage, steps: usize) {
        self.begin(
            match stage {
                FitStage::Choice => "choosing the law",
                FitStage::Repeats => "measuring repeats",
                FitStage::Laws => "fitting laws",
                FitStage::OutOfFold => "checking out of fold",
                FitStage::Kl => "choosing λ",
                FitStage::Solve => "solving",
                FitStage::Bootstrap => "resampling runs",
            },
            steps,
        );
    }

    fn step(&self) {
        self.0.inc(1);
    }
}
