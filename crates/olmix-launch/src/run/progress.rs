//! How far a swarm is.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use olmix_ledger::{Run, State, Swarm, Time};
use serde_json::Value;

use crate::swarm::run_folder;

/// A line of metrics.jsonl takes some 150 bytes.
const TAIL_BYTES: u64 = 2048;

/// How far a run is, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunProgress {
    /// Tokens so far, without those of a checkpoint that it began with.
    pub tokens: Option<u64>,
    /// Tokens in a second, now.
    pub tokens_per_second: Option<f64>,
    /// Tokens in all, by its plan, without those either.
    pub tokens_in_all: Option<u64>,
    /// Steps in all, by its plan.
    pub steps_in_all: Option<u64>,
    /// The training loss of the last step that was written, in nats a token.
    pub loss: Option<f64>,
}

impl RunProgress {
    /// Reads what there is in a run's folder.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let line = last_line(&folder.join("metrics.jsonl"));
        let line = line.unwrap_or_default();
        let plan = std::fs::read(folder.join("run.json")).ok();
        let plan: Value = plan
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let steps_in_all = plan["recipe"]["steps"].as_u64();
        let batch = plan["recipe"]["batch"].as_u64();
        let context = plan["model"]["context"].as_u64();
        let tokens_of = |steps: u64| steps.checked_mul(batch?)?.checked_mul(context?);
        let before = plan["start"]["step"].as_u64().and_then(tokens_of);
        let own = |tokens: u64| tokens.saturating_sub(before.unwrap_or(0));
        Self {
            tokens: line["tokens"].as_u64().map(own),
            tokens_per_second: line["tokens_per_second"].as_f64(),
            tokens_in_all: steps_in_all.and_then(tokens_of).map(own),
            steps_in_all,
            loss: line["loss"].as_f64(),
        }
    }

    fn share(&self) -> Option<f64> {
        let (done, all) = (self.tokens?, self.tokens_in_all?);
        (all > 0).then(|| (done as f64 / all as f64).min(1.0))
    }
}

/// The last whole line of a file of JSON lines.
fn last_line(path: &Path) -> Option<Value> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().rposition(|&byte| byte == b'\n')?;
    let line = bytes[..end].rsplit(|&byte| byte == b'\n').next()?;
    serde_json::from_slice(line).ok()
}

/// How far a swarm is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Runs in each state, in the order of [`State::ALL`].
    pub counts: [usize; 6],
    /// Tokens that were trained on, and all that will be, of the whole swarm; `None` where no run says how many it
    /// takes. Runs that wait count as the mean of the others.
    pub tokens: Option<(u64, u64)>,
    /// Mean training loss of the runs that are at work and say theirs, in nats a token.
    pub loss: Option<f64>,
    /// Tokens in a second, of all runs that say so.
    pub tokens_per_second: Option<f64>,
    /// How long the rest will take, where that can be told.
    pub left: Option<Duration>,
    /// Runs that finished in an hour, over the last hour.
    pub runs_per_hour: Option<f64>,
    /// Hours of GPUs so far; `None` where no run has any.
    pub gpu_hours: Option<f64>,
    /// Hours of GPUs that the rest will take, where that can be told.
    pub gpu_hours_left: Option<f64>,
    /// The failure of the run that failed most often: its name and why.
    pub worst: Option<(String, String)>,
}

impl Snapshot {
    /// Looks at the runs of a swarm, and into the folders of those that run.
    #[must_use]
    pub fn take(swarm: &Swarm, runs: &[Run], now: Time) -> Self {
        let mut counts = [0; 6];
        for (count, state) in counts.iter_mut().zip(State::ALL) {
            *count = runs.iter().filter(|run| run.state == *state).count();
        }
        let of = |state| runs.iter().filter(move |run| run.state == state);
        let running: Vec<(f64, RunProgress)> = of(State::Running)
            .map(|run| {
                let begun = run.started.unwrap_or(now);
                let elapsed = (now - begun).max(0) as f64 / 1000.0;
                (elapsed, RunProgress::read(&run_folder(swarm, run)))
            })
            .collect();
        let rates = running.iter().filter_map(|(_, run)| run.tokens_per_second);
        let rate: f64 = rates.sum();
        let worst = runs
            .iter()
            .filter(|run| run.failures > 0 && run.state != State::Finished)
            .max_by_key(|run| (run.state == State::Failed, run.failures, run.ended));
        Self {
            counts,
            tokens: tokens(runs, &running),
            loss: mean(running.iter().filter_map(|(_, run)| run.loss)),
            tokens_per_second: (rate > 0.0).then_some(rate),
            left: left(runs, &running),
            runs_per_hour: runs_per_hour(runs, now),
            gpu_hours: gpu_hours(runs, now),
            gpu_hours_left: gpu_hours_left(runs, now),
            worst: worst.map(|run| (run.name.clone(), run.cause.clone().unwrap_or_default())),
        }
    }

    /// Runs in a state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        let place = State::ALL.iter().position(|known| *known == state);
        place.map_or(0, |place| self.counts[place])
    }

    /// Runs that neither wait nor run.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.count(State::Finished) + self.count(State::Failed) + self.count(State::Cancelled)
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Tokens done and in all. Runs that ended without success count for nothing.
fn tokens(runs: &[Run], running: &[(f64, RunProgress)]) -> Option<(u64, u64)> {
    let of_finished = runs.iter().filter(|run| run.state == State::Finished);
    let finished: Vec<Option<u64>> = of_finished.map(|run| run.tokens).collect();
    let at_work = running.iter().map(|(_, run)| run.tokens_in_all);
    let known: Option<Vec<u64>> = finished.iter().copied().chain(at_work).collect();
    let known = known.filter(|known| !known.is_empty())?;
    let sum: u64 = known.iter().sum();
    let waits = |run: &&Run| matches!(run.state, State::Queued | State::Submitted);
    let waiting = runs.iter().filter(waits).count() as u64;
    let done: u64 = finished.iter().flatten().sum();
    let done_by_running: u64 = running.iter().filter_map(|(_, run)| run.tokens).sum();
    let all = sum + waiting * (sum / known.len() as u64);
    (all > 0).then_some(((done + done_by_running).min(all), all))
}

/// How many runs finished in the last hour, or since the first began, as a rate. None of a swarm that is
/// over.
fn runs_per_hour(runs: &[Run], now: Time) -> Option<f64> {
    const HOUR: Time = 3_600_000;
    let open = |run: &&Run| matches!(run.state, State::Queued | State::Submitted | State::Running);
    runs.iter().find(open)?;
    let begun = runs.iter().filter_map(|run| run.started).min()?;
    let since = (now - HOUR).max(begun);
    let finished = runs.iter().filter(|run| run.state == State::Finished);
    let recent = finished
        .filter(|run| run.ended.is_some_and(|at| at >= since))
        .count();
    let hours = (now - since) as f64 / HOUR as f64;
    (recent > 0 && hours > 0.0).then(|| recent as f64 / hours)
}

/// GPU-seconds of a run, with the attempt that is at work.
fn gpu_seconds(run: &Run, now: Time) -> f64 {
    let gpus = run
        .engine_job
        .as_ref()
        .map_or(0, |engine_job| engine_job.gpus);
    let at_work = run.started.filter(|_| run.state == State::Running);
    let seconds = at_work.map_or(0.0, |began| (now - began).max(0) as f64 / 1000.0);
    run.gpu_seconds + seconds * f64::from(gpus)
}

fn gpu_hours(runs: &[Run], now: Time) -> Option<f64> {
    let with = |run: &Run| {
        run.engine_job
            .as_ref()
            .is_some_and(|engine_job| engine_job.gpus > 0)
    };
    let any = runs.iter().any(|run| with(run) || run.gpu_seconds > 0.0);
    let seconds = || runs.iter().map(|run| gpu_seconds(run, now)).sum::<f64>();
    any.then(|| seconds() / 3600.0)
}

/// By what finished runs took.
fn gpu_hours_left(runs: &[Run], now: Time) -> Option<f64> {
    let finished: Vec<f64> = runs
        .iter()
        .filter(|run| run.state == State::Finished && run.gpu_seconds > 0.0)
        .map(|run| run.gpu_seconds)
        .collect();
    if finished.is_empty() {
        return None;
    }
    let each = finished.iter().sum::<f64>() / finished.len() as f64;
    let left = runs.iter().filter_map(|run| match run.state {
        State::Queued | State::Submitted => Some(each),
        State::Running => Some((each - gpu_seconds(run, now)).max(0.0)),
        _ => None,
    });
    let left: f64 = left.sum();
    (left > 0.0).then_some(left / 3600.0)
}

/// How long what is left will take, on as many runs at once as now.
fn left(runs: &[Run], running: &[(f64, RunProgress)]) -> Option<Duration> {
    if running.is_empty() {
        return None;
    }
    let finished = runs.iter().filter(|run| run.state == State::Finished);
    let each = if let Some(seconds) = mean(finished.map(|run| run.seconds)) {
        seconds
    } else {
        // Before the first has finished: what those that run have done so far tells.
        let expected = running.iter().filter_map(|(elapsed, run)| {
            let share = run.share().filter(|share| *share > 0.05)?;
            Some(elapsed / share)
        });
        mean(expected)?
    };
    let of_running = running.iter().map(|(elapsed, run)| match run.share() {
        Some(share) => each * (1.0 - share),
        None => (each - elapsed).max(0.0),
    });
    let waits = |run: &&Run| matches!(run.state, State::Queued | State::Submitted);
    let queued = runs.iter().filter(waits).count();
    let work = of_running.sum::<f64>() + queued as f64 * each;
    Duration::try_from_secs_f64(work / running.len() as f64).ok()
}
