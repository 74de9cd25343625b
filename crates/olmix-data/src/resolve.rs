//! From the paths of a leaf to its shards, and what each of them holds.

use std::collections::HashSet;
use std::path::Path;

use futures_util::{StreamExt, stream};
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::listing::{self, Shard};
use crate::pattern::{Location, Pattern};
use crate::store::Stores;
use crate::{DataError, Format, ShardProblem};

/// A leaf and where its data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its full name.
    pub name: String,
    /// Paths and globs, local or of a store.
    pub paths: Vec<String>,
    /// What its shards hold; `None` to tell by their names.
    pub format: Option<Format>,
}

/// Requests under way at a time.
pub(crate) const REQUESTS: usize = 64;

/// A shard, what it holds, and the leaf it belongs to.
pub(crate) struct Job<'a> {
    pub leaf: usize,
    pub shard: &'a Shard,
    pub format: Format,
}

/// The shards of each leaf, each once, sorted by name.
pub(crate) fn list(
    leaves: &[Leaf],
    folder: &Path,
    stores: &Stores,
    runtime: &Runtime,
) -> Result<Vec<Vec<Shard>>, DataError> {
    let failed = |leaf: &Leaf, problem: String| {
        DataError::Path {
        leaf: leaf.name.clone(),
        problem,
        help: "correct the path; credentials and endpoints come from the environment (AWS_…, GOOGLE_…, \
               AZURE_…)"
            .into(),
    }
    };
    let mut patterns = Vec::new();
    for (i, leaf) in leaves.iter().enumerate() {
        for path in &leaf.paths {
            let pattern = Pattern::parse(path).map_err(|problem| failed(leaf, problem))?;
            patterns.push((i, pattern));
        }
    }
    let local = |pattern: &Pattern| -> Result<Vec<Shard>, String> {
        let found = listing::local(pattern, folder)?;
        if found.is_empty() {
            return listing::local(pattern, Path::new(""));
        }
        Ok(found)
    };
    let remote = |pattern: Pattern, root: String| async move {
        let store = stores.get(&root)?;
        listing::remote(&pattern, &root, store.as_ref()).await
    };
    let mut found: Vec<Option<Result<Vec<Shard>, String>>> = patterns
        .par_iter()
        .map(|(_, pattern)| (pattern.location == Location::Local).then(|| local(pattern)))
        .collect();
    let far: Vec<usize> = (0..found.len()).filter(|&i| found[i].is_none()).collect();
    let listed: Vec<(usize, Result<Vec<Shard>, String>)> = runtime.block_on(
        stream::iter(far)
            .map(|i| {
                let pattern = patterns[i].1.clone();
                let root = match &pattern.location {
                    Location::Store(root) => root.clone(),
                    Location::Local => String::new(),
                };
                let listing = remote(pattern, root);
                async move { (i, listing.await) }
            })
            .buffer_unordered(REQUESTS)
            .collect(),
    );
    for (i, result) in listed {
        found[i] = Some(result);
    }
    let mut shards: Vec<Vec<Shard>> = vec![Vec::new(); leaves.len()];
    for ((leaf, pattern), result) in patterns.iter().zip(found) {
        let listed = result.unwrap_or_else(|| Ok(Vec::new()));
        let listed = listed.map_err(|problem| failed(&leaves[*leaf], problem))?;
        if listed.is_empty() {
            let what = if pattern.glob.is_some() {
                "matches nothing"
            } else {
                "does not exist"
            };
            let problem = format!("`{}` {what}", pattern.text);
            return Err(failed(&leaves[*leaf], problem));
        }
        shards[*leaf].extend(listed);
    }
    for shards in &mut shards {
        shards.sort_by_key(Shard::display);
        shards.dedup_by(|a, b| a.location == b.location && a.name == b.name);
    }
    Ok(shards)
}

/// What is to be counted, and shards that nobody can tell how to count.
pub(crate) fn jobs<'a>(
    leaves: &[Leaf],
    shards: &'a [Vec<Shard>],
) -> (Vec<Job<'a>>, Vec<ShardProblem>) {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for (leaf, (of, shards)) in leaves.iter().zip(shards).enumerate() {
        let names: HashSet<&str> = shards.iter().map(|shard| shard.name.as_str()).collect();
        for shard in shards {
            // An index is not a shard: its .bin is.
            let bin = shard
                .name
                .strip_suffix(".idx")
                .map(|stem| format!("{stem}.bin"));
            if bin.is_some_and(|bin| names.contains(bin.as_str())) {
                continue;
            }
            let indexed = |stem: &str| {
                let index = format!("{stem}.idx");
                names.contains(index.as_str())
                    || (shard.location == Location::Local && Path::new(&index).exists())
            };
            let by_name = || match Format::of(&shard.name) {
                Some(Format::Tokens) if shard.name.strip_suffix(".bin").is_some_and(indexed) => {
                    Some(Format::Megatron)
                }
                other => other,
            };
            match of.format.or_else(by_name) {
                Some(format) => jobs.push(Job { leaf, shard, format }),
                None => problems.push(ShardProblem {
                    leaf: of.name.clone(),
                    shard: shard.display(),
                    problem: "its name does not say what it holds; set `format` to tokens, megatron, jsonl, \
                              parquet or text"
                        .into(),
                }),
            }
        }
    }
    (jobs, problems)
}

/// Whether a flat shard may have a header.
pub(crate) fn is_npy(shard: &Shard) -> bool {
    Path::new(&shard.name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("npy"))
}
