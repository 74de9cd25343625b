//! Event files of `TensorBoard` as logs of records: each has a length (8 bytes) with its checksum (4), the record, and
//! the record's checksum (4).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::End;

/// Bytes that a record may have: graphs and images are large, and passed over.
const MOST: u64 = 1 << 30;

/// The records of a file, one after the other. Memory: one record.
#[derive(Debug)]
pub struct Events<R> {
    input: R,
    record: Vec<u8>,
    /// Where the next record begins.
    at: u64,
    end: End,
}

impl Events<BufReader<File>> {
    /// # Errors
    /// Those of opening a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let input = BufReader::with_capacity(1 << 17, File::open(path)?);
        Ok(Self {
            input,
            record: Vec::new(),
            at: 0,
            end: End::Whole,
        })
    }
}

impl<R: Read> Events<R> {
    /// How the records ended, once there are no more.
    pub fn end(&self) -> End {
        self.end
    }

    /// The next record; `None` at the end of the file, or of what of it is whole.
    ///
    /// # Errors
    /// Those of reading a file.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.end != End::Whole {
            return Ok(None);
        }
        let header = self.read(12)?;
        if header < 12 {
            if header > 0 {
                self.end = End::Cut(self.at);
            }
            return Ok(None);
        }
        let (length, sum) = self.record.split_at(8);
        let length: [u8; 8] = length.try_into().unwrap_or_default();
        let is_right = masked(&length).to_le_bytes() == sum;
        let length = u64::from_le_bytes(length);
        if !is_right || length > MOST {
            self.end = End::Damaged(self.at);
            return Ok(None);
        }
        let whole = length + 4;
        if (self.read(whole)? as u64) < whole {
            self.end = End::Cut(self.at);
            return Ok(None);
        }
        let (record, sum) = self.record.split_at(length as usize);
        if masked(record).to_le_bytes() != sum {
            self.end = End::Damaged(self.at);
            return Ok(None);
        }
        self.at += 12 + whole;
        Ok(Some(&self.record[..length as usize]))
    }

    /// Reads so many bytes, or what is left of the file.
    fn read(&mut self, bytes: u64) -> io::Result<usize> {
        self.record.clear();
        self.input
            .by_ref()
            .take(bytes)
            .read_to_end(&mut self.record)
    }
}

/// The checksum of these files: CRC-32C, turned and shifted.
fn masked(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
