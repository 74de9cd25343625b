//! Logs of records as `LevelDB` writes them, after a header of seven bytes: `run-ID.wandb` of Weights & Biases and
//! `run-ID.swanlab` of `SwanLab`. Blocks have 32 KiB, and a record that does not fit into what is left of one is split.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::End;

/// Bytes of a block.
const BLOCK: usize = 32 << 10;

/// Bytes before a piece of a record: its checksum (4), its length (2), its kind (1).
const HEADER: usize = 7;

/// A program that writes such logs.
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    /// Its name.
    pub name: &'static str,
    /// How its files begin.
    pub beginning: [u8; 6],
    /// The version that is read here, in the byte after that.
    pub version: u8,
}

/// Bytes that a record may have; those of metrics have some hundred.
const MOST: usize = 256 << 20;

/// The records of a file, one after the other. Memory: one block and one record.
#[derive(Debug)]
pub struct Records<R> {
    input: R,
    /// The block at hand; shorter than [`BLOCK`] at the end of the file.
    block: Vec<u8>,
    /// Where in the file the block begins.
    begin: u64,
    /// What of the block was read.
    at: usize,
    /// A record that is in several pieces.
    whole: Vec<u8>,
    end: End,
}

impl Records<BufReader<File>> {
    /// # Errors
    /// A sentence on what the file is instead.
    pub fn open(path: &Path, writer: Writer) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("can't be read: {error}"))?;
        Self::new(BufReader::with_capacity(4 * BLOCK, file), writer)
    }
}

impl<R: Read> Records<R> {
    fn new(input: R, writer: Writer) -> Result<Self, String> {
        let mut records = Self {
            input,
            block: Vec::with_capacity(BLOCK),
            begin: 0,
            at: 0,
            whole: Vec::new(),
            end: End::Whole,
        };
        records
            .fill()
            .map_err(|error| format!("can't be read: {error}"))?;
        let beginning = &records.block[..records.block.len().min(HEADER)];
        let known = beginning.iter().zip(&writer.beginning).all(|(a, b)| a == b);
        match beginning.get(writer.beginning.len()) {
            _ if !known => Err(format!("not a file of {}", writer.name)),
            Some(version) if *version == writer.version => {
                records.at = HEADER;
                Ok(records)
            }
            Some(version) => Err(format!(
                "has version {version} of the format, and this olmix reads version {}",
                writer.version
            )),
            None => {
                records.at = records.block.len();
                if records.at > 0 {
                    records.end = End::Cut(0);
                }
                Ok(records)
            }
        }
    }

    /// How the records ended, once there are no more.
    pub fn end(&self) -> End {
        self.end
    }

    /// Reads the next block, as far as the file goes.
    fn fill(&mut self) -> io::Result<()> {
        self.begin += self.block.len() as u64;
        self.block.clear();
        self.at = 0;
        let limit = BLOCK as u64;
        self.input
            .by_ref()
            .take(limit)
            .read_to_end(&mut self.block)?;
        Ok(())
    }

    /// The next record; `None` at the end of the file, or of what of it is whole.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.end != End::Whole {
            return Ok(None);
        }
        self.whole.clear();
        let mut inside = None;
        loop {
            let left = self.block.len() - self.at;
            if left < HEADER {
                let last = self.block.len() < BLOCK;
                let cut = self.begin + self.at as u64;
                let rest = self.block[self.at..].iter().any(|&byte| byte != 0);
                if !last {
                    self.fill()?;
                    if !self.block.is_empty() {
                        continue;
                    }
                }
                if inside.is_some() || last && rest {
                    self.end = End::Cut(inside.unwrap_or(cut));
                }
                return Ok(None);
            }
            let place = self.begin + self.at as u64;
            let header = &self.block[self.at..self.at + HEADER];
            let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
            let kind = header[6];
            let begin = self.at + HEADER;
            if begin + length > self.block.len() {
                // A record never reaches beyond its block.
                self.end = if self.block.len() < BLOCK {
                    End::Cut(inside.unwrap_or(place))
                } else {
                    End::Damaged(place)
                };
                return Ok(None);
            }
            let sum = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            let right =
                crc_fast::crc32_iso_hdlc(&self.block[self.at + HEADER - 1..begin + length]) == sum;
            self.at = begin + length;
            let piece = begin..begin + length;
            match (kind, inside) {
                (1, None) if right => return Ok(Some(&self.block[piece])),
                (2, None) if right => {
                    inside = Some(place);
                    self.whole.extend_from_slice(&self.block[piece]);
                }
                (3 | 4, Some(_)) if right && self.whole.len() + length <= MOST => {
                    self.whole.extend_from_slice(&self.block[piece]);
                    if kind == 4 {
                        return Ok(Some(&self.whole));
                    }
                }
                _ => {
                    self.end = End::Damaged(inside.unwrap_or(place));
                    return Ok(None);
                }
            }
        }
    }
}
