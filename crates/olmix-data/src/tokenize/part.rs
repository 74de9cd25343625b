//! From one file of texts to its shards.

use std::io::Write;
use std::path::{Path, PathBuf};

use olmix_fs::AtomicFile;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::journal::{Done, Journal};
use crate::blocks::{Hashes, sha256_of};
use crate::manifest::{Part, PartChecksums};
use crate::text::{self, OnBadLine, Source, Trouble};
use crate::{DataError, Dtype, Encoder, Format, Split, megatron};

/// Makes the shards of files of texts, one file at a time.
pub(super) struct ShardMaker<'a> {
    pub encoder: &'a Encoder,
    pub end_of_text: u32,
    pub dtype: Dtype,
    pub text_field: &'a str,
    /// Share of documents that are held out.
    pub validation: f64,
    pub on_bad_line: OnBadLine,
    pub output: &'a Path,
    pub journal: &'a Journal,
    /// Encodes documents; files are read outside of it.
    pub pool: &'a rayon::ThreadPool,
}

/// Why a file gave no shards.
pub(super) enum Stop {
    /// It can't be read: others can.
    Source(String),
    /// Shards can't be written.
    Output(DataError),
}

/// Texts that are encoded at a time: bytes and documents of a batch.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_DOCUMENTS: usize = 4096;
/// Documents that are too few for a thread of their own.
const FEW: usize = 16;

impl ShardMaker<'_> {
    /// Makes the shards of a file and puts them in their places.
    pub fn make(
        &self,
        source: &Path,
        format: Format,
        name: &str,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Done, Stop> {
        let mut shards = [Split::Train, Split::Validation].map(Shard::new);
        let mut batch = Batch::default();
        let mut stop = None;
        let mut flush = |batch: &mut Batch| {
            let done = self.encode(batch, &mut shards);
            batch.text.clear();
            batch.ends.clear();
            done.map_err(|why| match why {
                Stop::Source(problem) => problem,
                Stop::Output(error) => {
                    let message = error.to_string();
                    stop = Some(error);
                    message
                }
            })
        };
        let shown = source.to_string_lossy();
        let source = Source::new(source, &shown, format, self.text_field, self.on_bad_line);
        let read = text::documents(&source, progress, &mut |text| {
            self.encoder.check(text).map_err(Trouble::Document)?;
            batch.text += text;
            batch.ends.push(batch.text.len());
            if batch.text.len() < BATCH_BYTES && batch.ends.len() < BATCH_DOCUMENTS {
                return Ok(());
            }
            flush(&mut batch).map_err(Trouble::Stop)
        });
        let read = read.and_then(|()| flush(&mut batch));
        if let Some(error) = stop {
            return Err(Stop::Output(error));
        }
        read.map_err(Stop::Source)?;
        let mut done = Done::default();
        if let Some(skipped) = source.skipped() {
            done.skipped = skipped.lines;
            done.first_skipped = skipped.first;
        }
        for shard in shards {
            let part = shard.finish(self, name).map_err(Stop::Output)?;
            done.parts.extend(part);
        }
        Ok(done)
    }

    /// Encodes a batch and appends it to the shards, in order.
    fn encode(&self, batch: &Batch, shards: &mut [Shard; 2]) -> Result<(), Stop> {
        let begins = std::iter::once(0).chain(batch.ends.iter().copied());
        let spans: Vec<(usize, usize)> = begins.zip(batch.ends.iter().copied()).collect();
        let encoded: Result<Vec<Document>, String> = self.pool.install(|| {
            let spans = spans.par_iter().with_min_len(FEW);
            spans
                .filter(|(begin, end)| begin < end) // an empty text teaches nothing
                .map(|&(begin, end)| self.document(&batch.text[begin..end]))
                .collect()
        });
        for document in encoded.map_err(Stop::Source)? {
            let shard = &mut shards[usize::from(document.held_out)];
            shard
                .append(&document, self.journal)
                .map_err(Stop::Output)?;
        }
        Ok(())
    }

    fn document(&self, text: &str) -> Result<Document, String> {
        let mut tokens = Vec::new();
        let count = self.encoder.append(text, self.dtype, &mut tokens);
        let count = count.map_err(|error| error.to_string())? + 1;
        self.dtype.append(self.end_of_text, &mut tokens);
        let length = i32::try_from(count)
            .map_err(|_| format!("a document has {count} tokens, more than an index can say"))?;
        Ok(Document {
            held_out: held_out(text, self.validation),
            bytes: text.len() as u64,
            tokens,
            length,
        })
    }
}

/// Texts, one after the other.
#[derive(Default)]
struct Batch {
    text: String,
    ends: Vec<usize>,
}

/// A document's tokens, its end among them.
struct Document {
    held_out: bool,
    /// UTF-8 bytes of its text.
    bytes: u64,
    /// Little endian, of the width of the shard's type.
    tokens: Vec<u8>,
    /// Tokens, the end of the text among them.
    length: i32,
}

/// Whether a text is held out: by its hash, so that equal texts are on one side, wherever they are.
fn held_out(text: &str, share: f64) -> bool {
    if share <= 0.0 {
        return false;
    }
    let hash = Sha256::digest(text);
    let first = hash
        .iter()
        .take(8)
        .fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    (first as f64) < share * 2.0_f64.powi(64)
}

/// A shard that is being written.
struct Shard {
    split: Split,
    /// `None` as long as there is nothing to write.
    file: Option<AtomicFile>,
    hashes: Hashes,
    lengths: Vec<i32>,
    tokens: u64,
    bytes: u64,
}

impl Shard {
    fn new(split: Split) -> Self {
        Self {
            split,
            file: None,
            hashes: Hashes::default(),
            lengths: Vec::new(),
            tokens: 0,
            bytes: 0,
        }
    }

    fn append(&mut self, document: &Document, journal: &Journal) -> Result<(), DataError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(journal.create()?),
        };
        let written = file
            .write_all(&document.tokens)
            .and_then(|()| self.hashes.write_all(&document.tokens));
        written.map_err(|error| DataError::unwritable(Path::new(self.split.name()), &error))?;
        self.lengths.push(document.length);
        self.tokens += u64::from(document.length.unsigned_abs());
        self.bytes += document.bytes;
        Ok(())
    }

    /// Puts the shard and its index in their places; `None` where it has no documents, as Megatron can't
    /// open an empty one.
    fn finish(self, maker: &ShardMaker<'_>, name: &str) -> Result<Option<Part>, DataError> {
        let Some(file) = self.file else {
            return Ok(None);
        };
        let target = |end: &str| -> PathBuf {
            let folder = maker.output.join(self.split.name());
            folder.join(format!("{name}.{end}"))
        };
        let mut index = Vec::new();
        megatron::write_index(&mut index, maker.dtype, &self.lengths)
            .map_err(|error| DataError::unwritable(&target("idx"), &error))?;
        let (sums, bin) = self.hashes.finish();
        let checksums = PartChecksums {
            bin,
            idx: sha256_of(&index),
            sums: sha256_of(&sums),
        };
        file.commit(&target("bin"))?;
        for (end, bytes) in [("idx", index), ("sums", sums)] {
            let mut beside = maker.journal.create()?;
            let written = beside.write_all(&bytes);
            written.map_err(|error| DataError::unwritable(&target(end), &error))?;
            beside.commit(&target(end))?;
        }
        Ok(Some(Part {
            file: format!("{}/{name}.bin", self.split.name()),
            split: self.split,
            documents: self.lengths.len() as u64,
            tokens: self.tokens,
            bytes: self.bytes,
            checksums: Some(checksums),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_documents_are_the_share_asked_for() {
        let held = |share: f64| {
            let texts = (0..20_000).map(|i| format!("document {i}"));
            texts.filter(|text| held_out(text, share)).count()
        };
        assert_eq!((held(0.0), held(1.0)), (0, 20_000));
        // Within four standard deviations of a binomial.
        assert!((held(0.01) as f64 - 200.0).abs() < 57.0);
        assert!((held(0.5) as f64 - 10_000.0).abs() < 283.0);
    }
}
