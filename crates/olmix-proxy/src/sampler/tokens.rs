//! Tokens of shards, memory-mapped.
#![allow(unsafe_code)] // memory maps: see `map`

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;
use olmix_data::{check_blocks, sums_size};

use super::SequenceIndex;
use crate::{ProxyError, ShardPlan};

/// The tokens of a leaf: those of its shards, one after another.
#[derive(Debug)]
pub struct Tokens {
    shards: Vec<Mapped>,
    /// Tokens before each shard, and of all.
    before: Vec<u64>,
}

#[derive(Debug)]
struct Mapped {
    plan: ShardPlan,
    map: Option<Mmap>,
    /// The checksums of its blocks.
    sums: Option<Mmap>,
}

impl Tokens {
    /// Maps the shards. Nothing is read yet.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for a shard that is gone, or has become another size since it was counted, and for
    /// its checksums.
    pub fn open(shards: &[ShardPlan]) -> Result<Self, ProxyError> {
        let mut before = vec![0];
        let mut sum = 0;
        let mut mapped = Vec::with_capacity(shards.len());
        for plan in shards {
            sum += plan.tokens;
            before.push(sum);
            mapped.push(Mapped {
                map: map(plan)?,
                sums: map_sums(plan)?,
                plan: plan.clone(),
            });
        }
        Ok(Self {
            shards: mapped,
            before,
        })
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `into` with the tokens from `start` on. Tokens beyond the last are left as they were.
    ///
    /// # Errors
    /// [`ProxyError::Input`] for a token that a vocabulary of `vocab` does not have, and for tokens that are not what
    /// they were when the shard was written.
    pub fn read(&self, start: u64, into: &mut [u32], vocab: usize) -> Result<(), ProxyError> {
        let mut shard = self
            .before
            .partition_point(|&before| before <= start)
            .saturating_sub(1);
        let (mut at, mut done) = (start, 0);
        while done < into.len() && shard < self.shards.len() {
            let mapped = &self.shards[shard];
            let within = at - self.before[shard];
            let count = ((mapped.plan.tokens - within) as usize).min(into.len() - done);
            let read = &mut into[done..done + count];
            mapped.check(within, count)?;
            mapped.read(within, read);
            let greatest = read.iter().copied().max().unwrap_or(0);
            if greatest as usize >= vocab {
                return Err(ProxyError::input(
                    &mapped.plan.path,
                    format!(
                        "holds the token {greatest}, and the tokenizer's vocabulary has {vocab}"
                    ),
                    "check that training.tokenizer is the one that made the shards, and data.dtype their \
                     width",
                ));
            }
            done += count;
            at += count as u64;
            shard += 1;
        }
        Ok(())
    }
}

impl Mapped {
    /// Refuses tokens that are not what they were: the blocks of the shard that they are in are hashed.
    fn check(&self, start: u64, count: usize) -> Result<(), ProxyError> {
        let (Some(map), Some(sums)) = (&self.map, &self.sums) else {
            return Ok(());
        };
        let width = self.plan.width as usize;
        let from = self.plan.offset as usize + start as usize * width;
        check_blocks(map, sums, from, from + count * width).map_err(|block| {
            ProxyError::input(
                &self.plan.path,
                format!(
                    "is damaged: the checksum of its block {block} (4,096 bytes each) is not the one in its .sums"
                ),
                "bits were changed after it was written: restore shard and .sums from a copy, or run the same \
                 `olmix tokenize` again, which makes anew what is damaged; and check the disk",
            )
        })
    }

    fn read(&self, start: u64, into: &mut [u32]) {
        let width = self.plan.width as usize;
        let from = self.plan.offset as usize + start as usize * width;
        let bytes = self.map.as_deref().unwrap_or_default();
        let bytes = bytes
            .get(from..from + into.len() * width)
            .unwrap_or_default();
        match width {
            2 | 4 | 8 if self.plan.big_endian => into
                .iter_mut()
                .zip(bytes.chunks_exact(width))
                .for_each(|(into, bytes)| {
                    let value = bytes
                        .iter()
                        .fold(0, |value: u64, &b| value << 8 | u64::from(b));
                    *into = u32::try_from(value).unwrap_or(u32::MAX);
                }),
            1 => into
                .iter_mut()
                .zip(bytes)
                .for_each(|(into, b)| *into = u32::from(*b)),
            2 => into
                .iter_mut()
                .zip(bytes.as_chunks::<2>().0)
                .for_each(|(into, b)| {
                    *into = u32::from(u16::from_le_bytes(*b));
                }),
            4 => into
                .iter_mut()
                .zip(bytes.as_chunks::<4>().0)
                .for_each(|(into, b)| {
                    *into = u32::from_le_bytes(*b);
                }),
            // Vocabularies are far below 2³²: anything larger is caught as one.
            _ => into
                .iter_mut()
                .zip(bytes.as_chunks::<8>().0)
                .for_each(|(into, b)| {
                    *into = u32::try_from(u64::from_le_bytes(*b)).unwrap_or(u32::MAX);
                }),
        }
    }
}

fn map(plan: &ShardPlan) -> Result<Option<Mmap>, ProxyError> {
    let path = &plan.path;
    let file = File::open(path).map_err(|error| ProxyError::unreadable(path, &error))?;
    let size = file
        .metadata()
        .map_err(|error| ProxyError::unreadable(path, &error))?
        .len();
    let wanted = plan.offset + plan.tokens * plan.width;
    if size != wanted {
        let now = size.saturating_sub(plan.offset) / plan.width.max(1);
        return Err(ProxyError::input(
            path,
            format!(
                "has {now} tokens ({size} bytes), and had {} ({wanted} bytes) when it was counted",
                plan.tokens
            ),
            "put the shard back as it was, or remove the run's folder to plan the run anew",
        ));
    }
    if plan.tokens == 0 {
        return Ok(None);
    }
    map_file(path, &file).map(Some)
}

/// Maps the checksums of a shard's blocks, where it has some.
fn map_sums(plan: &ShardPlan) -> Result<Option<Mmap>, ProxyError> {
    let Some(path) = plan.sums.as_ref().filter(|_| plan.tokens > 0) else {
        return Ok(None);
    };
    let unreadable = |error| ProxyError::unreadable(path, &error);
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let wanted = sums_size(plan.offset + plan.tokens * plan.width);
    if size != wanted {
        return Err(ProxyError::input(
            path,
            format!("has {size} bytes, and the checksums of its shard take {wanted}"),
            "restore it from a copy, or run the same `olmix tokenize` again",
        ));
    }
    map_file(path, &file).map(Some)
}

fn map_file(path: &Path, file: &File) -> Result<Mmap, ProxyError> {
    // SAFETY: the map is only read, as bytes, for which every value is valid. A file that another program
    // truncates while it is mapped raises SIGBUS; shards are not written to while a run reads them, and a run
    // that dies this way resumes from its last checkpoint.
    let map = unsafe { Mmap::map(file) };
    map.map_err(|error| ProxyError::unreadable(path, &error))
}

/// The batches of a run, by step.
#[derive(Debug)]
pub struct Batches {
    leaves: Vec<Tokens>,
    index: SequenceIndex,
    batch: usize,
    context: usize,
    vocab: usize,
}

impl Batches {
    /// Batches of `batch` sequences of `context` tokens each.
    #[must_use]
    pub fn new(
        leaves: Vec<Tokens>,
        index: SequenceIndex,
        batch: usize,
        context: usize,
        vocab: usize,
    ) -> Self {
        Self {
            leaves,
            index,
            batch,
            context,
            vocab,
        }
    }

    /// Number of whole batches.
    #[must_use]
    pub fn steps(&self) -> u64 {
        (self.index.sequences.len() / self.batch) as u64
    }

    /// Fills `into` with sequence `b` of a step: `context + 1` tokens, the first `context` of which are
    /// inputs and the last `context` targets.
    ///
    /// # Errors
    /// As [`Tokens::read`], for the shards of the sequence.
    pub fn sequence(&self, step: u64, b: usize, into: &mut [u32]) -> Result<(), ProxyError> {
        let (leaf, start) = self.index.sequences[step as usize * self.batch + b];
        self.leaves[leaf as usize].read(start, &mut into[..=self.context], self.vocab)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    fn shard(folder: &Path, name: &str, bytes: &[u8], offset: u64, width: u64) -> ShardPlan {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let tokens = (bytes.len() as u64 - offset) / width;
        ShardPlan {
            path,
            offset,
            width,
            big_endian: false,
            tokens,
            sums: None,
        }
    }

    #[test]
    fn a_window_may_span_shards_of_any_width() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let shards = [
            shard(at, "a", &[9, 1, 2], 1, 1),
            shard(at, "b", &[3, 0, 4, 0], 0, 2),
            shard(at, "empty", &[], 0, 2),
            shard(at, "c", &[5, 0, 0, 0], 0, 4),
            shard(at, "d", &[6, 0, 0, 0, 0, 0, 0, 0], 0, 8),
        ];
        let tokens = Tokens::open(&shards).unwrap();
        assert_eq!(tokens.len(), 6);
        let mut into = [0; 6];
        tokens.read(0, &mut into, 10).unwrap();
        assert_eq!(into, [1, 2, 3, 4, 5, 6]);
        let mut into = [0; 2];
        tokens.read(3, &mut into, 10).unwrap();
        assert_eq!(into, [4, 5]);
        let message = tokens.read(3, &mut into, 5).unwrap_err().to_string();
        assert!(
            message.contains("holds the token 5, and the tokenizer's vocabulary has 5"),
            "{message}"
        );
    }

    #[test]
    fn big_endian_shards_are_read_by_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let mut shards = [
            shard(at, "a", &[1, 2, 0, 3], 0, 2),
            shard(at, "b", &[0, 1, 0, 4], 0, 4),
            shard(at, "c", &[0, 0, 0, 0, 0, 0, 0, 5], 0, 8),
        ];
        shards.iter_mut().for_each(|shard| shard.big_endian = true);
        let mut into = [0; 4];
        Tokens::open(&shards)
            .unwrap()
            .read(0, &mut into, 1 << 20)
            .unwrap();
        assert_eq!(into, [258, 3, 65_540, 5]);
    }

    #[test]
    fn a_shard_that_changed_since_it_was_counted_is_refused_with_both_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let plan = shard(folder.path(), "a", &[1, 0, 2, 0], 0, 2);
        std::fs::write(&plan.path, [1, 0]).unwrap();
        let message = Tokens::open(&[plan]).unwrap_err().to_string();
        assert!(
            message.contains("has 1 tokens (2 bytes), and had 2 (4 bytes)"),
            "{message}"
        );
    }

    #[test]
    fn tokens_of_a_block_with_a_flipped_bit_are_refused_and_those_of_other_blocks_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..10_000_u32)
            .map(|i| (i % 2 * (i / 2 % 7)) as u8)
            .collect();
        let mut plan = shard(folder.path(), "a.bin", &bytes, 0, 2);
        let sums = olmix_data::sums_file(&plan.path);
        let of = |block: &[u8]| {
            let hex = olmix_io::sha256_hex(block);
            u64::from_str_radix(&hex[..16], 16).unwrap().to_be_bytes()
        };
        std::fs::write(&sums, bytes.chunks(4096).flat_map(of).collect::<Vec<u8>>()).unwrap();
        plan.sums = Some(sums.clone());
        let read = |from: u64| {
            let tokens = Tokens::open(std::slice::from_ref(&plan)).unwrap();
            let mut into = [0; 100];
            tokens.read(from, &mut into, 1 << 16).map(|()| into)
        };
        let whole = read(4000).unwrap();
        let mut flipped = bytes.clone();
        flipped[5000] ^= 4;
        std::fs::write(&plan.path, &flipped).unwrap();
        // Bytes 4,096 to 8,191 are tokens 2,048 to 4,095; the first of these reads ends in that block.
        for from in [2000, 2450, 4000] {
            let message = read(from).unwrap_err().to_string();
            assert!(
                message.contains("a.bin: is damaged: the checksum of its block 1 "),
                "{message}"
            );
            assert!(message.contains("olmix tokenize"), "{message}");
        }
        assert!(read(0).is_ok() && read(4096).is_ok());
        std::fs::write(&plan.path, &bytes).unwrap();
        assert_eq!(read(4000).unwrap(), whole);
        std::fs::write(&sums, [0; 8]).unwrap();
        let message = Tokens::open(&[plan]).unwrap_err().to_string();
        assert!(
            message.contains("has 8 bytes, and the checksums of its shard take 24"),
            "{message}"
        );
    }
}
