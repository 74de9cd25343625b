//! `training`: the size of the model, and every number of the recipe that is not the default.

use super::start::StartConfig;
use crate::config::yaml::{Section, Value};
use crate::error::IoError;

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
    /// The weights that it begins with, where they are those of another run.
    pub start: Option<StartConfig>,
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

impl TrainingConfig {
    pub(super) fn read(mut section: Section<'_>, custom: bool) -> Result<Self, IoError> {
        let size = if custom {
            section.optional("proxy_model_id")
        } else {
            Some(section.required("proxy_model_id")?)
        };
        let size = size.map(|v| v.text()).transpose()?.unwrap_or_default();
        // Names of the reference implementation: `olmo3_30m`.
        let of_reference = |family: &str| {
            let digits = family.strip_prefix("olmo");
            digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let size = match size.split_once('_') {
            Some((family, own)) if of_reference(family) => own,
            _ => size,
        };
        // Settings of other trainers, of no effect here.
        for key in ["checkpoint_path", "train_type", "no_eval"] {
            section.optional(key);
        }
        let tokenizer = section.optional("tokenizer");
        let multiple = section.optional("chinchilla_multiple");
        let seed = section.optional("seed");
        let tokens = section.optional("tokens");
        let tokens = tokens.map(|v| v.whole_tokens()).transpose()?;
        let start = section.optional("start_from");
        let mut whole = |key| above_0(section.optional(key).as_ref());
        let device_batch_size = whole("device_batch_size")?;
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
            seed: seed.map_or(Ok(SEED), |v| v.whole())?,
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
            start: start.as_ref().map(StartConfig::read).transpose()?,
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

/// Seed of a training whose config names none.
pub(super) const SEED: u64 = 42;

/// A whole number above 0, where there is a value.
pub(super) fn above_0(value: Option<&Value<'_>>) -> Result<Option<u64>, IoError> {
    let whole = |value: &Value<'_>| match value.whole() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(value.must_be("a whole number above 0")),
    };
    value.map(whole).transpose()
}
