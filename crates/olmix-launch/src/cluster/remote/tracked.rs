//! A run that is with a cluster, and how it ended.

use std::time::Instant;

use olmix_ledger::{FailureKind, Time};

use super::POLLS;
use crate::LaunchError;
use crate::clock::now;
use crate::cluster::submission::Site;
use crate::cluster::{Cluster, How, Seen, submission_folder};
use crate::engine::{Ended, Outcome};
use crate::job::Job;
use crate::work::{self, EndRecord, FOLDER};

pub(super) struct Tracked {
    pub(super) job: Job,
    pub(super) ticket: String,
    /// What the engine calls it.
    pub(super) handle: Option<String>,
    pub(super) works: bool,
    /// Polls in which the engine did not know of it, or of its end.
    pub(super) missing: u32,
    pub(super) stop: Option<Stop>,
    /// The submission may not have reached the engine.
    pub(super) doubtful: bool,
    /// The job that evaluates, where that is another than the one that trains.
    pub(super) second: Option<Second>,
}

#[derive(Debug, Clone)]
pub(super) struct Second {
    pub(super) ticket: String,
    pub(super) handle: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) hard: bool,
    pub(super) asked: Option<Instant>,
}

impl Tracked {
    pub(super) fn new(job: Job, ticket: String, handle: Option<String>, works: bool) -> Self {
        Self {
            job,
            ticket,
            doubtful: handle.is_none(),
            handle,
            works,
            missing: 0,
            stop: None,
            second: None,
        }
    }

    pub(super) fn ended(self, outcome: Outcome, at: Time) -> Ended {
        Ended {
            job: self.job,
            outcome,
            at,
        }
    }

    /// What the node left about this attempt's end.
    pub(super) fn record(&self, site: &Site) -> Result<Option<EndRecord>, LaunchError> {
        let bytes = site.record(&self.job, &self.ticket)?;
        let record = bytes.and_then(|bytes| serde_json::from_slice::<EndRecord>(&bytes).ok());
        Ok(record.filter(|record| record.ticket == self.ticket))
    }

    /// How and when a job ended that the engine says has, and when it began as far as its record tells; `None` while that may
    /// still come.
    pub(super) fn end(
        &mut self,
        how: How,
        seen: &Seen,
        cluster: &mut dyn Cluster,
        site: &Site,
    ) -> Result<Option<(Outcome, Time, Option<Time>)>, LaunchError> {
        let record = self.record(site)?;
        let at = record.as_ref().map_or_else(now, |record| record.ended);
        let began = record.as_ref().map(|record| record.began);
        let mut printed = |ticket: &str| {
            let (token, task) = ticket.rsplit_once('-')?;
            let folder = submission_folder(&site.out, token);
            cluster.printed(&seen.job, &folder, task.parse().ok()?)
        };
        // Of what a signal ended, the engine may know why.
        let killed = |outcome: &Outcome| {
            let told = !matches!(how, How::Well | How::Badly);
            told && matches!(
                outcome,
                Outcome::Failed {
                    kind: FailureKind::Killed,
                    ..
                }
            )
        };
        match record.as_ref().map(EndRecord::outcome) {
            Some(outcome) if killed(&outcome) => {}
            Some(outcome @ (Outcome::Done | Outcome::Failed { .. })) => {
                // What is empty is cleared away.
                printed(&self.ticket);
                return Ok(Some((outcome, at, began)));
            }
            Some(_) => {}
            None => {
                // A shared filesystem may show a file late.
                self.missing += 1;
                if self.missing < POLLS && matches!(how, How::Well | How::Badly) {
                    return Ok(None);
                }
            }
        }
        let printed = printed(&self.ticket);
        self.take_ticket_back(site);
        let outcome = self.by_engine(how, seen, printed, record.as_ref(), site);
        Ok(Some((outcome, at, began)))
    }

    /// How a job ended by what the engine says alone.
    pub(super) fn by_engine(
        &self,
        how: How,
        seen: &Seen,
        printed: Option<String>,
        record: Option<&EndRecord>,
        site: &Site,
    ) -> Outcome {
        if self.stop.is_some() {
            return Outcome::Stopped;
        }
        let said = printed.map_or_else(String::new, |line| format!(": {line}"));
        let job = &seen.job;
        let (kind, cause) = match how {
            How::Cancelled => {
                return Outcome::Unwanted(format!("job {job} was cancelled from outside"));
            }
            How::Well => (
                FailureKind::Exited,
                format!(
                    "job {job} ended well, but left no record in {}{said}",
                    site.home(&self.job).path_of(FOLDER).display()
                ),
            ),
            How::Badly if record.is_some() => (
                FailureKind::Killed,
                format!("job {job} was stopped by a signal from outside{said}"),
            ),
            How::Badly => (
                FailureKind::Killed,
                format!(
                    "job {job} failed and left no record of its end ({}){said}",
                    seen.note
                ),
            ),
            How::Preempted => (
                FailureKind::Preempted,
                format!("job {job} made place for others"),
            ),
            How::NodeFailed => (FailureKind::Lost, format!("the node of job {job} failed")),
            How::TimedOut => (
                FailureKind::Timeout,
                format!(
                    "job {job} reached its time limit; raise engine.time, and run it again with --retry-failed: it goes on from its checkpoint"
                ),
            ),
            How::OutOfMemory => (
                FailureKind::OutOfMemory,
                format!("job {job} needed more memory than it may have; raise engine.memory{said}"),
            ),
        };
        Outcome::Failed { kind, cause }
    }

    /// Makes sure that no job begins with the ticket any more.
    pub(super) fn take_ticket_back(&self, site: &Site) {
        let _ = work::take_back(&site.home(&self.job), &self.ticket);
    }
}

pub(super) fn lost(cause: &str) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Lost,
        cause: cause.to_owned(),
    }
}
