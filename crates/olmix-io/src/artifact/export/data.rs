//! The data of a domain, as a trainer takes it: which kinds of files, globs or not, a weight for each or none.

use super::blend::BlendPath;
use super::round::apportion;
use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// What a trainer takes as the data of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reads {
    /// In the words of its users, with the article: `.bin files with an .idx file (Megatron)`.
    pub what: &'static str,
    /// The kinds of files that it reads: words as in a data section's `format`, and `mds`, `csv`.
    pub kinds: &'static [&'static str],
    /// The wildcards that it expands itself.
    pub globs: Globs,
    /// Whether each path has a weight of its own, where others take a domain's files together.
    pub weighted: Weighted,
    /// Whether it takes folders, each a data set, where others take files.
    pub folders: bool,
}

/// Whether paths have weights of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weighted {
    /// The trainer takes a domain's files together.
    No,
    /// Where the files are listed: else a domain's paths are taken together.
    WhereKnown,
    /// The trainer can't do without.
    Always,
}

/// The wildcards that a trainer expands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Globs {
    None,
    /// `*` and `**`, and no others.
    Stars,
    All,
}

/// A file of a domain, or a folder that is one data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Its path or URL.
    pub path: String,
    /// Its kind: a word as in a data section's `format`, or `mds`.
    pub kind: String,
    /// What it holds.
    pub amount: Amount,
}

/// How much a file holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// Tokens.
    Tokens(f64),
    /// Samples of a fixed number of tokens.
    Samples(f64),
    /// Bytes of text, compressed where it is.
    Text(f64),
}

/// The files of a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainFiles {
    /// The domain.
    pub name: String,
    /// Its files, or why they can't be listed and measured.
    pub files: Result<Vec<DataFile>, String>,
}

/// Wildcards of any kind.
fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// The kinds that a file of this name may have; empty where its name tells nothing, as that of a folder.
fn kinds_by_name(path: &str) -> &'static [&'static str] {
    let lower = path.to_ascii_lowercase();
    let plain = lower
        .strip_suffix(".gz")
        .or_else(|| lower.strip_suffix(".zst"));
    let plain = plain.unwrap_or(&lower);
    let file = plain.rsplit('/').next().unwrap_or(plain);
    match file.rsplit_once('.').map(|(_, end)| end) {
        Some("jsonl" | "json" | "ndjson") => &["jsonl"],
        Some("parquet") => &["parquet"],
        Some("txt") => &["text"],
        Some("csv") => &["csv"],
        Some("npy") => &["tokens", "npy"],
        Some("bin") => &["tokens", "megatron", "litdata"],
        Some("idx") => &["index"],
        Some("ds") => &["datatrove"],
        Some("mds") => &["mds"],
        Some("arrow") => &["arrow"],
        _ => &[],
    }
}

/// What is to be checked and split: a domain, its paths as written, and its files where they were listed.
pub(super) struct Asked<'a> {
    pub config: &'a str,
    pub domain: &'a str,
    pub written: &'a [String],
    pub files: Option<&'a Result<Vec<DataFile>, String>>,
    pub billionths: u64,
    pub trainer: &'static str,
}

impl Reads {
    /// The paths of a domain as the trainer takes them, with the weight of each. Weights follow tokens (or
    /// samples) and sum to the domain's.
    ///
    /// # Errors
    /// [`IoError::Input`] for files that the trainer can't read, for globs that can't be expanded, and where
    /// weights are needed and sizes are not known.
    pub(super) fn paths(&self, asked: &Asked<'_>) -> Result<Vec<BlendPath>, IoError> {
        let listed = asked.files.and_then(|files| files.as_ref().ok());
        if let Some(files) = listed {
            let odd = files
                .iter()
                .find(|file| !self.kinds.contains(&file.kind.as_str()));
            if let Some(file) = odd {
                return Err(self.unreadable(asked, &file.path, &file.kind));
            }
        } else {
            let can = |path: &&String| {
                let kinds = kinds_by_name(path);
                kinds.is_empty() && !is_glob(path)
                    || kinds.iter().any(|kind| self.kinds.contains(kind))
            };
            if let Some(path) = asked.written.iter().find(|path| !can(path)) {
                let kind = kinds_by_name(path).first().unwrap_or(&"");
                return Err(self.unreadable(asked, path, kind));
            }
        }
        let plain = self.takes(asked.written);
        // What the trainer finds itself stays as it was written.
        let together = match self.weighted {
            Weighted::No => true,
            Weighted::WhereKnown => listed.is_none(),
            Weighted::Always => false,
        };
        if together && plain && !self.folders {
            return Ok(without_weights(asked.written.iter()));
        }
        let Some(files) = listed else {
            return match asked.written {
                [one] if !is_glob(one) => Ok(vec![BlendPath {
                    path: one.clone(),
                    billionths: asked.billionths,
                    tokens: None,
                }]),
                _ => Err(unlisted(asked, plain)),
            };
        };
        let files = &if self.folders {
            folders(files)
        } else {
            files.clone()
        };
        if self.weighted == Weighted::No {
            return Ok(without_weights(files.iter().map(|file| &file.path)));
        }
        let amount = |file: &DataFile| match file.amount {
            Amount::Tokens(n) | Amount::Samples(n) | Amount::Text(n) => n,
        };
        let amounts: Vec<f64> = files.iter().map(amount).collect();
        let sum: f64 = amounts.iter().sum();
        if sum <= 0.0 {
            return Err(IoError::input(
                asked.config,
                Location::Field("data.sources".into()),
                format!("the files of `{}` are empty", excerpt(asked.domain)),
                "fill them, or take the domain out of the mixture",
            ));
        }
        let shares: Vec<f64> = amounts.iter().map(|amount| amount / sum).collect();
        let weights = apportion(&shares, asked.billionths);
        let of = |((file, billionths), amount): ((&DataFile, u64), f64)| BlendPath {
            path: file.path.clone(),
            billionths,
            tokens: matches!(file.amount, Amount::Tokens(_)).then_some(amount),
        };
        let paths = files.iter().zip(weights).zip(amounts).map(of);
        // Empty files give nothing.
        Ok(paths.filter(|path| path.billionths > 0).collect())
    }

    /// Whether the trainer takes the paths as they are written.
    fn takes(&self, written: &[String]) -> bool {
        match self.globs {
            Globs::All => true,
            Globs::Stars => !written.iter().any(|path| path.contains(['?', '[', '{'])),
            Globs::None => !written.iter().any(|path| is_glob(path)),
        }
    }

    /// Whether the files of these paths must be listed: to be named one by one, or to be given a weight each.
    pub(super) fn needs_listing(&self, written: &[String]) -> bool {
        !self.takes(written)
            || self.weighted == Weighted::Always && written.len() > 1
            || self.folders && !written.iter().all(|path| kinds_by_name(path).is_empty())
    }

    fn unreadable(&self, asked: &Asked<'_>, path: &str, kind: &str) -> IoError {
        let found = match kind {
            "tokens" => "holds plain tokens",
            "npy" => "is an .npy file with a header",
            "megatron" => "is a Megatron .bin file",
            "datatrove" => "is a .ds file of datatrove",
            "litdata" => "is data of litdata",
            "mds" => "is data of MosaicML Streaming",
            "jsonl" | "parquet" | "text" | "csv" => "holds text",
            "index" => "is an index",
            "folder" => "is a folder",
            _ => "is no file of a kind that is known",
        };
        IoError::input(
            asked.config,
            Location::Field("data.sources".into()),
            format!(
                "{} can't read the data of `{}`: `{}` {found}",
                asked.trainer,
                excerpt(asked.domain),
                excerpt(path)
            ),
            format!("name {}", self.what),
        )
    }
}

/// Files that must be listed or measured, and can't be.
fn unlisted(asked: &Asked<'_>, plain: bool) -> IoError {
    let why = match asked.files {
        Some(Err(problem)) => format!(" ({problem})"),
        _ => String::new(),
    };
    let message = if plain {
        format!(
            "{} takes a weight for each of the {} paths of `{}`, and what they hold can't be measured{why}",
            asked.trainer,
            asked.written.len(),
            excerpt(asked.domain)
        )
    } else {
        format!(
            "{} takes no globs, and `{}` of `{}` can't be expanded{why}",
            asked.trainer,
            listed(asked.written.iter().map(String::as_str), 2),
            excerpt(asked.domain)
        )
    };
    IoError::input(
        asked.config,
        Location::Field("data.sources".into()),
        message,
        "export on a machine that sees the files, or give each domain one path",
    )
}

/// Files of datatrove as their folders, which trainers take whole; others are folders already.
fn folders(files: &[DataFile]) -> Vec<DataFile> {
    let mut folders: Vec<DataFile> = Vec::new();
    for file in files {
        let folder = match file.path.rsplit_once('/') {
            Some((folder, _)) if file.kind == "datatrove" => folder,
            None if file.kind == "datatrove" => ".",
            _ => file.path.as_str(),
        };
        let last = folders.iter_mut().find(|known| known.path == folder);
        match (last.map(|last| &mut last.amount), file.amount) {
            (Some(Amount::Tokens(sum)), Amount::Tokens(more)) => *sum += more,
            (Some(_), _) => {}
            (None, amount) => folders.push(DataFile {
                path: folder.to_owned(),
                kind: file.kind.clone(),
                amount,
            }),
        }
    }
    folders
}

/// Paths that share their domain's weight: the trainer takes them together.
fn without_weights<'a>(paths: impl Iterator<Item = &'a String>) -> Vec<BlendPath> {
    let path = |path: &String| BlendPath {
        path: path.clone(),
        billionths: 0,
        tokens: None,
    };
    paths.map(path).collect()
}
