//! What `manifest.json` in a folder of shards says of them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::blocks::sha256_of;

/// What tells the file apart from other files of its name.
const FORMAT: &str = "olmix shards";
const VERSION: u64 = 1;
/// The name of the file.
pub(crate) const NAME: &str = "manifest.json";
/// The checksums of all files of the folder, as `sha256sum --check` reads them.
pub(crate) const CHECKSUMS: &str = "checksums.sha256";

/// A folder of token shards, made by [`crate::tokenize`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u64,
    /// What made tokens of texts.
    pub tokenizer: ManifestTokenizer,
    /// The type of a token.
    pub dtype: Dtype,
    /// The shards, sorted by file.
    pub parts: Vec<Part>,
}

/// A tokenizer, as a manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTokenizer {
    /// `bytes`, or the name of a file.
    pub name: String,
    /// Size of the vocabulary: the largest id plus one.
    pub vocab: u64,
    /// The token after each document.
    pub end_of_text: u32,
    /// SHA-256 of its `tokenizer.json`, in hexadecimal.
    pub sha256: String,
}

/// The type of a token, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Two bytes: vocabularies of up to 65,536 tokens.
    Uint16,
    /// Four bytes: larger vocabularies.
    Uint32,
}

impl Dtype {
    /// The narrowest that holds a vocabulary.
    #[must_use]
    pub fn of(vocabulary: u64) -> Self {
        if vocabulary <= 1 << 16 {
            Self::Uint16
        } else {
            Self::Uint32
        }
    }

    /// Bytes of a token.
    #[must_use]
    pub fn width(self) -> u64 {
        match self {
            Self::Uint16 => 2,
            Self::Uint32 => 4,
        }
    }

    /// Its word, in NumPy and in configs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
        }
    }

    /// Appends a token, which must fit.
    pub(crate) fn append(self, token: u32, into: &mut Vec<u8>) {
        match self {
            Self::Uint16 => into.extend((token as u16).to_le_bytes()),
            Self::Uint32 => into.extend(token.to_le_bytes()),
        }
    }
}

/// Whether a shard is trained on or held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To train on.
    Train,
    /// Held out, to measure models on.
    Validation,
}

impl Split {
    /// Its word, which is the name of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }
}

/// A shard of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its path from the manifest's folder, such as `train/00000-web.bin`.
    pub file: String,
    /// What it is for.
    pub split: Split,
    /// Documents in it.
    pub documents: u64,
    /// Tokens, the ends of texts among them.
    pub tokens: u64,
    /// UTF-8 bytes of the texts.
    pub bytes: u64,
    /// SHA-256 of its files; `None` in a manifest of an earlier version, which has no `.sums`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<PartChecksums>,
}

/// SHA-256 of the files of a shard, each 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartChecksums {
    /// Of the tokens.
    pub bin: String,
    /// Of the index.
    pub idx: String,
    /// Of the checksums of the blocks of the tokens ([`crate::sums_file`]).
    pub sums: String,
}

impl Part {
    /// Its files, from the manifest's folder, with what SHA-256 they have.
    pub(crate) fn files(&self) -> Vec<(String, &str)> {
        let Some(sums) = &self.checksums else {
            return Vec::new();
        };
        let stem = self.file.strip_suffix("bin").unwrap_or(&self.file);
        let all = [("bin", &sums.bin), ("idx", &sums.idx), ("sums", &sums.sums)];
        let all = all.into_iter();
        all.map(|(end, sum)| (format!("{stem}{end}"), sum.as_str()))
            .collect()
    }
}

impl Manifest {
    /// A manifest of shards.
    #[must_use]
    pub fn new(tokenizer: ManifestTokenizer, dtype: Dtype, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|a, b| a.file.cmp(&b.file));
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tokenizer,
            dtype,
            parts,
        }
    }

    /// The manifest of a folder; `None` where there is none, or one that is another program's.
    ///
    /// # Errors
    /// [`DataError::File`] for one of ours that can't be read, and for one that is not what its checksum says.
    pub fn read(folder: &Path) -> Result<Option<Self>, DataError> {
        let path = folder.join(NAME);
        let failed = |problem: String| DataError::File {
            path: path.display().to_string(),
            problem,
            help: "run `olmix tokenize` again, which writes it anew".to_owned(),
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("can't be read: {error}"))),
        };
        if is_damaged(folder, &bytes) {
            return Err(failed(format!(
                "is damaged: its checksum is not the one in {CHECKSUMS}"
            )));
        }
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
            return Ok(None);
        };
        if json["format"] != FORMAT {
            return Ok(None);
        }
        if json["version"] != VERSION {
            let found = &json["version"];
            return Err(failed(format!(
                "has version {found}, and this program knows {VERSION}"
            )));
        }
        let manifest = serde_json::from_value(json);
        let manifest = manifest.map_err(|error| failed(format!("is broken: {error}")))?;
        Ok(Some(manifest))
    }
}

/// Whether a manifest is not what the checksums beside it say. Of a folder without, it is taken as it is.
fn is_damaged(folder: &Path, manifest: &[u8]) -> bool {
    let Ok(sums) = std::fs::read(folder.join(CHECKSUMS)) else {
        return false;
    };
    let line = format!("{}  {NAME}", sha256_of(manifest));
    !String::from_utf8_lossy(&sums)
        .lines()
        .any(|found| found == line)
}
