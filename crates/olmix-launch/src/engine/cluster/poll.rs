//! What has become of the runs of a cluster: one question to it, and the records of nodes.

use std::collections::{BTreeMap, HashMap};

use olmix_ledger::{FailureKind, RunId, Time};

use super::cluster_engine::{ClusterEngine, MAX_INTERVAL, MIN_INTERVAL};
use super::contract::{ClusterError, ExitReason, JobState, JobStatus};
use super::tracked_run::{MISSED_POLLS, TrackedRun, lost};
use crate::LaunchError;
use crate::engine::contract::RunRecorder;
use crate::protocol::Outcome;

impl ClusterEngine {
    /// Asks the cluster about all runs, once. Returns those that ended, with how and when.
    pub(super) fn poll_jobs(
        &mut self,
        recorder: &mut dyn RunRecorder,
    ) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let listed = match self.cluster.list_jobs() {
            Ok(listed) => listed,
            Err(error) => return self.on_cluster_error(error, recorder).map(|()| Vec::new()),
        };
        if self.cluster_error.take().is_some() {
            recorder.notice(format!("{} answers again", self.cluster.name()));
            self.interval = MIN_INTERVAL;
        }
        let now = self.clock.now();
        let (history, unasked) = match self.ask_again(&listed) {
            Ok(history) => (history, Vec::new()),
            Err((error, runs)) => {
                self.on_cluster_error(error, recorder)?;
                (Vec::new(), runs)
            }
        };
        let listed = [listed, history].concat();
        let found = by_ticket(&listed, &self.runs);
        let mut ended = Vec::new();
        let (mut started, mut named) = (Vec::new(), Vec::new());
        let mut vanished = Vec::new();
        let mut changed = false;
        let mut store_error = None;
        for (run, tracked) in &mut self.runs {
            if self.waiting.contains(run) {
                continue;
            }
            let Some(status) = found.get(run) else {
                if !unasked.contains(run) {
                    vanished.push(*run);
                }
                continue;
            };
            tracked.held &= status.state == JobState::Held;
            if status.task.is_some() && tracked.handle.as_ref() != Some(&status.job) {
                tracked.handle = Some(status.job.clone());
                tracked.unconfirmed = false;
                named.push((*run, status.job.clone()));
            }
            match status.state {
                JobState::Pending | JobState::Held => {
                    changed |= note_waiting(*run, tracked, status, self.cluster.name(), recorder);
                }
                JobState::Running => {
                    tracked.missed_polls = 0;
                    if !tracked.running {
                        tracked.running = true;
                        changed = true;
                        let since = status.elapsed.unwrap_or_default().as_millis();
                        started.push((*run, now - i64::try_from(since).unwrap_or(0)));
                    }
                }
                JobState::Blocked => {
                    let cause = format!("{} holds it back: {}", self.cluster.name(), status.note);
                    let _ = self.cluster.cancel(std::slice::from_ref(&status.job), true);
                    let kind = FailureKind::Lost;
                    ended.push((*run, Outcome::Failed { kind, cause }, now));
                }
                JobState::Ended(reason) => {
                    changed = true;
                    let unplaced = reason == ExitReason::NotPlaced && tracked.stop.is_none();
                    if unplaced && !std::mem::replace(&mut self.told_unplaced, true) {
                        let (engine, name) = (self.cluster.name(), &tracked.job.name);
                        recorder.notice(format!("{name}: {engine} says: {}", status.note));
                    }
                    if store_error.is_some() {
                        continue;
                    }
                    match tracked.end(reason, status, self.cluster.as_mut(), &self.site, now) {
                        Ok(Some((outcome, at, began))) => {
                            // What ended between two polls has begun, too.
                            started.extend(began.filter(|_| !tracked.running).map(|at| (*run, at)));
                            ended.push((*run, outcome, at));
                        }
                        Ok(None) => {}
                        Err(error) => store_error = Some(error),
                    }
                }
            }
        }
        recorder.jobs_named(&named);
        recorder.started(&started);
        let resolved = match store_error {
            None => self.resolve_vanished(&vanished),
            Some(error) => Err(error),
        };
        let store_error = resolved.map(|resolved| ended.extend(resolved)).err();
        changed |= !ended.is_empty() || !vanished.is_empty();
        self.interval = if changed {
            MIN_INTERVAL
        } else {
            (self.interval * 3 / 2).min(MAX_INTERVAL)
        };
        self.next_poll = self.clock.elapsed() + self.interval;
        if let Some(error) = store_error {
            self.on_store_error(&error, recorder);
        }
        Ok(ended)
    }

    /// Runs that the cluster does not know, in whichever way it was asked: ended by their own records, or
    /// lost, once they were missed in two polls.
    ///
    /// # Errors
    /// [`LaunchError`] when the store does not answer; the runs are then polled again.
    pub(super) fn resolve_vanished(
        &mut self,
        vanished: &[RunId],
    ) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let mut ended = Vec::new();
        let mut unknown: Vec<RunId> = Vec::new();
        for run in vanished {
            let Some(tracked) = self.runs.get_mut(run) else {
                continue;
            };
            let record = tracked.record(&self.site)?;
            tracked.missed_polls += 1;
            if let Some(record) = record {
                let outcome = match record.outcome() {
                    Outcome::Stopped if tracked.stop.is_none() => {
                        lost("it was stopped, and the engine does not know of it any more")
                    }
                    outcome => outcome,
                };
                ended.push((*run, outcome, record.ended));
            } else if tracked.missed_polls >= MISSED_POLLS {
                unknown.push(*run);
            }
        }
        for run in unknown {
            let Some(tracked) = self.runs.get(&run) else {
                continue;
            };
            let outcome = if tracked.stop.is_some() {
                Outcome::Stopped
            } else {
                lost(&format!(
                    "{} does not know of it any more, and it left no record of its end",
                    self.cluster.name()
                ))
            };
            tracked.revoke_own_ticket(&self.site);
            ended.push((run, outcome, self.clock.now()));
        }
        Ok(ended)
    }

    /// What the cluster says, asked in another way, of runs that it does not list: before they are taken for
    /// lost, and where their own records do not say why they ended.
    ///
    /// # Errors
    /// Why there is no answer, with the runs that it would be about: nothing is known of them.
    fn ask_again(
        &mut self,
        listed: &[JobStatus],
    ) -> Result<Vec<JobStatus>, (ClusterError, Vec<RunId>)> {
        let found = by_ticket(listed, &self.runs);
        let unexplained = |tracked: &TrackedRun| match tracked.record(&self.site) {
            Ok(Some(record)) => matches!(
                record.outcome(),
                Outcome::Stopped
                    | Outcome::Failed {
                        kind: FailureKind::Killed,
                        ..
                    }
            ),
            Ok(None) => tracked.missed_polls + 1 >= MISSED_POLLS,
            Err(_) => false,
        };
        let missed = self
            .runs
            .iter()
            .filter(|(run, tracked)| {
                !self.waiting.contains(run) && !found.contains_key(run) && unexplained(tracked)
            })
            .filter_map(|(run, tracked)| Some((*run, tracked.handle.clone()?)));
        let (runs, jobs): (Vec<RunId>, Vec<String>) = missed.unzip();
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.cluster
            .job_history(&jobs)
            .map_err(|error| (error, runs))
    }
}

/// Takes note of a run that waits in the queue of an engine: again, where it ran before, or held back. Whether
/// that is new.
fn note_waiting(
    run: RunId,
    tracked: &mut TrackedRun,
    status: &JobStatus,
    engine: &str,
    recorder: &mut dyn RunRecorder,
) -> bool {
    tracked.missed_polls = 0;
    let name = &tracked.job.name;
    let again = std::mem::replace(&mut tracked.running, false);
    if again {
        let cause = format!(
            "its place was taken away ({}); it is begun again",
            status.note
        );
        recorder.requeued(run, name, &cause);
    }
    if status.state == JobState::Held && !std::mem::replace(&mut tracked.held, true) {
        recorder.notice(format!(
            "{name}: {engine} holds job {job} back: {}; it waits until it is released (`scontrol release \
             {job}`) or cancelled (`olmix launch cancel`)",
            status.note,
            job = status.job,
        ));
    }
    again
}

/// What the cluster lists of each run, by its ticket.
fn by_ticket<'s>(
    listed: &'s [JobStatus],
    runs: &BTreeMap<RunId, TrackedRun>,
) -> HashMap<RunId, &'s JobStatus> {
    let mut one: HashMap<(&str, usize), &JobStatus> = HashMap::new();
    let mut rest: HashMap<&str, &JobStatus> = HashMap::new();
    for status in listed {
        match status.task {
            Some(task) => {
                // Of two jobs with one ticket the one that works, or else will, counts.
                let rank = |status: &JobStatus| match status.state {
                    JobState::Running => 0,
                    JobState::Pending | JobState::Held => 1,
                    JobState::Blocked => 2,
                    JobState::Ended(_) => 3,
                };
                let place = one.entry((&status.token, task)).or_insert(status);
                if rank(status) < rank(place) {
                    *place = status;
                }
            }
            None => {
                rest.insert(&status.token, status);
            }
        }
    }
    let find = |tracked: &TrackedRun| {
        let (token, task) = tracked.ticket.rsplit_once('-')?;
        let own = one.get(&(token, task.parse().ok()?));
        own.or_else(|| rest.get(token)).copied()
    };
    let found = runs
        .iter()
        .filter_map(|(run, tracked)| Some((*run, find(tracked)?)));
    found.collect()
}
