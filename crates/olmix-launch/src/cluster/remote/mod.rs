//! Runs that are with a cluster: the engine that every [`Cluster`] makes.
//!
//! A run is given away under a ticket, which the ledger has before the engine does; so a launcher that takes over knows what to
//! ask for. Whatever the engine remembers, a run is over when its node has left a record, or when the engine has not known of it
//! twice and its ticket was taken back.

mod look;
mod submit;
mod tracked;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use olmix_io::EngineConfig;
use olmix_ledger::{Placed, RunId, Stage, Time};

use super::probe::Probe;
use super::submission::Site;
use super::{Cluster, ClusterError};
use crate::LaunchError;
use crate::clock::now;
use crate::engine::{Book, Ended, Engine, Outcome};
use crate::job::{Job, Step};
use crate::work;
use tracked::{Second, Stop, Tracked};

/// How often the engine is asked: soon after something happened, and ever less often while nothing does.
const SOON: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(20);

/// How often it is asked at most when it does not answer.
const TROUBLED: Duration = Duration::from_mins(1);

/// How soon a store that did not answer is asked again.
const STORE: Duration = Duration::from_secs(10);

/// Polls after which a run that the engine does not know of, or says nothing of its end, is settled.
const POLLS: u32 = 2;

/// How long runs that were asked to end are given, before they are ended.
const GRACE: Duration = Duration::from_secs(45);
/// A cluster as an engine.
pub struct Remote {
    cluster: Box<dyn Cluster>,
    site: Site,
    runs: BTreeMap<RunId, Tracked>,
    /// Runs that the cluster does not have yet.
    waiting: Vec<RunId>,
    /// When it is asked next, and the time between.
    next: Instant,
    pace: Duration,
    /// What it last did not do, so that it is said once.
    trouble: Option<String>,
    /// The same of the store.
    storage_trouble: Option<String>,
    probe: Probe,
    /// Submissions made, for their names.
    made: u32,
}
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("kind", &self.cluster.kind())
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// An engine of a cluster.
    #[must_use]
    pub fn new(cluster: Box<dyn Cluster>, site: Site) -> Self {
        let probe = Probe::new(&site);
        Self {
            cluster,
            site,
            runs: BTreeMap::new(),
            waiting: Vec::new(),
            next: Instant::now(),
            pace: SOON,
            trouble: None,
            storage_trouble: None,
            probe,
            made: 0,
        }
    }

    /// Asks the engine soon.
    fn soon(&mut self) {
        self.pace = SOON;
        self.next = self.next.min(Instant::now() + SOON);
    }
    /// An engine that does not answer is asked again; one that says no ends the launch.
    fn troubled(&mut self, error: ClusterError, book: &mut dyn Book) -> Result<(), LaunchError> {
        let ClusterError::Unreachable(message) = error else {
            return Err(error.into());
        };
        self.pace = (self.pace * 2).min(TROUBLED);
        self.next = Instant::now() + self.pace;
        if self.trouble.as_ref() != Some(&message) {
            book.say(format!(
                "{} does not answer, and is asked again: {message}",
                self.cluster.kind().word()
            ));
            self.trouble = Some(message);
        }
        Ok(())
    }

    /// A store that does not answer is asked again: how runs ended is known when it does.
    fn storage_away(&mut self, error: &LaunchError, book: &mut dyn Book) {
        let message = error.to_string();
        if self.storage_trouble.as_ref() != Some(&message) {
            book.say(format!("the store is asked again: {message}"));
            self.storage_trouble = Some(message);
        }
        self.next = Instant::now() + STORE;
    }

    /// Brings what runs that ended left in a store. Those whose results can't be had yet are looked at again.
    fn come_home(&mut self, over: Vec<(RunId, Outcome, Time)>, book: &mut dyn Book) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (run, outcome, at) in over {
            if outcome == Outcome::Done && self.goes_on_to_evaluate(run, at, book) {
                continue;
            }
            let Some(tracked) = self.runs.get(&run) else {
                continue;
            };
            if let Err(error) = self.site.bring(&tracked.job) {
                self.storage_away(&error, book);
                break;
            }
            self.storage_trouble = None;
            if let Some(tracked) = self.runs.remove(&run) {
                self.drop_second(&tracked);
                ended.push(tracked.ended(outcome, at));
            }
        }
        ended
    }

    /// Asks for the ends that are wished for.
    fn stop_as_wished(&mut self, book: &mut dyn Book) -> Result<(), LaunchError> {
        for hard in [false, true] {
            let due = |stop: &Stop| match stop.asked {
                None => stop.hard == hard,
                Some(asked) => {
                    hard && (stop.hard || asked.elapsed() > GRACE) && asked.elapsed() > SOON
                }
            };
            let wished: Vec<(RunId, String)> = self
                .runs
                .iter()
                .filter(|(_, tracked)| tracked.stop.as_ref().is_some_and(due))
                .filter_map(|(run, tracked)| Some((*run, tracked.handle.clone()?)))
                .collect();
            if wished.is_empty() {
                continue;
            }
            let handles: Vec<String> = wished.iter().map(|(_, handle)| handle.clone()).collect();
            if let Err(error) = self.cluster.cancel(&handles, hard) {
                return self.troubled(error, book);
            }
            for (run, _) in wished {
                if let Some(stop) = self
                    .runs
                    .get_mut(&run)
                    .and_then(|tracked| tracked.stop.as_mut())
                {
                    stop.asked = Some(Instant::now());
                }
            }
            self.soon();
        }
        Ok(())
    }
}

impl Engine for Remote {
    fn name(&self) -> &'static str {
        self.cluster.kind().word()
    }

    fn outlives(&self) -> bool {
        true
    }

    fn room(&self) -> usize {
        self.cluster.room(self.runs.len(), self.site.settings.jobs)
    }

    fn running(&self) -> usize {
        self.runs.len()
    }

    fn start(&mut self, job: Job) {
        let run = job.run;
        self.runs
            .insert(run, Tracked::new(job, String::new(), None, false));
        self.waiting.push(run);
    }

    fn adopt(&mut self, job: Job, placed: &Placed, works: bool) -> Result<(), LaunchError> {
        let run = job.run;
        let mut tracked = Tracked::new(job, placed.ticket.clone(), placed.job.clone(), works);
        let evaluates = |step: &Step| step.stage == Stage::Evaluate;
        let apart = self.site.settings.evaluation.is_some()
            && tracked.job.steps.len() > 1
            && tracked.job.steps.iter().any(evaluates);
        if apart && !work::evaluates(&placed.ticket) {
            tracked.second = Some(Second {
                ticket: work::evaluation_ticket(&placed.ticket),
                handle: None,
            });
        }
        self.runs.insert(run, tracked);
        self.next = Instant::now();
        Ok(())
    }

    fn stop(&mut self, run: RunId, hard: bool) {
        if let Some(tracked) = self.runs.get_mut(&run) {
            let stop = tracked.stop.get_or_insert(Stop { hard, asked: None });
            stop.hard |= hard;
        }
    }

    fn has_all(&self) -> bool {
        self.waiting.is_empty() && self.runs.values().all(|tracked| !tracked.doubtful)
    }

    fn withdraw(&mut self) -> Vec<Ended> {
        let waiting = std::mem::take(&mut self.waiting);
        let runs = waiting.iter().filter_map(|run| self.runs.remove(run));
        runs.map(|tracked| tracked.ended(Outcome::Stopped, now()))
            .collect()
    }

    fn poll(&mut self, book: &mut dyn Book) -> Result<Vec<Ended>, LaunchError> {
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
                ended.push(tracked.ended(Outcome::Stopped, now()));
            }
        }
        if self.runs.is_empty() {
            return Ok(ended);
        }
        if !self.waiting.is_empty() && self.is_due_to_submit() {
            let ready = match self.probe.passed(self.cluster.as_mut(), &self.site, book) {
                Ok(ready) => ready,
                Err(ClusterError::Unreachable(message)) => {
                    self.troubled(ClusterError::Unreachable(message), book)?;
                    false
                }
                Err(error) => return Err(error.into()),
            };
            if ready {
                self.submit(book)?;
            }
        }
        self.stop_as_wished(book)?;
        if self.next <= Instant::now() && self.runs.len() > self.waiting.len() {
            let over = self.look(book)?;
            ended.extend(self.come_home(over, book));
        }
        Ok(ended)
    }
}

impl Remote {
    /// After training, the job that evaluates has a run, where there is one.
    fn goes_on_to_evaluate(&mut self, run: RunId, at: Time, book: &mut dyn Book) -> bool {
        let engine = self.cluster.kind().word().to_owned();
        let apart = self.site.settings.evaluation.as_deref();
        let gpus = apart.map_or(0, EngineConfig::gpus_of_run);
        let Some(tracked) = self.runs.get_mut(&run) else {
            return false;
        };
        let Some(second) = tracked.second.take() else {
            return false;
        };
        tracked.ticket = second.ticket;
        tracked.handle = second.handle;
        tracked.works = false;
        tracked.missing = 0;
        let placed = Placed {
            engine,
            ticket: tracked.ticket.clone(),
            job: tracked.handle.clone(),
            gpus,
        };
        book.evaluates(run, &placed, at);
        true
    }

    /// What will not be trained is not evaluated.
    fn drop_second(&mut self, tracked: &Tracked) {
        if let Some(second) = &tracked.second {
            let _ = work::take_back(&self.site.home(&tracked.job), &second.ticket);
            if let Some(handle) = &second.handle {
                let _ = self.cluster.cancel(std::slice::from_ref(handle), true);
            }
        }
    }

    /// While the engine does not answer, it is left alone for a while.
    fn is_due_to_submit(&self) -> bool {
        self.trouble.is_none() || self.next <= Instant::now()
    }
}
