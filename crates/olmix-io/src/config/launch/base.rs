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
    /// Its phases, where it has some; `mixture` is then that of the whole run.
    pub phases: &'a [VariantPhase<'a>],
}

/// A phase of a variant.
#[derive(Debug, Clone)]
pub struct VariantPhase<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its share of the run's tokens.
    pub fraction: f64,
    /// Leaves and their weights in the phase. How often a leaf is seen is said in the run's mixture.
    pub mixture: &'a [(&'a str, f64)],
}

impl<'a> VariantPhase<'a> {
    /// A phase with its leaves and their weights.
    #[must_use]
    pub fn new(phase: &'a olmix_core::phases::Phase, mixture: &'a Vec<(&'a str, f64)>) -> Self {
        Self {
            name: &phase.name,
            fraction: phase.fraction,
            mixture,
        }
    }
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

impl Variant<'_> {
    fn weights(&self) -> impl Iterator<Item = (&str, f64)> {
        self.mixture
            .iter()
            .map(|(name, weight, _)| (*name, *weight))
    }

    /// A mix of these weights, each leaf with how often the run may see it.
    fn mix(&self, weights: &[(&str, f64)]) -> Yaml {
        let repetition = |leaf: &str| {
            let found = self.mixture.iter().find(|(name, ..)| *name == leaf);
            found.and_then(|(_, _, repetition)| *repetition)
        };
        let sampled = weights.iter().filter(|(_, weight)| *weight > 0.0);
        Yaml::map(sampled.map(|(name, weight)| {
            // A trainer must be allowed to see the data as often as the mixture needs.
            let factor = repetition(name).map_or(1.0, |needed| needed.max(1.0));
            let entry = [
                ("weight", Yaml::number(*weight)),
                ("repetition_factor", Yaml::number(factor)),
            ];
            ((*name).to_owned(), Yaml::map(entry))
        }))
    }
}

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
        if let Some(phases) = root.optional("phases") {
            return Err(phases.error(
                "`phases` of a base would be those of no run: the runs of a swarm have what is drawn for them",
                "remove it, as what is drawn takes its place",
            ));
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
        launch.remove("mix");
        if variant.phases.is_empty() {
            let weights: Vec<(&str, f64)> = variant.weights().collect();
            launch.set("mix", variant.mix(&weights));
        } else {
            let phase = |phase: &VariantPhase<'_>| {
                Yaml::map([
                    ("name", Yaml::text(phase.name)),
                    ("fraction", Yaml::number(phase.fraction)),
                    ("mix", variant.mix(phase.mixture)),
                ])
            };
            launch.set(
                "phases",
                Yaml::List(variant.phases.iter().map(phase).collect()),
            );
        }
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
