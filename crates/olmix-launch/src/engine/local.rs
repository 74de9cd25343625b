//! Runs as processes of this machine.
//!
//! A command begins behind a gate: a shell that waits for a line before it becomes the command. The
//! line is sent once the process is in the ledger; should the launcher die before, the shell reads the
//! end of its input instead, and nothing has begun that a successor does not know of.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use olmix_ledger::{EngineJob, FailureKind, Process, RunId};

use super::contract::{Ended, Engine, RunRecorder};
use super::entry::EngineEntry;
use crate::LaunchError;
use crate::host::clock::{now, utc};
use crate::host::process;
use crate::node::exit_status::{classify_exit, timed_out};
use crate::protocol::{Job, Outcome};
use crate::run::folder::prepare;
use crate::run::log;

/// The gate. Standard input is the launcher's pipe until the command begins.
const GATE: &str = r#"read -r _ || exit 125; exec "$@" < /dev/null"#;

/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long a process may take to vanish once it is killed; longer means that the system holds it.
const KILL_TIMEOUT: Duration = Duration::from_secs(30);

/// How the registry opens it.
pub const ENGINE: EngineEntry = EngineEntry::Processes(|jobs| Box::new(Local::new(jobs)));

/// A pool of processes.
#[derive(Debug)]
pub struct Local {
    jobs: usize,
    active: Vec<ActiveRun>,
}

#[derive(Debug)]
struct ActiveRun {
    job: Job,
    phase: Phase,
    /// When its commands began.
    began: Instant,
    stop: Option<Stop>,
}

#[derive(Debug)]
enum Phase {
    /// What an earlier attempt left at work is ended.
    EndPrevious(Instant),
    /// A command is at work.
    Command(RunningCommand),
    /// A command ended, and what it left at work is ended; then comes the outcome, or the next step.
    EndRemaining {
        since: Instant,
        leader: Process,
        next: Result<usize, Outcome>,
    },
}

#[derive(Debug)]
struct RunningCommand {
    step: usize,
    child: Child,
    leader: Process,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    since: Instant,
    force: bool,
    timeout: bool,
    asked: bool,
}

impl Stop {
    fn new(force: bool, timeout: bool) -> Self {
        Self {
            since: Instant::now(),
            force,
            timeout,
            asked: false,
        }
    }
}

impl Local {
    /// A pool of this many processes.
    #[must_use]
    pub fn new(jobs: usize) -> Self {
        Self {
            jobs,
            active: Vec::new(),
        }
    }
}

impl Engine for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn survives_launcher(&self) -> bool {
        false
    }

    fn capacity(&self) -> usize {
        self.jobs.saturating_sub(self.active.len())
    }

    fn start(&mut self, job: Job) {
        self.active.push(ActiveRun {
            job,
            phase: Phase::EndPrevious(Instant::now()),
            began: Instant::now(),
            stop: None,
        });
    }

    fn adopt(&mut self, job: Job, engine_job: &EngineJob, _begun: bool) -> Result<(), LaunchError> {
        Err(LaunchError::refused(
            format!("{}: is recorded to be with {}", job.name, engine_job.engine),
            "run it with that engine",
        ))
    }

    fn stop(&mut self, run: RunId, force: bool) {
        let found = self.active.iter_mut().find(|active| active.job.run == run);
        if let Some(active) = found {
            let stop = active.stop.get_or_insert(Stop::new(force, false));
            stop.force |= force;
        }
    }

    fn poll(&mut self, recorder: &mut dyn RunRecorder) -> Result<Vec<Ended>, LaunchError> {
        let mut ended = Vec::new();
        for mut active in std::mem::take(&mut self.active) {
            match active.advance(recorder) {
                None => self.active.push(active),
                Some(outcome) => ended.push(Ended {
                    job: active.job,
                    outcome,
                    at: now(),
                }),
            }
        }
        Ok(ended)
    }
}

/// Whatever happens to the launcher itself, its processes do not go on without it.
impl Drop for Local {
    fn drop(&mut self) {
        for active in &mut self.active {
            if let Phase::Command(command) = &mut active.phase {
                signal_all(&command.leader, &active.job.folder, true);
                let _ = command.child.wait();
            }
        }
    }
}

impl ActiveRun {
    /// Goes on as far as it can without waiting; the outcome, once there is one.
    fn advance(&mut self, recorder: &mut dyn RunRecorder) -> Option<Outcome> {
        let next = match &mut self.phase {
            Phase::EndPrevious(since) => {
                let force = since.elapsed() > GRACE;
                let previous = self.job.previous_process.as_ref();
                let left = process::end_run(previous, &self.job.folder, force);
                if left > 0 {
                    return (since.elapsed() > KILL_TIMEOUT).then(|| stuck(left));
                }
                if let Err(cause) = prepare(
                    &self.job.folder,
                    self.job.fresh,
                    &self.job.metrics,
                    &self.job.mixture,
                    &self.job.phases,
                ) {
                    let kind = FailureKind::Exited;
                    return Some(Outcome::Failed { kind, cause });
                }
                self.began = Instant::now();
                Ok(0)
            }
            Phase::Command(command) => match command.child.try_wait() {
                Ok(None) => {
                    self.stop_as_needed();
                    return None;
                }
                Ok(Some(status)) => {
                    let next = match self.stop {
                        Some(stop) if stop.timeout => {
                            let most = self.job.timeout.unwrap_or_default();
                            Err(timed_out(most.as_secs()))
                        }
                        Some(_) => Err(Outcome::Stopped),
                        None => {
                            let stage = self.job.steps[command.step].stage;
                            classify_exit(stage, &self.job.folder, status)
                                .map_or(Ok(command.step + 1), Err)
                        }
                    };
                    self.end_remaining(next);
                    return None;
                }
                Err(error) => {
                    let cause = format!("its process can't be followed: {error}");
                    let kind = FailureKind::Exited;
                    self.end_remaining(Err(Outcome::Failed { kind, cause }));
                    return None;
                }
            },
            Phase::EndRemaining {
                since,
                leader,
                next,
            } => {
                let left = process::end_run(Some(leader), &self.job.folder, true);
                if left > 0 {
                    return (since.elapsed() > KILL_TIMEOUT).then(|| stuck(left));
                }
                next.clone()
            }
        };
        match next {
            Err(outcome) => Some(outcome),
            Ok(step) if step == self.job.steps.len() => Some(Outcome::Done),
            Ok(_) if self.stop.is_some() => Some(Outcome::Stopped),
            Ok(step) => self.begin(step, recorder).err(),
        }
    }

    /// Begins a command, once it is recorded.
    fn begin(&mut self, step: usize, recorder: &mut dyn RunRecorder) -> Result<(), Outcome> {
        let failed = |error: std::io::Error| Outcome::Failed {
            kind: FailureKind::NotStarted,
            cause: format!("it could not be started: {error}"),
        };
        let line = &self.job.steps[step];
        let title = format!(
            "attempt {}, {}, {}: {}",
            self.job.attempt,
            line.stage,
            utc(now()),
            line.command_line()
        );
        let log = log::begin(&self.job.folder, &title).map_err(failed)?;
        let mut child = spawn(&self.job, step, log).map_err(failed)?;
        let leader = process::of_pid(child.id());
        let go = recorder.process_started(self.job.run, line.stage, &leader);
        // The gate opens for a line, and closes at the end of its input.
        if let Some(mut gate) = child.stdin.take()
            && go
        {
            // A gate that was killed in the meantime is seen as any other end.
            let _ = gate.write_all(b"\n");
        }
        if !go {
            self.stop = Some(Stop::new(true, false));
        }
        self.phase = Phase::Command(RunningCommand {
            step,
            child,
            leader,
        });
        Ok(())
    }

    fn end_remaining(&mut self, next: Result<usize, Outcome>) {
        if let Phase::Command(command) = &self.phase {
            self.phase = Phase::EndRemaining {
                since: Instant::now(),
                leader: command.leader.clone(),
                next,
            };
        }
    }

    /// Signals the processes when they are to be stopped: once to ask, then to end them.
    fn stop_as_needed(&mut self) {
        let late = self
            .job
            .timeout
            .is_some_and(|most| self.began.elapsed() > most);
        if self.stop.is_none() && late {
            self.stop = Some(Stop::new(false, true));
        }
        let (Some(stop), Phase::Command(command)) = (&mut self.stop, &self.phase) else {
            return;
        };
        let force = stop.force || stop.since.elapsed() > GRACE;
        if force || !stop.asked {
            stop.asked = true;
            signal_all(&command.leader, &self.job.folder, force);
        }
    }
}

fn spawn(job: &Job, step: usize, log: File) -> std::io::Result<Child> {
    let step = &job.steps[step];
    Command::new("sh")
        .args(["-c", GATE, "sh", &step.program])
        .args(&step.arguments)
        .envs(job.environment())
        .envs(step.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
}

/// Signals a leader that has not been waited for, with its group, and all else that belongs to the run.
fn signal_all(leader: &Process, folder: &Path, force: bool) {
    process::signal_group(leader, force);
    process::end_run(Some(leader), folder, force);
}

fn stuck(left: usize) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Exited,
        cause: format!("{left} processes of an earlier command do not end, even when killed"),
    }
}
