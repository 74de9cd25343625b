//! What a node is told to do for a run, and what it leaves behind: files that launcher and node both know.

use std::collections::BTreeMap;
use std::path::PathBuf;

use olmix_ledger::{FailureKind, Stage, Time};
use serde::{Deserialize, Serialize};

use crate::engine::Outcome;
use crate::job::{Job, Step};
use crate::shell::quoted;

/// The folder in a run's folder with the files below.
pub const FOLDER: &str = "job";

/// Who has begun; held by the first to make it.
pub const BEGUN: &str = "begun.json";

/// How it ended.
pub const ENDED: &str = "ended.json";

/// How it ended when it was the evaluation alone, as a job of its own.
const EVALUATED: &str = "evaluated.json";

/// What is added to the token of a training for that of its evaluation. Other tokens end with a digit.
pub const EVALUATION: char = 'e';

/// The ticket of the evaluation that follows a training.
#[must_use]
pub fn evaluation_ticket(ticket: &str) -> String {
    let (token, task) = ticket.rsplit_once('-').unwrap_or((ticket, "1"));
    format!("{token}{EVALUATION}-{task}")
}

/// Whether a ticket is that of an evaluation alone.
#[must_use]
pub fn evaluates(ticket: &str) -> bool {
    let token = ticket.rsplit_once('-').map_or(ticket, |(token, _)| token);
    token.ends_with(EVALUATION)
}

/// The file in [`FOLDER`] that says how the job with a ticket ended.
#[must_use]
pub fn end_file(ticket: &str) -> &'static str {
    if evaluates(ticket) { EVALUATED } else { ENDED }
}

/// The file that says that a ticket is used: by the job that began with it, or by a launcher that took it back.
#[must_use]
pub fn claim_file(ticket: &str) -> String {
    format!("{FOLDER}/claim-{ticket}")
}

/// A run as a node gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What this attempt is called; no two attempts of any run share one.
    pub ticket: String,
    /// The run's name.
    pub run: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The folder of what it leaves.
    pub folder: PathBuf,
    /// The ticket of the job that must have done its work before; otherwise there is nothing to do here.
    pub after: Option<String>,
    /// Where that folder is kept when nodes share no filesystem, as a URL.
    pub storage: Option<String>,
    /// Whether what is in the folder is of another config.
    pub fresh: bool,
    /// The commands.
    pub steps: Vec<OrderedStep>,
    /// How long they may take together, in seconds.
    pub timeout: Option<u64>,
    /// The file that the metrics will be in.
    pub metrics: PathBuf,
    /// Leaves and their weights.
    pub mixture: Vec<(String, f64)>,
    /// Files that are made before the first command, with their text.
    pub files: BTreeMap<PathBuf, String>,
}

/// A command of an [`Order`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderedStep {
    /// What it is for.
    pub stage: String,
    /// The command, for a shell.
    pub command: String,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl OrderedStep {
    /// A step, with what goes before its command.
    #[must_use]
    pub fn new(step: &Step, container: Option<&str>) -> Self {
        let command = match container {
            None => step.shown(),
            Some(container) => {
                let words = std::iter::once(&step.program).chain(&step.arguments);
                let words: Vec<String> = words.map(|word| quoted(word)).collect();
                format!("{container} {}", words.join(" "))
            }
        };
        Self {
            stage: step.stage.word().to_owned(),
            command,
            environment: step.environment.clone(),
        }
    }

    /// What it is for.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let found = Stage::ALL.iter().find(|stage| stage.word() == self.stage);
        found.copied().unwrap_or(Stage::Train)
    }
}

impl Order {
    /// Leaves the evaluation out, as an order of its own that follows; `None` where there is nothing to leave out.
    #[must_use]
    pub fn split_evaluation(&mut self, container: Option<&str>, job: &Job) -> Option<Self> {
        let of = |evaluation: bool| {
            let steps = job.steps.iter();
            let steps = steps.filter(move |step| (step.stage == Stage::Evaluate) == evaluation);
            steps
                .map(|step| OrderedStep::new(step, container))
                .collect::<Vec<_>>()
        };
        let (training, evaluation) = (of(false), of(true));
        if training.is_empty() || evaluation.is_empty() {
            return None;
        }
        self.steps.retain(|step| step.stage() != Stage::Evaluate);
        Some(Self {
            ticket: evaluation_ticket(&self.ticket),
            after: Some(self.ticket.clone()),
            fresh: false,
            steps: evaluation,
            ..self.clone()
        })
    }

    /// An order to answer through a submission's folder, and no more. Where that is kept in a store, `folder` is one that runs
    /// work in.
    #[must_use]
    pub fn probe(folder: &std::path::Path, storage: Option<String>) -> Self {
        Self {
            ticket: String::new(),
            run: String::new(),
            attempt: 0,
            folder: folder.to_owned(),
            after: None,
            storage,
            fresh: false,
            steps: Vec::new(),
            timeout: None,
            metrics: PathBuf::new(),
            mixture: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// The order of a job. Variables of every process go with each command.
    #[must_use]
    pub fn new(job: &Job, ticket: &str, container: Option<&str>) -> Self {
        let away = job.away.as_ref();
        let steps = job
            .steps
            .iter()
            .map(|step| OrderedStep::new(step, container));
        Self {
            ticket: ticket.to_owned(),
            run: job.name.clone(),
            attempt: job.attempt,
            folder: away.map_or(&job.folder, |away| &away.folder).clone(),
            after: None,
            storage: None,
            fresh: job.fresh,
            steps: steps.collect(),
            timeout: job.timeout.map(|most| most.as_secs()),
            metrics: away.map_or(&job.metrics, |away| &away.metrics).clone(),
            mixture: job.mixture.clone(),
            files: away.map(|away| away.files.clone()).unwrap_or_default(),
        }
    }
}

/// The file with the answer of a probe, in the folder of its submission.
pub const PROBE: &str = "answer.json";

/// The answer of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The machine.
    pub host: String,
    /// The version of this program there.
    pub olmix: String,
    /// When.
    pub at: Time,
}

/// That a ticket was used, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The ticket.
    pub ticket: String,
    /// The engine's name for the job; empty where a launcher took the ticket back.
    pub job: String,
    /// The machine.
    pub host: String,
    /// When it began first.
    pub at: Time,
    /// How often the engine has begun it again since.
    pub restarts: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRecord {
    /// The ticket.
    pub ticket: String,
    /// `done`, `failed` or `stopped`.
    pub outcome: String,
    /// Of a failure, its kind.
    pub kind: Option<String>,
    /// Why, in a sentence.
    pub cause: Option<String>,
    /// The machine.
    pub host: String,
    /// When it began, this time.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
}

impl EndRecord {
    /// The outcome as the launcher knows it.
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
    fn a_container_gets_the_whole_command_as_words() {
        let step = Step {
            stage: Stage::Train,
            program: "sh".into(),
            arguments: vec!["-c".into(), "a 'b' && c".into()],
            environment: vec![],
        };
        assert_eq!(OrderedStep::new(&step, None).command, "a 'b' && c");
        assert_eq!(
            OrderedStep::new(&step, Some("apptainer exec x.sif")).command,
            r"apptainer exec x.sif sh -c 'a '\''b'\'' && c'"
        );
    }
}
