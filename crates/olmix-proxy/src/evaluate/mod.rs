//! What a trained model makes of tasks and of held-out data, in bits per byte.

mod definition;
mod items;
mod scores;
mod tasks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use olmix_fs::write_whole;
use olmix_io::metrics_meta::PhaseShare;
use olmix_io::sha256_hex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::{Model, Use, Workspace};
use crate::train::{model_folder, read_model};
use crate::{EvaluationPlan, PhasePlan, ProxyError, RunPlan, Tokens, ValidationPlan};

pub(crate) use items::ItemEncoder;
pub use tasks::{Item, Task, task_files};

const FORMAT: &str = "olmix metrics";
/// Version 1 measured answers by another definition, and names none.
const VERSION: u32 = 2;
/// Sequences of a domain's held-out data that are measured, spread over all of it.
const VALIDATION_SEQUENCES: u64 = 128;

/// `metrics.json`: what was measured, by name.
///
/// A task's metric has its name: bits per byte of the gold answer, the mean over items, or of all its texts.
/// `NAME:accuracy` is the share of items whose gold choice is the first of those with the fewest bits per
/// byte. `validation:DOMAIN` is the bits per byte of held-out text, `validation_loss:DOMAIN` its nats per
/// token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    format: String,
    version: u32,
    /// By which definition tasks were measured, where any were: `lm-evaluation-harness`, or
    /// `lm-evaluation-harness, add_bos_token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// The phases of the run that was measured, in order; none where it has one mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseShare>,
    /// Tokens of the run whose repetition was simulated, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate_target_tokens: Option<u64>,
    /// Values by name.
    pub metrics: BTreeMap<String, f64>,
}

impl Metrics {
    /// Where they stand in a run's folder.
    #[must_use]
    pub fn file(run: &Path) -> PathBuf {
        run.join("metrics.json")
    }

    /// Writes them, whole, with their checksum: `sha256` of the same object without it, as JSON without blanks.
    ///
    /// # Errors
    /// [`ProxyError::File`]; an earlier file is then as it was.
    pub fn write(&self, file: &Path) -> Result<(), ProxyError> {
        let failed = |error: serde_json::Error| ProxyError::broken(file, error.to_string());
        let mut object = serde_json::to_value(self).map_err(failed)?;
        let sum = sha256_hex(object.to_string().as_bytes());
        if let Some(object) = object.as_object_mut() {
            object.insert("sha256".into(), sum.into());
        }
        let mut bytes = serde_json::to_vec_pretty(&object).map_err(failed)?;
        bytes.push(b'\n');
        Ok(write_whole(file, &bytes)?)
    }
}

/// Turns text into tokens.
pub type Encode<'a> = dyn Fn(&str) -> Result<Vec<u32>, String> + Sync + 'a;

/// The trained model of a run.
///
/// # Errors
/// [`ProxyError::File`] and [`ProxyError::Input`] where there is none, and for one that is damaged.
pub fn load_model(run: &Path) -> Result<(RunPlan, Model), ProxyError> {
    let plan = RunPlan::read(run)?;
    let file = model_folder(run).join("model.safetensors");
    if !file.is_file() {
        return Err(ProxyError::input(
            run,
            "its model is not trained yet",
            "run `olmix proxy train` first",
        ));
    }
    let parameters = vec![0.0; plan.model.parameters()];
    let mut model = Model::new(plan.model.clone(), parameters);
    model.weights = read_model(run, &model)?;
    Ok((plan, model))
}

/// Measures a model on tasks and held-out data, on the threads of the current rayon pool; the same bits on
/// any number of them. `observe` is called with parts done, and once before that with their number:
/// `(0, parts)`.
///
/// Every answer goes through the model at its own length behind its own context: nothing is padded. Bits per
/// byte are those of lm-evaluation-harness 0.4.13 (docs/launch-config.md).
///
/// # Errors
/// [`ProxyError::Input`] for tasks and shards that can't be used, and answers longer than the model's
/// context.
pub fn evaluate(
    plan: &RunPlan,
    evaluation: &EvaluationPlan,
    model: &Model,
    encode: &Encode<'_>,
    observe: &(dyn Fn(u64, u64) + Sync),
) -> Result<Metrics, ProxyError> {
    let tasks: Result<Vec<Task>, ProxyError> = evaluation
        .tasks
        .iter()
        .map(|file| Task::read(file))
        .collect();
    let tasks = tasks?;
    let items: usize = tasks.iter().map(|task| task.items.len()).sum();
    let parts = items as u64 + VALIDATION_SEQUENCES * evaluation.validation.len() as u64;
    observe(0, parts);
    let meter = Meter {
        model,
        items: ItemEncoder {
            encode,
            end_of_text: plan.data.end_of_text,
            add_bos_token: evaluation.add_bos_token,
            context: model.shape.context,
            vocab: model.shape.vocab,
        },
        spaces: Mutex::new(Vec::new()),
        observe: &|done| observe(done, parts),
    };
    let mut metrics = BTreeMap::new();
    for task in &tasks {
        let prefix = items::prefix(evaluation, task)?;
        let (bits, accuracy) = meter.task(task, &prefix)?;
        metrics.insert(task.name.clone(), bits);
        if task.has_choices() {
            metrics.insert(format!("{}:accuracy", task.name), accuracy);
        }
    }
    for domain in &evaluation.validation {
        let (loss, bits) = meter.domain(domain)?;
        metrics.insert(format!("validation_loss:{}", domain.name), loss);
        if let Some(bits) = bits {
            metrics.insert(format!("validation:{}", domain.name), bits);
        }
    }
    let share = |phase: &PhasePlan| PhaseShare {
        name: phase.name.clone(),
        fraction: phase.fraction,
    };
    let definition = definition::name(evaluation.add_bos_token).to_owned();
    Ok(Metrics {
        format: FORMAT.to_owned(),
        version: VERSION,
        task_definition: (!tasks.is_empty()).then_some(definition),
        phases: plan.phases.iter().map(share).collect(),
        simulate_target_tokens: plan.data.simulate_target_tokens,
        metrics,
    })
}

/// A model with all that measuring takes.
struct Meter<'a> {
    model: &'a Model,
    items: ItemEncoder<'a>,
    spaces: Mutex<Vec<Workspace>>,
    observe: &'a (dyn Fn(u64) + Sync),
}

impl Meter<'_> {
    /// Runs a job with room for a sequence.
    fn with_space<T>(&self, job: impl FnOnce(&mut Workspace) -> T) -> T {
        let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let space = spaces().pop();
        let mut space = space.unwrap_or_else(|| Workspace::new(&self.model.shape, Use::Measuring));
        let result = job(&mut space);
        spaces().push(space);
        result
    }

    /// Mean loss of a domain's held-out data in nats per token, and its bits per byte where bytes are known.
    fn domain(&self, domain: &ValidationPlan) -> Result<(f64, Option<f64>), ProxyError> {
        let tokens = Tokens::open(&domain.shards)?;
        let context = (self.model.shape.context as u64).min(tokens.len().saturating_sub(1));
        if context == 0 {
            let shard = domain
                .shards
                .first()
                .map(|shard| shard.path.clone())
                .unwrap_or_default();
            let problem = format!(
                "the held-out data of `{}` has {} tokens",
                domain.name,
                tokens.len()
            );
            return Err(ProxyError::input(
                &shard,
                problem,
                "hold out more, or remove it from eval.validation",
            ));
        }
        let all = (tokens.len() - 1) / context;
        let count = all.min(VALIDATION_SEQUENCES);
        let one = |i: u64| {
            let mut window = vec![0; context as usize + 1];
            tokens.read(
                i * all / count * context,
                &mut window,
                self.model.shape.vocab,
            )?;
            let logs = self.with_space(|space| self.model.log_likelihoods(&window, 1, space));
            (self.observe)(1);
            Ok(logs.iter().map(|log| -f64::from(*log)).sum::<f64>())
        };
        let sums: Result<Vec<f64>, ProxyError> = (0..count).into_par_iter().map(one).collect();
        let loss = sums?.iter().sum::<f64>() / (count * context) as f64;
        let bits = domain
            .bytes
            .map(|bytes| loss / std::f64::consts::LN_2 * tokens.len() as f64 / bytes as f64);
        Ok((loss, bits))
    }
}

#[cfg(test)]
mod tests;
