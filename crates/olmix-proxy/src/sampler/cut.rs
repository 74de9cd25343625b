//! Simulated repetition: a leaf is cut to the part of it that makes a run see it as often as a larger run would.
//!
//! A run of `T` tokens that stands for one of `target` sees the share `T / target` of each leaf. The share is cut by
//! whole documents: a leaf is divided into blocks that begin where documents begin, blocks are put into an order that
//! the seed and the leaf's name alone decide, and the first sequences of this order are taken, as many as the share
//! asks for. So a smaller share is a part of a larger one, and runs with the same seed see the same documents.
//! Where no end of a document is known, blocks are single sequences.

use std::path::Path;

use olmix_core::split_mix64;

use super::Tokens;
use super::permutation::Permutation;
use super::request::LeafCut;
use crate::ProxyError;

/// Sequences of a block, at most: its last sequence is not full, and is left out, which is half a sequence a block.
const MOST: u64 = 16;
/// The least, for leaves of few sequences.
const LEAST: u64 = 4;
/// So many blocks a leaf is divided into before they become larger than the least.
const BLOCKS: u64 = 64;
/// Tokens that are looked at together for the end of a document.
const CHUNK: usize = 512;

/// How a leaf is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut<'a> {
    /// The leaf's full name, on which the order depends.
    pub leaf: &'a str,
    /// Sequences that the share asks for, at least 1.
    pub sequences: u64,
    /// Tokens of a sequence.
    pub context: u64,
    /// The token that ends a document, where there is one.
    pub end_of_text: Option<u32>,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Seed of the run.
    pub seed: u64,
}

/// A run that simulates the repetition of a larger one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simulation {
    /// Tokens of the run.
    pub run: u64,
    /// Tokens of the run that it stands for.
    pub target: u64,
}

/// What a leaf of `tokens` in all is cut to, of which `at_hand` are there; an error for less than a sequence, and for
/// more than are there.
///
/// # Errors
/// [`ProxyError::Input`], naming `file`, with the numbers.
pub(crate) fn leaf_cut(
    file: &Path,
    leaf: &str,
    (tokens, at_hand): (f64, u64),
    Simulation { run, target }: Simulation,
    context: u64,
) -> Result<LeafCut, ProxyError> {
    let share = run as f64 / target as f64;
    let wanted = share * tokens / context as f64;
    let refused = |what: String, help: &str| {
        Err(ProxyError::input(
            file,
            format!(
                "data.simulate_target_tokens {target} cuts every leaf to {share:.3e} of its tokens ({run} of {target}), and \
                 {what}"
            ),
            help,
        ))
    };
    let available = at_hand.saturating_sub(1) / context;
    if wanted < 1.0 || available == 0 {
        return refused(
            format!(
                "`{leaf}` has {tokens:.0} tokens: {:.1} are left, less than a sequence of {context}",
                share * tokens
            ),
            "train on more tokens or shorter sequences, lower simulate_target_tokens, or leave the leaf out of the mixture",
        );
    }
    if wanted > available as f64 + 1.0 {
        return refused(
            format!(
                "of `{leaf}` this is {:.0} tokens, and its sample has {at_hand}",
                share * tokens
            ),
            "give a larger sample of it, train on fewer tokens, or raise simulate_target_tokens",
        );
    }
    Ok(LeafCut {
        sequences: (wanted.round() as u64).clamp(1, available),
        tokens: share * tokens,
    })
}

impl Cut<'_> {
    /// The first token of each sequence of the cut, in the leaf: fewer than were asked for only where the leaf has
    /// no more in whole blocks.
    ///
    /// # Errors
    /// As [`Tokens::read`].
    pub fn starts(&self, tokens: &Tokens) -> Result<Vec<u64>, ProxyError> {
        let available = tokens.len().saturating_sub(1) / self.context;
        let block = match self.end_of_text {
            None => 1,
            Some(_) => (available / BLOCKS).clamp(LEAST, MOST),
        };
        let blocks = available.div_ceil(block);
        let order = Permutation::new(blocks, self.seed, self.stream(), 0);
        let mut starts = Vec::new();
        let mut place = 0;
        while place < blocks && (starts.len() as u64) < self.sequences {
            let index = order.at(place);
            place += 1;
            let (from, to) = match self.end_of_text {
                None => (index * self.context, (index + 1) * self.context + 1),
                Some(end) => (
                    self.begin(tokens, index * block, block, end)?,
                    self.begin(tokens, (index + 1) * block, block, end)?,
                ),
            };
            let mut at = from;
            // A sequence and the token after it.
            while at + self.context < to && (starts.len() as u64) < self.sequences {
                starts.push(at);
                at += self.context;
            }
        }
        Ok(starts)
    }

    /// The order of blocks is of a stream of its own: that of the leaf's name.
    fn stream(&self) -> u64 {
        // Apart from the streams of leaves by their place, which order sequences.
        let start = 0x63_7574_u64;
        self.leaf
            .bytes()
            .fold(start, |state, byte| split_mix64(state ^ u64::from(byte)))
    }

    /// Where the block begins that is at a sequence: at the first document that begins there or behind it, within
    /// `length` sequences. A document that is longer is cut there.
    fn begin(
        &self,
        tokens: &Tokens,
        sequence: u64,
        length: u64,
        end_of_text: u32,
    ) -> Result<u64, ProxyError> {
        let nominal = (sequence * self.context).min(tokens.len());
        if sequence == 0 || nominal == tokens.len() {
            return Ok(nominal);
        }
        // The token before a document is the end of another one.
        let last = (nominal + length * self.context).min(tokens.len());
        let mut chunk = [0; CHUNK];
        let mut at = nominal - 1;
        while at + 1 < last {
            let count = usize::try_from(last - 1 - at).unwrap_or(CHUNK).min(CHUNK);
            tokens.read(at, &mut chunk[..count], self.vocab)?;
            let found = chunk[..count]
                .iter()
                .position(|&token| token == end_of_text);
            if let Some(found) = found {
                return Ok(at + found as u64 + 1);
            }
            at += count as u64;
        }
        Ok(nominal)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use std::collections::BTreeSet;

    use super::*;
    use crate::ShardPlan;

    const END: u32 = 0;
    const CONTEXT: u64 = 16;

    /// A leaf of so many documents, of 5 to 64 tokens and one that ends them; each token but that is the document's
    /// number.
    fn documents(folder: &Path, count: u16) -> Tokens {
        let mut tokens: Vec<u16> = Vec::new();
        for document in 1..=count {
            let length = 5 + split_mix64(u64::from(document)) % 60;
            tokens.extend(std::iter::repeat_n(document, length as usize));
            tokens.push(0);
        }
        let bytes: Vec<u8> = tokens
            .iter()
            .flat_map(|token| token.to_le_bytes())
            .collect();
        let path = folder.join("leaf.bin");
        std::fs::write(&path, bytes).unwrap();
        let shard = ShardPlan {
            path,
            offset: 0,
            width: 2,
            big_endian: false,
            tokens: tokens.len() as u64,
            sums: None,
        };
        Tokens::open(&[shard]).unwrap()
    }

    fn cut(sequences: u64, seed: u64) -> Cut<'static> {
        Cut {
            leaf: "web",
            sequences,
            context: CONTEXT,
            end_of_text: Some(END),
            vocab: 1 << 16,
            seed,
        }
    }

    #[test]
    fn a_cut_has_whole_documents_as_far_as_sequences_allow_and_the_sequences_that_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = documents(folder.path(), 3000);
        let starts = cut(600, 7).starts(&tokens).unwrap();
        assert_eq!(starts.len(), 600);
        let mut seen = BTreeSet::new();
        let mut windows = 0;
        for (k, start) in starts.iter().enumerate() {
            let mut window = [0; CONTEXT as usize + 1];
            tokens.read(*start, &mut window, 1 << 16).unwrap();
            assert!(
                (0..CONTEXT).all(|token| seen.insert(start + token)),
                "no token twice"
            );
            let follows = k > 0 && starts[k - 1] + CONTEXT == *start;
            if !follows {
                windows += 1;
                let mut before = [1];
                if *start > 0 {
                    tokens.read(start - 1, &mut before, 1 << 16).unwrap();
                }
                assert_eq!(
                    before[0] * u32::from(*start > 0),
                    END,
                    "a block begins with a document"
                );
            }
        }
        // Blocks of up to sixteen sequences.
        assert!((600 / 16..600 / 8).contains(&windows), "{windows}");
        // They are from everywhere.
        let middle = starts.iter().sum::<u64>() as f64 / 600.0 / tokens.len() as f64;
        assert!((0.35..0.65).contains(&middle), "{middle}");
    }

    #[test]
    fn a_smaller_cut_is_the_beginning_of_a_larger_one_and_seeds_and_leaves_have_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = documents(folder.path(), 2000);
        let starts = |cut: Cut<'_>| cut.starts(&tokens).unwrap();
        let large = starts(cut(500, 7));
        for sequences in [1, 17, 120, 499] {
            let small = starts(cut(sequences, 7));
            assert_eq!(small[..], large[..sequences as usize]);
        }
        assert_ne!(starts(cut(500, 8)), large);
        let other = Cut {
            leaf: "code",
            ..cut(500, 7)
        };
        assert_ne!(starts(other), large);
    }

    #[test]
    fn without_ends_of_documents_a_cut_is_of_single_sequences() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = documents(folder.path(), 500);
        let unknown = Cut {
            end_of_text: None,
            ..cut(100, 7)
        };
        let starts = unknown.starts(&tokens).unwrap();
        let distinct: BTreeSet<u64> = starts.iter().copied().collect();
        assert_eq!(distinct.len(), 100);
        assert!(
            starts
                .iter()
                .all(|start| start % CONTEXT == 0 && start + CONTEXT < tokens.len())
        );
    }

    #[test]
    fn a_leaf_too_small_to_be_cut_is_refused_with_its_numbers() {
        let run = Simulation {
            run: 1_000,
            target: 1_000_000,
        };
        let of = |tokens: f64, at_hand| {
            leaf_cut(
                Path::new("launch.yaml"),
                "math",
                (tokens, at_hand),
                run,
                CONTEXT,
            )
        };
        let cut = of(80_000.0, 80_000).unwrap();
        assert_eq!((cut.sequences, cut.tokens), (5, 80.0));
        let message = of(9_000.0, 9_000).unwrap_err().to_string();
        for part in [
            "launch.yaml: data.simulate_target_tokens 1000000 cuts every leaf to 1.000e-3 of its tokens (1000 of 1000000)",
            "`math` has 9000 tokens: 9.0 are left, less than a sequence of 16",
        ] {
            assert!(message.contains(part), "{message}");
        }
        // A sample that is less than the share.
        let message = of(1e9, 10_000).unwrap_err().to_string();
        assert!(
            message.contains("of `math` this is 1000000 tokens, and its sample has 10000"),
            "{message}"
        );
    }
}
