//! The sequences of a run in their order.

use std::path::{Path, PathBuf};

use olmix_core::split_mix64;
use olmix_fs::write_whole;

use super::permutation::Permutation;
use super::request::{LeafRequest, SequenceRequest};
use crate::ProxyError;
use crate::checksums::read_checked;

/// The sequences in a run's folder.
pub(crate) const FILE: &str = "sequences.bin";

/// Bytes of a record: a leaf (`u32`) and a token of it (`u64`), little endian.
const RECORD: usize = 12;

/// Which sequences a run is trained on, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceIndex {
    /// Sequences of the run drawn from each leaf.
    pub counts: Vec<u64>,
    /// The leaf of each sequence, and its first token in it.
    pub sequences: Vec<(u32, u64)>,
}

impl SequenceIndex {
    /// Draws `total` sequences of `context` tokens for a run with one mixture.
    ///
    /// # Errors
    /// As [`SequenceRequest::counts`].
    pub fn new(
        file: &Path,
        leaves: &[LeafRequest],
        total: u64,
        context: usize,
        seed: u64,
    ) -> Result<Self, ProxyError> {
        let request = SequenceRequest::one_mixture(leaves, total, context);
        let counts = request.counts(file)?;
        Ok(Self::draw(&request, &counts, &[], seed))
    }

    /// Draws the sequences of a run; `counts` are those of the request (phases × leaves). A leaf that has an entry in
    /// `cuts` gives sequences at these tokens alone.
    ///
    /// A phase's sequences stand behind those of the phase before. In a phase, a leaf gives `weight × sequences`,
    /// rounded by largest remainders. A leaf is cut into sequences, all of which are seen before any is seen again, in
    /// another order each time; a phase goes on where the one before it stopped. Sequences of different leaves
    /// alternate as evenly as their numbers allow, with a random shift each: any stretch of a phase has its
    /// mixture, to about a sequence per leaf. Cost: a sort of the records of each phase.
    #[must_use]
    pub fn draw(
        request: &SequenceRequest,
        counts: &[Vec<u64>],
        cuts: &[Option<Vec<u64>>],
        seed: u64,
    ) -> Self {
        let context = request.context as u64;
        let leaves = request.leaves.len();
        let mut epochs: Vec<Option<(u64, Permutation)>> = (0..leaves).map(|_| None).collect();
        let total = counts.iter().flatten().sum::<u64>();
        let mut sequences = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
        let mut drawn = vec![0_u64; leaves];
        for counts in counts {
            for j in order(counts, &drawn, seed) {
                let leaf = j as usize;
                let cut = cuts.get(leaf).and_then(Option::as_ref);
                let length = cut.map_or(request.available(leaf), |cut| cut.len() as u64);
                let (epoch, place) = (drawn[leaf] / length, drawn[leaf] % length);
                drawn[leaf] += 1;
                let current = &mut epochs[leaf];
                if current.as_ref().is_none_or(|(of, _)| *of != epoch) {
                    *current = Some((epoch, Permutation::new(length, seed, u64::from(j), epoch)));
                }
                let at = current.as_ref().map_or(place, |(_, order)| order.at(place));
                sequences.push((j, cut.map_or(at * context, |cut| cut[at as usize])));
            }
        }
        Self {
            counts: drawn,
            sequences,
        }
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

/// The leaves of a phase's sequences, in their order; `counts` are sequences of each leaf, and `before` those of
/// earlier phases.
fn order(counts: &[u64], before: &[u64], seed: u64) -> Vec<u32> {
    let mut order: Vec<(f64, u32, u64)> = Vec::new();
    for ((j, &count), &before) in counts.iter().enumerate().zip(before) {
        let j = u32::try_from(j).unwrap_or(u32::MAX);
        for k in 0..count {
            let shift = unit(split_mix64(split_mix64(seed ^ u64::from(j)) ^ (before + k)));
            order.push(((k as f64 + shift) / count as f64, j, k));
        }
    }
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, j, _)| j).collect()
}

/// A number from 0 to 1, without 1, of the high bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use olmix_io::MixLeaf;
    use proptest::prelude::*;

    use super::super::request::PhaseRequest;
    use super::*;

    fn leaf(name: &str, weight: f64, repetition_factor: Option<f64>, tokens: u64) -> LeafRequest {
        let mix = MixLeaf {
            name: name.into(),
            weight,
            repetition_factor,
        };
        LeafRequest {
            mix,
            tokens,
            cut: None,
        }
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

    /// A run of two phases over three leaves, the last of which the first phase has none of.
    fn two_phases(first: u64, second: u64) -> SequenceRequest {
        let phase = |name: &str, sequences, weights: [f64; 3]| PhaseRequest {
            name: name.into(),
            sequences,
            weights: weights.to_vec(),
        };
        SequenceRequest {
            leaves: vec![
                leaf("a", 0.5, Some(2.0), 1000),
                leaf("b", 0.3, None, 1000),
                leaf("c", 0.2, None, 500),
            ],
            phases: vec![
                phase("pretraining", first, [0.75, 0.25, 0.0]),
                phase("cooldown", second, [0.1, 0.3, 0.6]),
            ],
            context: 10,
        }
    }

    #[test]
    fn phases_have_their_own_mixtures_and_a_leaf_is_seen_whole_before_any_of_it_again() {
        let request = two_phases(160, 80);
        let counts = request.counts(Path::new("x")).unwrap();
        assert_eq!(counts, [[120, 40, 0], [8, 24, 48]]);
        let index = SequenceIndex::draw(&request, &counts, &[], 7);
        assert_eq!(index.counts, [128, 64, 48]);
        let of = |range: std::ops::Range<usize>, j: u32| {
            let in_phase = index.sequences[range].iter();
            in_phase.filter(|(leaf, _)| *leaf == j).count() as u64
        };
        for (j, (first, second)) in counts[0].iter().zip(&counts[1]).enumerate() {
            assert_eq!(of(0..160, j as u32), *first);
            assert_eq!(of(160..240, j as u32), *second);
        }
        for (j, length) in [(0, 99), (1, 99), (2, 49)] {
            let starts: Vec<u64> = index
                .sequences
                .iter()
                .filter(|(leaf, _)| *leaf == j)
                .map(|(_, start)| *start)
                .collect();
            for epoch in starts.chunks(length) {
                let mut seen = epoch.to_vec();
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), epoch.len(), "leaf {j}");
            }
        }
    }

    #[test]
    fn the_first_phase_has_the_sequences_of_a_run_of_it_alone() {
        let request = two_phases(160, 80);
        let counts = request.counts(Path::new("x")).unwrap();
        let index = SequenceIndex::draw(&request, &counts, &[], 7);
        let leaves = [leaf("a", 0.75, None, 1000), leaf("b", 0.25, None, 1000)];
        let alone = SequenceIndex::new(Path::new("x"), &leaves, 160, 10, 7).unwrap();
        assert_eq!(index.sequences[..160], alone.sequences);
    }

    #[test]
    fn a_cap_counts_the_tokens_of_all_phases_and_is_told_with_the_part_of_each() {
        let message = two_phases(160, 1000)
            .counts(Path::new("launch.yaml"))
            .unwrap_err()
            .to_string();
        for part in [
            "launch.yaml: the phases ask for more data than there is",
            "`a` has 1000 tokens; phases ask for 1200 in `pretraining` and 1000 in `cooldown` (2200 tokens in \
             all), 2.20 times what it has, and repetition_factor allows 2 times (2000 tokens)",
            "raise repetition_factor in `phases`",
        ] {
            assert!(message.contains(part), "{message}");
        }
        // One phase alone breaks it.
        let message = two_phases(400, 80)
            .counts(Path::new("launch.yaml"))
            .unwrap_err()
            .to_string();
        let part = "phases ask for 3000 in `pretraining` and 80 in `cooldown` (3080 tokens in all)";
        assert!(message.contains(part), "{message}");
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
