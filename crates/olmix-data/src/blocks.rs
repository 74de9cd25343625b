//! Checksums of the blocks of a shard, in a file beside it: whoever reads some of its tokens finds a bit that a disk
//! or a copy turned over, and need not read the rest.
//!
//! `x.sums` holds, for each 4,096 bytes of `x.bin` (fewer in the last block), the first eight bytes of their SHA-256.
//! A page is what the system reads anyway. A flipped bit is missed with a chance of 2⁻⁶⁴.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Bytes of a block.
const BLOCK: usize = 4096;
/// Bytes of a block's checksum.
const SUM: usize = 8;

/// The file with the checksums of a shard's blocks.
#[must_use]
pub fn sums_file(shard: &Path) -> PathBuf {
    shard.with_extension("sums")
}

/// Bytes of that file for a shard of `size` bytes.
#[must_use]
pub fn sums_size(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64) * SUM as u64
}

/// The whole blocks around a range of a shard's bytes; the last one of a shard may be shorter.
fn blocks_of(from: usize, to: usize) -> std::ops::Range<usize> {
    from / BLOCK..to.div_ceil(BLOCK)
}

/// The first block around the bytes `from` to `to` of a shard that is not what its checksum says, by its number.
/// `shard` and `sums` are the whole files. Some 3 µs a block where the processor has instructions for SHA-256.
///
/// # Errors
/// The number of the block, which begins at 4,096 times that.
pub fn check_blocks(shard: &[u8], sums: &[u8], from: usize, to: usize) -> Result<(), usize> {
    for number in blocks_of(from, to) {
        let begin = number * BLOCK;
        let block = shard.get(begin..shard.len().min(begin + BLOCK));
        let sum = sums.get(number * SUM..(number + 1) * SUM);
        if block.is_none_or(|block| Some(&sum_of(block)[..]) != sum) {
            return Err(number);
        }
    }
    Ok(())
}

/// Bytes of a shard, checked where a `sums` file is given: those from `from` to `to`.
///
/// # Errors
/// What the system says of the files, and [`io::ErrorKind::InvalidData`] for bytes that are not what they were.
pub(crate) fn read_checked(
    shard: &Path,
    sums: Option<&Path>,
    from: u64,
    to: u64,
) -> io::Result<Vec<u8>> {
    let part = |path: &Path, from: u64, to: u64| {
        let mut bytes = Vec::new();
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        file.take(to.saturating_sub(from)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let Some(sums) = sums else {
        return part(shard, from, to);
    };
    let (block, sum) = (BLOCK as u64, SUM as u64);
    let (first, last) = (from / block, to.div_ceil(block));
    let begin = first * block;
    let whole = part(shard, begin, last * block)?;
    let sums = part(sums, first * sum, last * sum)?;
    let (from, to) = ((from - begin) as usize, (to - begin) as usize);
    check_blocks(&whole, &sums, from, to).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "{} is damaged: it is not what its checksums say",
                shard.display()
            ),
        )
    })?;
    Ok(whole.get(from..to).unwrap_or_default().to_vec())
}

fn sum_of(block: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    let digest = Sha256::digest(block);
    sum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    sum
}

/// SHA-256 of what is written to it, and of its blocks.
#[derive(Default)]
pub(crate) struct Hashes {
    whole: Sha256,
    /// The block that is not full yet.
    block: Vec<u8>,
    sums: Vec<u8>,
}

impl Hashes {
    /// The checksums of the blocks, and SHA-256 of the whole in hexadecimal.
    pub fn finish(mut self) -> (Vec<u8>, String) {
        if !self.block.is_empty() {
            self.sums.extend(sum_of(&self.block));
        }
        (self.sums, hex(&self.whole.finalize()))
    }
}

impl Write for Hashes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.whole.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            if self.block.len() == BLOCK {
                self.sums.extend(sum_of(&self.block));
                self.block.clear();
            }
            rest = later;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// SHA-256 of bytes, 64 hex digits.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file, 64 hex digits. A second or less for a gigabyte, beside reading it.
pub(crate) fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut whole = Sha256::new();
    let mut part = vec![0; 1 << 20];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&whole.finalize())),
            read => whole.update(part.get(..read).unwrap_or_default()),
        }
    }
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_summed_alike_however_they_are_written_and_a_flipped_bit_is_found_where_it_is_read()
     {
        let shard: Vec<u8> = (0..2 * BLOCK + 10).map(|i| (i * i % 251) as u8).collect();
        let mut hashes = Hashes::default();
        for part in shard.chunks(1000) {
            hashes.write_all(part).unwrap();
        }
        let (sums, whole) = hashes.finish();
        assert_eq!(sums.len() as u64, sums_size(shard.len() as u64));
        assert_eq!(whole, sha256_of(&shard));
        let direct: Vec<u8> = shard
            .chunks(BLOCK)
            .flat_map(|b| Sha256::digest(b)[..SUM].to_vec())
            .collect();
        assert_eq!(sums, direct);
        assert_eq!(check_blocks(&shard, &sums, 0, shard.len()), Ok(()));
        for (bit, block) in [
            (0, 0),
            (8 * BLOCK - 1, 0),
            (8 * BLOCK, 1),
            (8 * shard.len() - 1, 2),
        ] {
            let mut flipped = shard.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                check_blocks(&flipped, &sums, bit / 8, bit / 8 + 1),
                Err(block)
            );
            let other = (block + 1) % 3 * BLOCK;
            assert_eq!(check_blocks(&flipped, &sums, other, other + 1), Ok(()));
        }
        for bit in 0..8 * SUM {
            let mut flipped = sums.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check_blocks(&shard, &flipped, 5, BLOCK + 5), Err(0));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.bin"), &shard).unwrap();
        std::fs::write(path("a.sums"), &sums).unwrap();
        let (at, sums_at) = (path("a.bin"), sums_file(&path("a.bin")));
        let read = |from, to| read_checked(&at, Some(&sums_at), from, to);
        assert_eq!(read(4090, 8200).unwrap(), shard[4090..8200]);
        std::fs::write(path("a.bin"), [&[9], &shard[1..]].concat()).unwrap();
        assert!(
            read(4090, 8200)
                .unwrap_err()
                .to_string()
                .contains("is damaged")
        );
        assert_eq!(read(4096, 8200).unwrap(), shard[4096..8200]);
        assert_eq!(check_blocks(&[], &[], 0, 0), Ok(()));
        assert_eq!(check_blocks(&shard, &sums[..SUM], BLOCK, BLOCK + 1), Err(1));
    }
}
