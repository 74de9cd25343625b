//! The contract between the launcher and an engine.
//!
//! The launcher decides what is run and keeps the ledger. An engine starts the runs that it is given,
//! follows them, and tells how each ended. It schedules nothing beyond its own capacity, and retries nothing.
//!
//! **Ownership.** A run that was given to an engine by [`Engine::start`] or [`Engine::adopt`] is the engine's
//! until [`Engine::poll`] or [`Engine::withdraw`] returns it as [`Ended`]: exactly once, with the same
//! [`Job`]. Which launcher holds a run is in the ledger; the engine asks for it through [`RunRecorder`],
//! before a process begins or a job is submitted, and does nothing with a run that is not ours any more.
//! Before the first command of an attempt begins, no process of an earlier attempt is at work.
//!
//! **Consistency.** One thread calls an engine, with one call at a time. No call waits for a run; a call may
//! wait for an answer of the engine's service, for a bounded time. What a run left is judged by its own
//! records first and by what the engine's service says second. An attempt that is told as
//! [`Outcome::Done`] has left its metrics, as the last command wrote them, in [`Job::metrics`].
//!
//! **Persistence.** What a launcher after this one needs to know of a run is recorded before it is true: a
//! process before its command begins, a ticket before the job that carries it. A launcher may be killed
//! between any two steps; the next one finds the run by what was recorded, or finds that nothing began.
//! Engines keep no state of their own on disk, besides records in the folders of runs and submissions.
//!
//! **Errors.** What goes wrong with a run is its [`Outcome`]. An error of a call means that the engine can't
//! be used for any run; the launch then ends, and runs that were not submitted are withdrawn.
//!
//! The conformance suite in [`testing`](crate::testing) holds every engine to this page.

use olmix_ledger::{EngineJob, Process, RunId, Stage, Time};

use crate::LaunchError;
use crate::protocol::{Job, Outcome};

/// Starts runs and follows them.
pub trait Engine {
    /// Its name, as in `--engine` and in the ledger.
    fn name(&self) -> &'static str;

    /// Whether its runs go on when the launcher ends. They then wait in a queue of the engine's own
    /// before they begin.
    fn survives_launcher(&self) -> bool;

    /// How many more runs it takes now. [`Engine::start`] may be called so many times before the next poll.
    fn capacity(&self) -> usize;

    /// Takes a run. Never fails and never waits: whatever goes wrong is told by [`Engine::poll`].
    fn start(&mut self, job: Job);

    /// Follows a run that an earlier launcher gave to this engine; `begun` where it is known to be at work.
    ///
    /// # Errors
    /// [`LaunchError`] where there is no way to the engine that has it, such as for an engine whose runs end
    /// with their launcher.
    fn adopt(&mut self, job: Job, engine_job: &EngineJob, begun: bool) -> Result<(), LaunchError>;

    /// Asks for the end of a run, which [`Engine::poll`] will tell as [`Outcome::Stopped`], or as what became
    /// of it before; with `force` without giving it time to end by itself. May be called again. A run that it
    /// does not have is passed over.
    fn stop(&mut self, run: RunId, force: bool);

    /// Does not follow a run any more that goes on without the launcher: another one has it. A run that it does
    /// not have is passed over.
    fn forget(&mut self, _run: RunId) {}

    /// Whether this run goes on when the launcher ends.
    fn run_survives(&self, _run: RunId) -> bool {
        self.survives_launcher()
    }

    /// Whether every run that it was given is known to be where it goes on without the launcher.
    fn all_submitted(&self) -> bool {
        false
    }

    /// Whether another poll, after a moment, is needed to say what became of a run.
    fn is_undecided(&self) -> bool {
        false
    }

    /// Gives back, as [`Outcome::Stopped`], the runs that would not go on without the launcher and that have
    /// not begun.
    fn withdraw(&mut self) -> Vec<Ended> {
        Vec::new()
    }

    /// Goes on with every run, without waiting for any, and tells which have ended. With no run it does
    /// nothing.
    ///
    /// # Errors
    /// [`LaunchError`] when runs can't be given to the engine at all; [`Engine::withdraw`] then has those.
    fn poll(&mut self, recorder: &mut dyn RunRecorder) -> Result<Vec<Ended>, LaunchError>;
}

/// What an engine records, so that a launcher after this one finds what it began. An error of the ledger
/// ends the launch after the poll; until then the recorder answers as if no run were ours.
pub trait RunRecorder {
    /// A process is about to begin a command of a run. Where it returns `false` the run is not ours any
    /// more, and the process must not begin.
    fn process_started(&mut self, run: RunId, stage: Stage, process: &Process) -> bool;

    /// Runs are about to be submitted to an engine under these tickets, with so many GPUs each. Returns the
    /// runs that are still ours; the others must not be submitted.
    fn tickets_issued(
        &mut self,
        engine: &str,
        gpus: u32,
        tickets: &[(RunId, String)],
    ) -> Vec<RunId>;

    /// What the engine calls the jobs of runs.
    fn jobs_named(&mut self, jobs: &[(RunId, String)]);

    /// The engine has begun these runs, each at its time.
    fn started(&mut self, runs: &[(RunId, Time)]);

    /// The engine preempted the run of a name, and will begin it again by itself.
    fn requeued(&mut self, run: RunId, name: &str, cause: &str);

    /// A run's training ended at some time; its evaluation is a job of its own, which has the run now.
    fn evaluation_follows(&mut self, run: RunId, evaluation: &EngineJob, at: Time);

    /// A line for people.
    fn notice(&mut self, line: String);
}

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    /// The run, as it was given to the engine.
    pub job: Job,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, as far as that is known.
    pub at: Time,
}
