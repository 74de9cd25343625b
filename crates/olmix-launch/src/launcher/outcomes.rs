//! How the end of a run becomes a state in the ledger.

use olmix_ledger::{Failed, FailureKind, Finished, Ledger, LedgerError, RunId, State, Time};

use super::events::Event;
use crate::engine::Ended;
use crate::protocol::Outcome;
use crate::run::log;
use crate::run::metrics::{self, BadMetrics};
use crate::run::progress::RunProgress;

/// Why the engine was asked to stop a run: what is recorded of it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Someone asked to cancel it.
    Cancelled,
    /// The launch is to end.
    Interrupted,
    /// Another launcher has it.
    TakenOver,
    /// It has not begun on its engine, and the engine of this launch is to have it.
    Moved,
    /// The engine did not take it.
    Unsubmitted,
}

/// The ledger, as a launcher with an id writes ends into it.
pub struct EndWriter<'w> {
    /// The ledger that ends are written into.
    pub ledger: &'w mut Ledger,
    /// The id of the launcher that holds the runs.
    pub launcher: &'w str,
    /// How often a run that failed by chance is tried again.
    pub retries: u32,
}

impl EndWriter<'_> {
    /// Records how a run ended; `reason` where it was asked to. Returns what there is to tell (nothing of a
    /// run that is queued again without fault), and whether the launcher still held the run.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn record(
        &mut self,
        ended: Ended,
        reason: Option<StopReason>,
    ) -> Result<(Option<Event>, bool), LedgerError> {
        let held = |event: Option<Event>| (event.clone(), event.is_some());
        let Ended { job, outcome, at } = ended;
        let (kind, cause) = match outcome {
            Outcome::Done => match metrics::read(&job.metrics) {
                Ok(metrics) => {
                    let tokens = RunProgress::read(&job.folder).tokens;
                    let finished = Finished { metrics, tokens };
                    let done = self.ledger.finish(job.run, self.launcher, &finished, at)?;
                    return Ok((done.then_some(Event::Finished(job.name)), done));
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
            Outcome::CancelledExternally(cause) => {
                return self.cancelled(job.run, job.name, &cause, at).map(held);
            }
            Outcome::Stopped => {
                let cause = match reason {
                    Some(StopReason::Cancelled) => {
                        let cause = "cancelled while it ran";
                        return self.cancelled(job.run, job.name, cause, at).map(held);
                    }
                    Some(StopReason::Moved) => "another engine is to have it",
                    Some(StopReason::Unsubmitted) => "it was not submitted",
                    Some(StopReason::Interrupted) => "its launcher was stopped",
                    // Another launcher records what becomes of it.
                    Some(StopReason::TakenOver) | None => return Ok((None, false)),
                };
                let done = self.ledger.release(job.run, self.launcher, cause, at)?;
                return Ok((None, done));
            }
        };
        let failed = Failed {
            kind,
            cause,
            log_tail: log::tail(&job.folder),
        };
        self.failed(job.run, job.name, &failed, at).map(held)
    }

    /// Records that a run failed: it is queued again where that is of use and allowed.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn failed(
        &mut self,
        run: RunId,
        name: String,
        failed: &Failed,
        at: Time,
    ) -> Result<Option<Event>, LedgerError> {
        let state = self
            .ledger
            .fail(run, self.launcher, failed, self.retries, at)?;
        Ok(state.map(|state| match state {
            State::Cancelled => Event::Cancelled(name),
            state => Event::Failed(name, state == State::Queued, failed.cause.clone()),
        }))
    }

    fn cancelled(
        &mut self,
        run: RunId,
        name: String,
        cause: &str,
        at: Time,
    ) -> Result<Option<Event>, LedgerError> {
        let done = self.ledger.mark_cancelled(run, self.launcher, cause, at)?;
        Ok(done.then_some(Event::Cancelled(name)))
    }
}
