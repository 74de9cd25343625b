//! `olmix.yaml`: what a project's data is, and what its mixtures are for.
//!
//! Its sections are those of generation and fit configs, which are made from it; `domains` is the newest
//! version of the domain set, kept by olmix, everything else is the user's.

mod block;
mod changes;
mod domain;
mod emit;

pub use block::with_domains;
pub use changes::{ProjectChange, Revision, read_changes};
pub use domain::ProjectDomain;
pub use emit::{EarlierFiles, FitFile, GenerationFile};

use std::path::{Path, PathBuf};

use olmix_core::law::LawSetting;
use olmix_core::optimize::OptimizerKind;
use olmix_core::{Constraints, DomainSet, LawKind};

use crate::config::engine::EngineConfig;
use crate::config::fit::{ConstraintsConfig, KlReg, Settings};
use crate::config::generation::{SwarmConfig, TokenWidth};
use crate::config::yaml::{Document, Value, Yaml};
use crate::error::{IoError, Location};
use crate::input::{InputFile, MAX_CONFIG_BYTES};

/// Sections that generation and fit configs take over as they are.
pub(crate) const SECTIONS: [&str; 8] = [
    "data",
    "swarm",
    "eval",
    "regression",
    "proposer",
    "constraints",
    "filtering",
    "diagnostics",
];

/// A project's config that has passed every check.
#[derive(Debug, Clone)]
pub struct ProjectConfig {
    /// The file, as the user gave it.
    pub path: PathBuf,
    /// The text of the file, comments and all.
    pub text: String,
    /// The project's name, which swarms are named after.
    pub name: String,
    /// `c`: runs of a swarm for each of its domains and one more.
    pub runs_per_domain: f64,
    /// Tokens that a proxy is trained on, for costs and the caps of swarms.
    pub max_tokens: Option<u64>,
    /// Parameters of a proxy (without embeddings), for costs.
    pub proxy_parameters: Option<u64>,
    /// Caps and bounds of the mixture.
    pub constraints: ConstraintsConfig,
    /// Which law is fitted.
    pub law: LawKind,
    /// Which optimizer makes the mixture.
    pub optimizer: OptimizerKind,
    /// Whether the objective has a KL term.
    pub has_kl: bool,
    /// λ of the mixture; `None` where it is chosen from data or there is no such term.
    pub kl_reg: Option<f64>,
    /// Whether the laws have a ridge, and none of the user's choice: `ridge: 0` chooses to have none.
    pub wants_ridge: bool,
    /// The newest version of the domain set, as the file has it, with its place.
    pub domains: Vec<ProjectDomain>,
    /// Where they stand.
    pub domains_location: Location,
    /// The sections as they were written.
    sections: Vec<(&'static str, Yaml)>,
}

impl ProjectConfig {
    /// Reads and checks a project's config.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it that can't be
    /// used.
    pub fn load(path: &Path) -> Result<Self, IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        Self::parse(path, &input.name, input.text()?)
    }

    /// Checks a config given as text; `file` names it in messages.
    ///
    /// # Errors
    /// As [`ProjectConfig::load`].
    pub fn parse(path: &Path, file: &str, text: &str) -> Result<Self, IoError> {
        let document = Document::parse(file, text)?;
        if document.root().is_null() {
            return Err(IoError::input(
                file,
                Location::File,
                "the project's config is empty",
                "create one with `olmix init`",
            ));
        }
        let mut root = document.root().section()?;
        let name = crate::config::generation::file_name(&root.required("name")?)?;
        let number = |value: Option<Value<'_>>, default: f64| {
            value.map_or(Ok(default), |v| {
                v.number_that("a number above 0", |x| x > 0.0)
            })
        };
        let runs_per_domain = number(root.optional("runs_per_domain"), RUNS_PER_DOMAIN)?;
        let whole = |value: Option<Value<'_>>| {
            value
                .map(|v| match v.whole() {
                    Ok(number) if number > 0 => Ok(number),
                    _ => Err(v.must_be("a whole number above 0")),
                })
                .transpose()
        };
        let max_tokens = root.optional("max_tokens");
        let max_tokens = max_tokens.map(|v| v.whole_tokens()).transpose()?;
        let proxy_parameters = whole(root.optional("proxy_parameters"))?;
        let domains = root.required("domains")?;
        if let Some(engine) = root.optional("engine") {
            EngineConfig::read(&engine)?;
        }
        if let Some(data) = root.optional("data") {
            let mut data = data.section()?;
            for key in ["dtype", "format", "tokenizer", "text_field"] {
                data.optional(key);
            }
            data.finish()?;
        }
        let mut swarm = root.section("swarm")?;
        for key in ["variants", "virtual_domains"] {
            if let Some(value) = swarm.optional(key) {
                return Err(value.error(
                    format!("`swarm.{key}` is what a plan says"),
                    "remove it here; see `olmix plan --help`",
                ));
            }
        }
        SwarmConfig::read(root.section("swarm")?)?;
        for (section, key) in [
            ("constraints", "frozen"),
            ("proposer", "expanded_kl_source_mixtures"),
        ] {
            if let Some(value) = root.section(section)?.optional(key) {
                return Err(value.error(
                    format!("`{section}.{key}` is what a plan says"),
                    "remove it here; see `olmix plan --help`",
                ));
            }
        }
        let settings = Settings::read(&mut root)?;
        let mut sections = Vec::new();
        for key in SECTIONS {
            if let Some(value) = root.optional(key) {
                sections.push((key, value.to_yaml()));
            }
        }
        root.finish()?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            name,
            runs_per_domain,
            max_tokens,
            proxy_parameters,
            law: settings.regression.law,
            optimizer: settings.proposer.kind,
            has_kl: settings.proposer.kl_reg.is_some(),
            kl_reg: match settings.proposer.kl_reg {
                Some(KlReg::Fixed(kl)) => Some(kl),
                _ => None,
            },
            wants_ridge: settings.regression.ridge.is_none()
                && LawKind::taking(LawSetting::Ridge).contains(&settings.regression.law),
            constraints: settings.constraints,
            domains: domain::read_all(&domains)?,
            domains_location: domains.location(),
            sections,
        })
    }

    /// Bytes of a token in flat shards.
    #[must_use]
    pub fn token_width(&self) -> u64 {
        let Some(Yaml::Map(data)) = self.section("data") else {
            return TokenWidth::U32.bytes();
        };
        let dtype = data.iter().find(|(key, _)| key == "dtype");
        let named = |width: &TokenWidth| matches!(dtype, Some((_, Yaml::Scalar(word))) if word == width.name());
        let widths = [
            TokenWidth::U8,
            TokenWidth::U16,
            TokenWidth::U32,
            TokenWidth::U64,
        ];
        widths
            .into_iter()
            .find(named)
            .unwrap_or(TokenWidth::U32)
            .bytes()
    }

    /// Caps and bounds over a version of the domains.
    ///
    /// # Errors
    /// [`IoError::Input`] for bounds that name no domain, and caps without token counts.
    pub fn constraints_over(&self, domains: &DomainSet) -> Result<Constraints, IoError> {
        let file = self.path.display().to_string();
        self.constraints.over(&file, domains)
    }

    /// Where the settings name a domain, as `line 4`, and the keys that lead there.
    #[must_use]
    pub fn mention(&self, domain: &str) -> Option<(String, String)> {
        let document = Document::parse("olmix.yaml", &self.text).ok()?;
        let mut root = document.root().section().ok()?;
        // Elsewhere names are of tasks.
        ["swarm", "proposer", "constraints"].iter().find_map(|key| {
            let value = root.optional(key)?;
            let (location, keys) = find(&value, domain)?;
            let line = match location {
                Location::Position { line, .. } | Location::Line(line) => format!("line {line}"),
                _ => "somewhere".to_owned(),
            };
            Some((line, keys))
        })
    }

    fn section(&self, key: &str) -> Option<&Yaml> {
        let found = self.sections.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value)
    }
}

/// Runs of a swarm for each of its domains and one more, where nothing is said.
const RUNS_PER_DOMAIN: f64 = 3.0;

/// The first key or text below a value that is a name.
fn find(value: &Value<'_>, name: &str) -> Option<(Location, String)> {
    if let Ok(entries) = value.entries() {
        return entries.iter().find_map(|(key, value)| {
            if *key == name {
                Some((value.location(), value.path().to_owned()))
            } else {
                find(value, name)
            }
        });
    }
    if let Ok(items) = value.items() {
        return items.iter().find_map(|item| find(item, name));
    }
    (value.text().ok() == Some(name)).then(|| (value.location(), value.path().to_owned()))
}

#[cfg(test)]
mod tests;
