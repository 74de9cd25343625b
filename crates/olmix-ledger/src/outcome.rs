//! How runs end.

use rusqlite::{OptionalExtension as _, params};

use crate::record::sha256;
use crate::run::{Numbers, words};
use crate::{Ledger, LedgerError, RunId, State, SwarmId, Time};

/// Why a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// A signal ended it: killed by hand, by the system for memory, or by a crash.
    Killed,
    /// It exited with an error that may pass.
    Exited,
    /// Its configuration can't be used.
    Configuration,
    /// Training diverged: another attempt would, too.
    Diverged,
    /// It took longer than it may.
    Timeout,
    /// It said that it succeeded, and left no metrics.
    NoMetrics,
    /// Its metrics can't be read, or are not finite.
    BadMetrics,
    /// Its program could not be started.
    NotStarted,
    /// It needed more memory than it may have.
    OutOfMemory,
    /// Its engine gave its place to other work.
    Preempted,
    /// Its engine lost it: its node went down, or nobody there knows of it.
    Lost,
    /// Its launch config is not among the variants any more.
    Gone,
}

words!(
    FailureKind,
    Killed = "killed",
    Exited = "exited",
    Configuration = "configuration",
    Diverged = "diverged",
    Timeout = "timeout",
    NoMetrics = "no metrics",
    BadMetrics = "bad metrics",
    NotStarted = "not started",
    OutOfMemory = "out of memory",
    Preempted = "preempted",
    Lost = "lost",
    Gone = "gone"
);

impl FailureKind {
    /// Whether another attempt may end better.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Killed | Self::Exited) || self.is_loss()
    }

    /// Whether the run was taken away or lost, through no fault of its own. That counts apart from
    /// its failures.
    #[must_use]
    pub fn is_loss(self) -> bool {
        matches!(self, Self::Preempted | Self::Lost)
    }
}

/// A run's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What decides whether the run is tried again.
    pub kind: FailureKind,
    /// Why, in a sentence.
    pub cause: String,
    /// The last lines of its log.
    pub log_tail: String,
}

/// A run's success.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// What was measured, by name; all finite.
    pub metrics: Vec<(String, f64)>,
    /// Tokens it was trained on, where known.
    pub tokens: Option<u64>,
}

/// What a request to cancel did, by names of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cancelled {
    /// Runs that were not running and won't.
    pub at_once: Vec<String>,
    /// Runs whose launcher will end them.
    pub asked: Vec<String>,
    /// Runs that had ended before, with how.
    pub ended: Vec<(String, State)>,
    /// Names that no run has.
    pub unknown: Vec<String>,
}

/// Which runs of a swarm are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSelection<'n> {
    /// Every run of the swarm.
    All,
    /// Those that have not begun.
    Waiting,
    /// Those with these names.
    Named(&'n [String]),
}

/// Of a run that its launcher still holds: everything that ends an attempt.
pub const HELD: &str = "WHERE id = ?1 AND launcher = ?2 AND state IN ('submitted', 'running')";

/// How often a run may be taken away or lost before it has failed.
const MOST_LOSSES: u32 = 20;

/// Adds the time of an attempt that ends at `?3`.
pub const ADD_TIME: &str = "milliseconds = milliseconds + max(0, ?3 - coalesce(started, ?3)),
     gpu_milliseconds = gpu_milliseconds + gpus * max(0, ?3 - coalesce(started, ?3))";

impl Ledger {
    /// Records a success. `false` when the launcher does not hold the run any more.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn finish(
        &self,
        run: RunId,
        launcher: &str,
        finished: &Finished,
        now: Time,
    ) -> Result<bool, LedgerError> {
        let tokens = finished
            .tokens
            .and_then(|tokens| i64::try_from(tokens).ok());
        let metrics = Numbers(finished.metrics.clone()).to_string();
        self.end(
            "state = 'finished', stage = NULL, ended = ?3, metrics = ?4, tokens = ?5, cancel = 0,
             metrics_sha256 = ?6, failure = NULL, cause = NULL, log_tail = NULL",
            params![
                run,
                launcher,
                now,
                metrics,
                tokens,
                sha256(metrics.as_bytes())
            ],
        )
    }

    /// Records a failure. A run that may fail again (at most `retries` times, and only where that
    /// is of use) is queued, another one has failed. `None` when the launcher does not hold the run any more.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn fail(
        &mut self,
        run: RunId,
        launcher: &str,
        failed: &Failed,
        retries: u32,
        now: Time,
    ) -> Result<Option<State>, LedgerError> {
        let (may_pass, loss) = (failed.kind.may_pass(), failed.kind.is_loss());
        self.change(|transaction| {
            let sql = format!(
                "UPDATE runs SET state = CASE WHEN ?4 AND iif(?9, losses < ?10, failures < ?5)
                 AND NOT cancel THEN 'queued'
                         WHEN cancel THEN 'cancelled' ELSE 'failed' END,
                     failures = failures + NOT ?9, losses = losses + ?9, failure = ?6, cause = ?7,
                     log_tail = ?8, queued = ?3,
                     ended = ?3, {ADD_TIME}
                 {HELD} RETURNING state"
            );
            let parameters = params![
                run,
                launcher,
                now,
                may_pass,
                retries,
                failed.kind,
                failed.cause,
                failed.log_tail,
                loss,
                MOST_LOSSES
            ];
            transaction
                .query_row(&sql, parameters, |row| row.get(0))
                .optional()
        })
    }

    /// Queues a run again that was stopped without fault of its own; that counts no failure.
    /// `false` when the launcher does not hold the run any more.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn release(
        &self,
        run: RunId,
        launcher: &str,
        cause: &str,
        now: Time,
    ) -> Result<bool, LedgerError> {
        self.end(
            "state = iif(cancel, 'cancelled', 'queued'), ended = ?3, queued = ?3, cause = ?4,
             launcher = NULL",
            params![run, launcher, now, cause],
        )
    }

    /// Records that a run was ended because someone asked for that; `cause` says how. `false` when the
    /// launcher does not hold the run any more.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn mark_cancelled(
        &self,
        run: RunId,
        launcher: &str,
        cause: &str,
        now: Time,
    ) -> Result<bool, LedgerError> {
        self.end(
            "state = 'cancelled', ended = ?3, cause = ?4",
            params![run, launcher, now, cause],
        )
    }

    fn end(&self, set: &str, parameters: &[&dyn rusqlite::ToSql]) -> Result<bool, LedgerError> {
        let sql = format!("UPDATE runs SET {set}, {ADD_TIME} {HELD}");
        self.with(|connection| connection.execute(&sql, parameters))
            .map(|changed| changed > 0)
    }

    /// Cancels runs of a swarm. What is queued or failed is cancelled at once; what runs, or waits in the
    /// queue of an engine, is ended by its launcher.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database; then nothing is cancelled.
    pub fn cancel(
        &mut self,
        swarm: SwarmId,
        which: RunSelection<'_>,
        now: Time,
    ) -> Result<Cancelled, LedgerError> {
        self.change(|transaction| {
            let mut runs: Vec<(RunId, String, State)> = transaction
                .prepare("SELECT id, name, state FROM runs WHERE swarm = ?1 ORDER BY id")?
                .query_map([swarm], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut done = Cancelled::default();
            if which == RunSelection::Waiting {
                runs.retain(|(_, _, state)| matches!(state, State::Queued | State::Submitted));
            }
            if let RunSelection::Named(names) = which {
                let unknown = |name: &&String| !runs.iter().any(|(_, known, _)| known == *name);
                done.unknown = names.iter().filter(unknown).cloned().collect();
                if !done.unknown.is_empty() {
                    return Ok(done);
                }
                runs.retain(|(_, name, _)| names.contains(name));
            }
            for (id, name, state) in runs {
                match state {
                    State::Finished | State::Cancelled => done.ended.push((name, state)),
                    State::Submitted | State::Running => {
                        transaction.execute("UPDATE runs SET cancel = 1 WHERE id = ?1", [id])?;
                        done.asked.push(name);
                    }
                    State::Queued | State::Failed => {
                        transaction.execute(
                            "UPDATE runs SET state = 'cancelled', cancel = 1, ended = ?2,
                                 cause = 'cancelled before it ran' WHERE id = ?1",
                            params![id, now],
                        )?;
                        done.at_once.push(name);
                    }
                }
            }
            Ok(done)
        })
    }
}
