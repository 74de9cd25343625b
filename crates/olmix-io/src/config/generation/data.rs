//! `data`: where the tokens of every leaf are, and how they are to be read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::sources::{self, Content, Source};
use crate::config::fit::Named;
use crate::config::yaml::{Value, Yaml};
use crate::error::{IoError, Location};
use crate::messages::{excerpt, listed};

/// How wide a token is in files that hold nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenWidth {
    /// One byte, `uint8`.
    U8,
    /// Two bytes, `uint16`.
    U16,
    /// Four bytes, `uint32`.
    U32,
    /// Eight bytes, `uint64`.
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

    /// Its word in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
        }
    }
}

/// The section `data` of a generation or launch config.
#[derive(Debug, Clone)]
pub struct DataConfig {
    /// The config it stands in, as the user gave it.
    pub file: String,
    /// Width of tokens in flat shards.
    pub dtype: TokenWidth,
    /// What shards hold, where the config says so: a word that is not checked here.
    pub format: Option<Named<String>>,
    /// What is counted in texts: `bytes`, or the path of a tokenizer.json.
    pub tokenizer: Option<Named<String>>,
    /// The field or column of a document's text.
    pub text_field: String,
    /// Whether two leaves may have the same file.
    pub allow_shared_files: bool,
    /// Tokens of the run that runs over this data stand for: they see each leaf cut, so that they repeat it as
    /// often as that run will.
    pub simulate_target_tokens: Option<Named<u64>>,
    /// Where the data is.
    pub sources: Vec<Source>,
    /// The section as it was written.
    pub(crate) written: Yaml,
    /// Where the sources are listed.
    pub(crate) sources_location: Location,
}

impl DataConfig {
    pub(crate) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        let mut section = value.section()?;
        let dtype = section.optional("dtype");
        let dtype = dtype.map_or(Ok(TokenWidth::U32), |v| v.choice(&TokenWidth::ALL))?;
        let format = section.optional("format");
        let tokenizer = section.optional("tokenizer");
        let text_field = section.optional("text_field");
        let text_field = text_field.map_or(Ok("text"), |v| v.text())?.to_owned();
        let shared = section.optional("allow_shared_files");
        let simulated = section.optional("simulate_target_tokens");
        let listed = section.required("sources")?;
        section.finish()?;
        Ok(Self {
            file: value.file().to_owned(),
            dtype,
            format: format.map(|v| sources::word(&v)).transpose()?,
            tokenizer: tokenizer.map(|v| sources::word(&v)).transpose()?,
            text_field,
            allow_shared_files: shared.map_or(Ok(false), |v| v.boolean())?,
            simulate_target_tokens: simulated.map(|v| simulated_tokens(&v)).transpose()?,
            sources: sources::read(&listed)?,
            written: value.to_yaml(),
            sources_location: listed.location(),
        })
    }

    /// Full names of the leaves, in order, with where each stands.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Source)> {
        sources::leaves(&self.sources)
    }

    /// The share of each leaf's data that its files are, by its full name; without those whose files are all
    /// of it.
    #[must_use]
    pub fn samples(&self) -> HashMap<String, f64> {
        let leaves = self.leaves().into_iter();
        leaves
            .filter_map(|(name, source)| Some((name, source.sample?)))
            .collect()
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
                    &named.location,
                    format!("`{}` is not a format", excerpt(&named.value)),
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

    /// The tokenizer.json that texts are counted with, looked for in `folder` (the config's) first, then in
    /// the working directory; `None` where UTF-8 bytes are counted.
    ///
    /// # Errors
    /// [`IoError::Input`] when there is no such file.
    pub fn tokenizer_file(&self, folder: &Path) -> Result<Option<PathBuf>, IoError> {
        let Some(tokenizer) = self.tokenizer.as_ref().filter(|one| one.value != "bytes") else {
            return Ok(None);
        };
        let written = PathBuf::from(&tokenizer.value);
        let found = [folder.join(&written), written]
            .into_iter()
            .find(|path| path.is_file());
        found.map(Some).ok_or_else(|| {
            self.error(
                &tokenizer.location,
                format!("data.tokenizer `{}` is not a file", tokenizer.value),
                "give the path of a tokenizer.json, or `bytes` to count UTF-8 bytes",
            )
        })
    }

    /// An error at a place of the config.
    pub fn error(
        &self,
        location: &Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> IoError {
        IoError::input(&self.file, location.clone(), message, help)
    }
}

fn simulated_tokens(value: &Value<'_>) -> Result<Named<u64>, IoError> {
    Ok(Named {
        name: value.path().to_owned(),
        value: value.whole_tokens()?,
        location: value.location(),
    })
}
