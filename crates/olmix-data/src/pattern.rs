//! Paths and globs, local or of a store.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use url::Url;

/// A path or glob that was taken apart: where it is, what is listed there, and which names match.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// As it was written.
    pub text: String,
    /// This machine or a store.
    pub location: Location,
    /// The part before the first folder or name with a wildcard: what is listed.
    pub base: String,
    /// The names that are meant; `None` for the base itself.
    pub glob: Option<GlobMatcher>,
    /// The folders and the name behind the base, as they were written.
    parts: Vec<String>,
    /// All of it as a path or key, if its wildcards are characters of a name.
    pub literal: String,
}

/// Characters that begin a wildcard.
const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Where shards are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Location {
    /// A filesystem of this machine.
    Local,
    /// An object store: the URL of a bucket, container or server.
    Store(String),
}

impl Pattern {
    /// Reads a path or glob as [`Pattern::parse`] does, or as the file or folder of this machine that has
    /// exactly this name, wildcards or not: relative to `folder`, or to the working directory.
    pub fn parse_near(text: &str, folder: &Path) -> Result<Self, String> {
        let path = text.strip_prefix("file://").unwrap_or(text);
        let is_there = |folder: &Path| folder.join(path).symlink_metadata().is_ok();
        let local = !path.contains("://") && path.contains(WILDCARDS);
        if local && (is_there(folder) || is_there(Path::new(""))) {
            return Ok(Self::plain(text, Location::Local, path.to_owned()));
        }
        Self::parse(text)
    }

    /// A path without wildcards.
    fn plain(text: &str, location: Location, path: String) -> Self {
        Self {
            text: text.to_owned(),
            location,
            literal: path.clone(),
            base: path,
            glob: None,
            parts: Vec::new(),
        }
    }

    /// Reads a path or glob. Wildcards are `*`, `?`, `[…]` and `{…,…}` inside a name, and `**` for any
    /// number of folders. As in a shell, a name that begins with a dot is meant only where the dot is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (location, path) = match text.split_once("://") {
            None => (Location::Local, text.to_owned()),
            Some(("file", path)) => (Location::Local, path.to_owned()),
            Some((scheme, rest)) => {
                if !matches!(scheme, "s3" | "gs" | "az" | "http" | "https") {
                    return Err(format!(
                        "`{scheme}://` is not a location olmix can read; it reads local paths, s3://, \
                         gs://, az:// and http(s)://"
                    ));
                }
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let root = format!("{scheme}://{host}");
                if host.is_empty() || Url::parse(&root).is_err() {
                    return Err(format!("`{text}` names no bucket or server"));
                }
                (Location::Store(root), path.to_owned())
            }
        };
        let wild = |part: &str| part.contains(WILDCARDS);
        if !wild(&path) {
            return Ok(Self::plain(text, location, path));
        }
        let parts: Vec<&str> = path.split('/').collect();
        let plain = parts.iter().take_while(|part| !wild(part)).count();
        let base = parts[..plain].join("/");
        let glob = GlobBuilder::new(&path).literal_separator(true).build();
        let glob =
            glob.map_err(|error| format!("`{text}` is not a glob pattern: {}", error.kind()))?;
        Ok(Self {
            text: text.to_owned(),
            location,
            // The root of a file system has an empty name before its slash.
            base: if base.is_empty() && path.starts_with('/') {
                "/".to_owned()
            } else {
                base
            },
            glob: Some(glob.compile_matcher()),
            parts: parts[plain..].iter().map(|&part| part.to_owned()).collect(),
            literal: path,
        })
    }

    /// Whether a name that was listed is meant.
    pub fn matches(&self, name: &str) -> bool {
        let Some(glob) = &self.glob else {
            return name == self.base;
        };
        if !glob.is_match(name) {
            return false;
        }
        let behind = name.strip_prefix(&self.base).unwrap_or(name);
        let names: Vec<&str> = behind.split('/').filter(|part| !part.is_empty()).collect();
        !names.iter().any(|name| is_hidden(name)) || are_written(&self.parts, &names)
    }

    /// Whether names that begin with a dot may be meant.
    pub fn names_hidden(&self) -> bool {
        self.parts.iter().any(|part| is_hidden(part))
    }
}

/// Whether a shell's wildcards pass over a name.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Whether parts of a pattern stand for names so that every leading dot is written.
fn are_written(parts: &[String], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((part, others)), _) if part == "**" => {
            let one_more =
                |(name, more): (&&str, &[&str])| !is_hidden(name) && are_written(parts, more);
            are_written(others, names) || names.split_first().is_some_and(one_more)
        }
        (Some((part, others)), Some((name, more))) => {
            let glob = || GlobBuilder::new(part).literal_separator(true).build();
            let stands = || glob().is_ok_and(|glob| glob.compile_matcher().is_match(name));
            (!is_hidden(name) || is_hidden(part)) && stands() && are_written(others, more)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failed step fails the test

    use super::*;

    #[test]
    fn the_base_of_a_pattern_is_the_part_before_the_first_wildcard() {
        for (text, base) in [
            ("/data/web/**/*.npy", "/data/web"),
            ("/*.npy", "/"),
            ("data/x*/y.npy", "data"),
            ("*.npy", ""),
            ("/data/a.npy", "/data/a.npy"),
            ("s3://bucket/a/b/*.npy", "a/b"),
            ("s3://bucket/**/*.npy", ""),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().base, base, "{text}");
        }
    }

    #[test]
    fn two_stars_stand_for_folders_and_one_for_a_part_of_a_name() {
        let pattern = Pattern::parse("s3://bucket/web/**/*.npy").unwrap();
        assert_eq!(pattern.location, Location::Store("s3://bucket".into()));
        for (name, meant) in [
            ("web/a.npy", true),
            ("web/x/y/a.npy", true),
            ("web/a.bin", false),
            ("other/a.npy", false),
        ] {
            assert_eq!(pattern.matches(name), meant, "{name}");
        }
        let pattern = Pattern::parse("web/part-{00,01}/?.npy").unwrap();
        assert!(pattern.matches("web/part-01/7.npy"));
        assert!(!pattern.matches("web/part-01/x/7.npy"));
    }

    #[test]
    fn wildcards_pass_over_hidden_names_unless_the_dot_is_written() {
        for (text, name, meant) in [
            ("docs/*.jsonl", "docs/._a.jsonl", false),
            ("docs/.*.jsonl", "docs/._a.jsonl", true),
            ("**/*.jsonl", ".ipynb_checkpoints/a.jsonl", false),
            ("**/*.jsonl", "x/.b/a.jsonl", false),
            ("**/.b/*.jsonl", "x/.b/a.jsonl", true),
            ("**/.b/*.jsonl", ".x/.b/a.jsonl", false),
            ("/home/.cache/*.bin", "/home/.cache/a.bin", true),
            ("/home/.cache/**/*.bin", "/home/.cache/.git/a.bin", false),
            ("x/?ab.npy", "x/.ab.npy", false),
            ("x/[.]ab.npy", "x/.ab.npy", false),
        ] {
            assert_eq!(
                Pattern::parse(text).unwrap().matches(name),
                meant,
                "{text} {name}"
            );
        }
    }

    #[test]
    fn patterns_of_unknown_schemes_and_without_a_host_are_refused() {
        for text in ["ftp://host/a", "s3:///a", "s3://", "/data/[a.npy"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
