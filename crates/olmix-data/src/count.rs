//! Counts the tokens of each leaf: flat shards by their sizes, texts by reading them.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::cache::Cache;
use crate::pattern::Location;
use crate::reader::Reader;
use crate::remote_headers::{Header, remote_headers};
use crate::resolve::{Job, Leaf, jobs, list};
use crate::shard::Measure;
use crate::store::Stores;
use crate::text::{self, Counted, OnBadLine, Skipped, Source, Unit};
use crate::{DataError, Encoder, Format, ShardProblem};

/// How shards are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountOptions {
    /// Bytes of a token in flat shards without a header.
    pub width: u64,
    /// What is counted in texts.
    pub unit: Unit,
    /// The field or column of a document's text.
    pub text_field: String,
    /// Whether a file may belong to two leaves, and count twice.
    pub shared: bool,
    /// Where relative paths start; where nothing is found there, they start at the working directory.
    pub folder: PathBuf,
    /// The file that remembers counts of texts.
    pub cache: Option<PathBuf>,
    /// What is done with lines of texts that are not documents.
    pub on_bad_line: OnBadLine,
}

/// What was counted of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafCount {
    /// The full name of the leaf.
    pub name: String,
    /// Tokens, or UTF-8 bytes; above 0.
    pub tokens: u64,
    /// Files or objects.
    pub shards: usize,
    /// Bytes of all its shards, compressed where they are.
    pub bytes: u64,
    /// Whether any of them holds text.
    pub text: bool,
    /// Lines that were left out, by file.
    pub skipped: Vec<Skipped>,
}

/// Counts the tokens of each leaf, in the order given.
///
/// Flat shards are counted by their sizes (of `.npy` files on this machine the first bytes are read, of
/// those in a store the first bytes of two per leaf), texts by reading them. `progress` is called from any
/// thread with bytes as they are dealt with, and once before that with the sum: `progress(0, sum)`.
///
/// # Errors
/// [`DataError::Path`] for a path that names nothing, [`DataError::Shards`] with every shard that can't be
/// counted after all others were, [`DataError::Tokenizer`].
pub fn count(
    leaves: &[Leaf],
    options: &CountOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<LeafCount>, DataError> {
    let encoder = Encoder::open(&options.unit)?;
    let runtime = Runtime::new().map_err(|error| DataError::Machine(error.to_string()))?;
    let stores = Stores::default();
    let reader = Reader {
        stores: &stores,
        runtime: &runtime,
    };
    let shards = list(leaves, &options.folder, reader, options.shared)?;
    let (jobs, mut problems) = jobs(leaves, &shards);
    let sum = jobs.iter().map(|job| job.shard.size).sum();
    progress(0, sum);
    let cache = options
        .cache
        .as_deref()
        .map(Cache::open)
        .unwrap_or_default();
    let counter = Counter {
        options,
        encoder: &encoder,
        reader,
        measure: Measure::new(reader, options.width),
        cache: &cache,
        progress: &|bytes| progress(bytes, sum),
    };
    let headers = remote_headers(&jobs, reader);
    let counted: Vec<Result<JobCount, String>> = jobs
        .par_iter()
        .zip(&headers)
        .map(|(job, header)| counter.count(job, header.as_ref()))
        .collect();
    let mut counts: Vec<LeafCount> = leaves
        .iter()
        .map(|leaf| LeafCount {
            name: leaf.name.clone(),
            tokens: 0,
            shards: 0,
            bytes: 0,
            text: false,
            skipped: Vec::new(),
        })
        .collect();
    for (job, tokens) in jobs.iter().zip(counted) {
        let into = &mut counts[job.leaf];
        into.shards += 1;
        into.bytes += job.shard.size;
        match tokens {
            Ok(found) => {
                into.tokens += found.tokens;
                into.text |= found.text;
                into.skipped.extend(found.skipped);
            }
            Err(problem) => problems.push(ShardProblem {
                leaf: into.name.clone(),
                shard: job.shard.display(),
                problem,
            }),
        }
    }
    if !problems.is_empty() {
        return Err(DataError::Shards(problems));
    }
    if let Some(empty) = counts.iter().find(|count| count.tokens == 0) {
        return Err(DataError::Path {
            leaf: empty.name.clone(),
            problem: format!("has no tokens: its {} shards are empty", empty.shards),
            help: "fill or remove it".into(),
        });
    }
    Ok(counts)
}

/// Counts shards one by one, from any thread.
struct Counter<'a> {
    options: &'a CountOptions,
    encoder: &'a Encoder,
    reader: Reader<'a>,
    measure: Measure<'a>,
    cache: &'a Cache,
    progress: &'a (dyn Fn(u64) + Sync),
}

/// What was counted of a shard.
struct JobCount {
    tokens: u64,
    /// Whether they are those of text.
    text: bool,
    skipped: Option<Skipped>,
}

impl JobCount {
    /// Tokens that are stored as such.
    fn of_tokens(tokens: u64) -> Self {
        Self {
            tokens,
            text: false,
            skipped: None,
        }
    }
}

impl Counter<'_> {
    fn count(&self, job: &Job<'_>, header: Option<&Header>) -> Result<JobCount, String> {
        let shard = job.shard;
        if job.format.is_text() {
            return self.text(job);
        }
        (self.progress)(shard.size);
        self.measure
            .shard(shard, job.format, header)
            .map(|found| JobCount::of_tokens(found.tokens))
    }

    fn text(&self, job: &Job<'_>) -> Result<JobCount, String> {
        let (shard, field) = (job.shard, &self.options.text_field);
        // Counts by tokenizers once obeyed the files' limits on a text's length: `whole` ones don't.
        let by = if self.encoder.is_bytes() {
            "bytes".to_owned()
        } else {
            format!("{}:whole", &self.encoder.sha256()[..16])
        };
        // Lists of texts in Parquet once counted as a document an element: `rows` don't.
        let rows = if job.format == Format::Parquet {
            "rows:"
        } else {
            ""
        };
        let how = format!("{}:{rows}{field}:{by}", job.format.name());
        let lists = format!("{}:{rows}{field}:tokens", job.format.name());
        let of_text = |tokens| JobCount {
            tokens,
            text: true,
            skipped: None,
        };
        let texts = self.cache.get(shard, &how).map(of_text);
        let known = texts.or_else(|| self.cache.get(shard, &lists).map(JobCount::of_tokens));
        if let Some(found) = known {
            (self.progress)(shard.size);
            return Ok(found);
        }
        let copy = match &shard.location {
            Location::Local => None,
            Location::Store(root) => Some(self.download(root, &shard.name)?),
        };
        let path = copy
            .as_ref()
            .map_or(Path::new(&shard.name), |copy| copy.path());
        let on_bad_line = self.options.on_bad_line;
        let source = Source::new(path, &shard.name, job.format, field, on_bad_line);
        match text::count(&source, self.encoder, self.progress)? {
            Counted::Tokens(tokens) => {
                self.cache.add(shard, &lists, tokens);
                Ok(JobCount::of_tokens(tokens))
            }
            Counted::Texts(tokens) => {
                let mut skipped = source.skipped();
                // What is left out is told each time.
                match &mut skipped {
                    None => self.cache.add(shard, &how, tokens),
                    Some(skipped) => skipped.file = shard.display(),
                }
                Ok(JobCount {
                    skipped,
                    ..of_text(tokens)
                })
            }
        }
    }

    /// A copy of an object on this machine, removed when it is dropped.
    fn download(&self, root: &str, name: &str) -> Result<tempfile::NamedTempFile, String> {
        let store = self.reader.stores.get(root)?;
        let key = Key::parse(name).map_err(|error| error.to_string())?;
        let mut copy = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        self.reader.runtime.block_on(async {
            let found = store.get(&key).await.map_err(|error| error.to_string())?;
            let mut bytes = found.into_stream();
            while let Some(part) = bytes.try_next().await.map_err(|error| error.to_string())? {
                copy.write_all(&part).map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        })?;
        Ok(copy)
    }
}
