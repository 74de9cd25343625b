//! The generation config: the data of a swarm, and how its mixtures are drawn.

mod launch;
mod plan;
mod sources;
mod swarm;

pub use launch::{LaunchBase, Variant};
pub use plan::Plan;
pub use sources::{Content, Source};
pub use swarm::SwarmConfig;

use std::path::{Path, PathBuf};

use crate::fit_config::{Named, PriorsConfig};
use crate::input::InputFile;
use crate::words::{excerpt, listed};
use crate::yaml::{Document, Value, Yaml};
use crate::{InputRecord, IoError, Place};

/// With a thousand leaves and a path each, configs stay far below this.
const MAX_CONFIG_BYTES: u64 = 64 << 20;

/// How wide a token is in files that hold nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenWidth {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
}

impl TokenWidth {
    const ALL: [(&'static str, Self); 4] = [
        ("uint8", Self::U8),
        ("uint16", Self::U16),
        ("uint32", Self::U32),
        ("uint64", Self::U64),
    ];

    /// Bytes of a token.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::U16 => 2,
            Self::U32 => 4,
            Self::U64 => 8,
        }
    }
}

/// A generation config that has passed every check that needs no other file.
#[derive(Debug, Clone)]
pub struct GenerationConfig {
    /// The config's path, as the user gave it.
    pub file: String,
    /// Where its relative paths start.
    pub folder: PathBuf,
    /// The swarm's name.
    pub name: String,
    /// Width of tokens in flat shards.
    pub dtype: TokenWidth,
    /// What shards hold, where the config says so: a word that is not checked here.
    pub format: Option<Named<String>>,
    /// What is counted in texts: `bytes`, or the path of a tokenizer.json.
    pub tokenizer: Option<Named<String>>,
    /// The field or column of a document's text.
    pub text_field: String,
    /// Where the data is.
    pub sources: Vec<Source>,
    /// Sizes and tokens of the leaves, where they were counted.
    pub priors: Option<PriorsConfig>,
    /// How mixtures are drawn.
    pub swarm: SwarmConfig,
    /// Tokens that a run of the swarm trains on.
    pub max_tokens: Option<u64>,
    /// What the user should know.
    pub notices: Vec<String>,
    /// The section `data` as it was written.
    data: Yaml,
    /// Where the sources are listed.
    sources_place: Place,
}

impl GenerationConfig {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that
    /// can't be used.
    pub fn load(path: &Path) -> Result<(Self, InputRecord), IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Self::parse(&input.name, input.text()?, folder)?;
        Ok((config, input.record("config")))
    }

    /// Checks a config given as text; `file` names it in messages, relative paths start at
    /// `folder`.
    ///
    /// # Errors
    /// As [`GenerationConfig::load`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, IoError> {
        let document = Document::parse(file, text)?;
        if document.root().is_null() {
            return Err(IoError::input(
                file,
                Place::File,
                "the config is empty",
                "give at least `name` and `data`",
            ));
        }
        let mut notices = Vec::new();
        let mut root = document.root().section()?;
        let name = root.required("name")?;
        let name = file_name(&name)?;
        let data = root.required("data")?;
        let priors = root.optional("priors");
        let swarm = root.section("swarm")?;
        let max_tokens = root.optional("max_tokens");
        // Part of launch configs, and of no effect here.
        let _ = root.optional("description");
        root.finish()?;

        let mut section = data.section()?;
        let dtype = section.optional("dtype");
        let dtype = dtype.map_or(Ok(TokenWidth::U32), |v| v.choice(&TokenWidth::ALL))?;
        let format = section.optional("format");
        let tokenizer = section.optional("tokenizer");
        let text_field = section.optional("text_field");
        let text_field = text_field.map_or(Ok("text"), |v| v.text())?.to_owned();
        let listed = section.required("sources")?;
        section.finish()?;
        let priors = priors.map(|priors| PriorsConfig::read(priors.section()?, &mut notices));
        let max_tokens = max_tokens.map(|v| match v.whole() {
            Ok(tokens) if tokens > 0 => Ok(tokens),
            _ => Err(v.must_be("a whole number of tokens above 0")),
        });
        Ok(Self {
            file: file.to_owned(),
            folder: folder.to_owned(),
            name,
            dtype,
            format: format.map(|v| sources::word(&v)).transpose()?,
            tokenizer: tokenizer.map(|v| sources::word(&v)).transpose()?,
            text_field,
            sources: sources::read(&listed)?,
            priors: priors.transpose()?,
            swarm: SwarmConfig::read(swarm)?,
            max_tokens: max_tokens.transpose()?,
            notices,
            data: data.to_yaml(),
            sources_place: listed.place(),
        })
    }

    /// Full names of the leaves, in order, with where each stands.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Source)> {
        sources::leaves(&self.sources)
    }

    /// The leaves with their paths and the format that is said of each, a word of `formats` if any.
    ///
    /// # Errors
    /// [`IoError::Input`] for a format that is none of `formats`.
    pub fn leaf_paths<T: Copy>(
        &self,
        formats: &[(&str, T)],
    ) -> Result<Vec<(String, Vec<String>, Option<T>)>, IoError> {
        let known = |named: &Named<String>| {
            let found = formats.iter().find(|(word, _)| *word == named.value);
            found.map(|(_, format)| *format).ok_or_else(|| {
                let words = formats.iter().map(|(word, _)| *word);
                self.error(
                    &named.place,
                    format!("`{}` is no format", excerpt(&named.value)),
                    format!("use one of {}", listed(words, 8)),
                )
            })
        };
        let mut leaves = Vec::new();
        for (name, source, format) in sources::formats(&self.sources) {
            let format = format.or(self.format.as_ref()).map(known).transpose()?;
            if let Content::Paths(paths) = &source.content {
                leaves.push((name, paths.clone(), format));
            }
        }
        Ok(leaves)
    }

    /// An error at a place of the config.
    pub fn error(
        &self,
        place: &Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> IoError {
        IoError::input(&self.file, place.clone(), message, help)
    }
}

/// A name that files can be named after.
fn file_name(value: &Value<'_>) -> Result<String, IoError> {
    let name = value.text()?;
    let safe = !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '));
    if safe {
        Ok(name.to_owned())
    } else {
        Err(value.error(
            format!("`name` is {}, and files are named after it", value.found()),
            "use letters, digits, `-`, `_` and `.`",
        ))
    }
}

#[cfg(test)]
mod tests;
