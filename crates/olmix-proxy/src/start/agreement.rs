//! Whether the steps that a run leaves out are those that another run did: the same model, recipe and data.
//!
//! A run that starts from a checkpoint ends with the bits of the run that is trained in one piece. What would make it
//! another run is refused.

use std::path::Path;

use super::{Beginner, OTHER_SHAPE};
use crate::checksums::read_checked;
use crate::{Hyperparameters, LeafPlan, ProxyError, RunPlan, SequenceIndex, Shape};

impl Beginner<'_> {
    /// Refuses a run of another shape or tokenizer.
    pub(super) fn check_shape(&self, run: &Path, other: &RunPlan) -> Result<(), ProxyError> {
        let shape = |shape: &Shape| {
            [
                ("vocabulary", shape.vocab as f64),
                ("width", shape.width as f64),
                ("layers", shape.layers as f64),
                ("heads", shape.heads as f64),
                ("hidden width", shape.hidden as f64),
                ("sequence length", shape.context as f64),
                ("rope_theta", shape.rope_theta),
                ("norm_eps", shape.norm_eps),
                ("qk_norm", f64::from(u8::from(shape.qk_norm))),
            ]
        };
        for ((name, theirs), (_, ours)) in shape(&other.model).into_iter().zip(shape(self.model)) {
            #[allow(clippy::float_cmp)] // the same number as it is written
            if theirs != ours {
                return Err(self.refused(
                    format!(
                        "{} is of another shape: its {name} is {theirs}, that of this run {ours}",
                        run.display()
                    ),
                    OTHER_SHAPE,
                ));
            }
        }
        if read_checked(run, &other.tokenizer.to_string_lossy())? != self.tokenizer {
            return Err(self.refused(
                format!("{} has another tokenizer than this run", run.display()),
                "name a run with the same tokenizer, or correct training.tokenizer",
            ));
        }
        Ok(())
    }

    /// Refuses a run that did the first `end` steps by another recipe.
    pub(super) fn check_recipe(
        &self,
        run: &Path,
        other: &RunPlan,
        end: u64,
    ) -> Result<(), ProxyError> {
        let numbers = |recipe: &Hyperparameters| {
            [
                ("seed", recipe.seed as f64),
                ("batch", recipe.batch as f64),
                ("beta1", recipe.beta1),
                ("beta2", recipe.beta2),
                ("adam_eps", recipe.adam_eps),
                ("weight_decay", recipe.weight_decay),
                ("clip", recipe.clip),
                ("z_loss", recipe.z_loss),
            ]
        };
        let pairs = numbers(&other.recipe).into_iter();
        for ((name, theirs), (_, ours)) in pairs.zip(numbers(self.recipe)) {
            #[allow(clippy::float_cmp)] // the same number as it is written
            if theirs != ours {
                return Err(self.refused(
                    format!(
                        "{} was trained with {name} {theirs}, this run has {ours}",
                        run.display()
                    ),
                    "the steps that are left out have to be those of this run: train it with the same `training`",
                ));
            }
        }
        let last = end.min(other.recipe.steps);
        #[allow(clippy::float_cmp)] // the same schedule, or another
        let differs = (0..last).find(|&step| other.recipe.rate(step) != self.recipe.rate(step));
        let Some(step) = differs else {
            return Ok(());
        };
        Err(self.refused(
            format!(
                "the learning rate of step {} was {:.6} in {}, and is {:.6} in this run",
                step + 1,
                other.recipe.rate(step),
                run.display(),
                self.recipe.rate(step)
            ),
            format!(
                "train the first phases with learning_rate {:?}, warmup_fraction {:.6} and decay_fraction 0, \
                 which are {} steps of warmup in {end}",
                self.recipe.learning_rate,
                self.recipe.warmup_steps as f64 / end as f64,
                self.recipe.warmup_steps
            ),
        ))
    }

    /// Refuses a run that saw other data in the first `end` steps.
    pub(super) fn check_data(
        &self,
        run: &Path,
        other: &RunPlan,
        end: u64,
    ) -> Result<(), ProxyError> {
        let Some((leaves, index)) = self.order else {
            return Ok(());
        };
        let total = other.recipe.steps * other.recipe.batch;
        let theirs = SequenceIndex::read(run, total, other.data.leaves.len())?;
        let help = "the steps that are left out have to see the data that this run would: name a run whose phases up \
                    to there have the same mixtures, seed, `data` and tokens, and data.simulate_target_tokens that are fewer by \
                    the same share as its steps";
        let sequences = usize::try_from(end * self.recipe.batch).unwrap_or(usize::MAX);
        let place = |leaves: &[LeafPlan], (leaf, start): &(u32, u64)| {
            let found = leaves.get(*leaf as usize);
            found.map(|leaf| format!("`{}` from token {start}", leaf.name))
        };
        // A run that is shorter has no checkpoint there, which is told later.
        let pairs = theirs.sequences.iter().zip(&index.sequences);
        for (number, (there, here)) in pairs.take(sequences).enumerate() {
            let there = place(&other.data.leaves, there);
            let here = place(leaves, here);
            if there != here {
                return Err(self.refused(
                    format!(
                        "{} saw other data in the first {end} steps: sequence {} of step {} is {} there, {} in this run",
                        run.display(),
                        number as u64 % self.recipe.batch + 1,
                        number as u64 / self.recipe.batch + 1,
                        there.unwrap_or_default(),
                        here.unwrap_or_default()
                    ),
                    help,
                ));
            }
        }
        for leaf in leaves {
            let Some(same) = other.data.leaves.iter().find(|one| one.name == leaf.name) else {
                continue;
            };
            if same.shards != leaf.shards {
                let first = same.shards.iter().zip(&leaf.shards).find(|(a, b)| a != b);
                let shard = first.map_or_else(
                    || {
                        format!(
                            "{} shards there, {} here",
                            same.shards.len(),
                            leaf.shards.len()
                        )
                    },
                    |(there, here)| {
                        format!(
                            "{} ({} tokens) there, {} ({}) here",
                            there.path.display(),
                            there.tokens,
                            here.path.display(),
                            here.tokens
                        )
                    },
                );
                return Err(self.refused(
                    format!(
                        "{} saw other data of `{}`: {shard}",
                        run.display(),
                        leaf.name
                    ),
                    help,
                ));
            }
        }
        Ok(())
    }
}
