//! The generation config: the data of a swarm, and how its mixtures are drawn.

mod data;
pub(crate) mod mix;
pub(crate) mod sources;
mod swarm;

pub use data::{DataConfig, TokenWidth};
pub use mix::MixLeaf;
pub use sources::{Content, Source};
pub use swarm::SwarmConfig;

use std::path::{Path, PathBuf};

use crate::config::fit::{PhasesConfig, PriorsConfig};
use crate::config::yaml::{Document, Value};
use crate::error::{IoError, Location};
use crate::input::{InputRecord, MAX_CONFIG_BYTES, read_config};

/// A generation config that has passed every check that needs no other file.
#[derive(Debug, Clone)]
pub struct GenerationConfig {
    /// The config's path, as the user gave it.
    pub file: String,
    /// Where its relative paths start.
    pub folder: PathBuf,
    /// The swarm's name.
    pub name: String,
    /// Where the data is, and how it is to be read.
    pub data: DataConfig,
    /// Sizes and tokens of the leaves, where they were counted.
    pub priors: Option<PriorsConfig>,
    /// The phases of every run, with bounds on single leaves; `None` where a run has one mixture.
    pub phases: Option<PhasesConfig>,
    /// How mixtures are drawn.
    pub swarm: SwarmConfig,
    /// Tokens that a run of the swarm trains on.
    pub max_tokens: Option<u64>,
    /// What the user should know.
    pub notices: Vec<String>,
}

impl GenerationConfig {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that
    /// can't be used.
    pub fn load(path: &Path) -> Result<(Self, InputRecord), IoError> {
        read_config(path, MAX_CONFIG_BYTES, Self::parse)
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
                Location::File,
                "the config is empty",
                "give at least `name` and `data`",
            ));
        }
        let mut root = document.root().section()?;
        let name = root.required("name")?;
        let name = file_name(&name)?;
        let data = root.required("data")?;
        let priors = root.optional("priors");
        let phases = root.optional("phases");
        let swarm = root.section("swarm")?;
        let max_tokens = root.optional("max_tokens");
        // Part of launch configs, and of no effect here.
        let _ = root.optional("description");
        root.finish()?;

        let priors = priors.map(|priors| PriorsConfig::read(priors.section()?));
        let max_tokens = max_tokens.map(|v| v.whole_tokens()).transpose()?;
        let data = DataConfig::read(&data)?;
        if let Some((simulated, most)) = data.simulate_target_tokens.as_ref().zip(max_tokens)
            && simulated.value < most
        {
            return Err(data.error(
                &simulated.location,
                format!(
                    "data.simulate_target_tokens is {}, less than the {most} max_tokens of a run",
                    simulated.value
                ),
                "give the tokens of the final run, which the runs of the swarm stand for",
            ));
        }
        Ok(Self {
            file: file.to_owned(),
            folder: folder.to_owned(),
            name,
            data,
            priors: priors.transpose()?,
            phases: phases.as_ref().map(PhasesConfig::read).transpose()?,
            swarm: SwarmConfig::read(swarm)?,
            max_tokens,
            notices: document.notices(),
        })
    }

    /// The tokens that a leaf's share of a run is repeated by: those of the run that is simulated, where one is, and
    /// else those of the run itself. A weight times these, over the tokens of the leaf, is how often it is seen.
    #[must_use]
    pub fn repeating_tokens(&self) -> Option<u64> {
        let simulated = self.data.simulate_target_tokens.as_ref();
        simulated.map(|named| named.value).or(self.max_tokens)
    }

    /// An error at a place of the config.
    pub fn error(
        &self,
        location: &Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> IoError {
        self.data.error(location, message, help)
    }
}

/// Most bytes of a name that files and folders are named after.
const LONGEST_NAME: usize = 180;

/// A name that files can be named after.
pub(crate) fn file_name(value: &Value<'_>) -> Result<String, IoError> {
    let name = value.text()?;
    let safe = !name.is_empty()
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '));
    if name.len() > LONGEST_NAME {
        return Err(value.error(
            format!(
                "`name` has {} bytes, and files and folders are named after it",
                name.len()
            ),
            format!("use at most {LONGEST_NAME}; most file systems take no more than 255 with what is added"),
        ));
    }
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
