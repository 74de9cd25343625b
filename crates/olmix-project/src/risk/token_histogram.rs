//! Histograms of a domain's tokens, and how similar two are.

use std::path::Path;

use olmix_data::{Format, Leaf, TokenShard, locate};
use olmix_io::ProjectDomain;

/// Tokens are hashed to this many buckets.
const BUCKETS: usize = 1 << 16;
/// Tokens that are read of a domain, at most: shares of a thousandth are exact to a few percent then.
const SAMPLE_TOKENS: u64 = 1 << 20;
/// Pieces that those are read in, spread over the domain's shards.
const PIECES: u64 = 16;

/// Shares of token buckets in a sample of a domain's tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenHistogram {
    /// Square roots of the shares, one per bucket; their squares sum to 1.
    roots: Vec<f32>,
}

/// Reads tokens of a domain's shards. `width` is the bytes of a token where no header says it, relative paths
/// start at `folder`. Some 10 ms a domain.
///
/// # Errors
/// A sentence that says why there is none: no paths, shards of text or in a store, files that can't be read.
pub fn token_histogram(
    domain: &ProjectDomain,
    width: u64,
    folder: &Path,
) -> Result<TokenHistogram, String> {
    if domain.paths.is_empty() {
        return Err("no paths are known of it".into());
    }
    let format = domain.format.as_deref();
    let format = format.and_then(|word| {
        let known = Format::ALL.iter().find(|(name, _)| *name == word);
        known.map(|(_, format)| *format)
    });
    let leaf = Leaf {
        name: domain.name.clone(),
        paths: domain.paths.clone(),
        format,
    };
    let shards = locate(&[leaf], width, folder, true).map_err(|error| error.to_string())?;
    let shards: Vec<TokenShard> = shards.into_iter().flatten().collect();
    let mut counts = vec![0_u64; BUCKETS];
    let all: u64 = shards.iter().map(|shard| shard.tokens).sum();
    let wanted = all.min(SAMPLE_TOKENS);
    let piece = wanted.div_ceil(PIECES);
    for number in 0..PIECES {
        let from = number * (all / PIECES);
        read(&shards, from, piece.min(all - from), &mut counts)
            .map_err(|error| error.to_string())?;
    }
    let sum: u64 = counts.iter().sum();
    if sum == 0 {
        return Err("its shards hold no tokens".into());
    }
    let root = |count: &u64| (*count as f64 / sum as f64).sqrt() as f32;
    Ok(TokenHistogram {
        roots: counts.iter().map(root).collect(),
    })
}

/// Counts `count` tokens from token `from` on.
fn read(
    shards: &[TokenShard],
    mut from: u64,
    mut count: u64,
    counts: &mut [u64],
) -> std::io::Result<()> {
    for shard in shards {
        if from >= shard.tokens {
            from -= shard.tokens;
            continue;
        }
        let here = count.min(shard.tokens - from);
        let bytes = shard.read(from, here)?;
        for token in bytes.chunks_exact(usize::try_from(shard.width).unwrap_or(1).max(1)) {
            let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            let number = if shard.big_endian {
                token.iter().fold(0, add)
            } else {
                token.iter().rev().fold(0, add)
            };
            let bucket = mix_bits(number) >> (64 - BUCKETS.ilog2());
            counts[bucket as usize] += 1;
        }
        count -= here;
        from = 0;
        if count == 0 {
            break;
        }
    }
    Ok(())
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood 2014): neighbouring token ids, which have little in
/// common, fall into unrelated buckets.
fn mix_bits(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl TokenHistogram {
    /// Bhattacharyya's coefficient, `Σ √(a b)` over shares of tokens: 1 for domains of the same tokens, 0 for
    /// domains that share none.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f64 {
        let products = self.roots.iter().zip(&other.roots);
        products.map(|(a, b)| f64::from(a * b)).sum()
    }
}
