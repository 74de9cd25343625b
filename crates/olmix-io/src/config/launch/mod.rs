//! The launch config of one run: what to train, on which mixture of which data, with which trainer, and how
//! to measure it.

use std::path::{Path, PathBuf};

mod base;

pub use base::{LaunchBase, Variant};

use crate::config::generation::{DataConfig, MAX_CONFIG_BYTES, MixLeaf, file_name, mix};
use crate::config::yaml::{Document, Section, Value};
use crate::input::InputFile;
use crate::messages::{did_you_mean, excerpt};
use crate::{EngineConfig, InputRecord, IoError, Place};

/// A launch config that has passed every check that needs no other file.
#[derive(Debug, Clone)]
pub struct LaunchConfig {
    /// The config's path, as the user gave it.
    pub file: String,
    /// Where its relative paths start.
    pub folder: PathBuf,
    /// The run's name.
    pub name: String,
    /// The swarm it belongs to.
    pub group: Option<String>,
    /// Size of the model, its tokenizer, and every number of the recipe that is not the default.
    pub training: TrainingConfig,
    /// Where the data is. A custom trainer may know by itself.
    pub data: Option<DataConfig>,
    /// The mixture, leaves with a weight above 0; weights sum to 1.
    pub mix: Vec<MixLeaf>,
    /// What trains.
    pub trainer: TrainerKind,
    /// What runs it.
    pub engine: Option<EngineConfig>,
    /// What is measured.
    pub evaluation: EvaluationConfig,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// The section `training`. Numbers that are `None` follow the recipe.
#[derive(Debug, Clone, Default)]
pub struct TrainingConfig {
    /// Name of the size, such as `30m`; `olmo3_30m` names the same.
    pub size: String,
    /// `bytes`, or the path of a tokenizer.json.
    pub tokenizer: Option<String>,
    /// Tokens of the run over 20 per non-embedding parameter.
    pub chinchilla_multiple: f64,
    /// Tokens of the run, in place of the multiple.
    pub tokens: Option<u64>,
    /// Seed of initialization and of the order of data.
    pub seed: u64,
    /// Sequences that one device holds at a time.
    pub device_batch_size: Option<u64>,
    /// Tokens of a step.
    pub global_batch_size: Option<u64>,
    /// Tokens of a sequence.
    pub sequence_length: Option<u64>,
    /// Greatest learning rate.
    pub learning_rate: Option<f64>,
    /// Share of the steps in which the learning rate rises.
    pub warmup_fraction: Option<f64>,
    /// Share of the steps in which it falls.
    pub decay_fraction: Option<f64>,
    /// Decoupled weight decay.
    pub weight_decay: Option<f64>,
    /// Decay of `AdamW`'s first moment.
    pub beta1: Option<f64>,
    /// Decay of `AdamW`'s second moment.
    pub beta2: Option<f64>,
    /// Greatest norm of a step's gradient.
    pub clip: Option<f64>,
    /// Weight of the squared logarithm of the softmax's normalizer.
    pub z_loss: Option<f64>,
    /// Steps between checkpoints.
    pub checkpoint_every: Option<u64>,
    /// Steps between lines of metrics.jsonl.
    pub log_every: Option<u64>,
    /// Steps between measurements on the way; at the end alone where not given.
    pub eval_interval: Option<u64>,
    /// The shape, where it is not the size's.
    pub model: ModelConfig,
}

/// `training.model`: what differs from the shape of the size.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelConfig {
    /// Width of the residual stream.
    pub width: Option<u64>,
    /// Number of layers.
    pub layers: Option<u64>,
    /// Heads of attention.
    pub heads: Option<u64>,
    /// Width of the feed-forward layers.
    pub hidden: Option<u64>,
    /// Whether queries and keys are normalized.
    pub qk_norm: Option<bool>,
    /// Base of the rotary embedding.
    pub rope_theta: Option<f64>,
    /// ε of the norms.
    pub norm_eps: Option<f64>,
    /// Standard deviation of the initial weights.
    pub init_std: Option<f64>,
}

/// What trains a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrainerKind {
    /// The one in this program, on the processor.
    Builtin,
    /// The one in `trainers/torch`.
    Torch,
    /// Any other.
    Command {
        /// A shell command with `{mix_json}`, `{out}`, `{config}`, `{name}`, `{seed}` and `{threads}`.
        command: String,
        /// The JSON file that it leaves its metrics in, with the same placeholders.
        metrics: String,
        /// Seconds after which it is stopped.
        timeout: Option<u64>,
    },
}

/// The section `eval`, as far as it is measured here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluationConfig {
    /// Task files, or folders of them.
    pub tasks: Vec<String>,
    /// What goes before every context.
    pub few_shot: Option<FewShot>,
    /// Held-out data by domain.
    pub validation: Vec<ValidationLeaf>,
}

/// Prefixes of contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FewShot {
    /// One file for every task.
    File(String),
    /// A file for each task named.
    ByTask(Vec<(String, String)>),
}

/// Held-out shards of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationLeaf {
    /// The domain.
    pub name: String,
    /// Paths or globs of its shards.
    pub paths: Vec<String>,
}

/// How far weights of a mixture may be from 1 in all.
const SUM_TOLERANCE: f64 = 0.01;

impl LaunchConfig {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that
    /// can't be used.
    pub fn load(path: &Path) -> Result<(Self, InputRecord), IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Self::parse(&input.name, input.text()?, folder)?;
        Ok((config, input.record("config")))
    }

    /// Checks a config given as text; `file` names it in messages, relative paths start at `folder`.
    ///
    /// # Errors
    /// As [`LaunchConfig::load`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, IoError> {
        let document = Document::parse(file, text)?;
        let mut notices = Vec::new();
        let mut root = document.root().section()?;
        let name = file_name(&root.required("name")?)?;
        let group = root.optional("group_id");
        // For people.
        for key in ["description", "infra"] {
            root.optional(key);
        }
        let engine = root.optional("engine");
        let training = root.required("training")?;
        let data = root.optional("data");
        let evaluation = root.optional("eval");
        let trainer = root.optional("trainer");
        let mix = root.required("mix")?;
        root.finish()?;
        let trainer = trainer
            .as_ref()
            .map_or(Ok(TrainerKind::Builtin), trainer_of)?;
        let custom = matches!(trainer, TrainerKind::Command { .. });
        if data.is_none() && !custom {
            return Err(IoError::input(
                file,
                Place::File,
                "there is no `data`, and the trainer needs to know where tokens are",
                "add the section `data` of the generation config",
            ));
        }
        let evaluation = evaluation.map(|v| evaluation_of(&v, &mut notices));
        Ok(Self {
            file: file.to_owned(),
            folder: folder.to_owned(),
            name,
            group: group.map(|v| v.text().map(str::to_owned)).transpose()?,
            training: TrainingConfig::read(training.section()?, custom)?,
            data: data.as_ref().map(DataConfig::read).transpose()?,
            mix: mix_of(&mix)?,
            trainer,
            engine: engine.as_ref().map(EngineConfig::read).transpose()?,
            evaluation: evaluation.transpose()?.unwrap_or_default(),
            notices,
        })
    }

    /// A relative path of the config: beside it where something is there, else from the working
    /// directory.
    #[must_use]
    pub fn path(&self, text: &str) -> PathBuf {
        let beside = self.folder.join(text);
        if beside.exists() {
            beside
        } else {
            PathBuf::from(text)
        }
    }
}

impl TrainingConfig {
    fn read(mut section: Section<'_>, custom: bool) -> Result<Self, IoError> {
        let size = if custom {
            section.optional("proxy_model_id")
        } else {
            Some(section.required("proxy_model_id")?)
        };
        let size = size.map(|v| v.text()).transpose()?.unwrap_or_default();
        let size = size.rsplit_once('_').map_or(size, |(_, size)| size);
        // Settings of other trainers, of no effect here.
        for key in ["checkpoint_path", "train_type", "no_eval"] {
            section.optional(key);
        }
        let tokenizer = section.optional("tokenizer");
        let multiple = section.optional("chinchilla_multiple");
        let seed = section.optional("seed");
        let mut whole = |key| above_0(section.optional(key).as_ref());
        let (tokens, device_batch_size) = (whole("tokens")?, whole("device_batch_size")?);
        let (global_batch_size, sequence_length) =
            (whole("global_batch_size")?, whole("sequence_length")?);
        let (checkpoint_every, log_every) = (whole("checkpoint_every")?, whole("log_every")?);
        let eval_interval = whole("eval_interval")?;
        let mut number = |key, what, holds: fn(f64) -> bool| {
            let value = section.optional(key);
            value.map(|v| v.number_that(what, holds)).transpose()
        };
        let share = |x: f64| (0.0..=1.0).contains(&x);
        let decay = |x: f64| (0.0..1.0).contains(&x);
        let read = Self {
            size: size.to_ascii_lowercase(),
            tokenizer: tokenizer.map(|v| v.text().map(str::to_owned)).transpose()?,
            chinchilla_multiple: multiple
                .map_or(Ok(1.0), |v| v.number_that("a number above 0", |x| x > 0.0))?,
            tokens,
            seed: seed.map_or(Ok(42), |v| v.whole())?,
            device_batch_size,
            global_batch_size,
            sequence_length,
            learning_rate: number("learning_rate", "a number above 0", |x| x > 0.0)?,
            warmup_fraction: number("warmup_fraction", "a share from 0 to 1", share)?,
            decay_fraction: number("decay_fraction", "a share from 0 to 1", share)?,
            weight_decay: number("weight_decay", "a number that is not negative", |x| {
                x >= 0.0
            })?,
            beta1: number("beta1", "a number from 0 to 1, without 1", decay)?,
            beta2: number("beta2", "a number from 0 to 1, without 1", decay)?,
            clip: number("clip", "a number above 0", |x| x > 0.0)?,
            z_loss: number("z_loss", "a number that is not negative", |x| x >= 0.0)?,
            checkpoint_every,
            log_every,
            eval_interval,
            model: ModelConfig::read(section.section("model")?)?,
        };
        section.finish()?;
        Ok(read)
    }
}

impl ModelConfig {
    fn read(mut section: Section<'_>) -> Result<Self, IoError> {
        let mut whole = |key| above_0(section.optional(key).as_ref());
        let (width, layers) = (whole("width")?, whole("layers")?);
        let (heads, hidden) = (whole("heads")?, whole("hidden")?);
        let qk_norm = section.optional("qk_norm");
        let mut number = |key| {
            let value = section.optional(key);
            value
                .map(|v| v.number_that("a number above 0", |x| x > 0.0))
                .transpose()
        };
        let read = Self {
            width,
            layers,
            heads,
            hidden,
            qk_norm: qk_norm.map(|v| v.boolean()).transpose()?,
            rope_theta: number("rope_theta")?,
            norm_eps: number("norm_eps")?,
            init_std: number("init_std")?,
        };
        section.finish()?;
        Ok(read)
    }
}

fn above_0(value: Option<&Value<'_>>) -> Result<Option<u64>, IoError> {
    let whole = |value: &Value<'_>| match value.whole() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(value.must_be("a whole number above 0")),
    };
    value.map(whole).transpose()
}

fn trainer_of(value: &Value<'_>) -> Result<TrainerKind, IoError> {
    const KNOWN: [(&str, TrainerKind); 2] = [
        ("builtin", TrainerKind::Builtin),
        ("torch", TrainerKind::Torch),
    ];
    if let Ok(word) = value.text() {
        let found = KNOWN.into_iter().find(|(known, _)| *known == word);
        return found.map(|(_, kind)| kind).ok_or_else(|| {
            value.error(
                format!("`{}` is no trainer", excerpt(word)),
                did_you_mean(word, KNOWN.map(|(known, _)| known), || {
                    "use builtin, torch, or {command: …, metrics: …}".to_owned()
                }),
            )
        });
    }
    let mut section = value.section()?;
    let command = section.required("command")?.text()?.to_owned();
    let metrics = section.optional("metrics");
    let metrics = metrics
        .map_or(Ok("{out}/metrics.json"), |v| v.text())?
        .to_owned();
    let timeout = above_0(section.optional("timeout").as_ref())?;
    section.finish()?;
    Ok(TrainerKind::Command {
        command,
        metrics,
        timeout,
    })
}

fn evaluation_of(
    value: &Value<'_>,
    notices: &mut Vec<String>,
) -> Result<EvaluationConfig, IoError> {
    let mut section = value.section()?;
    section.optional("type");
    let tasks = section.optional("tasks");
    let few_shot = section.optional("few_shot");
    let validation = section.optional("validation");
    section.finish()?;
    let mut read = EvaluationConfig::default();
    if let Some(tasks) = tasks {
        if tasks.entries().is_ok() {
            notices.push(format!(
                "{}: `eval.tasks` names tasks of another trainer; the built-in one measures files: \
                 eval: {{tasks: tasks/}}",
                value.file()
            ));
        } else {
            read.tasks = texts(&tasks)?;
        }
    }
    read.few_shot = match few_shot {
        None => None,
        Some(value) => Some(match value.entries() {
            Ok(entries) => FewShot::ByTask(
                entries
                    .into_iter()
                    .map(|(task, file)| Ok((task.to_owned(), file.text()?.to_owned())))
                    .collect::<Result<_, IoError>>()?,
            ),
            Err(_) => FewShot::File(value.text()?.to_owned()),
        }),
    };
    if let Some(validation) = validation {
        for (name, paths) in validation.entries()? {
            read.validation.push(ValidationLeaf {
                name: name.to_owned(),
                paths: texts(&paths)?,
            });
        }
    }
    Ok(read)
}

/// A text, or a list of them.
fn texts(value: &Value<'_>) -> Result<Vec<String>, IoError> {
    match value.items() {
        Ok(items) => items.iter().map(|v| v.text().map(str::to_owned)).collect(),
        Err(_) => Ok(vec![value.text()?.to_owned()]),
    }
}

/// The leaves of a mix, whose weights are shares and sum to 1.
fn mix_of(value: &Value<'_>) -> Result<Vec<MixLeaf>, IoError> {
    let mut leaves = mix::leaves(value, &|weight| {
        weight.number_that("a share that is not negative", |w| {
            (0.0..=1.0 + SUM_TOLERANCE).contains(&w)
        })
    })?;
    let sum: f64 = leaves.iter().map(|leaf| leaf.weight).sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(value.error(
            format!("the weights of `mix` sum to {sum:.4}, not to 1"),
            "correct them: each is the leaf's share of the run's tokens",
        ));
    }
    leaves.retain(|leaf| leaf.weight > 0.0);
    leaves.iter_mut().for_each(|leaf| leaf.weight /= sum);
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    const DATA: &str = "data: {dtype: uint16, sources: [{name: a, paths: [a.bin]}]}\n";

    fn parse(text: &str) -> Result<LaunchConfig, IoError> {
        LaunchConfig::parse("launch.yaml", text, Path::new(""))
    }

    #[test]
    fn a_nested_mix_multiplies_weights_and_inherits_factors() {
        let text = format!(
            "name: x\ntraining: {{proxy_model_id: olmo3_30m}}\n{DATA}mix:\n  dclm: {{weight: 0.8, repetition_factor: 2, code: {{weight: 0.5}}, math: \
             {{weight: 0.5, repetition_factor: 3}}}}\n  wiki: 0.2\n"
        );
        let config = parse(&text).unwrap();
        let leaf = |name: &str, weight, repetition_factor| MixLeaf {
            name: name.into(),
            weight,
            repetition_factor,
        };
        assert_eq!(
            config.mix,
            [
                leaf("dclm:code", 0.4, Some(2.0)),
                leaf("dclm:math", 0.4, Some(3.0)),
                leaf("wiki", 0.2, None)
            ]
        );
        assert_eq!(config.training.size, "30m");
        assert_eq!(config.trainer, TrainerKind::Builtin);
    }

    #[test]
    fn a_custom_trainer_needs_no_data_and_no_size() {
        let text = "name: x\ntraining: {seed: 7}\ntrainer: {command: \"train {mix_json}\", timeout: 60}\nmix: {a: 1}\n";
        let config = parse(text).unwrap();
        assert_eq!(
            config.trainer,
            TrainerKind::Command {
                command: "train {mix_json}".into(),
                metrics: "{out}/metrics.json".into(),
                timeout: Some(60)
            }
        );
    }

    #[test]
    fn what_can_not_be_meant_is_refused_with_its_place() {
        for (text, told) in [
            (
                "name: x\ntraining: {proxy_model_id: demo}\nmix: {a: 1}\n",
                "there is no `data`",
            ),
            (
                "name: x\ntraining: {proxy_model_id: demo, learning_rate: -1}\nDATAmix: {a: 1}\n",
                "launch.yaml:2:49: `training.learning_rate` must be a number above 0",
            ),
            (
                "name: x\ntraining: {proxy_model_id: demo}\nDATAmix: {a: 0.5, b: 0.4}\n",
                "sum to 0.9000",
            ),
            (
                "name: x\ntraining: {proxy_model_id: demo}\nDATAtrainer: torhc\nmix: {a: 1}\n",
                "did you mean `torch`",
            ),
            (
                "name: x\ntraining: {proxy_model_id: demo, model: {wdith: 64}}\nDATAmix: {a: 1}\n",
                "unknown key `wdith`",
            ),
        ] {
            let error = parse(&text.replace("DATA", DATA)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
