//! From a generation config to the sampler's tree and options.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use olmix_core::generate::{Node, Sampler, SamplerOptions, Tree};
use olmix_core::reuse::{Collapse, VirtualDomain};
use olmix_core::{CoreError, DomainSet};

use crate::config::fit::Named;
use crate::config::generation::sources::{Sizes, full_name, nodes};
use crate::messages::{did_you_mean, excerpt, listed};
use crate::swarm::load_swarm::shares;
use crate::{Content, GenerationConfig, Source};
use crate::{InputRecord, IoError, load_mixtures};

/// Draws that a design chooses from, per variant and in all, where the config does not say.
const CANDIDATES: (usize, usize) = (40, 20_000);

/// Columns of ratios.csv that are no domains.
const METADATA: [&str; 4] = ["run", "run_id", "name", "index"];

/// What is needed to draw a swarm.
#[derive(Debug)]
pub struct Plan {
    /// What is sampled, and what it is part of: virtual domains first, then the leaves that are in none.
    pub tree: Tree,
    /// Between the leaves and what is sampled.
    pub collapse: Collapse,
    /// How mixtures are drawn.
    pub options: SamplerOptions,
    /// Mixtures asked for.
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
    pub fn plan(&self) -> Result<Plan, IoError> {
        let leaves = self.data.leaves();
        for (leaf, source) in &leaves {
            if METADATA.contains(&leaf.as_str()) {
                return Err(self.error(
                    &source.place,
                    format!(
                        "a leaf can't be called `{leaf}`: ratios.csv has a column of that name"
                    ),
                    "rename it",
                ));
            }
        }
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
        let caps = self.caps(&tree, &mut notices)?;
        let mut inputs = Vec::new();
        let existing = match &self.swarm.existing_mix_file {
            None => Vec::new(),
            Some(file) => {
                let runs = load_mixtures(&self.existing(file)?, tree.domains())?;
                notices.extend(runs.notices);
                inputs.extend(runs.inputs);
                (0..runs.ids.len())
                    .map(|k| runs.mixtures.row(k).to_vec())
                    .collect()
            }
        };
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
        let variants = self.swarm.variants.unwrap_or(3 * (tree.free_leaves() + 1));
        let (each, most) = CANDIDATES;
        Ok(Plan {
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
            variants,
            notices,
            inputs,
        })
    }

    /// What must have weight in every mixture: for a frozen leaf, its virtual domain.
    fn nonzero(&self, tree: &Tree, collapse: &Collapse) -> Result<Vec<String>, IoError> {
        let sampled = |name: &Named<()>| {
            let within = (0..collapse.virtuals()).find(|&v| {
                let mut members = collapse.members(v).iter();
                members.any(|(leaf, _)| collapse.full().name(*leaf) == name.name)
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

    /// The virtual domains, checked against the leaves.
    fn virtuals(&self, leaves: &DomainSet) -> Result<Vec<VirtualDomain>, IoError> {
        let key = "swarm.virtual_domains";
        let mut used = HashSet::new();
        let mut virtuals = Vec::new();
        for one in &self.swarm.virtual_domains {
            if leaves.position(&one.name).is_some() {
                return Err(self.error(
                    &one.place,
                    format!("{key} names `{}`, which is a leaf", excerpt(&one.name)),
                    "give the virtual domain a name of its own, such as `existing`",
                ));
            }
            for leaf in &one.value {
                if leaves.position(&leaf.name).is_none() {
                    return Err(self.no_such(leaf, "leaf", key));
                }
                if !used.insert(leaf.name.as_str()) {
                    return Err(self.error(
                        &leaf.place,
                        format!("{key} has `{}` twice", excerpt(&leaf.name)),
                        "a leaf keeps its ratio to others in one virtual domain",
                    ));
                }
            }
            virtuals.push(VirtualDomain {
                name: one.name.clone(),
                members: shares(&one.value),
            });
        }
        Ok(virtuals)
    }

    /// Relative sizes and tokens of the leaves.
    fn sizes(
        &self,
        leaves: &[(String, &Source)],
    ) -> Result<(HashMap<String, f64>, HashMap<String, u64>), IoError> {
        let Some(priors) = &self.priors else {
            return Err(self.error(
                &crate::Place::File,
                "there are no `priors`: nothing says how much each leaf holds",
                format!(
                    "count them with `olmix priors compute --config {}`, and add what it prints",
                    self.file
                ),
            ));
        };
        let known = |name: &str| leaves.iter().any(|(leaf, _)| leaf == name);
        let counts = priors.token_counts.iter().flatten();
        let sizes = priors.relative_sizes.iter().flatten();
        let places = counts.clone().map(|n| (&n.name, &n.place, "token_counts"));
        let places = places.chain(sizes.clone().map(|n| (&n.name, &n.place, "relative_sizes")));
        for (name, place, key) in places {
            if !known(name) {
                return Err(self.error(
                    place,
                    format!(
                        "priors.{key} names `{}`, which is no leaf of `data.sources`",
                        excerpt(name)
                    ),
                    did_you_mean(name, leaves.iter().map(|(leaf, _)| leaf.as_str()), || {
                        format!(
                            "the leaves are {}",
                            listed(leaves.iter().map(|(l, _)| l.as_str()), 8)
                        )
                    }),
                ));
            }
        }
        let tokens: HashMap<String, u64> = counts.map(|n| (n.name.clone(), n.value)).collect();
        let mut by_name: HashMap<String, f64> = sizes.map(|n| (n.name.clone(), n.value)).collect();
        if by_name.is_empty() {
            by_name = tokens
                .iter()
                .map(|(name, n)| (name.clone(), *n as f64))
                .collect();
        }
        for (leaf, source) in leaves {
            if !by_name.contains_key(leaf) {
                return Err(self.error(
                    &source.place,
                    format!("`{}` has no entry in `priors`", excerpt(leaf)),
                    format!(
                        "count it with `olmix priors compute --config {}`; a leaf without tokens must be \
                         removed",
                        self.file
                    ),
                ));
            }
            if priors.token_counts.is_some() && !tokens.contains_key(leaf) {
                return Err(self.error(
                    &source.place,
                    format!("`{}` is missing in `priors.token_counts`", excerpt(leaf)),
                    "add its tokens",
                ));
            }
        }
        Ok((by_name, tokens))
    }

    /// Sizes set by hand must name what there is, and all siblings that are not pinned.
    fn check_manual(&self) -> Result<(), IoError> {
        let mut groups: Vec<(String, &[Source])> = vec![(String::new(), &self.data.sources)];
        let mut next = 0;
        while next < groups.len() {
            let (above, sources) = groups[next].clone();
            for source in sources {
                if let Content::Parts(parts) = &source.content {
                    let full = full_name(&above, &source.name);
                    groups.push((full, parts));
                }
            }
            next += 1;
        }
        let swarm = &self.swarm;
        let sections = [
            (
                &swarm.manual_prior,
                "swarm.manual_prior",
                "source",
                &groups[..1],
            ),
            (
                &swarm.manual_topic_prior,
                "swarm.manual_topic_prior",
                "topic",
                &groups[1..],
            ),
        ];
        for (entries, key, what, groups) in sections {
            let full = |above: &str, source: &Source| full_name(above, &source.name);
            for entry in entries {
                let mut all = groups
                    .iter()
                    .flat_map(|(above, sources)| sources.iter().map(|source| full(above, source)));
                if !all.any(|name| name == entry.name) {
                    return Err(self.no_such(entry, what, key));
                }
            }
            for (above, sources) in groups {
                let given = |source: &&Source| {
                    entries
                        .iter()
                        .any(|entry| entry.name == full(above, source))
                };
                let missing = sources.iter().find(|s| s.weight.is_none() && !given(s));
                let first = sources.iter().find(given);
                if let (Some(missing), Some(first)) = (missing, first) {
                    return Err(self.error(
                        &self.swarm.place,
                        format!(
                            "`{key}` gives `{}` and not `{}`",
                            excerpt(&full(above, first)),
                            excerpt(&full(above, missing))
                        ),
                        "give every one of them, so that their sizes can be compared",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The greatest share of each leaf: `repetition_factor · N / max_tokens`.
    fn caps(&self, tree: &Tree, notices: &mut Vec<String>) -> Result<Option<Vec<f64>>, IoError> {
        if !self.swarm.enable_bound {
            return Ok(None);
        }
        let Some(tokens) = tree.domains().tokens() else {
            notices.push(
                "without `priors.token_counts` no leaf is bounded by the tokens it has".to_owned(),
            );
            return Ok(None);
        };
        let Some(max_tokens) = self.max_tokens else {
            return Err(self.error(
                &crate::Place::File,
                "`max_tokens` is missing: how often a run sees a leaf depends on it",
                "give the tokens a run of the swarm trains on, or set swarm.enable_bound to false",
            ));
        };
        let limits: Vec<f64> = tokens
            .iter()
            .map(|&n| self.swarm.repetition_factor * n as f64)
            .collect();
        let capacity = tree.capacity(&limits);
        if capacity < max_tokens as f64 {
            return Err(self.error(
                &self.swarm.place,
                format!(
                    "no mixture keeps every leaf within repetition_factor {} of its tokens in a run of \
                     {max_tokens} tokens",
                    self.swarm.repetition_factor
                ),
                format!(
                    "the largest max_tokens that can be met is {}; raise swarm.repetition_factor, or set \
                     swarm.enable_bound to false",
                    capacity.floor()
                ),
            ));
        }
        Ok(Some(
            limits
                .iter()
                .map(|limit| limit / max_tokens as f64)
                .collect(),
        ))
    }

    /// The caps of the run that the swarm is made for.
    fn solve_caps(&self, tree: &Tree) -> Result<Option<Vec<f64>>, IoError> {
        let Some((target, repetition)) = self.swarm.target else {
            return Ok(None);
        };
        let Some(tokens) = tree.domains().tokens() else {
            return Err(self.error(
                &self.swarm.place,
                "swarm.target_tokens bounds what may be proposed, and there are no \
                 `priors.token_counts` to say by how much",
                "add the token counts, or remove target_tokens",
            ));
        };
        let caps: Vec<f64> = tokens
            .iter()
            .map(|&n| repetition * n as f64 / target)
            .collect();
        let capacity = tree.capacity(&caps);
        if capacity < 1.0 {
            return Err(self.error(
                &self.swarm.place,
                format!(
                    "a run of swarm.target_tokens {target} would see some leaf more often than \
                     swarm.target_repetition_factor {repetition} allows, whatever the mixture"
                ),
                format!(
                    "the largest target_tokens that can be met is {}; raise \
                     target_repetition_factor, or remove target_tokens",
                    (capacity * target).floor()
                ),
            ));
        }
        Ok(Some(caps))
    }

    fn existing(&self, file: &Named<String>) -> Result<std::path::PathBuf, IoError> {
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
                &file.place,
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
            &entry.place,
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
        let (place, help) = match error {
            CoreError::DuplicateDomain(_) => (
                &self.data.sources_place,
                "two paths through sources and topics give the same name; rename one",
            ),
            CoreError::Unsupported(message) if message.contains("weight") => (
                &self.data.sources_place,
                "weights are shares of the parent: correct them in data.sources",
            ),
            _ => (&self.swarm.place, "correct the settings of `swarm`"),
        };
        self.error(place, error.to_string(), help)
    }
}

/// Takes the leaves of virtual domains out of the tree, and puts the virtual domains in front, each as large as its
/// leaves are together. A source keeps the size of what is left of it.
fn freeze(nodes: &mut Vec<Node>, collapse: &Collapse) {
    let mut frozen: HashMap<&str, usize> = HashMap::new();
    for v in 0..collapse.virtuals() {
        for &(leaf, _) in collapse.members(v) {
            frozen.insert(collapse.full().name(leaf), v);
        }
    }
    let mut sizes = vec![0.0; collapse.virtuals()];
    take(nodes, "", &frozen, &mut sizes);
    let virtuals = collapse.collapsed().iter().zip(&sizes);
    let virtuals = virtuals.map(|(domain, size)| Node {
        name: domain.name.clone(),
        size: *size,
        manual: false,
        pinned: None,
        tokens: domain.tokens,
        children: Vec::new(),
    });
    nodes.splice(0..0, virtuals);
}

/// Removes frozen leaves, adding up their sizes by virtual domain; a node whose parts are all gone goes, too.
fn take(nodes: &mut Vec<Node>, above: &str, frozen: &HashMap<&str, usize>, sizes: &mut [f64]) {
    nodes.retain_mut(|node| {
        let full = full_name(above, &node.name);
        if node.children.is_empty() {
            let Some(&v) = frozen.get(full.as_str()) else {
                return true;
            };
            sizes[v] += node.size;
            return false;
        }
        let size = |node: &Node| node.children.iter().map(|part| part.size).sum::<f64>();
        let before = size(node);
        take(&mut node.children, &full, frozen, sizes);
        node.size *= size(node) / before;
        !node.children.is_empty()
    });
}
