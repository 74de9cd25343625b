//! How much each leaf of a generation config holds: counted, or set by hand.

use std::collections::{HashMap, HashSet};

use crate::config::generation::sources::full_name;
use crate::config::generation::{Content, GenerationConfig, Source};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed};

impl GenerationConfig {
    /// Relative sizes and tokens of the leaves.
    pub(super) fn sizes(
        &self,
        leaves: &[(String, &Source)],
    ) -> Result<(HashMap<String, f64>, HashMap<String, u64>), IoError> {
        let Some(priors) = &self.priors else {
            return Err(self.error(
                &Location::File,
                "there are no `priors`: nothing says how much each leaf holds",
                format!(
                    "count them with `olmix priors compute --config {}`, and add what it prints",
                    self.file
                ),
            ));
        };
        let names: HashSet<&str> = leaves.iter().map(|(leaf, _)| leaf.as_str()).collect();
        let known = |name: &str| names.contains(name);
        let counts = priors.token_counts.iter().flatten();
        let sizes = priors.relative_sizes.iter().flatten();
        let places = counts
            .clone()
            .map(|n| (&n.name, &n.location, "token_counts"));
        let places = places.chain(
            sizes
                .clone()
                .map(|n| (&n.name, &n.location, "relative_sizes")),
        );
        for (name, location, key) in places {
            if !known(name) {
                return Err(self.error(
                    location,
                    format!(
                        "priors.{key} names `{}`, which is not a leaf of `data.sources`",
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
                    &source.location,
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
                    &source.location,
                    format!("`{}` is missing in `priors.token_counts`", excerpt(leaf)),
                    "add its tokens",
                ));
            }
        }
        Ok((by_name, tokens))
    }

    /// Sizes set by hand must name what there is, and all siblings that are not pinned.
    pub(super) fn check_manual(&self) -> Result<(), IoError> {
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
                        &self.swarm.location,
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
}
