//! Counts the tokens of each leaf: flat shards by their sizes, texts by reading them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::cache::Cache;
use crate::flat::{self, HEAD};
use crate::listing::Shard;
use crate::pattern::Location;
use crate::resolve::{Job, Leaf, REQUESTS, is_npy, jobs, list};
use crate::store::Stores;
use crate::text::{self, Unit};
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
    /// Where relative paths start; where nothing is found there, they start at the working directory.
    pub folder: PathBuf,
    /// The file that remembers counts of texts.
    pub cache: Option<PathBuf>,
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
    let shards = list(leaves, &options.folder, &stores, &runtime)?;
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
        stores: &stores,
        runtime: &runtime,
        cache: &cache,
        progress: &|bytes| progress(bytes, sum),
    };
    let headers = counter.remote_headers(&jobs);
    let counted: Vec<Result<u64, String>> = jobs
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
        })
        .collect();
    for (job, tokens) in jobs.iter().zip(counted) {
        let into = &mut counts[job.leaf];
        into.shards += 1;
        into.bytes += job.shard.size;
        into.text |= job.format.is_text();
        match tokens {
            Ok(tokens) => into.tokens += tokens,
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
    stores: &'a Stores,
    runtime: &'a Runtime,
    cache: &'a Cache,
    progress: &'a (dyn Fn(u64) + Sync),
}

/// What the first bytes of a shard say.
type Header = Result<Option<flat::Npy>, String>;

/// Leaves of more objects than this have their first and last one looked at.
const FEW: usize = 4;

impl Counter<'_> {
    /// The header of each `.npy` object of a store. Of leaves with many, the first and the last are
    /// looked at, and all others where these differ: shards of a leaf come from one tool, and a request for
    /// each of a hundred thousand would take longer than all else.
    fn remote_headers(&self, jobs: &[Job<'_>]) -> Vec<Option<Header>> {
        let mut of_leaf: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, job) in jobs.iter().enumerate() {
            let remote = job.shard.location != Location::Local;
            if remote && job.format == Format::Tokens && is_npy(job.shard) {
                of_leaf.entry(job.leaf).or_default().push(at);
            }
        }
        let mut headers: Vec<Option<Header>> = vec![None; jobs.len()];
        let look = |wanted: Vec<usize>, headers: &mut Vec<Option<Header>>| {
            let one = |at: usize| async move { (at, self.remote_head(jobs[at].shard).await) };
            let heads = stream::iter(wanted).map(one).buffer_unordered(REQUESTS);
            let heads: Vec<(usize, Result<Vec<u8>, String>)> =
                self.runtime.block_on(heads.collect());
            for (at, head) in heads {
                headers[at] = Some(head.and_then(|head| flat::npy(&head)));
            }
        };
        let some = |all: &Vec<usize>| match all[..] {
            [first, .., last] if all.len() > FEW => vec![first, last],
            _ => all.clone(),
        };
        look(of_leaf.values().flat_map(some).collect(), &mut headers);
        let mut more = Vec::new();
        for all in of_leaf.values().filter(|all| all.len() > FEW) {
            let (first, last) = (all[0], all[all.len() - 1]);
            if headers[first] == headers[last] {
                let common = headers[first].clone();
                all.iter().for_each(|&at| headers[at].clone_from(&common));
            } else {
                more.extend(&all[1..all.len() - 1]);
            }
        }
        look(more, &mut headers);
        headers
    }

    fn count(&self, job: &Job<'_>, header: Option<&Header>) -> Result<u64, String> {
        let shard = job.shard;
        if job.format.is_text() {
            return self.text(job);
        }
        (self.progress)(shard.size);
        if job.format == Format::Megatron {
            let stem = shard.name.strip_suffix(".bin").unwrap_or(&shard.name);
            let index = Shard {
                name: format!("{stem}.idx"),
                size: HEAD,
                ..shard.clone()
            };
            let head = self
                .head(&index)
                .map_err(|problem| format!("its .idx file: {problem}"))?;
            return flat::tokens(shard.size, 0, flat::megatron_width(&head)?);
        }
        let npy = match (&shard.location, header) {
            _ if !is_npy(shard) => None,
            (Location::Local, _) => flat::npy(&self.head(shard)?)?,
            (Location::Store(_), Some(header)) => header.clone()?,
            (Location::Store(_), None) => None,
        };
        match npy {
            Some(npy) => flat::tokens(shard.size, npy.offset, npy.width),
            None => flat::tokens(shard.size, 0, self.options.width),
        }
    }

    /// The first bytes of a shard.
    fn head(&self, shard: &Shard) -> Result<Vec<u8>, String> {
        match &shard.location {
            Location::Local => {
                let mut head = Vec::new();
                let file = File::open(&shard.name).map_err(|error| error.to_string())?;
                file.take(HEAD)
                    .read_to_end(&mut head)
                    .map_err(|error| error.to_string())?;
                Ok(head)
            }
            Location::Store(_) => self.runtime.block_on(self.remote_head(shard)),
        }
    }

    async fn remote_head(&self, shard: &Shard) -> Result<Vec<u8>, String> {
        let Location::Store(root) = &shard.location else {
            return Err("lies on this machine".to_owned());
        };
        let message = |error: object_store::Error| error.to_string();
        let store = self.stores.get(root)?;
        let key = Key::parse(&shard.name).map_err(|error| error.to_string())?;
        let range = 0..HEAD.min(shard.size.max(1));
        if let Ok(bytes) = store.get_range(&key, range).await {
            return Ok(bytes.to_vec());
        }
        // Some web servers can't give a part; what is too much is not read.
        let mut parts = store.get(&key).await.map_err(message)?.into_stream();
        let mut head = Vec::new();
        while (head.len() as u64) < HEAD {
            match parts.try_next().await.map_err(message)? {
                Some(part) => head.extend_from_slice(&part),
                None => break,
            }
        }
        head.truncate(HEAD as usize);
        Ok(head)
    }

    fn text(&self, job: &Job<'_>) -> Result<u64, String> {
        let (shard, field) = (job.shard, &self.options.text_field);
        // Counts by tokenizers once obeyed the files' limits on a text's length: `whole` ones don't.
        let by = if self.encoder.is_bytes() {
            "bytes".to_owned()
        } else {
            format!("{}:whole", &self.encoder.sha256()[..16])
        };
        let how = format!("{}:{field}:{by}", job.format.name());
        if let Some(tokens) = self.cache.get(shard, &how) {
            (self.progress)(shard.size);
            return Ok(tokens);
        }
        let copy = match &shard.location {
            Location::Local => None,
            Location::Store(root) => Some(self.download(root, &shard.name)?),
        };
        let path = copy
            .as_ref()
            .map_or(Path::new(&shard.name), |copy| copy.path());
        let tokens = text::count(
            path,
            &shard.name,
            job.format,
            field,
            self.encoder,
            self.progress,
        )?;
        self.cache.add(shard, &how, tokens);
        Ok(tokens)
    }

    /// A copy of an object on this machine, removed when it is dropped.
    fn download(&self, root: &str, name: &str) -> Result<tempfile::NamedTempFile, String> {
        let store = self.stores.get(root)?;
        let key = Key::parse(name).map_err(|error| error.to_string())?;
        let mut copy = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        self.runtime.block_on(async {
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
