//! The sequences of a run in their order.

use std::path::{Path, PathBuf};

use olmix_core::split_mix64;
use olmix_fs::write_whole;
use olmix_io::MixLeaf;

use super::permutation::Permutation;
use crate::ProxyError;
use crate::checksums::read_checked;

/// The sequences in a run's folder.
pub(crate) const FILE: &str = "sequences.bin";

/// Bytes of a record: a leaf (`u32`) and a token of it (`u64`), little endian.
const RECORD: usize = 12;

/// A leaf of a mixture, with the tokens there are of it.
#[derive(Debug, Clone)]
pub struct LeafRequest {
    /// Its name, share and repetition factor.
    pub mix: MixLeaf,
    /// Tokens that its shards hold.
    pub tokens: u64,
}

/// Which sequences a run is trained on, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceIndex {
    /// Sequences of the run drawn from each leaf.
    pub counts: Vec<u64>,
    /// The leaf of each sequence, and its first token in it.
    pub sequences: Vec<(u32, u64)>,
}

impl SequenceIndex {
    /// Draws `total` sequences of `context` tokens.
    ///
    /// A leaf gives `weight × total` sequences, rounded by largest remainders. It is cut into sequences, all
    /// of which are seen before any is seen again, in another order each time. Sequences of different leaves
    /// alternate as evenly as their numbers allow, with a random shift each: any stretch of the run has the
    /// mixture, to about a sequence per leaf. Cost: a sort of `total` records.
    ///
    /// # Errors
    /// [`ProxyError::Input`], naming `file`, for leaves that hold less than a sequence, or fewer tokens than
    /// their share and repetition factor ask for.
    pub fn new(
        file: &Path,
        leaves: &[LeafRequest],
        total: u64,
        context: usize,
        seed: u64,
    ) -> Result<Self, ProxyError> {
        let counts = Self::check(file, leaves, total, context)?;
        let context = context as u64;
        let mut order: Vec<(f64, u32, u64)> = Vec::new();
        for (j, &count) in counts.iter().enumerate() {
            let j = u32::try_from(j).unwrap_or(u32::MAX);
            for k in 0..count {
                let shift = unit(split_mix64(split_mix64(seed ^ u64::from(j)) ^ k));
                order.push(((k as f64 + shift) / count as f64, j, k));
            }
        }
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut epochs: Vec<Option<(u64, Permutation)>> = leaves.iter().map(|_| None).collect();
        let mut sequences = Vec::with_capacity(order.len());
        let mut drawn = vec![0_u64; leaves.len()];
        for (_, j, _) in order {
            let leaf = j as usize;
            let length = available(&leaves[leaf], context);
            let (epoch, place) = (drawn[leaf] / length, drawn[leaf] % length);
            drawn[leaf] += 1;
            let current = &mut epochs[leaf];
            if current.as_ref().is_none_or(|(of, _)| *of != epoch) {
                *current = Some((epoch, Permutation::new(length, seed, u64::from(j), epoch)));
            }
            let at = current.as_ref().map_or(place, |(_, order)| order.at(place));
            sequences.push((j, at * context));
        }
        Ok(Self { counts, sequences })
    }

    /// Sequences of the run drawn from each leaf, if there are enough.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn check(
        file: &Path,
        leaves: &[LeafRequest],
        total: u64,
        context: usize,
    ) -> Result<Vec<u64>, ProxyError> {
        let counts = counts(leaves, total);
        let context = context as u64;
        let mut short = Vec::new();
        for (leaf, &count) in leaves.iter().zip(&counts) {
            let most = leaf.mix.repetition_factor.map(|factor| {
                // To within one sequence, as shares are.
                (factor * leaf.tokens as f64 / context as f64).ceil() as u64
            });
            if count > 0 && available(leaf, context) == 0 {
                short.push(format!(
                    "`{}` has {} tokens, less than a sequence of {context} and the token after it",
                    leaf.mix.name, leaf.tokens
                ));
            } else if let Some(most) = most.filter(|most| count > *most) {
                let asked = count * context;
                short.push(format!(
                    "`{}` has {} tokens; its share of {:.4} is {asked} tokens, {:.2} times what it has, and \
                     repetition_factor allows {} times ({} tokens)",
                    leaf.mix.name,
                    leaf.tokens,
                    leaf.mix.weight,
                    asked as f64 / leaf.tokens as f64,
                    leaf.mix.repetition_factor.unwrap_or(0.0),
                    most * context
                ));
            }
        }
        if !short.is_empty() {
            return Err(ProxyError::input(
                file,
                format!(
                    "the mixture asks for more data than there is:\n  {}",
                    short.join("\n  ")
                ),
                "raise repetition_factor in `mix`, lower the weight, train on fewer tokens, or add data",
            ));
        }
        Ok(counts)
    }

    /// Where it stands in a run's folder.
    #[must_use]
    pub fn file(run: &Path) -> PathBuf {
        run.join(FILE)
    }

    /// The bytes of its file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.sequences.len() * RECORD);
        for (leaf, start) in &self.sequences {
            bytes.extend(leaf.to_le_bytes());
            bytes.extend(start.to_le_bytes());
        }
        bytes
    }

    /// Writes the sequences into a run's folder, whole.
    ///
    /// # Errors
    /// [`ProxyError::File`]; an earlier file is then as it was.
    pub fn write(&self, run: &Path) -> Result<(), ProxyError> {
        Ok(write_whole(&Self::file(run), &self.bytes())?)
    }

    /// Reads the sequences of a run that has `total` of them over `leaves` leaves.
    ///
    /// # Errors
    /// [`ProxyError::File`], and [`ProxyError::Input`] when they are others.
    pub fn read(run: &Path, total: u64, leaves: usize) -> Result<Self, ProxyError> {
        let file = Self::file(run);
        let bytes = read_checked(run, FILE)?;
        if bytes.len() as u64 != total * RECORD as u64 {
            let found = format!(
                "has {} bytes, and {total} sequences take {}",
                bytes.len(),
                total * RECORD as u64
            );
            return Err(ProxyError::broken(&file, found));
        }
        let mut counts = vec![0; leaves];
        let mut sequences = Vec::with_capacity(bytes.len() / RECORD);
        for record in bytes.chunks_exact(RECORD) {
            let (leaf, start) = record.split_at(4);
            let leaf = u32::from_le_bytes(leaf.try_into().unwrap_or_default());
            let start = u64::from_le_bytes(start.try_into().unwrap_or_default());
            let Some(count) = counts.get_mut(leaf as usize) else {
                return Err(ProxyError::broken(
                    &file,
                    format!("names leaf {leaf}, and there are {leaves}"),
                ));
            };
            *count += 1;
            sequences.push((leaf, start));
        }
        Ok(Self { counts, sequences })
    }
}

/// Sequences that a leaf holds: the last one needs a token more, as its target.
fn available(leaf: &LeafRequest, context: u64) -> u64 {
    leaf.tokens.saturating_sub(1) / context
}

/// Whole numbers that sum to `total`, each within one of its share, by largest remainders.
fn counts(leaves: &[LeafRequest], total: u64) -> Vec<u64> {
    let sum: f64 = leaves.iter().map(|leaf| leaf.mix.weight).sum();
    let exact: Vec<f64> = leaves
        .iter()
        .map(|leaf| leaf.mix.weight / sum * total as f64)
        .collect();
    let mut counts: Vec<u64> = exact.iter().map(|x| x.floor() as u64).collect();
    let mut left = total.saturating_sub(counts.iter().sum());
    let mut order: Vec<usize> = (0..leaves.len()).collect();
    order.sort_by(|&a, &b| {
        exact[b]
            .fract()
            .total_cmp(&exact[a].fract())
            .then(a.cmp(&b))
    });
    for leaf in order.into_iter().cycle() {
        if left == 0 {
            break;
        }
        counts[leaf] += 1;
        left -= 1;
    }
    counts
}

/// A number from 0 to 1, without 1, of the high bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use proptest::prelude::*;

    use super::*;

    fn leaf(name: &str, weight: f64, repetition_factor: Option<f64>, tokens: u64) -> LeafRequest {
        let mix = MixLeaf {
            name: name.into(),
            weight,
            repetition_factor,
        };
        LeafRequest { mix, tokens }
    }

    proptest! {
        #[test]
        fn every_leaf_has_its_share_and_each_sequence_once_an_epoch(
            weights in prop::collection::vec(0.01f64..1.0, 1..8),
            tokens in 100u64..5000, total in 1u64..3000, seed: u64,
        ) {
            let context = 16;
            let sum: f64 = weights.iter().sum();
            let leaves: Vec<LeafRequest> = weights.iter().enumerate()
                .map(|(j, w)| leaf(&format!("d{j}"), w / sum, None, tokens + 37 * j as u64)).collect();
            let index = SequenceIndex::new(Path::new("x"), &leaves, total, context, seed).unwrap();
            prop_assert_eq!(index.sequences.len() as u64, total);
            let mut starts = vec![Vec::new(); leaves.len()];
            // At any point of the run, the mixture.
            for (done, (j, start)) in index.sequences.iter().enumerate() {
                starts[*j as usize].push(*start);
                for (j, seen) in starts.iter().enumerate() {
                    let share = leaves[j].mix.weight * (done + 1) as f64;
                    let slack = 1.0 + leaves.len() as f64;
                    prop_assert!((seen.len() as f64 - share).abs() <= slack, "{} of {share}", seen.len());
                }
            }
            for (leaf, starts) in leaves.iter().zip(&starts) {
                let exact = leaf.mix.weight * total as f64;
                prop_assert!((starts.len() as f64 - exact).abs() <= 1.0);
                let length = ((leaf.tokens - 1) / context as u64) as usize;
                for epoch in starts.chunks(length) {
                    let mut seen = epoch.to_vec();
                    seen.sort_unstable();
                    seen.dedup();
                    prop_assert_eq!(seen.len(), epoch.len());
                    let context = context as u64;
                    prop_assert!(seen.iter().all(|s| s % context == 0 && s + context < leaf.tokens));
                }
            }
        }
    }

    #[test]
    fn sequences_are_ordered_by_their_seed_alone() {
        let leaves = [leaf("a", 0.7, None, 1000), leaf("b", 0.3, None, 1000)];
        let index = |seed| SequenceIndex::new(Path::new("x"), &leaves, 500, 8, seed).unwrap();
        assert_eq!(index(1), index(1));
        assert_ne!(index(1), index(2));
    }

    #[test]
    fn a_sequence_index_beyond_the_repetition_factor_is_refused_with_its_numbers() {
        let leaves = [leaf("a", 0.5, Some(2.0), 1000), leaf("b", 0.5, None, 1000)];
        let index = |total| SequenceIndex::new(Path::new("launch.yaml"), &leaves, total, 10, 1);
        assert!(index(400).is_ok());
        let message = index(600).unwrap_err().to_string();
        assert!(
            message.contains(
                "`a` has 1000 tokens; its share of 0.5000 is 3000 tokens, 3.00 times what it has, and \
                 repetition_factor allows 2 times (2000 tokens)"
            ),
            "{message}"
        );
        let message = SequenceIndex::new(
            Path::new("launch.yaml"),
            &[leaf("a", 1.0, None, 10)],
            5,
            10,
            1,
        );
        assert!(
            message
                .unwrap_err()
                .to_string()
                .contains("less than a sequence")
        );
    }

    #[test]
    fn a_sequence_index_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let leaves = [leaf("a", 0.7, None, 1000), leaf("b", 0.3, None, 1000)];
        let index = SequenceIndex::new(Path::new("x"), &leaves, 100, 8, 3).unwrap();
        index.write(folder.path()).unwrap();
        assert_eq!(SequenceIndex::read(folder.path(), 100, 2).unwrap(), index);
        assert!(
            SequenceIndex::read(folder.path(), 101, 2)
                .unwrap_err()
                .to_string()
                .contains("1200 bytes")
        );
        assert!(
            SequenceIndex::read(folder.path(), 100, 1)
                .unwrap_err()
                .to_string()
                .contains("names leaf 1")
        );
    }
}
