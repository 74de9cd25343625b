//! A run that is with a cluster, and how it ended.

use std::time::Duration;

use olmix_ledger::{FailureKind, Time};

use super::contract::{Cluster, ExitReason, JobStatus, first_sentence};
use super::submission::{Site, submission_folder};
use crate::LaunchError;
use crate::engine::contract::Ended;
use crate::protocol::{self, EndRecord, Job, Outcome, RECORDS_FOLDER};

/// Polls after which a run that the cluster does not list, or whose end nobody explains, is taken for ended.
pub(super) const MISSED_POLLS: u32 = 2;

/// A run that is with a cluster, or waits to be submitted.
pub(super) struct TrackedRun {
    pub(super) job: Job,
    pub(super) ticket: String,
    /// What the cluster calls its job.
    pub(super) handle: Option<String>,
    /// Whether the recorder knows that it has begun.
    pub(super) running: bool,
    /// Polls in a row that did not list it, or did not explain its end.
    pub(super) missed_polls: u32,
    /// Whether people know that it is held back.
    pub(super) held: bool,
    pub(super) stop: Option<Stop>,
    /// Whether the submission may not have reached the cluster.
    pub(super) unconfirmed: bool,
    /// The job that evaluates, where that is another than the one that trains.
    pub(super) evaluation: Option<EvaluationJob>,
}

/// The job that evaluates a run, submitted to begin after the training.
#[derive(Debug, Clone)]
pub(super) struct EvaluationJob {
    pub(super) ticket: String,
    pub(super) handle: Option<String>,
}

/// That a run is to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) force: bool,
    /// When the cluster was asked last, by the clock's elapsed time.
    pub(super) asked: Option<Duration>,
}

impl TrackedRun {
    pub(super) fn new(job: Job, ticket: String, handle: Option<String>, running: bool) -> Self {
        Self {
            job,
            ticket,
            unconfirmed: handle.is_none(),
            handle,
            running,
            missed_polls: 0,
            held: false,
            stop: None,
            evaluation: None,
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
        let bytes = site.end_record(&self.job, &self.ticket)?;
        let record = bytes.and_then(|bytes| serde_json::from_slice::<EndRecord>(&bytes).ok());
        Ok(record.filter(|record| record.ticket == self.ticket))
    }

    /// How and when a job ended that the cluster says has ended, and when it began as far as its record
    /// tells; `None` while a record may still come.
    ///
    /// # Errors
    /// [`LaunchError`] when the store of records does not answer.
    pub(super) fn end(
        &mut self,
        reason: ExitReason,
        status: &JobStatus,
        cluster: &mut dyn Cluster,
        site: &Site,
        now: Time,
    ) -> Result<Option<(Outcome, Time, Option<Time>)>, LaunchError> {
        let record = self.record(site)?;
        let at = record.as_ref().map_or(now, |record| record.ended);
        let began = record.as_ref().map(|record| record.began);
        let mut printed = |ticket: &str| {
            let (token, task) = ticket.rsplit_once('-')?;
            let folder = submission_folder(&site.out, token);
            cluster.job_output(&status.job, &folder, task.parse().ok()?)
        };
        // Of what a signal ended, the engine may know why.
        let killed = |outcome: &Outcome| {
            let told = !matches!(reason, ExitReason::Success | ExitReason::Failure);
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
            // Its commands were cut off, and a shell among them ended well all the same.
            Some(Outcome::Done) if reason == ExitReason::Cancelled => {}
            Some(outcome @ (Outcome::Done | Outcome::Failed { .. })) => {
                // What is empty is cleared away.
                printed(&self.ticket);
                return Ok(Some((outcome, at, began)));
            }
            Some(_) => {}
            None => {
                // A shared filesystem may show a file late.
                self.missed_polls += 1;
                if self.missed_polls < MISSED_POLLS
                    && matches!(reason, ExitReason::Success | ExitReason::Failure)
                {
                    return Ok(None);
                }
            }
        }
        let printed = printed(&self.ticket);
        if reason == ExitReason::Cancelled && self.stop.is_none() && self.is_revoked(site) {
            let cause = format!(
                "job {} was taken back by a launcher that is gone",
                status.job
            );
            return Ok(Some((lost(&cause), at, began)));
        }
        self.revoke_own_ticket(site);
        let outcome = self.outcome_by_cluster(reason, status, printed, record.as_ref(), site);
        Ok(Some((outcome, at, began)))
    }

    /// How a job ended by what the cluster says alone.
    pub(super) fn outcome_by_cluster(
        &self,
        reason: ExitReason,
        status: &JobStatus,
        printed: Option<String>,
        record: Option<&EndRecord>,
        site: &Site,
    ) -> Outcome {
        if self.stop.is_some() {
            return Outcome::Stopped;
        }
        let reason = match printed.as_deref() {
            Some(line) if reason == ExitReason::Failure && says_out_of_memory(line) => {
                ExitReason::OutOfMemory
            }
            _ => reason,
        };
        let said = printed.map_or_else(String::new, |line| format!(": {line}"));
        let job = &status.job;
        let (kind, cause) = match reason {
            ExitReason::Cancelled => {
                return Outcome::CancelledExternally(format!(
                    "job {job} was cancelled from outside"
                ));
            }
            ExitReason::Success => (
                FailureKind::Exited,
                format!(
                    "job {job} ended well, but left no record in {}{said}",
                    site.record_store(&self.job)
                        .path_of(RECORDS_FOLDER)
                        .display()
                ),
            ),
            ExitReason::Failure if record.is_some() => (
                FailureKind::Killed,
                format!("job {job} was stopped by a signal from outside{said}"),
            ),
            ExitReason::Failure => (
                FailureKind::Killed,
                format!(
                    "job {job} failed and left no record of its end ({}){said}",
                    status.note
                ),
            ),
            ExitReason::Preempted => (
                FailureKind::Preempted,
                format!("job {job} made place for others"),
            ),
            ExitReason::NodeFailed => (FailureKind::Lost, format!("the node of job {job} failed")),
            ExitReason::TimedOut => (
                FailureKind::Timeout,
                format!(
                    "job {job} reached its time limit; raise engine.time, and run it again with \
                     --retry-failed: it resumes from its checkpoint"
                ),
            ),
            ExitReason::NotPlaced => (
                FailureKind::NotStarted,
                format!(
                    "job {job} was never begun, and no node has what it asks for: {}; correct engine.cpus, \
                     gpus, memory or resources",
                    first_sentence(&status.note)
                ),
            ),
            ExitReason::OutOfMemory => (
                FailureKind::OutOfMemory,
                format!("job {job} needed more memory than it may have; raise engine.memory{said}"),
            ),
        };
        Outcome::Failed { kind, cause }
    }

    /// Whether a launcher has revoked the ticket.
    fn is_revoked(&self, site: &Site) -> bool {
        protocol::is_revoked(&site.record_store(&self.job), &self.ticket)
    }

    /// Makes sure that no job begins with the ticket any more.
    pub(super) fn revoke_own_ticket(&self, site: &Site) {
        let _ = protocol::revoke_ticket(&site.record_store(&self.job), &self.ticket);
    }
}

/// Whether the last line of a job's output says that its scheduler ended it for want of memory. Slurm has such a
/// job as `OUT_OF_MEMORY` only where it was the kernel that ended it (`task/cgroup`); where Slurm did
/// (`OverMemoryKill`), as `FAILED` like any other.
fn says_out_of_memory(line: &str) -> bool {
    let words = [
        "Exceeded job memory limit",
        "exceeded memory limit",
        "oom_kill event",
        "oom-kill event",
    ];
    line.contains("slurmstepd") && words.iter().any(|words| line.contains(words))
}

pub(super) fn lost(cause: &str) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Lost,
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurm_says_in_the_output_of_a_job_that_it_was_ended_for_want_of_memory() {
        for line in [
            "slurmstepd-n2: error: Exceeded job memory limit",
            "slurmstepd: error: Detected 1 oom_kill event in StepId=2.batch. Some of the step tasks have been \
             OOM Killed.",
        ] {
            assert!(says_out_of_memory(line), "{line}");
        }
        for line in [
            "Killed",
            "slurmstepd: error: *** JOB 8 ON n2 CANCELLED AT 2026-11-28T03:49:09 DUE TO TIME LIMIT ***",
        ] {
            assert!(!says_out_of_memory(line), "{line}");
        }
    }
}
