//! Runs that are with a cluster: the engine that every [`Cluster`] makes.
//!
//! A run is given away under a ticket, which the ledger has before the engine does; so a launcher that takes over knows what to
//! ask for. Whatever the engine remembers, a run is over when its node has left a record, or when the engine has not known of it
//! twice and its ticket was taken back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use olmix_io::EngineConfig;
use olmix_ledger::{FailureKind, Placed, RunId, Stage, Time};

use super::probe::Probe;
use super::{Batch, Cluster, ClusterError, How, Seen, SeenState, submission_folder};
use crate::LaunchError;
use crate::clock::now;
use crate::engine::{Book, Ended, Engine, Outcome};
use crate::job::{Job, Step};
use crate::storage::Storage;
use crate::work::{self, EndRecord, FOLDER};

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

/// What runs on a cluster need besides the engine itself.
#[derive(Debug, Clone)]
pub struct Site {
    /// The swarm's name, for people.
    pub swarm: String,
    /// The folder of runs, on a filesystem that nodes share or with a store in its place.
    pub out: PathBuf,
    /// Where folders of runs are kept when nodes share no filesystem with the launcher.
    pub storage: Option<Storage>,
    /// The working directory.
    pub workdir: PathBuf,
    /// This program on the nodes.
    pub program: PathBuf,
    /// What each run gets.
    pub settings: EngineConfig,
}

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

struct Tracked {
    job: Job,
    ticket: String,
    /// What the engine calls it.
    handle: Option<String>,
    works: bool,
    /// Polls in which the engine did not know of it, or of its end.
    missing: u32,
    stop: Option<Stop>,
    /// The submission may not have reached the engine.
    doubtful: bool,
    /// The job that evaluates, where that is another than the one that trains.
    second: Option<Second>,
}

#[derive(Debug, Clone)]
struct Second {
    ticket: String,
    handle: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    hard: bool,
    asked: Option<Instant>,
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

    fn token(&mut self) -> String {
        self.made += 1;
        let mut number =
            now().unsigned_abs() * 1000 + u64::from(std::process::id() % 1000 + self.made) % 1000;
        let mut token = String::new();
        while number > 0 {
            token.push(char::from(
                b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize],
            ));
            number /= 36;
        }
        format!("{}{}", token.chars().rev().collect::<String>(), self.made)
    }

    /// Gives what waits to the cluster.
    fn submit(&mut self, book: &mut dyn Book) -> Result<(), LaunchError> {
        let most = match self.cluster.most_tasks() {
            Ok(most) => most,
            Err(error) => {
                return self.troubled(error, book);
            }
        };
        let waiting = std::mem::take(&mut self.waiting);
        let parts: Vec<&[RunId]> = waiting.chunks(most).collect();
        let at_once = self.site.settings.jobs.map(|jobs| jobs as usize);
        let mut given: Vec<RunId> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            // Each array has its part of what may run at once.
            let share = at_once.map(|most| (most * part.len()).div_ceil(waiting.len()).max(1));
            match self.submit_part(part, share, book) {
                Ok(mut submitted) => given.append(&mut submitted),
                Err(ClusterError::Unreachable(message)) => {
                    // Those of this part are looked for; the rest waits.
                    self.waiting = parts[i + 1..].concat();
                    return self.troubled(ClusterError::Unreachable(message), book);
                }
                Err(error) => {
                    self.take_back(&given);
                    self.waiting = waiting;
                    return Err(error.into());
                }
            }
        }
        self.trouble = None;
        Ok(())
    }

    fn submit_part(
        &mut self,
        part: &[RunId],
        at_once: Option<usize>,
        book: &mut dyn Book,
    ) -> Result<Vec<RunId>, ClusterError> {
        let token = self.token();
        let gpus = self.site.settings.gpus_of_run();
        let ticket = |task: usize| format!("{token}-{}", task + 1);
        let tickets: Vec<(RunId, String)> = part
            .iter()
            .enumerate()
            .map(|(task, run)| (*run, ticket(task)))
            .collect();
        let engine = self.cluster.kind().word();
        let ours: HashSet<RunId> = book.ticketed(engine, gpus, &tickets).into_iter().collect();
        for (run, ticket) in &tickets {
            if !ours.contains(run) {
                self.runs.remove(run);
            } else if let Some(tracked) = self.runs.get_mut(run) {
                tracked.ticket.clone_from(ticket);
                tracked.doubtful = true;
            }
        }
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        // Numbers of tasks are lines of the file: none may be left out.
        if ours.len() < tickets.len() {
            let left = part.iter().filter(|run| self.runs.contains_key(run));
            self.waiting.extend(left);
            return Ok(Vec::new());
        }
        let container = self.site.settings.container.as_deref();
        let apart = self.site.settings.evaluation.as_deref();
        let (mut orders, mut seconds) = (Vec::new(), Vec::new());
        for (run, ticket) in &tickets {
            let Some(tracked) = self.runs.get(run) else {
                continue;
            };
            let mut order = work::order(&tracked.job, ticket, container);
            let storage = self.site.storage.as_ref();
            order.storage = storage.map(|storage| storage.url_of(&tracked.job.name));
            let second = apart
                .and_then(|apart| order.split_evaluation(apart.container.as_deref(), &tracked.job));
            seconds.extend(second);
            orders.push(order);
        }
        let cluster = self.cluster.as_mut();
        let handles = submit_orders(
            cluster,
            &self.site,
            &token,
            &orders,
            &With {
                at_once,
                ..With::default()
            },
        )?;
        let follow = match (apart, handles.first()) {
            (Some(apart), Some(first)) if seconds.len() == orders.len() => {
                let site = Site {
                    settings: apart.clone(),
                    ..self.site.clone()
                };
                let token = format!("{token}{}", work::EVALUATION);
                let with = With {
                    after: Some(first),
                    ..With::default()
                };
                let done = submit_orders(cluster, &site, &token, &seconds, &with);
                if matches!(done, Err(ClusterError::Refused { .. })) {
                    let _ = cluster.cancel(&handles, true);
                }
                done?
            }
            _ => Vec::new(),
        };
        let mut jobs = Vec::new();
        for (i, (run, ticket)) in tickets.iter().enumerate() {
            if let (Some(tracked), Some(handle)) = (self.runs.get_mut(run), handles.get(i)) {
                tracked.handle = Some(handle.clone());
                tracked.doubtful = false;
                tracked.second = follow.get(i).map(|handle| Second {
                    ticket: work::evaluation_ticket(ticket),
                    handle: Some(handle.clone()),
                });
                jobs.push((*run, handle.clone()));
            }
        }
        book.known_as(&jobs);
        self.soon();
        Ok(jobs.into_iter().map(|(run, _)| run).collect())
    }

    /// Takes a part of a swarm back from the cluster, since another part was refused.
    fn take_back(&mut self, given: &[RunId]) {
        let handles = given
            .iter()
            .filter_map(|run| self.runs.get(run)?.handle.clone());
        let handles: Vec<String> = handles.collect();
        let _ = self.cluster.cancel(&handles, true);
        for run in given {
            if let Some(tracked) = self.runs.get(run) {
                tracked.take_ticket_back(&self.site);
            }
        }
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

    /// One question to the engine about all runs.
    fn look(&mut self, book: &mut dyn Book) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let told = match self.cluster.look() {
            Ok(told) => told,
            Err(error) => return self.troubled(error, book).map(|()| Vec::new()),
        };
        if self.trouble.take().is_some() {
            book.say(format!("{} answers again", self.cluster.kind().word()));
            self.pace = SOON;
        }
        let found = by_ticket(&told, &self.runs);
        let mut ended = Vec::new();
        let (mut begun, mut named) = (Vec::new(), Vec::new());
        let mut vanished = Vec::new();
        let mut changed = false;
        let mut away = None;
        for (run, tracked) in &mut self.runs {
            if self.waiting.contains(run) {
                continue;
            }
            let Some(seen) = found.get(run) else {
                vanished.push(*run);
                continue;
            };
            if seen.task.is_some() && tracked.handle.as_ref() != Some(&seen.job) {
                tracked.handle = Some(seen.job.clone());
                tracked.doubtful = false;
                named.push((*run, seen.job.clone()));
            }
            match seen.state {
                SeenState::Waits => {
                    tracked.missing = 0;
                    if tracked.works {
                        tracked.works = false;
                        changed = true;
                        let cause = format!(
                            "its place was taken away ({}); it is begun again",
                            seen.note
                        );
                        book.waits_again(*run, &tracked.job.name, &cause);
                    }
                }
                SeenState::Works => {
                    tracked.missing = 0;
                    if !tracked.works {
                        tracked.works = true;
                        changed = true;
                        let since = seen.working.unwrap_or_default().as_millis();
                        begun.push((*run, now() - i64::try_from(since).unwrap_or(0)));
                    }
                }
                SeenState::Stuck => {
                    let cause = format!(
                        "{} holds it back: {}",
                        self.cluster.kind().word(),
                        seen.note
                    );
                    let _ = self.cluster.cancel(std::slice::from_ref(&seen.job), true);
                    let kind = FailureKind::Lost;
                    ended.push((*run, Outcome::Failed { kind, cause }, now()));
                }
                SeenState::Ended(how) => {
                    changed = true;
                    if away.is_some() {
                        continue;
                    }
                    match tracked.end(how, seen, self.cluster.as_mut(), &self.site) {
                        Ok(Some((outcome, at, began))) => {
                            // What ended between two polls has begun, too.
                            begun.extend(began.filter(|_| !tracked.works).map(|at| (*run, at)));
                            ended.push((*run, outcome, at));
                        }
                        Ok(None) => {}
                        Err(error) => away = Some(error),
                    }
                }
            }
        }
        book.known_as(&named);
        book.begun(&begun);
        let settled = match away {
            None => self.settle_vanished(&vanished),
            Some(error) => Err(error),
        };
        let away = settled.map(|settled| ended.extend(settled)).err();
        changed |= !ended.is_empty() || !vanished.is_empty();
        self.pace = if changed {
            SOON
        } else {
            (self.pace * 3 / 2).min(SELDOM)
        };
        self.next = Instant::now() + self.pace;
        if let Some(error) = away {
            self.storage_away(&error, book);
        }
        Ok(ended)
    }

    /// Runs that the engine does not know of: over by their own records or its accounts, or lost. Fails when the store does not
    /// answer.
    fn settle_vanished(
        &mut self,
        vanished: &[RunId],
    ) -> Result<Vec<(RunId, Outcome, Time)>, LaunchError> {
        let mut ended = Vec::new();
        let mut unknown: Vec<(RunId, String)> = Vec::new();
        for run in vanished {
            let Some(tracked) = self.runs.get_mut(run) else {
                continue;
            };
            let record = tracked.record(&self.site)?;
            tracked.missing += 1;
            if let Some(record) = record {
                let outcome = match record.outcome() {
                    Outcome::Stopped if tracked.stop.is_none() => {
                        lost("it was stopped, and the engine does not know of it any more")
                    }
                    outcome => outcome,
                };
                ended.push((*run, outcome, record.ended));
            } else if tracked.missing >= POLLS {
                unknown.push((*run, tracked.handle.clone().unwrap_or_default()));
            }
        }
        let asked: Vec<String> = unknown
            .iter()
            .map(|(_, job)| job.clone())
            .filter(|job| !job.is_empty())
            .collect();
        let accounts = self.cluster.ask_after(&asked).unwrap_or_default();
        for (run, job) in unknown {
            let Some(tracked) = self.runs.get(&run) else {
                continue;
            };
            let account = accounts.iter().find(|seen| seen.job == job);
            let outcome = match account.map(|seen| (seen.state, seen)) {
                Some((SeenState::Ended(how), seen)) => {
                    tracked.by_engine(how, seen, None, None, &self.site)
                }
                _ if tracked.stop.is_some() => Outcome::Stopped,
                _ => lost(&format!(
                    "{} does not know of it any more, and it left no record of its end",
                    self.cluster.kind().word()
                )),
            };
            tracked.take_ticket_back(&self.site);
            ended.push((run, outcome, now()));
        }
        Ok(ended)
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

impl Tracked {
    fn new(job: Job, ticket: String, handle: Option<String>, works: bool) -> Self {
        Self {
            job,
            ticket,
            doubtful: handle.is_none(),
            handle,
            works,
            missing: 0,
            stop: None,
            second: None,
        }
    }

    fn ended(self, outcome: Outcome, at: Time) -> Ended {
        Ended {
            job: self.job,
            outcome,
            at,
        }
    }

    /// What the node left about this attempt's end.
    fn record(&self, site: &Site) -> Result<Option<EndRecord>, LaunchError> {
        let bytes = site.record(&self.job, &self.ticket)?;
        let record = bytes.and_then(|bytes| serde_json::from_slice::<EndRecord>(&bytes).ok());
        Ok(record.filter(|record| record.ticket == self.ticket))
    }

    /// How and when a job ended that the engine says has, and when it began as far as its record tells; `None` while that may
    /// still come.
    fn end(
        &mut self,
        how: How,
        seen: &Seen,
        cluster: &mut dyn Cluster,
        site: &Site,
    ) -> Result<Option<(Outcome, Time, Option<Time>)>, LaunchError> {
        let record = self.record(site)?;
        let at = record.as_ref().map_or_else(now, |record| record.ended);
        let began = record.as_ref().map(|record| record.began);
        let mut printed = |ticket: &str| {
            let (token, task) = ticket.rsplit_once('-')?;
            let folder = submission_folder(&site.out, token);
            cluster.printed(&seen.job, &folder, task.parse().ok()?)
        };
        // Of what a signal ended, the engine may know why.
        let killed = |outcome: &Outcome| {
            let told = !matches!(how, How::Well | How::Badly);
            told && matches!(
                outcome,
                Outcome::Failed {
                    kind: FailureKind::Killed,
                    ..
                }
            )
        };
        match record.as_ref().map(EndRecord::outcome) {
            Some(outcome) if killed(&outcome) => {}
            Some(outcome @ (Outcome::Done | Outcome::Failed { .. })) => {
                // What is empty is cleared away.
                printed(&self.ticket);
                return Ok(Some((outcome, at, began)));
            }
            Some(_) => {}
            None => {
                // A shared filesystem may show a file late.
                self.missing += 1;
                if self.missing < POLLS && matches!(how, How::Well | How::Badly) {
                    return Ok(None);
                }
            }
        }
        let printed = printed(&self.ticket);
        self.take_ticket_back(site);
        let outcome = self.by_engine(how, seen, printed, record.as_ref(), site);
        Ok(Some((outcome, at, began)))
    }

    /// How a job ended by what the engine says alone.
    fn by_engine(
        &self,
        how: How,
        seen: &Seen,
        printed: Option<String>,
        record: Option<&EndRecord>,
        site: &Site,
    ) -> Outcome {
        if self.stop.is_some() {
            return Outcome::Stopped;
        }
        let said = printed.map_or_else(String::new, |line| format!(": {line}"));
        let job = &seen.job;
        let (kind, cause) = match how {
            How::Cancelled => {
                return Outcome::Unwanted(format!("job {job} was cancelled from outside"));
            }
            How::Well => (
                FailureKind::Exited,
                format!(
                    "job {job} ended well, but left no record in {}{said}",
                    site.home(&self.job).path_of(FOLDER).display()
                ),
            ),
            How::Badly if record.is_some() => (
                FailureKind::Killed,
                format!("job {job} was stopped by a signal from outside{said}"),
            ),
            How::Badly => (
                FailureKind::Killed,
                format!(
                    "job {job} failed and left no record of its end ({}){said}",
                    seen.note
                ),
            ),
            How::Preempted => (
                FailureKind::Preempted,
                format!("job {job} made place for others"),
            ),
            How::NodeFailed => (FailureKind::Lost, format!("the node of job {job} failed")),
            How::TimedOut => (
                FailureKind::Timeout,
                format!(
                    "job {job} reached its time limit; raise engine.time, and run it again with --retry-failed: it goes on from its checkpoint"
                ),
            ),
            How::OutOfMemory => (
                FailureKind::OutOfMemory,
                format!("job {job} needed more memory than it may have; raise engine.memory{said}"),
            ),
        };
        Outcome::Failed { kind, cause }
    }

    /// Makes sure that no job begins with the ticket any more.
    fn take_ticket_back(&self, site: &Site) {
        let _ = work::take_back(&site.home(&self.job), &self.ticket);
    }
}

fn lost(cause: &str) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Lost,
        cause: cause.to_owned(),
    }
}

/// What was told of each run, by its ticket.
fn by_ticket<'s>(told: &'s [Seen], runs: &BTreeMap<RunId, Tracked>) -> HashMap<RunId, &'s Seen> {
    let mut one: HashMap<(&str, usize), &Seen> = HashMap::new();
    let mut rest: HashMap<&str, &Seen> = HashMap::new();
    for seen in told {
        match seen.task {
            Some(task) => {
                // Of two jobs with one ticket the one that works, or else will, counts.
                let rank = |seen: &Seen| match seen.state {
                    SeenState::Works => 0,
                    SeenState::Waits => 1,
                    SeenState::Stuck => 2,
                    SeenState::Ended(_) => 3,
                };
                let place = one.entry((&seen.token, task)).or_insert(seen);
                if rank(seen) < rank(place) {
                    *place = seen;
                }
            }
            None => {
                rest.insert(&seen.token, seen);
            }
        }
    }
    let find = |tracked: &Tracked| {
        let (token, task) = tracked.ticket.rsplit_once('-')?;
        let own = one.get(&(token, task.parse().ok()?));
        own.or_else(|| rest.get(token)).copied()
    };
    let found = runs
        .iter()
        .filter_map(|(run, tracked)| Some((*run, find(tracked)?)));
    found.collect()
}

/// Writes the orders of a submission, and submits it.
pub(super) fn submit_orders(
    cluster: &mut dyn Cluster,
    site: &Site,
    token: &str,
    orders: &[work::Order],
    with: &With<'_>,
) -> Result<Vec<String>, ClusterError> {
    let folder = submission_folder(&site.out, token);
    let home = site.submission(token);
    let file = home.path_of(ORDERS);
    let refused =
        |message: String| ClusterError::refused(message, "give an --out that you may write to");
    fs::create_dir_all(&folder)
        .map_err(|error| refused(format!("{}: {error}", folder.display())))?;
    let mut text = String::new();
    for order in orders {
        text += &serde_json::to_string(order).map_err(|error| refused(error.to_string()))?;
        text.push('\n');
    }
    home.put(ORDERS, text.as_bytes())?;
    let batch = batch(site, token, &folder, &file, orders.len(), with);
    let done = cluster.submit(&batch);
    if matches!(done, Err(ClusterError::Refused { .. })) {
        // Nothing came of it, and nothing is kept.
        let _ = home.remove(ORDERS);
        let _ = fs::remove_dir_all(&folder);
        let _ = folder.parent().map(fs::remove_dir);
    }
    done
}

/// How a submission is to be run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct With<'w> {
    /// Most tasks at once.
    pub at_once: Option<usize>,
    /// The job that it begins after.
    pub after: Option<&'w str>,
    /// Whether it is a probe.
    pub probe: bool,
}

/// The file of orders in a submission's folder.
pub(super) const ORDERS: &str = "orders.jsonl";

fn batch<'b>(
    site: &'b Site,
    token: &'b str,
    folder: &'b Path,
    orders: &'b Path,
    tasks: usize,
    with: &With<'b>,
) -> Batch<'b> {
    Batch {
        token,
        swarm: &site.swarm,
        folder,
        orders,
        program: &site.program,
        tasks,
        at_once: with.at_once,
        settings: &site.settings,
        workdir: &site.workdir,
        after: with.after,
        probe: with.probe,
    }
}

/// What would be submitted for so many runs, for people; `apart` where each has an evaluation that may be a job of its own.
/// Nothing is done, and a cluster that does not answer is taken to have no limit.
pub fn preview(cluster: &mut dyn Cluster, site: &Site, runs: usize, apart: bool) -> String {
    let most = cluster.most_tasks().unwrap_or(usize::MAX);
    let at_once = site.settings.jobs.map(|jobs| jobs as usize);
    let at_once = at_once.map(|jobs| (jobs * runs.min(most)).div_ceil(runs.max(1)).max(1));
    let show = |site: &Site, token: &str, with: &With<'_>| {
        let folder = submission_folder(&site.out, token);
        let orders = site.submission(token).path_of(ORDERS);
        cluster.preview(&batch(site, token, &folder, &orders, runs.min(most), with))
    };
    let mut text = show(
        site,
        "TOKEN",
        &With {
            at_once,
            ..With::default()
        },
    );
    if let Some(apart) = site.settings.evaluation.as_deref().filter(|_| apart) {
        let site = Site {
            settings: apart.clone(),
            ..site.clone()
        };
        let with = With {
            after: Some("JOB"),
            ..With::default()
        };
        text += "\n";
        text += &show(&site, "TOKENe", &with);
    }
    match runs.div_ceil(most.max(1)) {
        0 | 1 => text,
        arrays => format!("# {arrays} submissions of at most {most} runs each, such as\n{text}"),
    }
}
