//! From a generation config to the sampler's tree and options.

mod caps;
mod phases;
mod sizes;
mod virtual_domains;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use olmix_core::CoreError;
use olmix_core::generate::{Sampler, SamplerOptions, Tree};
use olmix_core::reuse::Collapse;

use super::load_runs::load_mixtures;
use crate::config::fit::Named;
use crate::config::generation::GenerationConfig;
use crate::config::generation::sources::{Sizes, nodes};
use crate::error::IoError;
use crate::input::InputRecord;
use crate::messages::{did_you_mean, excerpt, listed};
use virtual_domains::freeze;

pub use phases::PhasePlan;

/// Draws that a design chooses from, per variant and in all, where the config does not say.
const CANDIDATES: (usize, usize) = (40, 20_000);

/// Columns of ratios.csv that are not domains.
const METADATA: [&str; 4] = ["run", "run_id", "name", "index"];

/// What is needed to draw a swarm.
#[derive(Debug)]
pub struct SamplingPlan {
    /// What is sampled, and what it is part of: virtual domains first, then the leaves that are in none.
    pub tree: Tree,
    /// Between the leaves and what is sampled.
    pub collapse: Collapse,
    /// How mixtures are drawn.
    pub options: SamplerOptions,
    /// The phases of every run, where it has some.
    pub phases: Option<PhasePlan>,
    /// Mixtures asked for: with phases, runs.
    pub variants: usize,
    /// Whether that number follows from the number of domains.
    pub by_rule: bool,
    /// Draws that a design chooses from.
    pub candidates: usize,
    /// The greatest weights that the solve may propose, where the config says for which run.
    pub solve_caps: Option<Vec<f64>>,
    /// What the user should know.
    pub notices: Vec<String>,
    /// Files read besides the config.
    pub inputs: Vec<InputRecord>,
}

impl GenerationConfig {
    /// Puts together what is needed to draw the swarm.
    ///
    /// # Errors
    /// [`IoError::Input`] for priors that are missing or name no leaf, names in `swarm` that are none,
    /// pins that do not fit together, and bounds that no mixture can meet.
    pub fn plan(&self) -> Result<SamplingPlan, IoError> {
        let leaves = self.data.leaves();
        for (leaf, source) in &leaves {
            let refused = if METADATA.contains(&leaf.as_str()) {
                "ratios.csv has a column of that name"
            } else if leaf.starts_with("Unnamed:") {
                "readers of ratios.csv take that for a column without a name"
            } else if leaf.trim() != leaf {
                "readers of ratios.csv drop the white space around names"
            } else {
                continue;
            };
            return Err(self.error(
                &source.location,
                format!("a leaf can't be called `{}`: {refused}", excerpt(leaf)),
                "rename it",
            ));
        }
        self.check_phases()?;
        let (sizes, tokens) = self.sizes(&leaves)?;
        self.check_manual()?;
        let by_hand: HashMap<&str, f64> = self
            .swarm
            .manual_prior
            .iter()
            .chain(&self.swarm.manual_topic_prior)
            .map(|entry| (entry.name.as_str(), entry.value))
            .collect();
        let counted = |leaf: &str| {
            (
                sizes.get(leaf).copied().unwrap_or(1.0),
                tokens.get(leaf).copied(),
            )
        };
        let mut nodes = nodes(
            &self.data.sources,
            "",
            &Sizes {
                counted: &counted,
                by_hand: &|name| by_hand.get(name).copied(),
            },
        );
        let full = Tree::new(&nodes).map_err(|error| self.refused(&error))?;
        let virtuals = self.virtuals(full.domains())?;
        let collapse =
            Collapse::new(full.domains(), &virtuals).map_err(|error| self.refused(&error))?;
        let tree = if virtuals.is_empty() {
            full
        } else {
            freeze(&mut nodes, &collapse);
            Tree::new(&nodes).map_err(|error| self.refused(&error))?
        };
        let mut notices = Vec::new();
        for (parent, sum) in tree.partly_pinned() {
            notices.push(format!(
                "some parts of `{parent}` are pinned, to {sum:.6} of it in all; the others share the rest \
                 and are sampled"
            ));
        }
        let (caps, uncapped) = self.caps(&tree)?;
        notices.extend(uncapped);
        let mut inputs = Vec::new();
        let mut existing = Vec::new();
        for file in &self.swarm.existing_mix_file {
            let runs = load_mixtures(&self.existing(file)?, tree.domains())?;
            notices.extend(runs.notices);
            inputs.extend(runs.inputs);
            existing.extend((0..runs.ids.len()).map(|k| runs.mixtures.row(k).to_vec()));
        }
        let nonzero = self.nonzero(&tree, &collapse)?;
        let options = SamplerOptions {
            sources: self.swarm.sources,
            topics: self.swarm.topics,
            multiples_of: self.swarm.multiples_of,
            nonzero,
            caps,
            existing,
            seed: self.swarm.seed,
        };
        Sampler::new(&tree, &options).map_err(|error| self.refused(&error))?;
        let solve_caps = self.solve_caps(&tree)?;
        let phases = self.phase_plan(&tree, options.caps.as_deref())?;
        let by_rule = if phases.is_some() { 4 } else { 3 } * (tree.free_leaves() + 1);
        let variants = self.swarm.variants.unwrap_or(by_rule);
        let (each, most) = CANDIDATES;
        Ok(SamplingPlan {
            by_rule: self.swarm.variants.is_none(),
            candidates: self
                .swarm
                .candidates
                .unwrap_or((each * variants).min(most))
                .max(variants),
            solve_caps,
            tree,
            collapse,
            options,
            phases,
            variants,
            notices,
            inputs,
        })
    }

    /// What must have weight in every mixture: for a frozen leaf, and for a source or topic of which all
    /// leaves are frozen, the virtual domain that has it, or its first leaf.
    fn nonzero(&self, tree: &Tree, collapse: &Collapse) -> Result<Vec<String>, IoError> {
        let sampled = |name: &Named<()>| {
            let below = format!("{}:", name.name);
            let is_meant = |leaf: &str| leaf == name.name || leaf.starts_with(&below);
            let is_sampled = tree.leaves_of(&name.name).is_some();
            let within = (0..collapse.virtuals()).filter(|_| !is_sampled).find(|&v| {
                let mut members = collapse.members(v).iter();
                members.any(|(leaf, _)| is_meant(collapse.full().name(*leaf)))
            });
            within.map_or(name.name.clone(), |v| {
                collapse.collapsed().name(v).to_owned()
            })
        };
        let nonzero: Vec<String> = self.swarm.nonzero.iter().map(sampled).collect();
        for (name, sampled) in self.swarm.nonzero.iter().zip(&nonzero) {
            if tree.leaves_of(sampled).is_none() {
                return Err(self.no_such(name, "source, topic or leaf", "swarm.nonzero_weight"));
            }
        }
        Ok(nonzero)
    }

    fn existing(&self, file: &Named<String>) -> Result<PathBuf, IoError> {
        let beside = self.folder.join(&file.value);
        let path = if beside.exists() {
            beside
        } else {
            Path::new(&file.value).to_owned()
        };
        let pickled = path
            .extension()
            .is_some_and(|e| e == "pkl" || e == "pickle");
        if pickled || !path.exists() {
            let (message, help) = if pickled {
                ("is a pickle", "give the swarm's ratios.csv instead")
            } else {
                (
                    "does not exist",
                    "give the ratios.csv of a swarm, or remove the setting",
                )
            };
            return Err(self.error(
                &file.location,
                format!(
                    "swarm.existing_mix_file `{}` {message}",
                    excerpt(&file.value)
                ),
                help,
            ));
        }
        Ok(path)
    }

    fn no_such<T>(&self, entry: &Named<T>, what: &str, key: &str) -> IoError {
        let leaves = self.data.leaves();
        let mut names: Vec<&str> = self.data.sources.iter().map(|s| s.name.as_str()).collect();
        names.extend(leaves.iter().map(|(leaf, _)| leaf.as_str()));
        names.dedup();
        self.error(
            &entry.location,
            format!(
                "`{key}` names `{}`, and there is no such {what}",
                excerpt(&entry.name)
            ),
            did_you_mean(&entry.name, names.iter().copied(), || {
                format!("there are {}", listed(names.iter().copied(), 8))
            }),
        )
    }

    /// What the method says of the tree or the options, with the place of the sources.
    fn refused(&self, error: &CoreError) -> IoError {
        let (location, help) = match error {
            CoreError::DuplicateDomain(_) => (
                &self.data.sources_location,
                "two paths through sources and topics give the same name; rename one",
            ),
            CoreError::Unsupported(message) if message.contains("weight") => (
                &self.data.sources_location,
                "weights are shares of the parent: correct them in data.sources",
            ),
            _ => (&self.swarm.location, "correct the settings of `swarm`"),
        };
        self.error(location, error.to_string(), help)
    }
}
