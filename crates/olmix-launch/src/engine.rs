//! What runs runs: the contract between the launcher and an engine.
//!
//! The launcher decides what is run and keeps the ledger; an engine starts what it is given, follows it,
//! and tells how it ended. It schedules nothing and retries nothing.

use olmix_ledger::{FailureKind, Process, RunId, Stage};

use crate::job::Job;

/// Starts runs and follows them.
pub trait Engine {
    /// Its name, as in `--engine`.
    fn name(&self) -> &'static str;

    /// How many more runs it takes now.
    fn room(&self) -> usize;

    /// How many runs it has.
    fn running(&self) -> usize;

    /// Takes a run. Whatever goes wrong with it is told by [`Engine::poll`].
    ///
    /// Before the run's first command begins, nothing of an earlier attempt may be at work any more.
    fn start(&mut self, job: Job);

    /// Ends a run, which [`Engine::poll`] will tell as [`Outcome::Stopped`]; `hard` without giving
    /// it time to end by itself. A run that it does not have is passed over.
    fn stop(&mut self, run: RunId, hard: bool);

    /// Goes on with every run, without waiting, and tells which have ended. With nothing running it
    /// does nothing.
    ///
    /// `works` is told of each process before that does anything, and records it: should this
    /// launcher die, its successor finds the process. Where it returns `false` the run is not ours
    /// any more, and the process must not begin.
    fn poll(&mut self, works: &mut dyn FnMut(RunId, Stage, &Process) -> bool) -> Vec<Ended>;
}

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    /// The run.
    pub job: Job,
    /// How.
    pub outcome: Outcome,
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
}
