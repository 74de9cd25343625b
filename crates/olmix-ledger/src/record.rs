//! Records of a project's history.

use std::fmt::{self, Write as _};

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Time;

/// A record's number in its ledger; parents have smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordId(pub i64);

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// A version of the domain set.
    Domains,
    /// Proxy runs, planned or measured.
    Swarm,
    /// Laws that were fitted to a swarm.
    Fit,
    /// A mixture, with the weight of every leaf.
    Mixture,
}

/// What something cost to make.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Proxy runs that were trained.
    pub runs: u64,
    /// Tokens they were trained on.
    pub tokens: u64,
    /// Floating-point operations of that.
    pub flops: f64,
}

/// What a new record is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// A record of the ledger.
    Known(RecordId),
    /// One that is added with it, by its position among those.
    Added(usize),
}

/// A file that is kept with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// What it is to the record, such as `ratios.csv`; each name once.
    pub name: String,
    /// The bytes of the file.
    pub content: Vec<u8>,
}

/// A file of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFile {
    /// What it is to the record, such as `ratios.csv`.
    pub name: String,
    /// SHA-256 of its content, 64 hex digits.
    pub sha256: String,
}

/// A record to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// What it is of.
    pub kind: RecordKind,
    /// Of a mixture: its line, such as `main`. The others have the line of their kind.
    pub line: String,
    /// What it is, in a few words.
    pub title: String,
    /// The number that it must get in its line, where that matters: someone who made it from the newest
    /// record must not put it behind one that he never saw.
    pub number: Option<i64>,
    /// What it was made of, in an order that means something to its kind.
    pub parents: Vec<Parent>,
    /// Files that are kept with it.
    pub files: Vec<NewFile>,
    /// All that is needed to make it again: hashes of inputs, seeds, settings, results.
    pub content: serde_json::Value,
    /// The command that made it.
    pub command: String,
    /// The version of olmix.
    pub olmix: String,
    /// What it cost itself, without its parents.
    pub cost: Cost,
    /// The share by which its loss is predicted to be lower than that of the natural distribution.
    pub gain: Option<f64>,
}

/// A record of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the record in its ledger.
    pub id: RecordId,
    /// SHA-256 of all that it says, and of its parents' hashes: 64 hex digits.
    pub hash: String,
    /// What it is of.
    pub kind: RecordKind,
    /// With the number, its name: `main@3`.
    pub line: String,
    /// From 1 in its line.
    pub number: i64,
    /// What it is, in a few words.
    pub title: String,
    /// What it was made of.
    pub parents: Vec<RecordId>,
    /// Files that are kept with it, by name.
    pub files: Vec<RecordFile>,
    /// All that is needed to make it again. Null where a listing leaves it out.
    pub content: serde_json::Value,
    /// The command that made it.
    pub command: String,
    /// The version of olmix.
    pub olmix: String,
    /// When it was added.
    pub created: Time,
    /// What it cost itself.
    pub cost: Cost,
    /// The share by which its loss is predicted to be lower than that of the natural distribution.
    pub gain: Option<f64>,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Domains, Self::Swarm, Self::Fit, Self::Mixture];

    /// Its name, which is the line of its records but for mixtures.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Domains => "domains",
            Self::Swarm => "swarm",
            Self::Fit => "fit",
            Self::Mixture => "mixture",
        }
    }
}

impl Record {
    /// Its name among all records, such as `main@3`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}@{}", self.line, self.number)
    }

    /// The hash that the record should have, given those of its parents.
    #[must_use]
    pub(crate) fn true_hash(&self, content: &str, parents: &[String]) -> String {
        let fields = serde_json::json!([
            self.kind.word(),
            self.line,
            self.number,
            self.title,
            content,
            self.command,
            self.olmix,
            self.created,
            self.cost.runs,
            self.cost.tokens,
            // As bits: a number is not the same text in every version of a library.
            self.cost.flops.to_bits(),
            self.gain.map(f64::to_bits),
            parents,
            self.files,
        ]);
        sha256(fields.to_string().as_bytes())
    }

    /// Reads a row of [`COLUMNS`]; parents and files are read apart.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let whole = |column: &str| -> rusqlite::Result<u64> {
            let number: i64 = row.get(column)?;
            Ok(u64::try_from(number).unwrap_or(0))
        };
        Ok(Self {
            id: row.get("id")?,
            hash: row.get("hash")?,
            kind: row.get("kind")?,
            line: row.get("line")?,
            number: row.get("number")?,
            title: row.get("title")?,
            parents: Vec::new(),
            files: Vec::new(),
            content: serde_json::Value::Null,
            command: row.get("command")?,
            olmix: row.get("olmix")?,
            created: row.get("created")?,
            cost: Cost {
                runs: whole("runs")?,
                tokens: whole("tokens")?,
                flops: row.get("flops")?,
            },
            gain: row.get("gain")?,
        })
    }
}

/// Most bytes of a file's name, and of each part of it.
const MOST_NAME: usize = 1000;
const MOST_PART: usize = 255;

/// Whether a name can be that of a file kept with a record: `ratios.csv`, or `earlier/1/ratios.csv`.
///
/// Written under a folder it stays in it, on any system: no part is empty or begins with a dot, and there are
/// no backslashes and control characters.
#[must_use]
pub fn is_kept_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.len() <= MOST_PART
            && !part.starts_with('.')
            && !part.contains(|c: char| c.is_control() || matches!(c, '\\' | ':'))
    };
    name.len() <= MOST_NAME && name.split('/').all(is_part)
}

/// Whether a text is a SHA-256 as it is written here: 64 hex digits, small letters.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The beginning of a text, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

/// 64 hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

/// All columns of a record but its content, which may be large.
pub(crate) const COLUMNS: &str =
    "id, hash, kind, line, number, title, command, olmix, created, runs, tokens, flops, gain";

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromSql for RecordKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for RecordKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl FromSql for RecordId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

impl ToSql for RecordId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kept_files_stay_in_the_folder_that_they_are_written_to() {
        for name in [
            "ratios.csv",
            "earlier/1/ratios.csv",
            "a b.json",
            "é.csv",
            "x..y",
        ] {
            assert!(is_kept_name(name), "{name}");
        }
        let long = "a".repeat(256);
        let deep = "a/".repeat(600) + "a";
        for name in [
            "", "/", "..", ".", "../a", "a/../b", "a/..", "/etc/a", "a//b", "a/", ".olmix-x",
            "a/.b", "a\\b", "c:a", "a\0b", "a\nb", &long, &deep,
        ] {
            assert!(!is_kept_name(name), "{name:?}");
        }
    }

    #[test]
    fn hashes_are_hashes_before_they_are_paths() {
        assert!(is_sha256(&sha256(b"abc")));
        let capital = sha256(b"abc").to_uppercase();
        let short = "a".repeat(63);
        for text in ["", "/dev/zero", "../../x", &capital, &short] {
            assert!(!is_sha256(text), "{text}");
        }
    }
}
