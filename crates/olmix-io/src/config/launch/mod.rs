//! The launch config of one run: what to train, on which mixture of which data, with which trainer, and how
//! to measure it.

use std::path::{Path, PathBuf};

mod base;
mod evaluation;
mod phases;
mod start;
mod trainer;
mod training;

pub use base::{LaunchBase, Variant, VariantPhase};
pub use evaluation::{EvaluationConfig, FewShot, ValidationLeaf};
pub use phases::PhaseConfig;
pub use start::StartConfig;
pub use trainer::TrainerKind;
pub use training::{ModelConfig, TrainingConfig};

use crate::checksums::changed;
use crate::config::engine::EngineConfig;
use crate::config::generation::{DataConfig, MixLeaf, file_name, mix};
use crate::config::yaml::{Document, Value};
use crate::error::{IoError, Location};
use crate::input::{InputRecord, MAX_CONFIG_BYTES, read_config};
use crate::rounding::without_rounding;

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
    /// The mixture of the whole run, leaves with a weight above 0; weights sum to 1. With phases, the mean of
    /// theirs by their tokens.
    pub mix: Vec<MixLeaf>,
    /// Its phases, in order; none where the run has one mixture.
    pub phases: Vec<PhaseConfig>,
    /// The trainer; the built-in one where the config does not say.
    pub trainer: TrainerKind,
    /// What runs it.
    pub engine: Option<EngineConfig>,
    /// What is measured.
    pub evaluation: EvaluationConfig,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// How far weights of a mixture may be from 1 in all.
const SUM_TOLERANCE: f64 = 0.01;

impl LaunchConfig {
    /// Reads and checks a config file. One that `olmix generate` wrote and that was changed since is noticed.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that
    /// can't be used.
    pub fn load(path: &Path) -> Result<(Self, InputRecord), IoError> {
        let (mut config, record) = read_config(path, MAX_CONFIG_BYTES, Self::parse)?;
        config.notices.extend(changed(&record)?);
        Ok((config, record))
    }

    /// Checks a config given as text; `file` names it in messages, relative paths start at `folder`.
    ///
    /// # Errors
    /// As [`LaunchConfig::load`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, IoError> {
        let document = Document::parse(file, text)?;
        let mut root = document.root().section()?;
        let name = file_name(&root.required("name")?)?;
        let group = root.optional("group_id");
        // For people.
        root.optional("description");
        if let Some(infra) = root.optional("infra") {
            infra.notice(
                "`infra` is not used: what executes the runs is set by `engine` or --engine",
            );
        }
        let engine = root.optional("engine");
        let training = root.required("training")?;
        let data = root.optional("data");
        let evaluation = root.optional("eval");
        let trainer = root.optional("trainer");
        let phases = root.optional("phases");
        // Asked for after `phases`, so that what is missing where neither is there is `mix`.
        let mix = match &phases {
            None => Some(root.required("mix")?),
            Some(_) => root.optional("mix"),
        };
        root.finish()?;
        let (mix, phases) = mixtures(mix.as_ref(), phases.as_ref())?;
        let training = training.section()?;
        let trainer = trainer
            .as_ref()
            .map_or(Ok(TrainerKind::Builtin), TrainerKind::read)?;
        let custom = matches!(trainer, TrainerKind::Command { .. });
        if data.is_none() && !custom {
            return Err(IoError::input(
                file,
                Location::File,
                "there is no `data`, and the trainer needs to know where tokens are",
                "add the section `data` of the generation config",
            ));
        }
        let evaluation = evaluation.as_ref().map(EvaluationConfig::read);
        let data = data.as_ref().map(DataConfig::read).transpose()?;
        if custom
            && let Some(data) = &data
            && let Some(simulated) = &data.simulate_target_tokens
        {
            return Err(data.error(
                &simulated.location,
                "data.simulate_target_tokens is of no effect with a trainer of your own, which reads its data itself",
                "remove it, and cut the data of the trainer; the trainers `builtin` and `torch` honour it",
            ));
        }
        let training = TrainingConfig::read(training, custom)?;
        if let Some(start) = &training.start {
            start.check(file, custom, &phases)?;
        }
        Ok(Self {
            file: file.to_owned(),
            folder: folder.to_owned(),
            name,
            group: group.map(|v| v.name().map(str::to_owned)).transpose()?,
            training,
            data,
            mix,
            phases,
            trainer,
            engine: engine.as_ref().map(EngineConfig::read).transpose()?,
            evaluation: evaluation.transpose()?.unwrap_or_default(),
            notices: document.notices(),
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

/// The mixture of a run, and its phases.
fn mixtures(
    mix: Option<&Value<'_>>,
    phases: Option<&Value<'_>>,
) -> Result<(Vec<MixLeaf>, Vec<PhaseConfig>), IoError> {
    match (mix, phases) {
        (Some(mix), None) => Ok((mix_of(mix)?, Vec::new())),
        (Some(mix), Some(_)) => Err(mix.error(
            "`mix` and `phases` are both there",
            "keep one: `mix` is one mixture for the whole run, `phases` a mixture for each part of it",
        )),
        (None, Some(value)) => {
            let phases = phases::read(value)?;
            Ok((phases::overall(value, &phases)?, phases))
        }
        (None, None) => Ok((Vec::new(), Vec::new())),
    }
}

/// The leaves of a mix, whose weights are shares and sum to 1.
fn mix_of(value: &Value<'_>) -> Result<Vec<MixLeaf>, IoError> {
    let mut leaves = mix::leaves(value, &|weight| {
        weight.number_that("a share that is not negative", |w| {
            (0.0..=1.0 + SUM_TOLERANCE).contains(&without_rounding(w))
        })
    })?;
    let sum: f64 = leaves.iter().map(|leaf| leaf.weight).sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(value.error(
            format!(
                "the weights of `{}` sum to {sum:.4}, not to 1",
                value.path()
            ),
            "correct them: each is the leaf's share of the tokens",
        ));
    }
    leaves.retain(|leaf| without_rounding(leaf.weight) > 0.0);
    leaves.iter_mut().for_each(|leaf| leaf.weight /= sum);
    Ok(leaves)
}

#[cfg(test)]
mod tests;
