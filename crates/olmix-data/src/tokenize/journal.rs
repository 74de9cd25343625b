//! What is done of a folder of shards, so that a run that was killed resumes.
//!
//! The journal is a folder with a record per part, written once the part's files are in their places and
//! removed before they change. Temporary files are in it too.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use olmix_fs::{AtomicFile, FileLock, is_temporary, remove_if_exists};
use serde::{Deserialize, Serialize};

use crate::blocks::sha256_of_file;
use crate::manifest::Part;
use crate::{DataError, JOURNAL, Split, megatron};

/// All that the bytes of a part depend on: a part whose identity is unchanged is not made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PartIdentity {
    pub source: String,
    pub size: u64,
    /// Modification time of the source.
    pub version: String,
    pub text_field: String,
    pub validation: f64,
    /// SHA-256 of its tokenizer.json.
    pub tokenizer: String,
    pub end_of_text: u32,
    /// Bytes of a token.
    pub width: u64,
    /// Whether lines that are not documents were left out.
    #[serde(default)]
    pub skips: bool,
}

/// What a file of texts became.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    pub parts: Vec<Part>,
    /// Lines that were left out.
    #[serde(default)]
    pub skipped: u64,
    /// What was wrong with the first of them.
    #[serde(default)]
    pub first_skipped: String,
}

/// A part that is done.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    #[serde(rename = "origin")]
    identity: PartIdentity,
    #[serde(flatten)]
    done: Done,
}

/// The journal of a folder of shards, which no other process may change meanwhile.
pub(super) struct Journal {
    output: PathBuf,
    folder: PathBuf,
    _lock: FileLock,
}

impl Journal {
    /// Opens it, and removes what a run that was killed left half-done.
    pub fn open(output: &Path) -> Result<Self, DataError> {
        let folder = output.join(JOURNAL);
        let unwritable = |error: io::Error| DataError::unwritable(&folder, &error);
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let Some(lock) = FileLock::try_take(&folder.join("lock"))? else {
            return Err(DataError::File {
                path: output.display().to_string(),
                problem: "another olmix tokenize is at work there".to_owned(),
                help: "wait for it, or choose another --output".to_owned(),
            });
        };
        for entry in fs::read_dir(&folder).map_err(unwritable)? {
            let entry = entry.map_err(unwritable)?;
            if is_temporary(&entry.file_name()) {
                remove_if_exists(&entry.path())?;
            }
        }
        Ok(Self {
            output: output.to_owned(),
            folder,
            _lock: lock,
        })
    }

    /// The shards of a part that is done and as it was: its files are read, and have the checksums that they had.
    /// Parts of an earlier version, which have none, are taken as they are.
    pub fn done(&self, name: &str, identity: &PartIdentity) -> Option<Done> {
        let record = fs::read(self.record(name)).ok()?;
        let record: Record = serde_json::from_slice(&record).ok()?;
        let size = |path: PathBuf| fs::metadata(path).map(|found| found.len()).ok();
        let whole = |part: &Part| {
            let path = self.output.join(&part.file);
            let files = part.files();
            let intact = |(name, sum): &(String, &str)| {
                sha256_of_file(&self.output.join(name)).is_ok_and(|found| found == *sum)
            };
            // Sizes first: a file that was cut short need not be read.
            size(path.with_extension("idx")) == Some(megatron::index_size(part.documents))
                && size(path) == Some(part.tokens * identity.width)
                && files.iter().all(intact)
        };
        // Without lines to leave out, both ways give the same.
        let asked = PartIdentity {
            skips: record.identity.skips && (identity.skips || record.done.skipped == 0),
            ..identity.clone()
        };
        let same = record.identity == asked && !identity.version.is_empty();
        (same && record.done.parts.iter().all(whole)).then_some(record.done)
    }

    /// Forgets a part, which is about to change.
    pub fn forget(&self, name: &str) -> Result<(), DataError> {
        Ok(remove_if_exists(&self.record(name))?)
    }

    /// Remembers a part, whose files are in their places.
    pub fn remember(
        &self,
        name: &str,
        identity: PartIdentity,
        done: Done,
    ) -> Result<(), DataError> {
        let json = serde_json::to_vec_pretty(&Record { identity, done })
            .map_err(|error| DataError::Machine(error.to_string()))?;
        self.commit(&self.record(name), &json)
    }

    /// A temporary file in the journal's folder, which is on the disk of the output.
    pub fn create(&self) -> Result<AtomicFile, DataError> {
        Ok(AtomicFile::create_in(&self.folder)?)
    }

    /// Writes a file of the output whole.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataError> {
        self.commit(&self.output.join(name), bytes)
    }

    fn commit(&self, target: &Path, bytes: &[u8]) -> Result<(), DataError> {
        let mut file = self.create()?;
        file.write_all(bytes)
            .map_err(|error| DataError::unwritable(target, &error))?;
        Ok(file.commit(target)?)
    }

    /// Removes shards and records of parts that are no longer wanted; the names of those parts.
    pub fn sweep(&self, names: &HashSet<&str>, parts: &[Part]) -> Result<Vec<String>, DataError> {
        let wanted = parts.iter().map(|part| self.output.join(&part.file));
        let wanted: HashSet<PathBuf> = wanted.collect();
        let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        for split in [Split::Train, Split::Validation] {
            for entry in entries(&self.output.join(split.name())) {
                let path = entry.path();
                let shard = path
                    .extension()
                    .is_some_and(|end| end == "bin" || end == "idx" || end == "sums");
                let ours = shard && numbered(&entry.file_name().to_string_lossy());
                if ours && !wanted.contains(&path.with_extension("bin")) {
                    remove_if_exists(&path)?;
                }
            }
            // A folder that is empty now is in nobody's way, and one that is not stays.
            let _ = fs::remove_dir(self.output.join(split.name()));
        }
        let mut removed = Vec::new();
        for entry in entries(&self.folder) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let record = name.strip_suffix(".json");
            if let Some(record) = record.filter(|record| !names.contains(record)) {
                remove_if_exists(&entry.path())?;
                removed.push(record.to_owned());
            }
        }
        removed.sort();
        Ok(removed)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

/// Whether a name begins as those of parts do: `00000-`.
fn numbered(name: &str) -> bool {
    let number = name.split_once('-').map_or("", |(number, _)| number);
    number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_digit())
}
