//! From the paths of a leaf to its shards, and what each of them holds.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use futures_util::{StreamExt, stream};
use rayon::prelude::*;

use crate::format::{foreign, has_end, is_beside};
use crate::listing::{self, Shard};
use crate::pattern::{Location, Pattern};
use crate::reader::Reader;
use crate::{DataError, Format, ShardProblem};

/// A leaf and where its data is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// The shards of each leaf, each once, sorted by name. A shard that two leaves have is refused, unless
/// `shared` allows it: its tokens would count twice.
pub(crate) fn list(
    leaves: &[Leaf],
    folder: &Path,
    reader: Reader<'_>,
    shared: bool,
) -> Result<Vec<Vec<Shard>>, DataError> {
    let Reader { stores, runtime } = reader;
    let failed = |leaf: &Leaf, problem: String| {
        let far = problem.contains("://");
        DataError::Path {
            leaf: leaf.name.clone(),
            problem,
            help: if far {
                "correct the path; credentials and endpoints come from the environment (AWS_…, GOOGLE_…, \
                 AZURE_…)"
                    .into()
            } else {
                "correct the path".into()
            },
        }
    };
    let mut patterns = Vec::new();
    for (i, leaf) in leaves.iter().enumerate() {
        for path in &leaf.paths {
            let pattern =
                Pattern::parse_near(path, folder).map_err(|problem| failed(leaf, problem))?;
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
    if !shared {
        refuse_shared(leaves, &shards)?;
    }
    Ok(shards)
}

/// Refuses shards that two leaves have.
pub(crate) fn refuse_shared(leaves: &[Leaf], shards: &[Vec<Shard>]) -> Result<(), DataError> {
    let mut owner: HashMap<(&Location, &str), usize> = HashMap::new();
    for (leaf, shards) in shards.iter().enumerate() {
        for shard in shards {
            let other = owner.insert((&shard.location, &shard.name), leaf);
            if let Some(other) = other {
                return Err(DataError::Path {
                    leaf: leaves[leaf].name.clone(),
                    problem: format!(
                        "{} is also of `{}`, and its tokens would count twice",
                        shard.display(),
                        leaves[other].name
                    ),
                    help: "correct `paths`, or set data.allow_shared_files: true".into(),
                });
            }
        }
    }
    Ok(())
}

/// What is to be counted, and shards that nobody can tell how to count.
pub(crate) fn jobs<'a>(
    leaves: &[Leaf],
    shards: &'a [Vec<Shard>],
) -> (Vec<Job<'a>>, Vec<ShardProblem>) {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for (leaf, (of, shards)) in leaves.iter().zip(shards).enumerate() {
        let names: HashSet<&str> = shards.iter().map(|shard| shard.name.as_str()).collect();
        let folder = |name: &str| {
            name.rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned()
        };
        let bins = names.iter().filter(|name| has_end(name, "bin"));
        let bins: HashSet<String> = bins.map(|name| folder(name)).collect();
        for shard in shards {
            // An index is not a shard: what it describes is.
            let index = Path::new(&shard.name).ends_with("index.json");
            if is_beside(&shard.name, |other| names.contains(other))
                || index && bins.contains(&folder(&shard.name))
            {
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
            let format = of.format.or_else(by_name);
            let mut refuse = |problem: &str| {
                problems.push(ShardProblem {
                    leaf: of.name.clone(),
                    shard: shard.display(),
                    problem: problem.to_owned(),
                });
            };
            match format {
                Some(format) if format.is_text() => jobs.push(Job {
                    leaf,
                    shard,
                    format,
                }),
                _ => match (foreign(&shard.name), format) {
                    (Some(what), _) => refuse(what),
                    (None, Some(format)) => jobs.push(Job {
                        leaf,
                        shard,
                        format,
                    }),
                    (None, None) => refuse(
                        "its name does not say what it holds; set `format` to tokens, megatron, datatrove, \
                         litdata, jsonl, parquet or text",
                    ),
                },
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
