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

use olmix_ledger::{FailureKind, Placed, Process, RunId};

use crate::clock::{now, utc};
use crate::engine::{Book, Ended, Engine, Outcome};
use crate::job::Job;
use crate::judge::{judge, timed_out};
use crate::{LaunchError, log, process};

/// The gate. Standard input is the launcher's pipe until the command begins.
const GATE: &str = r#"read -r _ || exit 125; exec "$@" < /dev/null"#;

/// How long a process may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How long a process may take to vanish once it is killed; longer means that the system holds it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A pool of processes.
#[derive(Debug)]
pub struct Local {
    jobs: usize,
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    job: Job,
    phase: Phase,
    /// When its commands began.
    began: Instant,
    stop: Option<Stop>,
}

#[derive(Debug)]
enum Phase {
    /// What an earlier attempt left at work is ended.
    Clear(Instant),
    /// A command is at work.
    Work(Work),
    /// A command ended, and what it left at work is ended; then comes the outcome, or the next step.
    Sweep {
        since: Instant,
        leader: Process,
        next: Result<usize, Outcome>,
    },
}

#[derive(Debug)]
struct Work {
    step: usize,
    child: Child,
    leader: Process,
}

#[derive(Debug, Clone, Copy)]
struct Stop {
    since: Instant,
    hard: bool,
    timeout: bool,
    asked: bool,
}

impl Stop {
    fn new(hard: bool, timeout: bool) -> Self {
        Self {
            since: Instant::now(),
            hard,
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

    fn outlives(&self) -> bool {
        false
    }

    fn room(&self) -> usize {
        self.jobs.saturating_sub(self.active.len())
    }

    fn running(&self) -> usize {
        self.active.len()
    }

    fn start(&mut self, job: Job) {
        self.active.push(Active {
            job,
            phase: Phase::Clear(Instant::now()),
            began: Instant::now(),
            stop: None,
        });
    }

    fn adopt(&mut self, job: Job, placed: &Placed, _works: bool) -> Result<(), LaunchError> {
        Err(LaunchError::refused(
            format!("{}: is recorded to be with {}", job.name, placed.engine),
            "run it with that engine",
        ))
    }

    fn stop(&mut self, run: RunId, hard: bool) {
        let found = self.active.iter_mut().find(|active| active.job.run == run);
        if let Some(active) = found {
            let stop = active.stop.get_or_insert(Stop::new(hard, false));
            stop.hard |= hard;
        }
    }

    fn poll(&mut self, book: &mut dyn Book) -> Result<Vec<Ended>, LaunchError> {
        let mut ended = Vec::new();
        for mut active in std::mem::take(&mut self.active) {
            match active.advance(book) {
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
            if let Phase::Work(work) = &mut active.phase {
                signal_all(&work.leader, &active.job.folder, true);
                let _ = work.child.wait();
            }
        }
    }
}

impl Active {
    /// Goes on as far as it can without waiting; the outcome, once there is one.
    fn advance(&mut self, book: &mut dyn Book) -> Option<Outcome> {
        let next = match &mut self.phase {
            Phase::Clear(since) => {
                let hard = since.elapsed() > GRACE;
                let previous = self.job.previous.as_ref();
                let left = process::end_run(previous, &self.job.folder, hard);
                if left > 0 {
                    return (since.elapsed() > PATIENCE).then(|| stuck(left));
                }
                if let Err(cause) = self.job.prepare() {
                    let kind = FailureKind::Exited;
                    return Some(Outcome::Failed { kind, cause });
                }
                self.began = Instant::now();
                Ok(0)
            }
            Phase::Work(work) => match work.child.try_wait() {
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
                            let stage = self.job.steps[work.step].stage;
                            judge(stage, &self.job.folder, status).map_or(Ok(work.step + 1), Err)
                        }
                    };
                    self.sweep(next);
                    return None;
                }
                Err(error) => {
                    let cause = format!("its process can't be followed: {error}");
                    let kind = FailureKind::Exited;
                    self.sweep(Err(Outcome::Failed { kind, cause }));
                    return None;
                }
            },
            Phase::Sweep {
                since,
                leader,
                next,
            } => {
                let left = process::end_run(Some(leader), &self.job.folder, true);
                if left > 0 {
                    return (since.elapsed() > PATIENCE).then(|| stuck(left));
                }
                next.clone()
            }
        };
        match next {
            Err(outcome) => Some(outcome),
            Ok(step) if step == self.job.steps.len() => Some(Outcome::Done),
            Ok(_) if self.stop.is_some() => Some(Outcome::Stopped),
            Ok(step) => self.begin(step, book).err(),
        }
    }

    /// Begins a command, once it is recorded.
    fn begin(&mut self, step: usize, book: &mut dyn Book) -> Result<(), Outcome> {
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
            line.shown()
        );
        let log = log::begin(&self.job.folder, &title).map_err(failed)?;
        let mut child = spawn(&self.job, step, log).map_err(failed)?;
        let leader = process::of_pid(child.id());
        let go = book.works(self.job.run, line.stage, &leader);
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
        self.phase = Phase::Work(Work {
            step,
            child,
            leader,
        });
        Ok(())
    }

    fn sweep(&mut self, next: Result<usize, Outcome>) {
        if let Phase::Work(work) = &self.phase {
            self.phase = Phase::Sweep {
                since: Instant::now(),
                leader: work.leader.clone(),
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
        let (Some(stop), Phase::Work(work)) = (&mut self.stop, &self.phase) else {
            return;
        };
        let hard = stop.hard || stop.since.elapsed() > GRACE;
        if hard || !stop.asked {
            stop.asked = true;
            signal_all(&work.leader, &self.job.folder, hard);
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
fn signal_all(leader: &Process, folder: &Path, hard: bool) {
    process::signal_group(leader, hard);
    process::end_run(Some(leader), folder, hard);
}

fn stuck(left: usize) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Exited,
        cause: format!("{left} processes of an earlier command do not end, even when killed"),
    }
}
