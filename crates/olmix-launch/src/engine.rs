//! What runs runs: the contract between the launcher and an engine.
//!
//! The launcher decides what is run and keeps the ledger; an engine starts what it is given, follows it,
//! and tells how it ended. It schedules nothing and retries nothing.

use olmix_ledger::{FailureKind, Placed, Process, RunId, Stage, Time};

use crate::LaunchError;
use crate::job::Job;

/// Starts runs and follows them.
pub trait Engine {
    /// Its name, as in `--engine`.
    fn name(&self) -> &'static str;

    /// Whether its runs go on when the launcher ends. They then wait in a queue of the engine's own
    /// before they begin.
    fn outlives(&self) -> bool;

    /// How many more runs it takes now.
    fn room(&self) -> usize;

    /// How many runs it has.
    fn running(&self) -> usize;

    /// Takes a run. Whatever goes wrong with it is told by [`Engine::poll`].
    ///
    /// Before the run's first command begins, nothing of an earlier attempt may be at work any more.
    fn start(&mut self, job: Job);

    /// Goes on following a run that an earlier launcher gave to this engine. One that does not outlive
    /// its launcher has none of those.
    ///
    /// # Errors
    /// [`LaunchError`] where there is no way to the engine that has it.
    fn adopt(&mut self, job: Job, placed: &Placed, works: bool) -> Result<(), LaunchError>;

    /// Ends a run, which [`Engine::poll`] will tell as [`Outcome::Stopped`]; `hard` without giving
    /// it time to end by itself. A run that it does not have is passed over.
    fn stop(&mut self, run: RunId, hard: bool);

    /// Whether a run goes on when the launcher ends.
    fn keeps(&self, _run: RunId) -> bool {
        self.outlives()
    }

    /// Whether everything it was given is where it goes on without the launcher.
    fn has_all(&self) -> bool {
        false
    }

    /// Gives back the runs that would not go on without the launcher, and that have not begun.
    fn withdraw(&mut self) -> Vec<Ended> {
        Vec::new()
    }

    /// Goes on with every run, without waiting for any, and tells which have ended. With nothing
    /// running it does nothing.
    ///
    /// # Errors
    /// [`LaunchError`] when runs can't be given to the engine at all; [`Engine::withdraw`] then has those.
    fn poll(&mut self, book: &mut dyn Book) -> Result<Vec<Ended>, LaunchError>;
}

/// What an engine writes down, so that a launcher after this one finds what it began.
pub trait Book {
    /// Told of each process before that does anything. Where it returns `false` the run is not ours
    /// any more, and the process must not begin.
    fn works(&mut self, run: RunId, stage: Stage, process: &Process) -> bool;

    /// Told what runs are called towards the engine (`engine`, with so many GPUs each), before it is given
    /// them. Returns those that are still ours; the others must not be given away.
    fn ticketed(&mut self, engine: &str, gpus: u32, tickets: &[(RunId, String)]) -> Vec<RunId>;

    /// Told what the engine calls runs.
    fn known_as(&mut self, jobs: &[(RunId, String)]);

    /// Told which runs the engine has begun, and when.
    fn begun(&mut self, runs: &[(RunId, Time)]);

    /// Told that the engine took the place of a run away, and will begin it again by itself.
    fn waits_again(&mut self, run: RunId, name: &str, cause: &str);

    /// Told that a run's training ended at some time and its evaluation, a job of its own, has it now.
    fn evaluates(&mut self, run: RunId, placed: &Placed, at: Time);

    /// Something that people should know.
    fn say(&mut self, line: String);
}

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    /// The run.
    pub job: Job,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Time,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every command succeeded; the metrics are to be read.
    Done,
    /// It failed.
    Failed {
        /// The kind.
        kind: FailureKind,
        /// Why, in a sentence.
        cause: String,
    },
    /// It was stopped by [`Engine::stop`], or was not ours any more.
    Stopped,
    /// Someone ended it through the engine itself; in a sentence.
    Unwanted(String),
}
