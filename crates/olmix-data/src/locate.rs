//! Where the tokens of each leaf lie on this machine, for a trainer to read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use olmix_fs::canonical_parent;
use tokio::runtime::Runtime;

use crate::blocks::{read_checked, sums_file, sums_size};
use crate::manifest::{Manifest, ManifestTokenizer, Part};
use crate::pattern::{Location, Pattern};
use crate::reader::Reader;
use crate::resolve::{Job, Leaf, jobs, list};
use crate::shard::Measure;
use crate::store::Stores;
use crate::{DataError, Format, JOURNAL};

/// Tokens in a file: `tokens` numbers of `width` bytes from byte `offset` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenShard {
    /// The file; absolute.
    pub path: PathBuf,
    /// Bytes before the first token.
    pub offset: u64,
    /// Bytes of a token: 1, 2, 4 or 8.
    pub width: u64,
    /// Whether the first byte of a token is the highest.
    pub big_endian: bool,
    /// Tokens in it, without a header.
    pub tokens: u64,
    /// UTF-8 bytes of the texts they were made from, where a manifest says so.
    pub bytes: Option<u64>,
    /// The tokenizer that made them, where a manifest says so.
    pub tokenizer: Option<ManifestTokenizer>,
    /// The file with the checksums of its blocks, where a manifest says that there is one.
    pub sums: Option<PathBuf>,
}

impl TokenShard {
    /// The bytes of `count` tokens from token `from` on; fewer where the shard ends before. They are checked where
    /// the shard has checksums.
    ///
    /// # Errors
    /// What the system says of the file, and [`std::io::ErrorKind::InvalidData`] for tokens that are not what they
    /// were when the shard was written.
    pub fn read(&self, from: u64, count: u64) -> std::io::Result<Vec<u8>> {
        let place = |token: u64| self.offset + token.min(self.tokens) * self.width;
        let (from, to) = (place(from), place(from.saturating_add(count)));
        read_checked(&self.path, self.sums.as_deref(), from, to)
    }
}

/// The token shards of each leaf, in the order given, sorted by path; a leaf has at least one token.
///
/// `width` is the bytes of a token where no header or index says it. Relative paths start at `folder`,
/// and where nothing is found there, at the working directory. A file may belong to two leaves if `shared`.
///
/// # Errors
/// [`DataError::Path`] for a path that names nothing or a place that is not on this machine,
/// [`DataError::Shard`] for a shard that holds text, whose size is not what its manifest says, or whose
/// tokens are of another width than `width`.
pub fn locate(
    leaves: &[Leaf],
    width: u64,
    folder: &Path,
    shared: bool,
) -> Result<Vec<Vec<TokenShard>>, DataError> {
    for leaf in leaves {
        for path in &leaf.paths {
            refuse_stores(leaf, path)?;
        }
    }
    let runtime = Runtime::new().map_err(|error| DataError::Machine(error.to_string()))?;
    let stores = Stores::default();
    let reader = Reader {
        stores: &stores,
        runtime: &runtime,
    };
    let shards = list(leaves, folder, reader, shared)?;
    let (jobs, problems) = jobs(leaves, &shards);
    if let Some(problem) = problems.into_iter().next() {
        return Err(DataError::Shard {
            leaf: problem.leaf,
            shard: problem.shard,
            problem: problem.problem,
            help: "name token shards only, such as shards/train/*.bin".to_owned(),
        });
    }
    let measure = Measure::new(reader, width);
    let mut manifests = HashMap::new();
    let mut located: Vec<Vec<TokenShard>> = vec![Vec::new(); leaves.len()];
    for job in jobs {
        let failed = |(problem, help): Problem| DataError::Shard {
            leaf: leaves[job.leaf].name.clone(),
            shard: job.shard.display(),
            problem,
            help,
        };
        let path = canonical_parent(Path::new(&job.shard.name));
        let part = part_of(&path, &mut manifests)?;
        if let Some((part, wide, _)) = &part {
            check_size(part, *wide, job.shard.size).map_err(failed)?;
        }
        let mut found = located_shard(&job, &measure, width, path).map_err(failed)?;
        if let Some((part, wide, tokenizer)) = part {
            if part.checksums.is_some() {
                found.sums = Some(sums_of(&found.path, job.shard.size).map_err(failed)?);
            }
            found.bytes = Some(part.bytes);
            found.tokenizer = Some(tokenizer);
            agree(found.width, wide, "the manifest.json of its folder").map_err(failed)?;
        }
        located[job.leaf].push(found);
    }
    for (leaf, shards) in leaves.iter().zip(&located) {
        if shards.iter().all(|shard| shard.tokens == 0) {
            return Err(DataError::Path {
                leaf: leaf.name.clone(),
                problem: format!("has no tokens: its {} shards are empty", shards.len()),
                help: "fill or remove it".into(),
            });
        }
    }
    Ok(located)
}

/// What is wrong, and what to do.
type Problem = (String, String);

/// Refuses paths in object stores: training reads at random offsets, one small read a sequence.
fn refuse_stores(leaf: &Leaf, path: &str) -> Result<(), DataError> {
    let remote = Pattern::parse(path).is_ok_and(|pattern| pattern.location != Location::Local);
    if !remote {
        return Ok(());
    }
    Err(DataError::Path {
        leaf: leaf.name.clone(),
        problem: format!(
            "`{path}` is not on this machine, and proxies are trained on local shards"
        ),
        help: "copy it here first, and name the copy in `paths`".to_owned(),
    })
}

/// Where the tokens of a shard are, of which a trainer reads any stretch.
fn located_shard(
    job: &Job<'_>,
    measure: &Measure<'_>,
    width: u64,
    path: PathBuf,
) -> Result<TokenShard, Problem> {
    if job.format.is_text() {
        return Err((
            "holds text, and training needs tokens".to_owned(),
            "run `olmix tokenize --input … --output shards/`, and name shards/train/*.bin in `paths`"
                .to_owned(),
        ));
    }
    let mend = |problem: String| (problem, "repair it, or create it again".to_owned());
    let found = measure.shard(job.shard, job.format, None).map_err(mend)?;
    if let Some(why) = found.unreadable {
        let (problem, help) = why.split_once("; ").unwrap_or((why, "name others"));
        return Err((problem.to_owned(), help.to_owned()));
    }
    if job.format == Format::Megatron {
        agree(width, found.width, "its .idx file")?;
    }
    Ok(TokenShard {
        path,
        offset: found.offset,
        width: found.width,
        big_endian: found.big_endian,
        tokens: found.tokens,
        bytes: None,
        tokenizer: None,
        sums: None,
    })
}

/// Manifests that were looked for, by folder.
type Manifests = HashMap<PathBuf, Option<Manifest>>;

/// What the manifest two levels above a shard says of it, of the width of its tokens, and of what made them.
fn part_of(
    path: &Path,
    manifests: &mut Manifests,
) -> Result<Option<(Part, u64, ManifestTokenizer)>, DataError> {
    let Some(folder) = path.parent().and_then(Path::parent) else {
        return Ok(None);
    };
    if !manifests.contains_key(folder) {
        let manifest = Manifest::read(folder)?;
        if manifest.is_none() && folder.join(JOURNAL).is_dir() {
            return Err(DataError::File {
                path: folder.display().to_string(),
                problem: "its shards are not finished".to_owned(),
                help: "run the same `olmix tokenize` again: it resumes".to_owned(),
            });
        }
        manifests.insert(folder.to_owned(), manifest);
    }
    let Some(Some(manifest)) = manifests.get(folder) else {
        return Ok(None);
    };
    let parts = &manifest.parts;
    let is_its_part = |part: &&Part| folder.join(&part.file) == path;
    let part = parts.iter().find(is_its_part).cloned();
    let tokenizer = || manifest.tokenizer.clone();
    Ok(part.map(|part| (part, manifest.dtype.width(), tokenizer())))
}

/// The file with the checksums of a shard of `size` bytes, which must be there.
fn sums_of(shard: &Path, size: u64) -> Result<PathBuf, Problem> {
    let path = sums_file(shard);
    match std::fs::metadata(&path) {
        Ok(found) if found.len() == sums_size(size) => Ok(path),
        found => Err((
            format!(
                "its checksums ({}) {}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                if found.is_ok() {
                    "are of another shard, or were cut short"
                } else {
                    "are not there"
                }
            ),
            "copy the file along with the shard, or run the same `olmix tokenize` again, which makes anew what \
             is missing"
                .to_owned(),
        )),
    }
}

/// Whether a shard is as long as its manifest says.
fn check_size(part: &Part, wide: u64, size: u64) -> Result<(), Problem> {
    let counted = part.tokens * wide;
    if size == counted {
        return Ok(());
    }
    let how = if size < counted { "shrank" } else { "grew" };
    Err((
        format!("{how} since it was counted: it has {size} bytes, and its manifest says {counted}"),
        "run the same `olmix tokenize` again, which makes anew what changed".to_owned(),
    ))
}

/// Whether the config and a file agree on the bytes of a token.
fn agree(config: u64, file: u64, whose: &str) -> Result<(), Problem> {
    if config == file {
        return Ok(());
    }
    Err((
        format!("the config's dtype has {config} bytes a token, and {whose} says {file}"),
        format!("set `data.dtype` to uint{}", 8 * file),
    ))
}
