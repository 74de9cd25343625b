//! A mixture as the configuration of a trainer, or as a plain table: one file a format.
//!
//! A format is a file with a `FORMAT` and its line in [`Format::ALL`]. The command line takes its value, help
//! and completions from that list.

mod blend;
mod csv;
mod huggingface;
mod json;
mod levanter;
mod litgpt;
mod megatron;
mod mix;
mod olmo_core;
mod parts;
mod round;
mod streaming;
#[cfg(test)]
mod tests;
mod yaml;

pub use blend::{Blend, BlendDomain};

use crate::error::IoError;

/// A format that mixtures are exported to. Formats are equal when their names are.
#[derive(Debug)]
pub struct Format {
    name: &'static str,
    help: &'static str,
    extension: &'static str,
    names_files: bool,
    takes_globs: bool,
    text: fn(&Blend) -> Result<String, IoError>,
}

impl Format {
    /// Every format, in the order in which they are listed to users.
    pub const ALL: &[&Self] = &[
        &olmo_core::FORMAT,
        &megatron::FORMAT,
        &huggingface::FORMAT,
        &litgpt::FORMAT,
        &streaming::FORMAT,
        &levanter::FORMAT,
        &mix::FORMAT,
        &csv::FORMAT,
        &json::FORMAT,
        &yaml::FORMAT,
    ];

    /// JSON, which `olmix export --json` prints whatever the format asked for.
    pub const JSON: &Self = &json::FORMAT;

    /// The format of a name, as given to `olmix export --format`; `None` for any other word.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().copied().find(|format| format.name == name)
    }

    /// The word for `olmix export --format`, such as `olmo-core`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the file is, in a few words: the help of the command line's value.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// The extension of its files, without the dot.
    #[must_use]
    pub fn extension(&self) -> &'static str {
        self.extension
    }

    /// Whether the text names the files of each domain. Where no file is known, it names the domain instead.
    #[must_use]
    pub fn names_files(&self) -> bool {
        self.names_files
    }

    /// What a user of the text must still see to: names that stand for paths (`has_data` is false when no
    /// config says where the data is), and globs where the trainer takes prefixes or folders.
    #[must_use]
    pub fn notices(&self, blend: &Blend, has_data: bool) -> Vec<String> {
        let mut notices = Vec::new();
        if self.names_files && !has_data {
            let text =
                "names of domains stand for paths; --data generate.yaml says where the data is";
            notices.push(text.to_owned());
        }
        let is_glob = |path: &String| path.contains(['*', '?', '[']);
        let mut paths = blend.domains.iter().flat_map(|domain| &domain.paths);
        if !self.takes_globs && paths.any(is_glob) {
            let text = "some paths are globs, and this trainer takes prefixes or folders: put theirs in \
                place";
            notices.push(text.to_owned());
        }
        notices
    }

    /// The text of a blend in this format, which ends with a newline. The same blend gives the same bytes.
    ///
    /// # Errors
    /// [`IoError::Input`] where a table can't hold the blend, which is a defect.
    pub fn text(&self, blend: &Blend) -> Result<String, IoError> {
        (self.text)(blend)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
