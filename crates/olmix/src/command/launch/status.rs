//! `olmix launch status`, and the summary of a launch.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use olmix_launch::{RunProgress, SwarmReport, Until, now, reconcile, run_folder};
use olmix_ledger::{Run, State};
use serde_json::{Value, json};

use super::display::{details, duration, shortened};
use crate::args::LaunchStatusArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::table;
use crate::terminal::Medium;

/// Rows of the printed table.
const MOST_PRINTED: usize = 30;

/// How often `--watch` looks.
const RENEW: Duration = Duration::from_secs(1);

/// How often it asks the engine of runs that no launcher follows.
const ASK: Duration = Duration::from_secs(10);

/// Prints it.
pub fn run(args: &LaunchStatusArgs) -> Result<(), Failure> {
    let (mut ledger, swarms) = super::find(&args.swarm)?;
    if ledger.is_read_only() && !args.common.quiet {
        output::notices(&[
            "the ledger can't be written here: what it says is shown, and the engine is not asked"
                .to_owned(),
        ]);
    }
    let terminal = std::io::stdout().is_terminal();
    let mut printed = String::new();
    let mut looked = None;
    loop {
        let mut page = Page::default();
        let mut reports = Vec::new();
        let mut open = 0;
        for swarm in &swarms {
            if !ledger.is_read_only() && looked.is_none_or(|at: Instant| at.elapsed() >= ASK) {
                looked = Some(Instant::now());
                reconcile(&mut ledger, swarm, Until::Polled, &mut output::eprint_line)?;
            }
            let runs = ledger.runs(swarm.id)?;
            let report = SwarmReport::new(&ledger, swarm, &runs)?;
            open += runs.len() - report.snapshot.ended();
            page += describe(&report);
            reports.push(report.to_json());
        }
        if args.common.json {
            return output::print_json(&json!({"swarms": reports}).to_string());
        }
        if args.common.quiet {
            return Ok(());
        }
        let text = page.rendered(Medium::stdout());
        if text != printed {
            // On a terminal the new page takes the place of the old one.
            let clear = if args.watch && terminal {
                "\x1b[2J\x1b[H"
            } else {
                ""
            };
            output::print_as_it_is(&format!("{clear}{text}"))?;
            printed = text;
        }
        if !args.watch || open == 0 {
            return Ok(());
        }
        std::thread::sleep(RENEW);
    }
}

/// Reports as one JSON value.
pub fn as_json(reports: &[SwarmReport<'_>]) -> Value {
    json!({"swarms": reports.iter().map(SwarmReport::to_json).collect::<Vec<_>>()})
}

/// The page of `launch status`.
fn describe(report: &SwarmReport<'_>) -> Page {
    let finished = report.snapshot.count(State::Finished);
    let mut text = Page::from(format!(
        "{}: {finished}/{} runs{}\n",
        report.swarm.name,
        report.runs.len(),
        details(&report.snapshot)
    ));
    text += &lines(report);
    text += rows(report, |run| {
        matches!(run.state, State::Submitted | State::Running | State::Failed)
    });
    if report.orphans > 0 {
        text += &format!(
            "{} of the running have lost their launcher; `olmix launch run` takes them over\n",
            report.orphans
        );
    }
    text
}

/// Time of GPUs, throughput, and what failed of what: a line each, where there is something to say.
fn lines(report: &SwarmReport<'_>) -> String {
    let mut text = String::new();
    let snapshot = &report.snapshot;
    if let Some(spent) = snapshot.gpu_hours {
        text += &format!("{} spent", hours(spent));
        if let Some(left) = snapshot.gpu_hours_left {
            text += &format!(", about {} left", hours(left));
        }
        text += "\n";
    }
    if let Some(rate) = snapshot.runs_per_hour {
        text += &format!("{rate:.1} runs finished per hour\n");
    }
    for (kind, runs) in report.failures_by_kind() {
        let cause = runs[0].cause.as_deref().unwrap_or_default();
        let cause = cause.lines().next().unwrap_or_default();
        text += &format!(
            "{} failed: {kind} (such as {}: {})\n",
            runs.len(),
            runs[0].name,
            shortened(cause, 80)
        );
    }
    text
}

/// GPU-hours for people.
fn hours(hours: f64) -> String {
    let digits = if hours < 10.0 { 2 } else { 0 };
    format!("{hours:.digits$} GPU-hours")
}

/// What a launch ends with.
pub fn summary(report: &SwarmReport<'_>) -> Page {
    let seconds: f64 = report.runs.iter().map(|run| run.seconds).sum();
    let tokens: u64 = report.runs.iter().filter_map(|run| run.tokens).sum();
    let retried = report.runs.iter().filter(|run| run.attempt > 1).count();
    let mut rows_of_states = Vec::new();
    for state in State::ALL {
        let count = report.snapshot.count(*state);
        if count > 0 {
            rows_of_states.push(vec![state.to_string(), count.to_string()]);
        }
    }
    let mut text = table(&["runs", ""], &rows_of_states);
    text += &format!(
        "{} of computing{}{}\n",
        duration(seconds),
        if tokens > 0 {
            format!(", {} tokens", tokens_text(tokens))
        } else {
            String::new()
        },
        if retried > 0 {
            format!("; {retried} runs took more than one attempt")
        } else {
            String::new()
        }
    );
    text += rows(report, |run| run.state == State::Failed);
    text
}

/// A row per run that is worth one.
fn rows(report: &SwarmReport<'_>, worth: impl Fn(&Run) -> bool) -> Page {
    let mut shown: Vec<&Run> = report.runs.iter().filter(|run| worth(run)).collect();
    // What failed and what works comes before what waits.
    let order = |run: &&Run| match run.state {
        State::Failed => 0,
        State::Running => 1,
        _ => 2,
    };
    shown.sort_by_key(order);
    if shown.is_empty() {
        return Page::default();
    }
    let row = |run: &&Run| {
        let progress = match run.state {
            State::Running => RunProgress::read(&run_folder(report.swarm, run)),
            _ => RunProgress::default(),
        };
        let begun = run.started.filter(|_| run.state == State::Running);
        let seconds = begun.map_or(0.0, |begun| (now() - begun) as f64 / 1000.0);
        let tokens = match (progress.tokens, progress.tokens_in_all) {
            (Some(done), Some(all)) => format!("{} of {}", tokens_text(done), tokens_text(all)),
            (Some(done), None) => tokens_text(done),
            _ => "–".into(),
        };
        let cause = match run.state {
            State::Failed | State::Submitted => run.cause.as_deref().unwrap_or_default(),
            _ => "",
        };
        vec![
            run.name.clone(),
            run.state.to_string(),
            run.stage
                .map_or_else(String::new, |stage| stage.to_string()),
            run.attempt.to_string(),
            duration(run.seconds + seconds),
            tokens,
            shortened(cause.lines().next().unwrap_or_default(), 100),
        ]
    };
    let rows: Vec<Vec<String>> = shown.iter().take(MOST_PRINTED).map(row).collect();
    let header = [
        "run", "state", "stage", "attempt", "time", "tokens", "cause",
    ];
    let mut text = table(&header, &rows);
    if shown.len() > MOST_PRINTED {
        text += &format!(
            " … and {} more (--json lists all)\n",
            shown.len() - MOST_PRINTED
        );
    }
    text
}
