//! The launcher: takes runs from the ledger, gives them to an engine, and records how they end.
//!
//! Several launchers may work on one ledger. Each round of the loop asks the watcher whether to stop, reads
//! the ledger now and then (launchers that died, runs to adopt or to cancel), gives runs to the engine as far
//! as it takes them, and polls the engine. What an engine tells is in the ledger before the next round.

pub mod commands;
pub mod engines;
mod events;
mod heartbeat;
mod ledger_writer;
mod megatron;
mod outcomes;
mod takeover;
#[cfg(test)]
mod tests;
pub mod time_limit;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use olmix_ledger::{Failed, FailureKind, Ledger, LedgerError, Run, RunId, State, Swarm};

pub use commands::Tools;
pub use events::{Event, LaunchEnd, Until, Watcher};
use heartbeat::Heartbeat;
use ledger_writer::{LedgerWriter, NoRecorder};
use outcomes::{EndWriter, StopReason};
use takeover::recover_dead_launchers;

use crate::LaunchError;
use crate::engine::{Ended, Engine};
use crate::host::clock::Clock;
use crate::host::interrupt::StopRequest;
use crate::host::process;
use crate::protocol::Outcome;

/// How often a run that failed by chance is tried again, where nobody says.
pub const DEFAULT_RETRIES: u32 = 2;

/// The time between two rounds of the loop.
const ROUND: Duration = Duration::from_millis(25);

/// How often the ledger is read, unless a run has just ended.
const LEDGER_INTERVAL: Duration = Duration::from_millis(500);

/// How long runs may take to end after an error.
const END_TIMEOUT: Duration = Duration::from_secs(35);

/// How long a launch that polls once waits for what another poll will decide.
const DECISION: Duration = Duration::from_secs(10);

/// A launch of a swarm, from one process.
#[derive(Debug)]
pub struct Launcher<'l> {
    /// The ledger that the swarm is in.
    pub ledger: &'l mut Ledger,
    /// The swarm, as the ledger has it.
    pub swarm: &'l Swarm,
    /// What its commands need.
    pub tools: Tools,
    /// How often a run that failed by chance is tried again.
    pub retries: u32,
    /// When the launch ends by itself.
    pub until: Until,
    /// The clock that decides when things are looked at, and that dates what is recorded.
    pub clock: Arc<dyn Clock>,
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
    ) -> Result<LaunchEnd, LaunchError> {
        let this = process::this();
        let now = self.clock.now();
        let id = format!("{}-{}-{now}", this.host, this.pid);
        self.ledger.register(&id, engine.name(), &this, now)?;
        let heartbeat = Heartbeat::start(self.ledger, &id, Arc::clone(&self.clock))?;
        let mut launch = LaunchLoop {
            launcher: self,
            id: &id,
            engine,
            watcher,
            running: Vec::new(),
            stopping: HashMap::new(),
            released: 0,
        };
        let end = launch.run();
        let end = end.or_else(|error| {
            launch.end_runs();
            launch.release_unsubmitted().and(Err(error))
        });
        drop(heartbeat);
        // What it holds still is taken by the next launcher; where this fails too, as of one that died.
        let _ = self.ledger.unregister(&id, self.clock.now());
        end
    }
}

struct LaunchLoop<'w, 'l> {
    launcher: &'w mut Launcher<'l>,
    id: &'w str,
    engine: &'w mut dyn Engine,
    watcher: &'w mut dyn Watcher,
    /// Runs that the engine has.
    running: Vec<RunId>,
    stopping: HashMap<RunId, StopReason>,
    /// Runs that ran and are queued again, since the launch is to end.
    released: usize,
}

impl LaunchLoop<'_, '_> {
    fn run(&mut self) -> Result<LaunchEnd, LaunchError> {
        let clock = Arc::clone(&self.launcher.clock);
        let until = self.launcher.until;
        let begins = matches!(until, Until::Complete | Until::Submitted);
        let mut ledger_read: Option<Duration> = None;
        let mut waiting = true;
        let mut idle = false;
        let began = clock.elapsed();
        loop {
            let request = self.watcher.stop_request(self.launcher.ledger);
            if ledger_read.is_none_or(|at| clock.elapsed() >= at + LEDGER_INTERVAL) {
                ledger_read = Some(clock.elapsed());
                self.recover()?;
                self.adopt_orphans()?;
                self.stop_cancelled()?;
                let [queued, submitted, at_work, ..] =
                    self.launcher.ledger.counts(self.launcher.swarm.id)?;
                waiting = begins && queued > 0;
                idle = queued + submitted + at_work == 0;
            }
            if request != StopRequest::None
                && let Some(end) = self.stop(request)?
            {
                return Ok(end);
            }
            while request == StopRequest::None && waiting && self.engine.capacity() > 0 {
                waiting = self.start_next()?;
            }
            for ended in self.poll()? {
                self.running.retain(|run| *run != ended.job.run);
                self.record(ended)?;
                // Another may be queued now, or nothing left.
                waiting = begins;
                ledger_read = None;
            }
            let done = match until {
                Until::Complete => false,
                Until::Submitted => {
                    !waiting && ledger_read.is_some() && self.engine.all_submitted()
                }
                Until::Cancelled => {
                    let held = self.launcher.ledger.held_runs(self.id)?;
                    !held.iter().any(|(_, cancel)| *cancel)
                }
                Until::Polled => !self.engine.is_undecided() || clock.elapsed() > began + DECISION,
            };
            if done {
                return Ok(LaunchEnd::Detached(self.running.len()));
            }
            if self.running.is_empty() {
                if request != StopRequest::None {
                    return Ok(LaunchEnd::Stopped(self.released));
                }
                if idle && ledger_read.is_some() {
                    return Ok(LaunchEnd::Complete);
                }
            }
            clock.sleep(ROUND);
        }
    }

    /// Takes the runs of launchers that died.
    fn recover(&mut self) -> Result<(), LedgerError> {
        let clock = &*self.launcher.clock;
        for taken in recover_dead_launchers(self.launcher.ledger, self.id, clock)? {
            self.watcher.event(&Event::Recovered(taken));
        }
        Ok(())
    }

    /// Follows runs that engines have, and that no launcher follows. Those that have not begun on another
    /// engine than this launch's are brought over.
    fn adopt_orphans(&mut self) -> Result<(), LaunchError> {
        let swarm = self.launcher.swarm;
        let adopted = self.launcher.ledger.adopt(swarm.id, self.id)?;
        if !adopted.is_empty() {
            self.watcher.event(&Event::Adopted(adopted.len()));
        }
        let moves = matches!(self.launcher.until, Until::Complete | Until::Submitted);
        for run in adopted {
            let Some(engine_job) = &run.engine_job else {
                continue;
            };
            let begun = run.state == State::Running;
            let job = commands::job_to_follow(swarm, &run, &self.launcher.tools);
            self.engine.adopt(job, engine_job, begun)?;
            if moves && !begun && engine_job.engine != self.engine.name() {
                self.stopping.insert(run.id, StopReason::Moved);
                self.engine.stop(run.id, false);
            }
            self.running.push(run.id);
        }
        Ok(())
    }

    /// Stops runs that someone asked to cancel, and those that another launcher has taken.
    fn stop_cancelled(&mut self) -> Result<(), LedgerError> {
        let held = self.launcher.ledger.held_runs(self.id)?;
        let engine = &mut *self.engine;
        // A job that another launcher follows now is not this one's to end.
        self.running.retain(|run| {
            let taken = engine.run_survives(*run) && !held.iter().any(|(held, _)| held == run);
            if taken {
                engine.forget(*run);
            }
            !taken
        });
        for &run in &self.running {
            let reason = match held.iter().find(|(held, _)| *held == run) {
                Some((_, false)) => continue,
                Some((_, true)) => StopReason::Cancelled,
                None => StopReason::TakenOver,
            };
            // What is cancelled while it is being moved is cancelled.
            self.stopping.insert(run, reason);
            self.engine.stop(run, reason == StopReason::TakenOver);
        }
        Ok(())
    }

    /// Does as a stop request says; the end of the launch, where all runs go on without it.
    fn stop(&mut self, request: StopRequest) -> Result<Option<LaunchEnd>, LaunchError> {
        let survives = |run: &&RunId| self.engine.run_survives(**run);
        let survivors = self.running.iter().filter(survives).count();
        let all = survivors == self.running.len();
        if all && (survivors > 0 || self.engine.survives_launcher()) {
            return self.detach().map(Some);
        }
        for &run in &self.running {
            if self.engine.run_survives(run) {
                continue;
            }
            self.stopping.entry(run).or_insert(StopReason::Interrupted);
            self.engine.stop(run, request == StopRequest::Immediate);
        }
        Ok(None)
    }

    /// Ends while the engine's runs go on.
    fn detach(&mut self) -> Result<LaunchEnd, LaunchError> {
        self.release_unsubmitted()?;
        let held = self.launcher.ledger.held_runs(self.id)?;
        let left = self
            .running
            .iter()
            .filter(|run| held.iter().any(|(held, _)| held == *run));
        Ok(LaunchEnd::Detached(left.count()))
    }

    /// After an error, ends what would not go on without the launcher: before the ledger says that the
    /// launcher has ended, since others may begin its runs then.
    fn end_runs(&mut self) {
        let clock = Arc::clone(&self.launcher.clock);
        let engine = &mut *self.engine;
        let mut left = self.running.clone();
        left.retain(|run| !engine.run_survives(*run));
        left.iter().for_each(|run| engine.stop(*run, true));
        let since = clock.elapsed();
        while !left.is_empty() && clock.elapsed() < since + END_TIMEOUT {
            let Ok(ended) = engine.poll(&mut NoRecorder) else {
                break;
            };
            left.retain(|run| !ended.iter().any(|ended| ended.job.run == *run));
            clock.sleep(ROUND);
        }
    }

    /// Queues the runs again that the engine has not submitted.
    fn release_unsubmitted(&mut self) -> Result<(), LaunchError> {
        for ended in self.engine.withdraw() {
            self.stopping
                .entry(ended.job.run)
                .or_insert(StopReason::Unsubmitted);
            self.record(ended)?;
        }
        Ok(())
    }

    /// Claims runs and gives them to the engine; whether there were any.
    fn start_next(&mut self) -> Result<bool, LedgerError> {
        let claimed = self.claim()?;
        let any = !claimed.is_empty();
        for run in claimed {
            self.watcher
                .event(&Event::Started(run.name.clone(), run.attempt));
            match commands::job_of_run(self.launcher.swarm, &run, &self.launcher.tools) {
                Ok(job) => {
                    self.running.push(run.id);
                    self.engine.start(job);
                }
                Err(cause) => {
                    let failed = Failed {
                        kind: FailureKind::Configuration,
                        cause,
                        log_tail: String::new(),
                    };
                    let now = self.launcher.clock.now();
                    let event = self.end_writer().failed(run.id, run.name, &failed, now)?;
                    event.iter().for_each(|event| self.watcher.event(event));
                }
            }
        }
        Ok(any)
    }

    /// Takes the next runs for the engine: one that begins at once, or as many as its queue takes.
    fn claim(&mut self) -> Result<Vec<Run>, LedgerError> {
        let swarm = self.launcher.swarm.id;
        let now = self.launcher.clock.now();
        let ledger = &mut *self.launcher.ledger;
        if self.engine.survives_launcher() {
            return ledger.claim_to_submit(swarm, self.id, self.engine.capacity(), now);
        }
        let claimed = ledger.claim(swarm, self.id, now)?;
        Ok(claimed.into_iter().collect())
    }

    fn poll(&mut self) -> Result<Vec<Ended>, LaunchError> {
        let now = self.launcher.clock.now();
        let mut writer = LedgerWriter::new(self.launcher.ledger, self.id, now);
        let ended = self.engine.poll(&mut writer);
        let (events, error) = writer.finish();
        for event in events {
            self.watcher.event(&event);
        }
        match error {
            Some(error) => Err(error.into()),
            None => ended,
        }
    }

    /// Records how a run ended.
    fn record(&mut self, ended: Ended) -> Result<(), LedgerError> {
        let reason = self.stopping.remove(&ended.job.run);
        let interrupted =
            ended.outcome == Outcome::Stopped && reason == Some(StopReason::Interrupted);
        let (event, changed) = self.end_writer().record(ended, reason)?;
        self.released += usize::from(interrupted && changed);
        event.iter().for_each(|event| self.watcher.event(event));
        Ok(())
    }

    fn end_writer(&mut self) -> EndWriter<'_> {
        EndWriter {
            ledger: self.launcher.ledger,
            launcher: self.id,
            retries: self.launcher.retries,
        }
    }
}
