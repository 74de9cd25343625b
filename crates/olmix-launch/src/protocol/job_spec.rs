//! What a node is told to do for a run: a line of the file that goes with a submission.

use std::collections::BTreeMap;
use std::path::PathBuf;

use olmix_ledger::{PhaseMixture, Stage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Job, Step, evaluation_ticket};
use crate::host::shell::quoted;

/// The key of a line's checksum.
const CHECKSUM: &str = "sha256";

/// One attempt of a run, as a node gets it: the commands, and where their results go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// What this attempt is called; no two attempts of any run share one.
    pub ticket: String,
    /// The run's name.
    pub run: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The folder that the commands work in, on the node.
    pub folder: PathBuf,
    /// The ticket of the job that must have done its work before; otherwise there is nothing to do here.
    pub after: Option<String>,
    /// Where that folder is kept when nodes share no filesystem, as a URL.
    pub storage: Option<String>,
    /// Whether what is in the folder is of another config.
    pub fresh: bool,
    /// The commands, one after another.
    pub steps: Vec<CommandSpec>,
    /// How long they may take together, in seconds.
    pub timeout: Option<u64>,
    /// The file that the metrics will be in.
    pub metrics: PathBuf,
    /// Leaves and their weights.
    pub mixture: Vec<(String, f64)>,
    /// Phases, where the run has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseMixture>,
    /// Files that are made before the first command, with their text.
    pub files: BTreeMap<PathBuf, String>,
}

/// A command of a [`JobSpec`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The word of its [`Stage`].
    pub stage: String,
    /// The command, for a shell.
    pub command: String,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl CommandSpec {
    /// The command of a step, with `container` before it where there is one.
    #[must_use]
    pub fn new(step: &Step, container: Option<&str>) -> Self {
        let command = match container {
            None => step.command_line(),
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

    /// The stage; [`Stage::Train`] for a word that this version does not know.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let found = Stage::ALL.iter().find(|stage| stage.word() == self.stage);
        found.copied().unwrap_or(Stage::Train)
    }
}

impl JobSpec {
    /// Its line of the file, as JSON with its checksum: `sha256` of the same object without it.
    ///
    /// # Errors
    /// What JSON has no word for.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        let mut object = serde_json::to_value(self)?;
        let sum = olmix_io::sha256_hex(object.to_string().as_bytes());
        if let Some(object) = object.as_object_mut() {
            object.insert(CHECKSUM.into(), sum.into());
        }
        Ok(object.to_string())
    }

    /// Reads a line of the file. One of an earlier version has no checksum.
    ///
    /// # Errors
    /// A sentence, for what is no spec, or was changed since it was written.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let failed = |error: serde_json::Error| error.to_string();
        let mut object: Value = serde_json::from_str(line).map_err(failed)?;
        let sum = object
            .as_object_mut()
            .and_then(|object| object.shift_remove(CHECKSUM));
        if let Some(sum) = sum
            && sum != olmix_io::sha256_hex(object.to_string().as_bytes())
        {
            return Err("is damaged: it is not what its checksum says".into());
        }
        serde_json::from_value(object).map_err(failed)
    }

    /// Moves the evaluation to a spec of its own, which follows this one; `None` where there is no
    /// evaluation, or nothing but one.
    #[must_use]
    pub fn split_evaluation(&mut self, container: Option<&str>, job: &Job) -> Option<Self> {
        let of = |evaluation: bool| {
            let steps = job.steps.iter();
            let steps = steps.filter(move |step| (step.stage == Stage::Evaluate) == evaluation);
            steps
                .map(|step| CommandSpec::new(step, container))
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

    /// A spec to answer through a submission's folder, and no more. Where that folder is in a store,
    /// `folder` is the scratch folder that runs work in.
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
            phases: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// The spec of a job. Where the job has a remote folder, paths are those of the node.
    #[must_use]
    pub fn new(job: &Job, ticket: &str, container: Option<&str>) -> Self {
        let remote = job.remote.as_ref();
        let steps = job
            .steps
            .iter()
            .map(|step| CommandSpec::new(step, container));
        Self {
            ticket: ticket.to_owned(),
            run: job.name.clone(),
            attempt: job.attempt,
            folder: remote.map_or(&job.folder, |remote| &remote.folder).clone(),
            after: None,
            storage: None,
            fresh: job.fresh,
            steps: steps.collect(),
            timeout: job.timeout.map(|most| most.as_secs()),
            metrics: remote
                .map_or(&job.metrics, |remote| &remote.metrics)
                .clone(),
            mixture: job.mixture.clone(),
            phases: job.phases.clone(),
            files: remote
                .map(|remote| remote.files.clone())
                .unwrap_or_default(),
        }
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
        assert_eq!(CommandSpec::new(&step, None).command, "a 'b' && c");
        assert_eq!(
            CommandSpec::new(&step, Some("apptainer exec x.sif")).command,
            r"apptainer exec x.sif sh -c 'a '\''b'\'' && c'"
        );
    }

    #[test]
    fn no_flipped_bit_of_a_line_is_worked_by() {
        let mut spec = JobSpec::probe(std::path::Path::new("/runs/a"), None);
        spec.mixture = vec![("web".into(), 0.1), ("code".into(), 0.9)];
        let line = spec.line().unwrap();
        assert_eq!(JobSpec::from_line(&line).as_ref(), Ok(&spec));
        for bit in 0..8 * line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            if let Ok(found) = JobSpec::from_line(&flipped) {
                // The name of the checksum itself.
                assert_eq!(found, spec, "{flipped}");
            }
        }
        let earlier = serde_json::to_string(&spec).unwrap();
        assert_eq!(JobSpec::from_line(&earlier), Ok(spec));
    }
}
