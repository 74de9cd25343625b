//! `run.json`: a run with every number in it, for any trainer.

use std::path::{Path, PathBuf};

use olmix_fs::write_whole;
use olmix_io::TrainingConfig;
use serde::{Deserialize, Serialize};

use crate::checksums::read_checked;
use crate::{PhasePlan, ProxyError, StartPlan, hyperparameters};

/// The plan in a run's folder.
pub(crate) const FILE: &str = "run.json";
/// What `format` says in run.json.
const FORMAT: &str = "olmix run";
/// The versions of run.json that this program writes and reads: of a run that begins with weights of its own, and of
/// one that begins with those of another, which earlier versions would not know of.
const VERSION: u32 = 1;
const VERSION_WITH_START: u32 = 2;
/// More of anything is a mistake: sequences, widths, layers.
pub(crate) const MOST: u64 = 1 << 24;

/// A run, resolved: nothing in it depends on where it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    format: String,
    version: u32,
    /// The run's name.
    pub name: String,
    /// The swarm it belongs to.
    pub group: Option<String>,
    /// The shape of the model.
    pub model: Shape,
    /// The hyperparameters of its training.
    pub recipe: Hyperparameters,
    /// Its phases, in order; none where it has one mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhasePlan>,
    /// The weights that it begins with, where they are those of another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartPlan>,
    /// What it is trained on.
    pub data: DataPlan,
    /// Path of the tokenizer.json, from the run's folder: a folder may be moved.
    pub tokenizer: PathBuf,
    /// What is measured.
    pub evaluation: EvaluationPlan,
}

/// The shape of a Llama model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Name of the size it started from.
    pub size: String,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Width of the residual stream; a multiple of twice the heads.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Width of the feed-forward layers.
    pub hidden: usize,
    /// Tokens of a sequence.
    pub context: usize,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// ε of the norms.
    pub norm_eps: f64,
    /// Whether queries and keys are normalized, head by head.
    pub qk_norm: bool,
    /// Standard deviation of the initial weights.
    pub init_std: f64,
}

impl Shape {
    /// Width of a head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.width / self.heads
    }

    /// Parameters without the embedding and the output matrix.
    #[must_use]
    pub fn non_embedding_parameters(&self) -> usize {
        let (d, f) = (self.width, self.hidden);
        let qk = if self.qk_norm {
            2 * self.head_width()
        } else {
            0
        };
        self.layers * (4 * d * d + 3 * d * f + 2 * d + qk) + d
    }

    /// All parameters, the embedding and the output matrix among them.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.non_embedding_parameters() + 2 * self.vocab * self.width
    }
}

/// How a model is trained: method.md, §7 (the Olmix paper's appendix on proxies).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// Seed of the initial weights and of the order of data.
    pub seed: u64,
    /// Steps of the optimizer.
    pub steps: u64,
    /// Sequences of a step.
    pub batch: u64,
    /// Greatest learning rate.
    pub learning_rate: f64,
    /// Steps in which the learning rate rises.
    pub warmup_steps: u64,
    /// Steps at the end in which it falls to 0.
    pub decay_steps: u64,
    /// Decay of `AdamW`'s first moment.
    pub beta1: f64,
    /// Decay of `AdamW`'s second moment.
    pub beta2: f64,
    /// `AdamW`'s ε, added to the root of the second moment.
    pub adam_eps: f64,
    /// Decoupled weight decay, of all but the embedding.
    pub weight_decay: f64,
    /// Greatest norm of a step's gradient.
    pub clip: f64,
    /// Weight of the squared logarithm of the softmax's normalizer.
    pub z_loss: f64,
    /// Sequences that one device holds at a time; of no effect on the processor.
    pub micro_batch: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Steps between lines of metrics.jsonl.
    pub log_every: u64,
    /// Steps between measurements on the way; at the end alone where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_every: Option<u64>,
}

/// What a run is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataPlan {
    /// The leaves of the mixture.
    pub leaves: Vec<LeafPlan>,
    /// The token that ends a document.
    pub end_of_text: Option<u32>,
    /// Tokens of the run whose repetition is simulated: each leaf is cut to the share of its tokens that the run is of
    /// these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate_target_tokens: Option<u64>,
}

/// A leaf and its part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeafPlan {
    /// Its full name.
    pub name: String,
    /// Its share of the run's tokens; with phases, the mean of its shares by their tokens.
    pub weight: f64,
    /// How often each token may be seen.
    pub repetition_factor: Option<f64>,
    /// Sequences of the run that are drawn from it.
    pub sequences: u64,
    /// Tokens that it is cut to, where repetition is simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_tokens: Option<u64>,
    /// Its shards, in order; a leaf's tokens are theirs one after another.
    pub shards: Vec<ShardPlan>,
}

/// A file of tokens and nothing else, after a header of `offset` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlan {
    /// The file, absolute.
    pub path: PathBuf,
    /// Bytes before the first token.
    pub offset: u64,
    /// Bytes of a token: 1, 2, 4 or 8.
    pub width: u64,
    /// Whether the first byte of a token is the highest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub big_endian: bool,
    /// Tokens in it, without the header.
    pub tokens: u64,
    /// The file with the checksums of its blocks, absolute, where `olmix tokenize` wrote one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums: Option<PathBuf>,
}

/// What is measured once a run is trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationPlan {
    /// Task files, absolute.
    pub tasks: Vec<PathBuf>,
    /// What goes before every context, by task; the name `*` is for all others.
    pub few_shot: Vec<(String, PathBuf)>,
    /// Whether an end-of-text token goes before every context.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub add_bos_token: bool,
    /// Held-out data by domain.
    pub validation: Vec<ValidationPlan>,
}

/// Held-out data of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationPlan {
    /// The name of the domain, as metrics have it.
    pub name: String,
    /// Its shards, in order; its tokens are theirs one after another.
    pub shards: Vec<ShardPlan>,
    /// UTF-8 bytes of their text, where they are known; without them only the loss per token is measured.
    pub bytes: Option<u64>,
}

impl RunPlan {
    /// A run with one mixture, from its parts.
    #[must_use]
    pub fn new(
        name: String,
        group: Option<String>,
        model: Shape,
        recipe: Hyperparameters,
        data: DataPlan,
        tokenizer: PathBuf,
        evaluation: EvaluationPlan,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            name,
            group,
            model,
            recipe,
            phases: Vec::new(),
            start: None,
            data,
            tokenizer,
            evaluation,
        }
    }

    /// The same run, which begins with the weights of another where there is a start.
    #[must_use]
    pub fn beginning_with(mut self, start: Option<StartPlan>) -> Self {
        self.version = match start {
            Some(_) => VERSION_WITH_START,
            None => VERSION,
        };
        self.start = start;
        self
    }

    /// Where it stands in a run's folder.
    #[must_use]
    pub fn file(run: &Path) -> PathBuf {
        run.join(FILE)
    }

    /// Reads the plan in a run's folder.
    ///
    /// # Errors
    /// [`ProxyError::File`] when it can't be read, [`ProxyError::Input`] when it is no plan, damaged, or of a
    /// newer version.
    pub fn read(run: &Path) -> Result<Self, ProxyError> {
        let file = Self::file(run);
        let bytes = read_checked(run, FILE)?;
        let plan: Self = serde_json::from_slice(&bytes).map_err(|error| {
            ProxyError::broken(&file, format!("is not the plan of a run: {error}"))
        })?;
        if plan.format != FORMAT || !(VERSION..=VERSION_WITH_START).contains(&plan.version) {
            let found = format!(
                "is `{}`, version {}, not `{FORMAT}`, version {VERSION_WITH_START}",
                plan.format, plan.version
            );
            return Err(ProxyError::broken(&file, found));
        }
        plan.model.check(&file)?;
        Ok(plan)
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for numbers that JSON has no word for.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, ProxyError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| ProxyError::broken(Path::new(FILE), error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Writes the plan into a run's folder, whole.
    ///
    /// # Errors
    /// [`ProxyError::File`]; an earlier plan is then as it was.
    pub fn write(&self, run: &Path) -> Result<(), ProxyError> {
        Ok(write_whole(&Self::file(run), &self.bytes()?)?)
    }

    /// Tokens of the run.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.recipe.steps * self.recipe.batch * self.model.context as u64
    }
}

impl Hyperparameters {
    /// The recipe for a model, with what the config sets in place of its numbers.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for runs of no step, and for batches of less than a sequence.
    pub fn of(file: &Path, training: &TrainingConfig, model: &Shape) -> Result<Self, ProxyError> {
        if let Some(tokens) = training
            .global_batch_size
            .filter(|&tokens| tokens < model.context as u64)
        {
            return Err(ProxyError::input(
                file,
                format!(
                    "training.global_batch_size is {tokens} tokens, less than a sequence of {}",
                    model.context
                ),
                format!(
                    "it counts tokens: {tokens} sequences, as OLMo-core's olmix configs mean it, are {}",
                    tokens.saturating_mul(model.context as u64)
                ),
            ));
        }
        let recipe = hyperparameters::of_reference(training, model);
        if recipe.steps == 0
            || recipe.batch > MOST
            || recipe.warmup_steps + recipe.decay_steps > recipe.steps
        {
            return Err(ProxyError::input(
                file,
                format!(
                    "a run of {} steps of {} sequences, {} of them warmup and {} decay, can't be trained",
                    recipe.steps, recipe.batch, recipe.warmup_steps, recipe.decay_steps
                ),
                "correct tokens, chinchilla_multiple, global_batch_size, warmup_fraction or decay_fraction \
                 in `training`",
            ));
        }
        Ok(recipe)
    }
}
