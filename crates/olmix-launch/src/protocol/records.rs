//! The records that launcher and node leave for each other in a run's folder, and the tickets that tell
//! attempts apart.
//!
//! A ticket is `TOKEN-TASK`: the token of a submission, and the number of the task in it, from 1. No two
//! attempts of any run share one.

use olmix_ledger::{FailureKind, Time};
use serde::{Deserialize, Serialize};

use super::{Outcome, RecordStore};
use crate::LaunchError;
use crate::host::clock::now;
use crate::host::process;
use crate::run::folder::RECORDS_FOLDER;

/// The [`StartRecord`] of the job that holds the run, in [`RECORDS_FOLDER`].
pub const START_FILE: &str = "begun.json";

/// The [`EndRecord`] of a run, in [`RECORDS_FOLDER`].
const END_FILE: &str = "ended.json";

/// The [`EndRecord`] of an evaluation that is a job of its own, in [`RECORDS_FOLDER`].
const EVALUATION_END_FILE: &str = "evaluated.json";

/// The [`ProbeAnswer`], in the folder of the probe's submission.
pub const PROBE_ANSWER_FILE: &str = "answer.json";

/// What is added to the token of a training for that of its evaluation. Other tokens end with a digit.
pub const EVALUATION_SUFFIX: char = 'e';

/// The ticket of the evaluation that follows a training.
#[must_use]
pub fn evaluation_ticket(ticket: &str) -> String {
    let (token, task) = ticket.rsplit_once('-').unwrap_or((ticket, "1"));
    format!("{token}{EVALUATION_SUFFIX}-{task}")
}

/// Whether a ticket is that of an evaluation alone.
#[must_use]
pub fn is_evaluation_ticket(ticket: &str) -> bool {
    let token = ticket.rsplit_once('-').map_or(ticket, |(token, _)| token);
    token.ends_with(EVALUATION_SUFFIX)
}

/// The name, from the run's folder, of the [`EndRecord`] of the job with a ticket.
#[must_use]
pub fn end_file(ticket: &str) -> String {
    let file = if is_evaluation_ticket(ticket) {
        EVALUATION_END_FILE
    } else {
        END_FILE
    };
    format!("{RECORDS_FOLDER}/{file}")
}

/// The name, from the run's folder, of the file that says that a ticket is used: by the job that began
/// with it, or by a launcher that revoked it.
#[must_use]
pub fn claim_file(ticket: &str) -> String {
    format!("{RECORDS_FOLDER}/claim-{ticket}")
}

/// Revokes a ticket, so that no job begins with it any more, nor begins again.
///
/// # Errors
/// [`LaunchError`] with what the system or the store said.
pub fn revoke_ticket(records: &RecordStore, ticket: &str) -> Result<(), LaunchError> {
    let claim = claim_file(ticket);
    let nobody = StartRecord {
        ticket: ticket.to_owned(),
        job: String::new(),
        host: process::this().host,
        at: now(),
        restarts: 0,
    };
    let text = serde_json::to_vec(&nobody).unwrap_or_default();
    if !records.create(&claim, &text)? {
        records.put(&claim, &text)?;
    }
    Ok(())
}

/// Whether a ticket was revoked, as far as the records can be read.
#[must_use]
pub fn is_revoked(records: &RecordStore, ticket: &str) -> bool {
    let claim = records.get(&claim_file(ticket)).ok().flatten();
    let claim = claim.and_then(|bytes| serde_json::from_slice::<StartRecord>(&bytes).ok());
    claim.is_some_and(|claim| claim.job.is_empty())
}

/// The answer of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeAnswer {
    /// The machine that answered.
    pub host: String,
    /// The version of this program there.
    pub olmix: String,
    /// When it answered.
    pub at: Time,
}

/// Which job used a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRecord {
    /// The ticket that was used.
    pub ticket: String,
    /// The engine's name for the job; empty where a launcher revoked the ticket.
    pub job: String,
    /// The machine that the job began on.
    pub host: String,
    /// When it began first.
    pub at: Time,
    /// How often the engine has begun it again since.
    pub restarts: u32,
}

/// How an attempt ended, by the node's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRecord {
    /// The ticket of the attempt.
    pub ticket: String,
    /// `done`, `failed` or `stopped`.
    pub outcome: String,
    /// Of a failure, the word of its [`FailureKind`].
    pub kind: Option<String>,
    /// Why, in a sentence.
    pub cause: Option<String>,
    /// The machine that it ran on.
    pub host: String,
    /// When it began, this time.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
}

impl EndRecord {
    /// The outcome as the launcher knows it. A kind of failure that this version does not know is taken
    /// for [`FailureKind::Exited`].
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let cause = || self.cause.clone().unwrap_or_default();
        match self.outcome.as_str() {
            "done" => Outcome::Done,
            "stopped" => Outcome::Stopped,
            _ => Outcome::Failed {
                kind: self.kind().unwrap_or(FailureKind::Exited),
                cause: cause(),
            },
        }
    }

    fn kind(&self) -> Option<FailureKind> {
        let kind = self.kind.as_deref()?;
        let found = FailureKind::ALL.iter().find(|known| known.word() == kind);
        found.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_of_an_evaluation_is_told_apart_and_has_a_record_of_its_own() {
        let training = "k2x1-7";
        let evaluation = evaluation_ticket(training);
        assert_eq!(evaluation, "k2x1e-7");
        assert!(is_evaluation_ticket(&evaluation) && !is_evaluation_ticket(training));
        assert_eq!(end_file(training), "job/ended.json");
        assert_eq!(end_file(&evaluation), "job/evaluated.json");
    }

    #[test]
    fn a_revoked_ticket_names_no_job_whether_or_not_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let records = RecordStore::Folder(folder.path().to_owned());
        let job = |ticket: &str| {
            let bytes = records.get(&claim_file(ticket)).unwrap().unwrap();
            serde_json::from_slice::<StartRecord>(&bytes).unwrap().job
        };
        assert!(records.create(&claim_file("a-1"), b"{}").unwrap());
        for ticket in ["a-1", "a-2"] {
            assert!(!is_revoked(&records, ticket));
            revoke_ticket(&records, ticket).unwrap();
            assert!(is_revoked(&records, ticket));
            assert_eq!(job(ticket), "");
            assert!(!records.create(&claim_file(ticket), b"{}").unwrap());
        }
    }

    #[test]
    fn an_end_record_of_every_kind_of_failure_is_read_back() {
        for kind in FailureKind::ALL {
            let text = format!(
                r#"{{"ticket": "a-1", "outcome": "failed", "kind": "{kind}", "cause": "c", "host": "h", "began": 1, "ended": 2}}"#
            );
            let record: EndRecord = serde_json::from_str(&text).unwrap();
            let expected = Outcome::Failed {
                kind: *kind,
                cause: "c".into(),
            };
            assert_eq!(record.outcome(), expected);
        }
    }
}
