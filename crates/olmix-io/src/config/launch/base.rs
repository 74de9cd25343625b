//! Launch configs: one file per run, with all that a launcher needs.

use std::path::Path;

use super::training::SEED;
use crate::config::engine::EngineConfig;
use crate::config::generation::GenerationConfig;
use crate::config::yaml::{Document, Yaml};
use crate::error::IoError;
use crate::input::{InputFile, InputRecord, MAX_CONFIG_BYTES};

/// A launch config that variants are made from.
#[derive(Debug)]
pub struct LaunchBase {
    config: Yaml,
    has_secrets: bool,
    /// Of the training.
    seed: u64,
}

/// One run of a swarm.
#[derive(Debug, Clone)]
pub struct Variant<'a> {
    /// Its id, which is its name too: `<name>-<group>-<index>`.
    pub id: &'a str,
    /// The swarm it belongs to.
    pub group: &'a str,
    /// Leaves, their weights, and how often each would be seen where that is known.
    pub mixture: &'a [(&'a str, f64, Option<f64>)],
    /// How many runs of this mixture come before it: added to the seed of the training, so that no two are the same
    /// run.
    pub replicate: u64,
}

/// Keys of a launch config.
const KNOWN: [&str; 10] = [
    "name",
    "description",
    "infra",
    "training",
    "data",
    "eval",
    "group_id",
    "mix",
    "trainer",
    "engine",
];

impl LaunchBase {
    /// Reads a launch config: a mapping with at least `training`.
    ///
    /// # Errors
    /// [`IoError::Read`], and [`IoError::Input`] when it is none.
    pub fn read(path: &Path) -> Result<(Self, InputRecord), IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        let document = Document::parse(&input.name, input.text()?)?;
        let mut root = document.root().section()?;
        for key in KNOWN {
            root.optional(key);
        }
        let seed = root.required("training")?.section()?.optional("seed");
        root.finish()?;
        // What can't be read as settings is none that launch takes; then nothing is known of it.
        let engine = EngineConfig::load(path);
        let base = Self {
            config: document.root().to_yaml(),
            seed: seed.map_or(Ok(SEED), |v| v.whole())?,
            has_secrets: engine.map_or(true, |engine| engine.is_some_and(|e| e.has_secrets())),
        };
        Ok((base, input.record("base")))
    }

    /// Whether its section `engine` has variables of the environment, whose values may be secrets: launch
    /// configs made of it are then for their owner alone.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.has_secrets
    }

    /// The launch config of a variant: the base with the variant's name, group, data and mix. Leaves
    /// without weight are left out of the mix.
    #[must_use]
    pub fn variant(&self, config: &GenerationConfig, variant: &Variant<'_>) -> String {
        let mut launch = self.config.clone();
        launch.set("name", Yaml::text(variant.id));
        launch.set("group_id", Yaml::text(variant.group));
        launch.set("data", config.data.written.clone());
        let sampled = variant
            .mixture
            .iter()
            .filter(|(_, weight, _)| *weight > 0.0);
        let leaf = |(name, weight, repetition): &(&str, f64, Option<f64>)| {
            let mut entry = vec![("weight", Yaml::number(*weight))];
            // A trainer must be allowed to see the data as often as the mixture needs.
            let factor = repetition.map_or(1.0, |needed| needed.max(1.0));
            entry.push(("repetition_factor", Yaml::number(factor)));
            ((*name).to_owned(), Yaml::map(entry))
        };
        launch.set("mix", Yaml::map(sampled.map(leaf)));
        if variant.replicate > 0
            && let Some(mut training) = launch.get("training").cloned()
        {
            // Above what YAML's readers take for a whole number, seeds begin again.
            let seed = self.seed.wrapping_add(variant.replicate) % (1 << 63);
            training.set("seed", Yaml::whole(seed));
            launch.set("training", training);
        }
        launch.to_file()
    }
}
