//! The files of each leaf, one by one, with what they hold: for trainers that are given a weight for each file.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::DataError;
use crate::format::Format;
use crate::listing::Shard;
use crate::pattern::{Location, Pattern};
use crate::reader::Reader;
use crate::remote_headers::remote_headers;
use crate::resolve::{Leaf, jobs, list, refuse_shared};
use crate::shard::Measure;
use crate::store::Stores;

/// How much a file or folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// Tokens.
    Tokens(u64),
    /// Samples of `MosaicML` Streaming, whose index states no tokens.
    Samples(u64),
    /// Bytes of text, compressed where it is; its tokens are not known.
    Text(u64),
}

/// A file, or a folder that its `index.json` makes one data set of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its path or URL. Where the leaf's path is relative, so is this one, and starts where that starts.
    pub path: String,
    /// What it is: a word of [`Format::ALL`], `mds` for a folder of `MosaicML` Streaming, `npy` for tokens behind a
    /// header of numpy, or `folder` for one of which nothing is known.
    pub kind: &'static str,
    /// How much it holds.
    pub amount: Amount,
}

/// The files of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafFiles {
    /// The full name of the leaf.
    pub name: String,
    /// Its files and folders, each once, sorted by path; or why they can't be listed or measured.
    pub files: Result<Vec<DataFile>, String>,
}

/// Lists and measures the files of each leaf, in the order given.
///
/// Files of tokens are measured by their sizes, headers and indexes; texts are not read. Chunks of litdata and
/// shards of `MosaicML` Streaming are given as their folder. A leaf that can't be listed or measured, such as one
/// of another machine, says why in its place. `width` is the bytes of a token where no header or index says it.
///
/// # Errors
/// [`DataError::Path`] where two leaves have a file, unless `shared`.
pub fn inventory(
    leaves: &[Leaf],
    width: u64,
    folder: &Path,
    shared: bool,
) -> Result<Vec<LeafFiles>, DataError> {
    let runtime = Runtime::new().map_err(|error| DataError::Machine(error.to_string()))?;
    let stores = Stores::default();
    let reader = Reader {
        stores: &stores,
        runtime: &runtime,
    };
    let lister = Lister {
        reader,
        folder,
        measure: Measure::new(reader, width),
    };
    let mut shards = vec![Vec::new(); leaves.len()];
    let files = leaves
        .iter()
        .zip(&mut shards)
        .map(|(leaf, shards)| LeafFiles {
            name: leaf.name.clone(),
            files: lister.leaf(leaf, shards),
        });
    let files = files.collect();
    if !shared {
        refuse_shared(leaves, &shards)?;
    }
    Ok(files)
}

struct Lister<'a> {
    reader: Reader<'a>,
    folder: &'a Path,
    measure: Measure<'a>,
}

impl Lister<'_> {
    /// The files of a leaf; `found` takes what they are made of.
    fn leaf(&self, leaf: &Leaf, found: &mut Vec<Shard>) -> Result<Vec<DataFile>, String> {
        let mut files = Vec::new();
        let mut others = Leaf {
            paths: Vec::new(),
            ..leaf.clone()
        };
        for path in &leaf.paths {
            match self.data_set(path)? {
                Some((file, index)) => {
                    files.push(file);
                    found.push(index);
                }
                None => match self.folder_of_files(path) {
                    Some(Ok(pattern)) => others.paths.push(pattern),
                    Some(Err(folder)) => files.push(folder),
                    None => others.paths.push(path.clone()),
                },
            }
        }
        if !others.paths.is_empty() {
            let listed = list(
                std::slice::from_ref(&others),
                self.folder,
                self.reader,
                true,
            );
            let mut listed = listed.map_err(|error| first_line(&error))?;
            let shards = listed.pop().unwrap_or_default();
            files.extend(self.measured(&others, &shards)?);
            found.extend(shards);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(files)
    }

    /// The data set of a folder that a path names, and its index; `None` for other paths.
    fn data_set(&self, path: &str) -> Result<Option<(DataFile, Shard)>, String> {
        let pattern = Pattern::parse_near(path, self.folder)?;
        if pattern.glob.is_some() {
            return Ok(None);
        }
        let base = pattern.base.trim_end_matches('/');
        let names = match pattern.location {
            Location::Local => {
                let name = self.folder.join(base).to_string_lossy().into_owned();
                vec![name, base.to_owned()]
            }
            // A name with an extension is a file's, and needs no request.
            Location::Store(_) if Path::new(base).extension().is_some() => return Ok(None),
            Location::Store(_) => vec![base.to_owned()],
        };
        for name in names {
            if pattern.location == Location::Local && !Path::new(&name).is_dir() {
                continue;
            }
            let index = Shard {
                location: pattern.location.clone(),
                name: format!("{name}/index.json"),
                size: 0,
                version: String::new(),
            };
            if let Some((kind, amount)) = self.index(&index)? {
                let path = path.trim_end_matches('/').to_owned();
                return Ok(Some((DataFile { path, kind, amount }, index)));
            }
        }
        Ok(None)
    }

    /// For a path that is a folder of this machine without an index: the pattern of its `.ds` files, or the folder
    /// as such, which holds nothing that is known.
    fn folder_of_files(&self, path: &str) -> Option<Result<String, DataFile>> {
        let pattern = Pattern::parse_near(path, self.folder).ok()?;
        if pattern.glob.is_some() || pattern.location != Location::Local {
            return None;
        }
        let places = [self.folder.join(&pattern.base), pattern.base.clone().into()];
        let place = places.into_iter().find(|place| place.is_dir())?;
        let entries = std::fs::read_dir(&place).ok()?.flatten();
        let is_shard =
            |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|end| end == "ds");
        let path = path.trim_end_matches('/').to_owned();
        Some(
            if entries
                .into_iter()
                .any(|entry| is_shard(&entry.file_name()))
            {
                Ok(format!("{}/*.ds", globset::escape(&path)))
            } else {
                Err(DataFile {
                    path,
                    kind: FOLDER,
                    amount: Amount::Text(0),
                })
            },
        )
    }

    /// What the data set of an `index.json` is, and what it holds; `None` where there is none.
    fn index(&self, index: &Shard) -> Result<Option<(&'static str, Amount)>, String> {
        let Some(json) = self.reader.whole(&index.location, &index.name)? else {
            return Ok(None);
        };
        let unreadable = || {
            format!(
                "{} is not an index of litdata or MosaicML Streaming",
                index.display()
            )
        };
        let json: Value = serde_json::from_slice(&json).map_err(|_| unreadable())?;
        let sum = |list: &str, field: &str| -> Option<u64> {
            json[list]
                .as_array()?
                .iter()
                .map(|part| part[field].as_u64())
                .sum()
        };
        if let Some(tokens) = sum("chunks", "dim").filter(|_| json["chunks"][0].is_object()) {
            return Ok(Some((Format::Litdata.name(), Amount::Tokens(tokens))));
        }
        if json["chunks"][0]["chunk_bytes"].is_u64() {
            return Err(format!(
                "{} gives no tokens: the chunks of litdata were not written with a TokensLoader",
                index.display()
            ));
        }
        let samples = sum("shards", "samples").ok_or_else(unreadable)?;
        Ok(Some((MDS, Amount::Samples(samples))))
    }

    /// The files of a leaf's shards.
    fn measured(&self, leaf: &Leaf, shards: &[Shard]) -> Result<Vec<DataFile>, String> {
        let is_mds = |shard: &&Shard| shard.name.contains(".mds");
        let (mds, shards): (Vec<&Shard>, Vec<&Shard>) = shards.iter().partition(is_mds);
        let mut files = self.folders(&mds, |_| None)?;
        let listed = vec![shards.into_iter().cloned().collect::<Vec<Shard>>()];
        let (jobs, problems) = jobs(std::slice::from_ref(leaf), &listed);
        if let Some(problem) = problems.into_iter().next() {
            return Err(format!("{} {}", problem.shard, problem.problem));
        }
        let headers = remote_headers(&jobs, self.reader);
        let measured: Vec<Result<(DataFile, &Shard), String>> = jobs
            .par_iter()
            .zip(&headers)
            .map(|(job, header)| {
                let file = |kind: Format, amount| DataFile {
                    path: self.written(job.shard),
                    kind: kind.name(),
                    amount,
                };
                if job.format.is_text() {
                    return Ok((file(job.format, Amount::Text(job.shard.size)), job.shard));
                }
                let failed = |problem| format!("{} {problem}", job.shard.display());
                let found = self.measure.shard(job.shard, job.format, header.as_ref());
                let found = found.map_err(failed)?;
                // Chunks of litdata are named like other shards.
                let chunk = found.litdata;
                let format = if chunk { Format::Litdata } else { job.format };
                let mut file = file(format, Amount::Tokens(found.tokens));
                if format == Format::Tokens && found.offset > 0 {
                    file.kind = NPY;
                }
                Ok((file, job.shard))
            })
            .collect();
        let mut chunks = Vec::new();
        let mut tokens = BTreeMap::new();
        for found in measured {
            let (file, shard) = found?;
            match file.amount {
                Amount::Tokens(n) if file.kind == Format::Litdata.name() => {
                    chunks.push(shard);
                    *tokens.entry(folder_of(&file.path).to_owned()).or_insert(0) += n;
                }
                _ => files.push(file),
            }
        }
        files.extend(self.folders(&chunks, |folder| tokens.get(folder).copied())?);
        Ok(files)
    }

    /// The folders of shards that only their `index.json` explains. Where `named` gives tokens for a folder, these
    /// are the shards of it that the paths name, and they must be all.
    fn folders(
        &self,
        shards: &[&Shard],
        named: impl Fn(&str) -> Option<u64>,
    ) -> Result<Vec<DataFile>, String> {
        let mut by_folder: BTreeMap<String, &Shard> = BTreeMap::new();
        for shard in shards {
            by_folder
                .entry(folder_of(&shard.name).to_owned())
                .or_insert(shard);
        }
        let file = |(folder, shard): (String, &Shard)| {
            let index = Shard {
                name: format!("{folder}/index.json"),
                ..shard.clone()
            };
            let found = self.index(&index)?;
            let (kind, amount) =
                found.ok_or_else(|| format!("{} is not there", index.display()))?;
            let path = self.written(&Shard {
                name: folder,
                ..index
            });
            match (named(&path), &amount) {
                (Some(named), Amount::Tokens(all)) if named != *all => Err(format!(
                    "the paths name chunks with {named} of the {all} tokens of {path}, and the trainer reads the \
                     folder"
                )),
                _ => Ok(DataFile { path, kind, amount }),
            }
        };
        by_folder.into_iter().map(file).collect()
    }

    /// The path of a shard as the config writes it.
    fn written(&self, shard: &Shard) -> String {
        let path = shard.display();
        let inside = Path::new(&path).strip_prefix(self.folder);
        match inside {
            Ok(inside) if shard.location == Location::Local && !self.folder.is_absolute() => {
                inside.to_string_lossy().into_owned()
            }
            _ => path,
        }
    }
}

/// What a folder is called of which nothing is known.
const FOLDER: &str = "folder";

/// What a file of tokens with a header of numpy is called.
const NPY: &str = "npy";

/// What a folder of `MosaicML` Streaming is called.
const MDS: &str = "mds";

/// What is wrong, without the advice, which is for those who count.
fn first_line(error: &DataError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}
