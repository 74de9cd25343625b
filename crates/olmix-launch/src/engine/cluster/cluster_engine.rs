//! Runs that are with a cluster: the engine that every [`Cluster`] makes.
//!
//! A run is submitted under a ticket, which the ledger has before the cluster does; so a launcher that takes
//! over knows what to ask for. Whatever the cluster remembers, a run is over when its node has left a record,
//! or when the cluster has not known of it in two polls, in another way neither, and its ticket was revoked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use olmix_io::EngineConfig;
use olmix_ledger::{EngineJob, RunId, Stage, Time};

use super::contract::{Cluster, ClusterError};
use super::probe::Probe;
use super::submission::Site;
use super::tracked_run::{EvaluationJob, Stop, TrackedRun};
use crate::LaunchError;
use crate::engine::contract::{Ended, Engine, RunRecorder};
use crate::host::clock::Clock;
use crate::protocol::{self, Job, Outcome, Step};

/// The time between two polls of the cluster after something happened; while nothing does, it grows.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time between two polls of a cluster that answers.
pub(super) const MAX_INTERVAL: Duration = Duration::from_secs(20);

/// The longest time between two polls of a cluster that does not answer.
const MAX_RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// The time until a store that did not answer is asked again.
const STORE_RETRY: Duration = Duration::from_secs(10);

/// How long jobs that were asked to end may take, before they are killed.
const GRACE: Duration = Duration::from_secs(45);

/// A cluster as an engine.
pub struct ClusterEngine {
    pub(super) cluster: Box<dyn Cluster>,
    pub(super) site: Site,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runs: BTreeMap<RunId, TrackedRun>,
    /// Runs that turned out not to be ours, to be given back by the next poll.
    pub(super) not_ours: Vec<Ended>,
    /// Runs that the cluster does not have yet.
    pub(super) waiting: Vec<RunId>,
    /// When the cluster is polled next, by the clock's elapsed time.
    pub(super) next_poll: Duration,
    /// The time between two polls.
    pub(super) interval: Duration,
    /// What the cluster last did not do, so that it is told once.
    pub(super) cluster_error: Option<String>,
    /// The same of the store.
    store_error: Option<String>,
    /// The same of a request to end jobs.
    cancel_error: Option<String>,
    /// Whether people know what the cluster has to say beforehand.
    introduced: bool,
    /// Whether people know what the cluster says of runs that it has no room for.
    pub(super) told_unplaced: bool,
    probe: Probe,
    /// Submissions made, for their tokens.
    pub(super) submissions: u32,
}

impl fmt::Debug for ClusterEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterEngine")
            .field("name", &self.cluster.name())
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}

impl ClusterEngine {
    /// The engine of a cluster, with no run.
    #[must_use]
    pub fn new(cluster: Box<dyn Cluster>, site: Site, clock: Arc<dyn Clock>) -> Self {
        let probe = Probe::new(&site);
        Self {
            cluster,
            site,
            runs: BTreeMap::new(),
            not_ours: Vec::new(),
            waiting: Vec::new(),
            next_poll: clock.elapsed(),
            clock,
            interval: MIN_INTERVAL,
            cluster_error: None,
            store_error: None,
            cancel_error: None,
            introduced: false,
            told_unplaced: false,
            probe,
            submissions: 0,
        }
    }

    /// Polls the cluster after the shortest interval.
    pub(super) fn poll_soon(&mut self) {
        self.interval = MIN_INTERVAL;
        self.next_poll = self.next_poll.min(self.clock.elapsed() + MIN_INTERVAL);
    }

    /// A cluster that does not answer is asked again; one that refuses ends the launch.
    pub(super) fn on_cluster_error(
        &mut self,
        error: ClusterError,
        recorder: &mut dyn RunRecorder,
    ) -> Result<(), LaunchError> {
        let ClusterError::Unreachable(message) = error else {
            return Err(error.into());
        };
        self.interval = (self.interval * 2).min(MAX_RETRY_INTERVAL);
        self.next_poll = self.clock.elapsed() + self.interval;
        if self.cluster_error.as_ref() != Some(&message) {
            recorder.notice(format!(
                "{} does not answer, and is asked again: {message}",
                self.cluster.name()
            ));
            self.cluster_error = Some(message);
        }
        Ok(())
    }

    /// A store that does not answer is asked again: how runs ended is known when it does.
    pub(super) fn on_store_error(&mut self, error: &LaunchError, recorder: &mut dyn RunRecorder) {
        let message = error.to_string();
        if self.store_error.as_ref() != Some(&message) {
            recorder.notice(format!("the store is asked again: {message}"));
            self.store_error = Some(message);
        }
        self.next_poll = self.clock.elapsed() + STORE_RETRY;
    }

    /// Downloads what runs that ended left in a store. Those whose results can't be had yet are polled again.
    fn collect_finished(
        &mut self,
        over: Vec<(RunId, Outcome, Time)>,
        recorder: &mut dyn RunRecorder,
    ) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (run, outcome, at) in over {
            if outcome == Outcome::Done && self.switch_to_evaluation(run, at, recorder) {
                continue;
            }
            let Some(tracked) = self.runs.get(&run) else {
                continue;
            };
            if let Err(error) = self.site.download_results(&tracked.job) {
                self.on_store_error(&error, recorder);
                break;
            }
            self.store_error = None;
            if let Some(tracked) = self.runs.remove(&run) {
                self.cancel_evaluation(&tracked);
                ended.push(tracked.ended(outcome, at));
            }
        }
        ended
    }

    /// Asks the cluster to end the jobs of runs that are to stop: first gently, then by force.
    fn send_cancellations(&mut self, recorder: &mut dyn RunRecorder) -> Result<(), LaunchError> {
        let now = self.clock.elapsed();
        for force in [false, true] {
            let due = |stop: &Stop| match stop.asked {
                None => stop.force == force,
                Some(asked) => {
                    let since = now.saturating_sub(asked);
                    force && (stop.force || since > GRACE) && since > MIN_INTERVAL
                }
            };
            let due: Vec<(RunId, String)> = self
                .runs
                .iter()
                .filter(|(_, tracked)| tracked.stop.as_ref().is_some_and(due))
                .filter_map(|(run, tracked)| Some((*run, tracked.handle.clone()?)))
                .collect();
            if due.is_empty() {
                continue;
            }
            // Should this launcher be gone when the cluster says that they are cancelled, the next one sees by
            // the ticket that nobody else did it.
            for (run, _) in &due {
                if let Some(tracked) = self.runs.get(run).filter(|tracked| !tracked.running) {
                    tracked.revoke_own_ticket(&self.site);
                }
            }
            let handles: Vec<String> = due.iter().map(|(_, handle)| handle.clone()).collect();
            match self.cluster.cancel(&handles, force) {
                Ok(()) => self.cancel_error = None,
                // Jobs that go on are asked again later, and other runs are not their fault.
                Err(ClusterError::Refused { message, .. }) => {
                    if self.cancel_error.as_ref() != Some(&message) {
                        recorder.notice(format!(
                            "{} does not end jobs, and is asked again: {message}",
                            self.cluster.name()
                        ));
                        self.cancel_error = Some(message);
                    }
                }
                Err(error) => return self.on_cluster_error(error, recorder),
            }
            for (run, _) in due {
                if let Some(stop) = self
                    .runs
                    .get_mut(&run)
                    .and_then(|tracked| tracked.stop.as_mut())
                {
                    stop.asked = Some(now);
                }
            }
            self.poll_soon();
        }
        Ok(())
    }
}

impl Engine for ClusterEngine {
    fn name(&self) -> &'static str {
        self.cluster.name()
    }

    fn survives_launcher(&self) -> bool {
        true
    }

    fn capacity(&self) -> usize {
        self.cluster
            .capacity(self.runs.len(), self.site.settings.jobs)
    }

    fn start(&mut self, job: Job) {
        let run = job.run;
        self.runs
            .insert(run, TrackedRun::new(job, String::new(), None, false));
        self.waiting.push(run);
    }

    fn adopt(&mut self, job: Job, engine_job: &EngineJob, begun: bool) -> Result<(), LaunchError> {
        let run = job.run;
        let mut tracked = TrackedRun::new(
            job,
            engine_job.ticket.clone(),
            engine_job.job.clone(),
            begun,
        );
        let evaluates = |step: &Step| step.stage == Stage::Evaluate;
        let apart = self.site.settings.evaluation.is_some()
            && tracked.job.steps.len() > 1
            && tracked.job.steps.iter().any(evaluates);
        if apart && !protocol::is_evaluation_ticket(&engine_job.ticket) {
            tracked.evaluation = Some(EvaluationJob {
                ticket: protocol::evaluation_ticket(&engine_job.ticket),
                handle: None,
            });
        }
        self.runs.insert(run, tracked);
        self.next_poll = self.clock.elapsed();
        Ok(())
    }

    fn stop(&mut self, run: RunId, force: bool) {
        if let Some(tracked) = self.runs.get_mut(&run) {
            let stop = tracked.stop.get_or_insert(Stop { force, asked: None });
            stop.force |= force;
        }
    }

    fn forget(&mut self, run: RunId) {
        self.runs.remove(&run);
        self.waiting.retain(|waiting| *waiting != run);
    }

    fn all_submitted(&self) -> bool {
        self.waiting.is_empty() && self.runs.values().all(|tracked| !tracked.unconfirmed)
    }

    fn is_undecided(&self) -> bool {
        self.runs.values().any(|tracked| tracked.missed_polls > 0)
    }

    fn withdraw(&mut self) -> Vec<Ended> {
        let waiting = std::mem::take(&mut self.waiting);
        let runs = waiting.iter().filter_map(|run| self.runs.remove(run));
        let now = self.clock.now();
        runs.map(|tracked| tracked.ended(Outcome::Stopped, now))
            .collect()
    }

    fn poll(&mut self, recorder: &mut dyn RunRecorder) -> Result<Vec<Ended>, LaunchError> {
        let mut ended = Vec::new();
        // What the cluster does not have can be stopped without asking it.
        let runs = &self.runs;
        let stopped = |run: &RunId| runs.get(run).is_none_or(|tracked| tracked.stop.is_some());
        let (stopped, waiting): (Vec<RunId>, Vec<RunId>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(stopped);
        self.waiting = waiting;
        for run in stopped {
            if let Some(tracked) = self.runs.remove(&run) {
                ended.push(tracked.ended(Outcome::Stopped, self.clock.now()));
            }
        }
        if self.runs.is_empty() {
            return Ok(ended);
        }
        if !self.waiting.is_empty() && self.is_due_to_submit() {
            if !std::mem::replace(&mut self.introduced, true) {
                for line in self.cluster.notices() {
                    recorder.notice(line);
                }
            }
            let ready =
                match self
                    .probe
                    .passed(self.cluster.as_mut(), &self.site, &*self.clock, recorder)
                {
                    Ok(ready) => ready,
                    Err(ClusterError::Unreachable(message)) => {
                        self.on_cluster_error(ClusterError::Unreachable(message), recorder)?;
                        false
                    }
                    Err(error) => return Err(error.into()),
                };
            if ready {
                self.submit(recorder)?;
                ended.append(&mut self.not_ours);
            }
        }
        self.send_cancellations(recorder)?;
        if self.next_poll <= self.clock.elapsed() && self.runs.len() > self.waiting.len() {
            let over = self.poll_jobs(recorder)?;
            ended.extend(self.collect_finished(over, recorder));
        }
        Ok(ended)
    }
}

impl ClusterEngine {
    /// After training, follows the job that evaluates, where there is one: `true` then.
    fn switch_to_evaluation(
        &mut self,
        run: RunId,
        at: Time,
        recorder: &mut dyn RunRecorder,
    ) -> bool {
        let engine = self.cluster.name().to_owned();
        let apart = self.site.settings.evaluation.as_deref();
        let gpus = apart.map_or(0, EngineConfig::gpus_of_run);
        let Some(tracked) = self.runs.get_mut(&run) else {
            return false;
        };
        let Some(evaluation) = tracked.evaluation.take() else {
            return false;
        };
        tracked.ticket = evaluation.ticket;
        tracked.handle = evaluation.handle;
        tracked.running = false;
        tracked.missed_polls = 0;
        let engine_job = EngineJob {
            engine,
            ticket: tracked.ticket.clone(),
            job: tracked.handle.clone(),
            gpus,
        };
        recorder.evaluation_follows(run, &engine_job, at);
        true
    }

    /// What will not be trained is not evaluated.
    fn cancel_evaluation(&mut self, tracked: &TrackedRun) {
        if let Some(evaluation) = &tracked.evaluation {
            let records = self.site.record_store(&tracked.job);
            let _ = protocol::revoke_ticket(&records, &evaluation.ticket);
            if let Some(handle) = &evaluation.handle {
                let _ = self.cluster.cancel(std::slice::from_ref(handle), true);
            }
        }
    }

    /// While the engine does not answer, it is left alone for a while.
    fn is_due_to_submit(&self) -> bool {
        self.cluster_error.is_none() || self.next_poll <= self.clock.elapsed()
    }
}
