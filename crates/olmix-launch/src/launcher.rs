//! The launcher: takes runs from the ledger, gives them to an engine, and records how they end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use olmix_io::LaunchConfig;
use olmix_ledger::{
    Failed, FailureKind, Finished, Ledger, LedgerError, Placed, Process, Run, RunId, Stage, State,
    Swarm, Time,
};

use crate::LaunchError;
use crate::clock::now;
use crate::engine::{Book, Ended, Engine, Outcome};
use crate::metrics::{self, BadMetrics};
use crate::process::{self, Liveness};
use crate::progress::RunProgress;
use crate::swarm::folder_of;
use crate::trainer::{self, Tools};
use crate::{Job, log};

/// How often a launcher says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// How old the heartbeat of a launcher on another machine may be before it is taken for dead.
const STALE: Duration = Duration::from_mins(2);

/// How long a process that survived its launcher has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// How often the engine is asked, and how often the ledger is.
const POLL: Duration = Duration::from_millis(25);
const LOOK: Duration = Duration::from_millis(500);

/// What is asked of the launcher from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    GoOn,
    /// End the runs that run, put them back, and end.
    Stop,
    /// The same, without giving them time.
    StopNow,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run begins; its name and attempt.
    Began(String, u32),
    /// It finished.
    Finished(String),
    /// It failed; whether it is tried again, and why it failed.
    Failed(String, bool, String),
    /// It was cancelled while it ran.
    Cancelled(String),
    /// So many runs were taken from a launcher that died.
    Recovered(usize),
    /// So many runs that an engine has are followed from here on.
    Adopted(usize),
    /// The engine took a run's place away and will begin it again; why.
    WaitsAgain(String, String),
    /// The engine has something to say.
    Said(String),
}

/// Hears of a launch while it goes on, and may end it.
pub trait Watcher {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// Asked some forty times a second: shows how far the swarm is, if it likes, and says what is
    /// wished.
    fn wish(&mut self, ledger: &Ledger) -> Wish;
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// No run is left that waits or runs.
    Complete,
    /// It was stopped; so many runs were put back.
    Stopped(usize),
    /// It ended while so many runs go on with their engine.
    Left(usize),
}

/// When a launch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When no run is left that waits or runs.
    Complete,
    /// When the engine has all of them.
    Submitted,
    /// When those that someone asked to cancel have ended; none is begun.
    Cancelled,
    /// After one look at what the engine has; none is begun.
    Looked,
}

/// A launcher at work.
#[derive(Debug)]
pub struct Launcher<'l> {
    /// The ledger.
    pub ledger: &'l mut Ledger,
    /// The swarm.
    pub swarm: &'l Swarm,
    /// What its commands need.
    pub tools: Tools,
    /// How often a run that failed is tried again.
    pub retries: u32,
    /// When it ends.
    pub until: Until,
}

impl Launcher<'_> {
    /// Runs what is queued, together with other launchers on the same ledger, until nothing is left.
    ///
    /// # Errors
    /// [`LaunchError`] when the ledger can't be used any more. Runs are then ended, and the next
    /// launcher takes them over.
    pub fn run(
        &mut self,
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<Ending, LaunchError> {
        let this = process::this();
        let id = format!("{}-{}-{}", this.host, this.pid, now());
        self.ledger.register(&id, engine.name(), &this, now())?;
        let heart = Heart::start(self.ledger, &id)?;
        let mut work = Work {
            launcher: self,
            id: &id,
            stopping: HashMap::new(),
            put_back: 0,
            said: Vec::new(),
        };
        let ended = work.run(engine, watcher);
        let ended = ended.or_else(|error| work.give_back(engine, watcher).and(Err(error)));
        drop(heart);
        // Where it fails, the next launcher sees that this process is gone.
        let _ = self.ledger.unregister(&id, now());
        ended
    }
}

/// Why a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Cancelled,
    Interrupted,
    /// Another launcher has it.
    Lost,
    /// It has not begun on its engine, and another one is to have it.
    Moved,
    /// The engine would not have it.
    Refused,
}

struct Work<'w, 'l> {
    launcher: &'w mut Launcher<'l>,
    id: &'w str,
    stopping: HashMap<RunId, Why>,
    put_back: usize,
    /// What there is to tell since the last poll.
    said: Vec<Event>,
}

impl Work<'_, '_> {
    fn run(
        &mut self,
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<Ending, LaunchError> {
        let mut running: Vec<RunId> = Vec::new();
        let mut looked: Option<Instant> = None;
        let mut waiting = true;
        let mut idle = false;
        let until = self.launcher.until;
        let begins = matches!(until, Until::Complete | Until::Submitted);
        loop {
            let wished = watcher.wish(self.launcher.ledger);
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                self.recover(watcher)?;
                running.extend(self.adopt(engine, watcher)?);
                self.look_for_wishes(&running, engine)?;
                let [queued, submitted, at_work, ..] =
                    self.launcher.ledger.counts(self.launcher.swarm.id)?;
                waiting = begins && queued > 0;
                idle = queued + submitted + at_work == 0;
            }
            if wished != Wish::GoOn {
                let kept = running.iter().filter(|run| engine.keeps(**run)).count();
                if kept == running.len() && (kept > 0 || engine.outlives()) {
                    return self.leave(&running, engine, watcher);
                }
                for &run in &running {
                    if engine.keeps(run) {
                        continue;
                    }
                    self.stopping.entry(run).or_insert(Why::Interrupted);
                    engine.stop(run, wished == Wish::StopNow);
                }
            }
            while wished == Wish::GoOn && waiting && engine.room() > 0 {
                let claimed = self.claim(engine)?;
                waiting = !claimed.is_empty();
                for run in claimed {
                    watcher.event(&Event::Began(run.name.clone(), run.attempt));
                    match self.job(&run) {
                        Ok(job) => {
                            running.push(run.id);
                            engine.start(job);
                        }
                        Err(cause) => {
                            let kind = FailureKind::Configuration;
                            let at = now();
                            self.fail(run.id, &run.name, String::new(), kind, cause, at, watcher)?;
                        }
                    }
                }
            }
            for ended in self.poll(engine, watcher)? {
                running.retain(|run| *run != ended.job.run);
                self.record(ended, watcher)?;
                // Another may be queued now, or nothing left.
                waiting = begins;
                looked = None;
            }
            let done = match until {
                Until::Complete => false,
                Until::Submitted => !waiting && looked.is_some() && engine.has_all(),
                Until::Cancelled => {
                    let held = self.launcher.ledger.held(self.id)?;
                    !held.iter().any(|(_, cancel)| *cancel)
                }
                Until::Looked => true,
            };
            if done {
                return Ok(Ending::Left(running.len()));
            }
            if running.is_empty() {
                if wished != Wish::GoOn {
                    return Ok(Ending::Stopped(self.put_back));
                }
                if idle && looked.is_some() {
                    return Ok(Ending::Complete);
                }
            }
            std::thread::sleep(POLL);
        }
    }

    /// Takes the runs of launchers that died.
    fn recover(&mut self, watcher: &mut dyn Watcher) -> Result<(), LedgerError> {
        for other in self.launcher.ledger.launchers()? {
            if other.id == self.id {
                continue;
            }
            let dead = match process::liveness(&other.process) {
                Liveness::Alive => false,
                Liveness::Dead => true,
                Liveness::Unknown => {
                    now() - other.heartbeat > i64::try_from(STALE.as_millis()).unwrap_or(i64::MAX)
                }
            };
            if dead {
                let held = self.launcher.ledger.held(&other.id)?;
                let taken = self
                    .launcher
                    .ledger
                    .abandon(&other.id, other.heartbeat, now())?;
                if taken > 0 {
                    watcher.event(&Event::Recovered(taken));
                    // Those that are queued again are ended before they are begun; these never will be.
                    let cancelled = held.into_iter().filter(|(_, cancel)| *cancel);
                    self.end_survivors(&cancelled.map(|(run, _)| run).collect::<Vec<_>>())?;
                }
            }
        }
        Ok(())
    }

    /// Takes the next runs for an engine.
    fn claim(&mut self, engine: &dyn Engine) -> Result<Vec<Run>, LedgerError> {
        let swarm = self.launcher.swarm.id;
        let ledger = &mut *self.launcher.ledger;
        if engine.outlives() {
            return ledger.claim_to_submit(swarm, self.id, engine.room(), now());
        }
        let claimed = ledger.claim(swarm, self.id, now())?;
        Ok(claimed.into_iter().collect())
    }

    /// Goes on with runs that engines have, and that nobody follows. Those that have not begun on another engine than
    /// this launch's are brought over.
    fn adopt(
        &mut self,
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<RunId>, LaunchError> {
        let adopted = self
            .launcher
            .ledger
            .adopt(self.launcher.swarm.id, self.id)?;
        if !adopted.is_empty() {
            watcher.event(&Event::Adopted(adopted.len()));
        }
        let moves = matches!(self.launcher.until, Until::Complete | Until::Submitted);
        let mut running = Vec::new();
        for run in adopted {
            let Some(placed) = &run.placed else { continue };
            let works = run.state == State::Running;
            let job = self.job_as_begun(&run);
            engine.adopt(job, placed, works)?;
            if moves && !works && placed.engine != engine.name() {
                self.stopping.insert(run.id, Why::Moved);
                engine.stop(run.id, false);
            }
            running.push(run.id);
        }
        Ok(running)
    }

    /// Ends while the engine's runs go on.
    fn leave(
        &mut self,
        running: &[RunId],
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<Ending, LaunchError> {
        self.give_back(engine, watcher)?;
        let held = self.launcher.ledger.held(self.id)?;
        let left = running
            .iter()
            .filter(|run| held.iter().any(|(held, _)| held == *run));
        Ok(Ending::Left(left.count()))
    }

    /// Puts back the runs that the engine has not taken from us.
    fn give_back(
        &mut self,
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<(), LaunchError> {
        for ended in engine.withdraw() {
            self.stopping.entry(ended.job.run).or_insert(Why::Refused);
            self.record(ended, watcher)?;
        }
        Ok(())
    }

    /// Ends what a dead launcher's cancelled runs left running.
    fn end_survivors(&self, cancelled: &[RunId]) -> Result<(), LedgerError> {
        if cancelled.is_empty() {
            return Ok(());
        }
        // They may be of any swarm of the ledger.
        for swarm in self.launcher.ledger.swarms()? {
            let runs = self.launcher.ledger.runs(swarm.id)?;
            for run in runs.iter().filter(|run| cancelled.contains(&run.id)) {
                let (leader, folder) = (run.process.as_ref(), folder_of(&swarm, run));
                let asked = Instant::now();
                process::end_run(leader, &folder, false);
                while !process::of_run(leader, &folder).is_empty() && asked.elapsed() < GRACE {
                    std::thread::sleep(POLL);
                }
                process::end_run(leader, &folder, true);
            }
        }
        Ok(())
    }

    /// Stops runs that someone asked to cancel, and those that another launcher has taken.
    fn look_for_wishes(
        &mut self,
        running: &[RunId],
        engine: &mut dyn Engine,
    ) -> Result<(), LedgerError> {
        let held = self.launcher.ledger.held(self.id)?;
        for &run in running {
            let why = match held.iter().find(|(held, _)| *held == run) {
                Some((_, false)) => continue,
                Some((_, true)) => Why::Cancelled,
                None => Why::Lost,
            };
            // What is cancelled while it is being moved is cancelled.
            self.stopping.insert(run, why);
            engine.stop(run, why == Why::Lost);
        }
        Ok(())
    }

    /// The job of a run that was claimed.
    fn job(&self, run: &Run) -> Result<Job, String> {
        let path: PathBuf = self.launcher.swarm.variants.join(&run.config);
        let (config, record) = LaunchConfig::load(&path).map_err(|error| error.to_string())?;
        if record.sha256 != run.config_sha256 {
            return Err(format!(
                "{} was changed after the launch began; launch again",
                path.display()
            ));
        }
        let folder = folder_of(self.launcher.swarm, run);
        trainer::job_there(run, &config, &path, &folder, &self.launcher.tools)
            .map_err(|error| error.to_string())
    }

    /// The job of a run that an engine has: only where its results are is still of interest, so a config that can't be
    /// read any more does no harm.
    fn job_as_begun(&self, run: &Run) -> Job {
        self.job(run).unwrap_or_else(|_| {
            let folder = folder_of(self.launcher.swarm, run);
            Job {
                run: run.id,
                name: run.name.clone(),
                attempt: run.attempt,
                metrics: folder.join("metrics.json"),
                folder,
                mixture: run.mixture.clone(),
                steps: Vec::new(),
                timeout: None,
                previous: None,
                fresh: false,
                away: None,
            }
        })
    }

    fn poll(
        &mut self,
        engine: &mut dyn Engine,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<Ended>, LaunchError> {
        let mut writer = Writer {
            ledger: self.launcher.ledger,
            launcher: self.id,
            said: &mut self.said,
            failed: None,
        };
        let ended = engine.poll(&mut writer);
        let failed = writer.failed.take();
        for event in self.said.drain(..) {
            watcher.event(&event);
        }
        match failed {
            Some(error) => Err(error.into()),
            None => ended,
        }
    }

    fn record(&mut self, ended: Ended, watcher: &mut dyn Watcher) -> Result<(), LedgerError> {
        let Ended { job, outcome, at } = ended;
        let why = self.stopping.remove(&job.run);
        let (kind, cause) = match outcome {
            Outcome::Done => match metrics::read(&job.metrics) {
                Ok(metrics) => {
                    let tokens = RunProgress::read(&job.folder).tokens;
                    let finished = Finished { metrics, tokens };
                    if self
                        .launcher
                        .ledger
                        .finish(job.run, self.id, &finished, at)?
                    {
                        watcher.event(&Event::Finished(job.name));
                    }
                    return Ok(());
                }
                Err(BadMetrics::Missing) => (
                    FailureKind::NoMetrics,
                    format!("it exited with 0, but left no {}", job.metrics.display()),
                ),
                Err(BadMetrics::Wrong(what)) => (
                    FailureKind::BadMetrics,
                    format!("{}: {what}", job.metrics.display()),
                ),
            },
            Outcome::Failed { kind, cause } => (kind, cause),
            Outcome::Stopped => {
                let ledger = &*self.launcher.ledger;
                match why {
                    Some(Why::Cancelled) => {
                        let cause = "cancelled while it ran";
                        if ledger.ended_by_wish(job.run, self.id, cause, at)? {
                            watcher.event(&Event::Cancelled(job.name));
                        }
                    }
                    Some(Why::Moved) => {
                        let cause = "another engine is to have it";
                        ledger.put_back(job.run, self.id, cause, at)?;
                    }
                    Some(Why::Refused) => {
                        ledger.put_back(job.run, self.id, "it was not submitted", at)?;
                    }
                    Some(Why::Interrupted) => {
                        let cause = "its launcher was stopped";
                        if ledger.put_back(job.run, self.id, cause, at)? {
                            self.put_back += 1;
                        }
                    }
                    // Nothing of it is ours to record.
                    Some(Why::Lost) | None => {}
                }
                return Ok(());
            }
            Outcome::Unwanted(cause) => {
                let ledger = &*self.launcher.ledger;
                if ledger.ended_by_wish(job.run, self.id, &cause, at)? {
                    watcher.event(&Event::Cancelled(job.name));
                }
                return Ok(());
            }
        };
        let tail = log::tail(&job.folder);
        self.fail(job.run, &job.name, tail, kind, cause, at, watcher)
    }

    fn fail(
        &mut self,
        run: RunId,
        name: &str,
        log_tail: String,
        kind: FailureKind,
        cause: String,
        at: Time,
        watcher: &mut dyn Watcher,
    ) -> Result<(), LedgerError> {
        let failed = Failed {
            kind,
            cause: cause.clone(),
            log_tail,
        };
        let retries = self.launcher.retries;
        let state = self
            .launcher
            .ledger
            .fail(run, self.id, &failed, retries, at)?;
        match state {
            Some(State::Cancelled) => watcher.event(&Event::Cancelled(name.to_owned())),
            Some(state) => {
                let again = state == State::Queued;
                watcher.event(&Event::Failed(name.to_owned(), again, cause));
            }
            None => {}
        }
        Ok(())
    }
}

/// Writes into the ledger what an engine tells.
struct Writer<'w> {
    ledger: &'w mut Ledger,
    launcher: &'w str,
    said: &'w mut Vec<Event>,
    failed: Option<LedgerError>,
}

impl Writer<'_> {
    fn noted<T: Default>(&mut self, done: Result<T, LedgerError>) -> T {
        done.unwrap_or_else(|error| {
            self.failed = Some(error);
            T::default()
        })
    }
}

impl Book for Writer<'_> {
    fn works(&mut self, run: RunId, stage: Stage, process: &Process) -> bool {
        let done = self.ledger.works(run, self.launcher, stage, process);
        self.noted(done)
    }

    fn ticketed(&mut self, engine: &str, gpus: u32, tickets: &[(RunId, String)]) -> Vec<RunId> {
        let done = self.ledger.ticketed(self.launcher, engine, gpus, tickets);
        self.noted(done)
    }

    fn known_as(&mut self, jobs: &[(RunId, String)]) {
        if !jobs.is_empty() {
            let done = self.ledger.known_as(self.launcher, jobs);
            self.noted(done);
        }
    }

    fn begun(&mut self, runs: &[(RunId, Time)]) {
        if !runs.is_empty() {
            let done = self.ledger.begun(self.launcher, runs);
            self.noted(done);
        }
    }

    fn waits_again(&mut self, run: RunId, name: &str, cause: &str) {
        let done = self.ledger.waits_again(run, self.launcher, cause, now());
        self.noted(done);
        let event = Event::WaitsAgain(name.to_owned(), cause.to_owned());
        self.said.push(event);
    }

    fn evaluates(&mut self, run: RunId, placed: &Placed, at: Time) {
        let done = self.ledger.evaluates(run, self.launcher, placed, at);
        self.noted(done);
    }

    fn say(&mut self, line: String) {
        self.said.push(Event::Said(line));
    }
}

/// Says that the launcher is alive while it is at work.
struct Heart {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    fn start(ledger: &Ledger, id: &str) -> Result<Self, LedgerError> {
        let own = Ledger::open_existing(ledger.path())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (id, stopped) = (id.to_owned(), Arc::clone(&stop));
        let beat = move || {
            while !stopped.load(Ordering::Relaxed) {
                // One that is missed (a full disk, say) does no harm.
                let _ = own.beat(&id, now());
                std::thread::park_timeout(HEARTBEAT);
            }
        };
        Ok(Self {
            stop,
            thread: Some(std::thread::spawn(beat)),
        })
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
