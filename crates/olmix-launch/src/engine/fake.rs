//! An engine of scripts: its runs end as a test says, by a clock that the test sets.
//!
//! It is a whole engine in one file, and the example of `docs/engines.md`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use olmix_ledger::{EngineJob, FailureKind, RunId, Stage};

use super::contract::{Ended, Engine, RunRecorder};
use crate::LaunchError;
use crate::host::clock::Clock;
use crate::host::process;
use crate::protocol::{Job, Outcome, Step};

/// How a registry opens it: on a service of its own, by the clock of this machine.
#[cfg(test)]
pub const ENGINE: super::EngineEntry = super::EngineEntry::Processes(|jobs| {
    let service = FakeService::new(crate::host::clock::SystemClock::shared());
    Box::new(FakeEngine::of_processes(&service, jobs))
});

/// What becomes of one attempt of a run.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How long it takes, by the clock; `None` for one that goes on until it is stopped.
    pub takes: Option<Duration>,
    /// How it ends then.
    pub outcome: Outcome,
    /// What is in its file of metrics then; `None` for no file.
    pub metrics: Option<String>,
    /// How often the engine preempts it before it ends.
    pub preemptions: u32,
}

impl Attempt {
    /// One that succeeds after a second.
    #[must_use]
    pub fn done() -> Self {
        Self {
            takes: Some(Duration::from_secs(1)),
            outcome: Outcome::Done,
            metrics: Some(r#"{"loss": 1.5}"#.into()),
            preemptions: 0,
        }
    }

    /// One that ends otherwise after a second, without metrics.
    #[must_use]
    pub fn ends(outcome: Outcome) -> Self {
        Self {
            outcome,
            metrics: None,
            ..Self::done()
        }
    }

    /// One that fails after a second.
    #[must_use]
    pub fn fails(kind: FailureKind) -> Self {
        Self::ends(Outcome::Failed {
            kind,
            cause: format!("scripted: {kind}"),
        })
    }

    /// One that goes on until it is stopped.
    #[must_use]
    pub fn endless() -> Self {
        Self {
            takes: None,
            ..Self::done()
        }
    }

    /// What a job does that no script is for, by the words of its last command: `sleep` goes on, `exit N`
    /// fails as a process with that exit code, and all else succeeds.
    fn of_command(job: &Job) -> Self {
        let command = job.steps.last().map(Step::command_line);
        let command = command.unwrap_or_default();
        if command.contains("sleep") {
            return Self::endless();
        }
        match command.split_once("exit ").map(|(_, code)| code.trim()) {
            None | Some("0") => Self::done(),
            Some("2") => Self::fails(FailureKind::Configuration),
            Some("3") => Self::fails(FailureKind::Diverged),
            Some(_) => Self::fails(FailureKind::Exited),
        }
    }
}

/// What a [`FakeEngine`] speaks to: it goes on when the engine is dropped, as a scheduler does.
#[derive(Debug)]
pub struct FakeService {
    clock: Arc<dyn Clock>,
    state: Mutex<ServiceState>,
}

#[derive(Debug, Default)]
struct ServiceState {
    scripts: HashMap<String, VecDeque<Attempt>>,
    jobs: BTreeMap<RunId, ServiceJob>,
    most_at_once: usize,
    stops: Vec<(RunId, bool)>,
    down: bool,
}

#[derive(Debug)]
struct ServiceJob {
    began: Duration,
    attempt: Attempt,
}

impl FakeService {
    /// A service without jobs.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, ServiceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of the attempts of a run, one after another; the last of them stands for all further
    /// ones.
    pub fn script(&self, run: &str, attempts: impl IntoIterator<Item = Attempt>) {
        let attempts = attempts.into_iter().collect();
        self.state().scripts.insert(run.to_owned(), attempts);
    }

    /// Runs that it has now.
    #[must_use]
    pub fn jobs(&self) -> Vec<RunId> {
        self.state().jobs.keys().copied().collect()
    }

    /// The most runs that it ever had at once.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.state().most_at_once
    }

    /// Calls of [`Engine::stop`] for runs that an engine had, and whether each was by force.
    #[must_use]
    pub fn stops(&self) -> Vec<(RunId, bool)> {
        self.state().stops.clone()
    }

    /// Takes it down: nothing can be submitted any more.
    pub fn go_down(&self) {
        self.state().down = true;
    }

    fn begin(&self, job: &Job) {
        let mut state = self.state();
        let scripted = state.scripts.get_mut(&job.name).and_then(|script| {
            let next = script.front().cloned();
            if script.len() > 1 {
                script.pop_front();
            }
            next
        });
        let began = ServiceJob {
            began: self.clock.elapsed(),
            attempt: scripted.unwrap_or_else(|| Attempt::of_command(job)),
        };
        state.jobs.insert(job.run, began);
        state.most_at_once = state.most_at_once.max(state.jobs.len());
    }
}

/// An engine of scripts.
#[derive(Debug)]
pub struct FakeEngine {
    name: &'static str,
    service: Arc<FakeService>,
    survives: bool,
    slots: usize,
    runs: BTreeMap<RunId, FakeRun>,
}

#[derive(Debug)]
struct FakeRun {
    job: Job,
    submitted: bool,
    begun: bool,
    stop: bool,
}

impl FakeEngine {
    /// An engine of at most `slots` runs, which end with it, as processes of this machine do.
    #[must_use]
    pub fn of_processes(service: &Arc<FakeService>, slots: usize) -> Self {
        Self {
            name: "fake",
            service: Arc::clone(service),
            survives: false,
            slots,
            runs: BTreeMap::new(),
        }
    }

    /// An engine of a queue that takes all runs, which go on without it.
    #[must_use]
    pub fn of_queue(service: &Arc<FakeService>) -> Self {
        let mut engine = Self::of_processes(service, usize::MAX);
        engine.survives = true;
        engine
    }

    /// The same engine under another name.
    #[must_use]
    pub fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

/// Runs that don't survive their launcher end with the engine.
impl Drop for FakeEngine {
    fn drop(&mut self) {
        if !self.survives {
            let mut state = self.service.state();
            self.runs.keys().for_each(|run| {
                state.jobs.remove(run);
            });
        }
    }
}

impl Engine for FakeEngine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn survives_launcher(&self) -> bool {
        self.survives
    }

    fn capacity(&self) -> usize {
        self.slots.saturating_sub(self.runs.len())
    }

    fn start(&mut self, job: Job) {
        let run = FakeRun {
            submitted: false,
            begun: false,
            stop: false,
            job,
        };
        self.runs.insert(run.job.run, run);
    }

    fn adopt(&mut self, job: Job, engine_job: &EngineJob, begun: bool) -> Result<(), LaunchError> {
        if !self.survives {
            return Err(LaunchError::refused(
                format!("{}: is recorded to be with {}", job.name, engine_job.engine),
                "run it with that engine",
            ));
        }
        let run = FakeRun {
            submitted: true,
            begun,
            stop: false,
            job,
        };
        self.runs.insert(run.job.run, run);
        Ok(())
    }

    fn stop(&mut self, run: RunId, force: bool) {
        if let Some(known) = self.runs.get_mut(&run) {
            known.stop = true;
            self.service.state().stops.push((run, force));
        }
    }

    fn all_submitted(&self) -> bool {
        self.survives && self.runs.values().all(|run| run.submitted)
    }

    fn withdraw(&mut self) -> Vec<Ended> {
        if !self.survives {
            return Vec::new();
        }
        let at = self.service.clock.now();
        let unsubmitted = self.runs.extract_if(.., |_, run| !run.submitted);
        let ended = unsubmitted.map(|(_, run)| Ended {
            job: run.job,
            outcome: Outcome::Stopped,
            at,
        });
        ended.collect()
    }

    fn poll(&mut self, recorder: &mut dyn RunRecorder) -> Result<Vec<Ended>, LaunchError> {
        if self.service.state().down && self.runs.values().any(|run| !run.submitted) {
            return Err(LaunchError::refused("the service is down", "start it"));
        }
        let mut ended = Vec::new();
        for (id, mut run) in std::mem::take(&mut self.runs) {
            match self.advance(&mut run, recorder) {
                None => {
                    self.runs.insert(id, run);
                }
                Some(outcome) => {
                    self.service.state().jobs.remove(&id);
                    ended.push(Ended {
                        job: run.job,
                        outcome,
                        at: self.service.clock.now(),
                    });
                }
            }
        }
        Ok(ended)
    }
}

impl FakeEngine {
    /// Goes on with a run; its outcome, once there is one.
    fn advance(&self, run: &mut FakeRun, recorder: &mut dyn RunRecorder) -> Option<Outcome> {
        let id = run.job.run;
        if !run.submitted {
            if run.stop {
                return Some(Outcome::Stopped);
            }
            let ours = if self.survives {
                let ticket = format!("{}{}-1", run.job.name, run.job.attempt);
                let ours = recorder.tickets_issued(self.name, 1, &[(id, ticket)]);
                ours.contains(&id)
            } else {
                recorder.process_started(id, Stage::Train, &process::this())
            };
            if !ours {
                return Some(Outcome::Stopped);
            }
            run.submitted = true;
            self.service.begin(&run.job);
            if self.survives {
                recorder.jobs_named(&[(id, format!("job-{}", id.0))]);
            }
            return None;
        }
        if run.stop {
            return Some(Outcome::Stopped);
        }
        let mut state = self.service.state();
        let Some(job) = state.jobs.get_mut(&id) else {
            let cause = "the service does not know of it any more".to_owned();
            let kind = FailureKind::Lost;
            return Some(Outcome::Failed { kind, cause });
        };
        if !run.begun && self.survives {
            recorder.started(&[(id, self.service.clock.now())]);
        }
        run.begun = true;
        if self.service.clock.elapsed() < job.began + job.attempt.takes? {
            return None;
        }
        if job.attempt.preemptions > 0 {
            job.attempt.preemptions -= 1;
            job.began = self.service.clock.elapsed();
            run.begun = false;
            recorder.requeued(id, &run.job.name, "scripted: preempted");
            return None;
        }
        if let Some(metrics) = &job.attempt.metrics {
            let folder = run.job.metrics.parent().unwrap_or(&run.job.folder);
            let written =
                fs::create_dir_all(folder).and_then(|()| fs::write(&run.job.metrics, metrics));
            if let Err(error) = written {
                let (kind, cause) = (FailureKind::Exited, error.to_string());
                return Some(Outcome::Failed { kind, cause });
            }
        }
        Some(job.attempt.outcome.clone())
    }
}
