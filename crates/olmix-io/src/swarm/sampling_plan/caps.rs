//! Caps: the greatest weight of each leaf, by the tokens it has.

use olmix_core::generate::Tree;

use crate::config::generation::GenerationConfig;
use crate::error::{IoError, Location};

impl GenerationConfig {
    /// The greatest share of each leaf, `repetition_factor · N / max_tokens`, with the tokens of the run that is
    /// simulated in place of `max_tokens` where one is; and a notice where the config asks for caps that nothing can
    /// be known of.
    pub(super) fn caps(&self, tree: &Tree) -> Result<(Option<Vec<f64>>, Option<String>), IoError> {
        if !self.swarm.enable_bound {
            return Ok((None, None));
        }
        let Some(tokens) = tree.domains().tokens() else {
            let notice = "without `priors.token_counts` no leaf is bounded by the tokens it has";
            return Ok((None, Some(notice.to_owned())));
        };
        let Some(max_tokens) = self.repeating_tokens() else {
            return Err(self.error(
                &Location::File,
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
                &self.swarm.location,
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
        let caps = limits.iter().map(|limit| limit / max_tokens as f64);
        Ok((Some(caps.collect()), None))
    }

    /// The caps of the run that the swarm is made for.
    pub(super) fn solve_caps(&self, tree: &Tree) -> Result<Option<Vec<f64>>, IoError> {
        let Some((target, repetition)) = self.swarm.target else {
            return Ok(None);
        };
        let Some(tokens) = tree.domains().tokens() else {
            return Err(self.error(
                &self.swarm.location,
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
                &self.swarm.location,
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
}
