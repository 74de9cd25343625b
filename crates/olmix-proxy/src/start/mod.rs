//! A run that begins with the weights of another: with those of a model alone, or where a run with the same first
//! phases stands after one of them.

mod agreement;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use olmix_io::{LaunchConfig, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checksums::read_checked;
use crate::train::{checkpoints, model_config, model_folder, read_tensors};
use crate::{
    Hyperparameters, LeafPlan, Model, PhasePlan, ProxyError, RunPlan, SequenceIndex, Shape,
};

/// Weights that a run begins with, as its plan has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPlan {
    /// The folder of model.safetensors, absolute: a model, or a checkpoint with the moments of the optimizer.
    pub folder: PathBuf,
    /// The phase after which the checkpoint stands; none where the weights alone are taken.
    pub after: Option<String>,
    /// Steps that are done there, and that the run leaves out; 0 where the weights alone are taken.
    pub step: u64,
    /// SHA-256 of model.safetensors, 64 hex digits.
    pub weights_sha256: String,
}

/// The weights in a checkpoint or a model.
const WEIGHTS: &str = "model.safetensors";
const OTHER_SHAPE: &str = "name a model of the same size and tokenizer, or correct training.proxy_model_id or training.model";

/// A run that may begin with the weights of another.
pub(crate) struct Beginner<'a> {
    pub config: &'a LaunchConfig,
    pub model: &'a Shape,
    pub recipe: &'a Hyperparameters,
    pub phases: &'a [PhasePlan],
    /// The bytes of its tokenizer.json.
    pub tokenizer: &'a [u8],
    /// Its leaves and the order of its data, where that is drawn.
    pub order: Option<(&'a [LeafPlan], &'a SequenceIndex)>,
}

impl Beginner<'_> {
    /// The start that the config asks for.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for weights that are not there, of another shape or vocabulary, of a run with other data or
    /// another recipe in the steps that are left out, or further on or less far than the phase.
    pub fn start(&self) -> Result<Option<StartPlan>, ProxyError> {
        let Some(start) = &self.config.training.start else {
            return Ok(None);
        };
        let path = self.config.path(&start.path);
        match &start.after {
            None => self.weights(&path).map(Some),
            Some(after) => self.checkpoint(&path, after).map(Some),
        }
    }

    fn refused(&self, problem: impl Display, help: impl Into<String>) -> ProxyError {
        let problem = format!("training.start_from: {problem}");
        ProxyError::input(Path::new(&self.config.file), problem, help)
    }

    /// The weights of a model alone.
    fn weights(&self, path: &Path) -> Result<StartPlan, ProxyError> {
        let folders = [model_folder(path), path.to_owned()];
        let found = folders.into_iter().find(|at| at.join(WEIGHTS).is_file());
        let Some(folder) = found else {
            return Err(self.refused(
                format!(
                    "{} has no {WEIGHTS}, and no folder `model` with one",
                    path.display()
                ),
                "name the folder of a run that is trained, or its folder `model`",
            ));
        };
        self.check_config(&folder)?;
        self.planned(folder, None, 0)
    }

    /// The checkpoint of a run after a phase.
    fn checkpoint(&self, path: &Path, after: &str) -> Result<StartPlan, ProxyError> {
        let Some(phase) = self.phases.iter().find(|phase| phase.name == after) else {
            let problem = format!("there is no phase `{after}`");
            return Err(self.refused(problem, "name one of `phases`"));
        };
        let plan = RunPlan::read(path)?;
        self.check_shape(path, &plan)?;
        let end = phase.end();
        self.check_recipe(path, &plan, end)?;
        self.check_data(path, &plan, end)?;
        let there = checkpoints(path);
        if let Some((_, folder)) = there.iter().find(|(step, _)| *step == end) {
            return self.planned(folder.clone(), Some(after), end);
        }
        let steps: Vec<String> = there.iter().map(|(step, _)| step.to_string()).collect();
        let stands = match there.first() {
            None => "has no checkpoint".to_owned(),
            Some((first, _)) => format!(
                "has checkpoints after {} steps, {}",
                steps.join(" and "),
                if *first > end {
                    "further on than that"
                } else {
                    "none after these"
                }
            ),
        };
        Err(self.refused(
            format!(
                "`{after}` ends after {end} steps, and {} {stands}",
                path.display()
            ),
            format!(
                "train a run of the first phases to their end, of {} tokens: the last checkpoint of a run is kept",
                end * self.recipe.batch * self.model.context as u64
            ),
        ))
    }

    /// The plan of weights in a folder, which must be of the model's shape.
    fn planned(
        &self,
        folder: PathBuf,
        after: Option<&str>,
        step: u64,
    ) -> Result<StartPlan, ProxyError> {
        let folder = folder.canonicalize().unwrap_or(folder);
        let bytes = read_checked(&folder, WEIGHTS)?;
        let zeros = vec![0.0; self.model.parameters()];
        let skeleton = Model::new(self.model.clone(), zeros);
        let read = read_tensors(&skeleton, &folder.join(WEIGHTS), &bytes, "");
        read.map_err(|error| match error {
            ProxyError::Input { file, problem, .. } => {
                self.refused(format!("{file} {problem}"), OTHER_SHAPE)
            }
            other => other,
        })?;
        Ok(StartPlan {
            weights_sha256: sha256_hex(&bytes),
            after: after.map(str::to_owned),
            folder,
            step,
        })
    }

    /// Refuses a model whose config.json is that of another one. One without is known by its tensors alone.
    fn check_config(&self, folder: &Path) -> Result<(), ProxyError> {
        const TOLD: [&str; 8] = [
            "vocab_size",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "model_type",
            "rope_theta",
            "rms_norm_eps",
        ];
        let Ok(bytes) = std::fs::read(folder.join("config.json")) else {
            return Ok(());
        };
        let found: Value = serde_json::from_slice(&bytes).map_err(|error| {
            let problem = format!("{}/config.json is not JSON: {error}", folder.display());
            self.refused(problem, "name the folder of a model")
        })?;
        let own = model_config(self.model);
        for key in TOLD {
            let (theirs, ours) = (&found[key], &own[key]);
            let same = match theirs.as_f64().zip(ours.as_f64()) {
                #[allow(clippy::float_cmp)] // the same number as it is written
                Some((theirs, ours)) => theirs == ours,
                None => theirs == ours,
            };
            if !theirs.is_null() && !same {
                return Err(self.refused(
                    format!(
                        "{} is of another shape: its {key} is {theirs}, that of this run {ours}",
                        folder.display()
                    ),
                    OTHER_SHAPE,
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
