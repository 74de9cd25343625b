//! The fit config (`fit.yaml`): read, checked whole, before any other work.
//!
//! Everything that can be known from the file alone is checked here; what depends on the swarm
//! (which domains and metrics there are) is checked where the two meet.

mod as_written;
mod constraints;
mod diagnostics;
mod eval;
mod filtering;
mod preset;
mod priors;
mod proposer;
mod regression;

pub use constraints::{Bound, ConstraintsConfig, GroupConfig};
pub use diagnostics::DiagnosticsConfig;
pub use eval::EvalConfig;
pub use filtering::FilteringConfig;
pub use preset::Preset;
pub use priors::PriorsConfig;
pub use proposer::{KlReg, ProposerConfig};
pub use regression::{Granularity, RegressionConfig, TrainSplit};
pub(crate) use regression::{not_taken, who_takes};

use std::path::{Path, PathBuf};

use as_written::optional_map_of_maps;
use olmix_core::LawKind;
use olmix_core::optimize::OptimizerNeeds;
use serde::Serialize;

use crate::config::yaml::{Document, Section, Value};
use crate::input::InputFile;
use crate::{InputRecord, IoError, Place};

/// Configs are small; a file larger than this is another file given by mistake.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// A named entry of a config, with its place for messages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named<T> {
    /// The name: a domain, a metric, a family or a group.
    pub name: String,
    /// What is said of it.
    pub value: T,
    /// Where it is said.
    #[serde(skip)]
    pub place: Place,
}

/// The files of a swarm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwarmFiles {
    /// `swarm.ratios` as written.
    pub ratios: String,
    /// `swarm.metrics` as written.
    pub metrics: String,
    /// Where the ratios are.
    #[serde(skip)]
    pub ratios_path: PathBuf,
    /// Where the metrics are.
    #[serde(skip)]
    pub metrics_path: PathBuf,
    /// Swarms measured before this one, over the same tasks and over domains that are all there
    /// still; oldest first. They are fitted with it, each with a level of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<SwarmFiles>,
}

/// The sections of a fit config that speak of no swarm and no priors.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub eval: Option<EvalConfig>,
    pub regression: RegressionConfig,
    pub proposer: ProposerConfig,
    pub constraints: ConstraintsConfig,
    pub filtering: FilteringConfig,
    pub diagnostics: DiagnosticsConfig,
}

/// The same, found and not yet read.
struct Unread<'d> {
    eval: Option<Value<'d>>,
    regression: Section<'d>,
    proposer: Section<'d>,
    constraints: Section<'d>,
    filtering: Section<'d>,
    diagnostics: Section<'d>,
}

impl Settings {
    /// Reads them from a config that may have other sections.
    pub(crate) fn read(root: &mut Section<'_>) -> Result<Self, IoError> {
        Self::take(root)?.read(&mut Vec::new())
    }

    fn take<'d>(root: &mut Section<'d>) -> Result<Unread<'d>, IoError> {
        Ok(Unread {
            eval: root.optional("eval"),
            regression: root.section("regression")?,
            proposer: root.section("proposer")?,
            constraints: root.section("constraints")?,
            filtering: root.section("filtering")?,
            diagnostics: root.section("diagnostics")?,
        })
    }
}

impl Unread<'_> {
    fn read(self, notices: &mut Vec<String>) -> Result<Settings, IoError> {
        let regression = RegressionConfig::read(self.regression, self.eval.is_some())?;
        let proposer = ProposerConfig::read(self.proposer, &regression, notices)?;
        Ok(Settings {
            constraints: ConstraintsConfig::read(self.constraints)?,
            eval: self.eval.as_ref().map(EvalConfig::read).transpose()?,
            filtering: FilteringConfig::read(self.filtering)?,
            diagnostics: DiagnosticsConfig::read(self.diagnostics)?,
            regression,
            proposer,
        })
    }
}

/// A fit config that has passed every check that needs no other file.
///
/// Serialized, it is the effective config: every setting with its value, defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitConfig {
    /// The config's path, as the user gave it.
    #[serde(skip)]
    pub file: String,
    /// Where the swarm is; `None` only where a rule makes the mixture from sizes alone.
    pub swarm: Option<SwarmFiles>,
    /// Virtual domains, with the shares (not negative, of any scale) of the domains inside: where a
    /// ratios file has columns of these, they are summed. Without it, those of the KL term are
    /// meant.
    #[serde(
        serialize_with = "optional_map_of_maps",
        skip_serializing_if = "Option::is_none"
    )]
    pub virtual_domains: Option<Vec<Named<Vec<Named<f64>>>>>,
    /// Natural distribution and token counts.
    pub priors: PriorsConfig,
    /// Which metrics are tasks, by family; `None` takes every metric column.
    pub eval: Option<EvalConfig>,
    /// The law.
    pub regression: RegressionConfig,
    /// The optimizer.
    pub proposer: ProposerConfig,
    /// Caps and bounds.
    pub constraints: ConstraintsConfig,
    /// Which metrics count, how much, and which way round.
    pub filtering: FilteringConfig,
    /// Out-of-fold check and bootstrap.
    pub diagnostics: DiagnosticsConfig,
    /// What the user should know about settings that have no effect.
    #[serde(skip)]
    pub notices: Vec<String>,
}

impl FitConfig {
    /// Reads and checks a config file. The swarm's files are looked for in the config's folder
    /// first, then in the working directory.
    ///
    /// # Errors
    /// [`IoError::Read`] when it can't be read; [`IoError::Input`] for the first thing in it
    /// that can't be used, a swarm file that does not exist among them.
    pub fn load(path: &Path) -> Result<Self, IoError> {
        Ok(Self::load_recorded(path, None)?.0)
    }

    pub(crate) fn load_recorded(
        path: &Path,
        preset: Option<Preset>,
    ) -> Result<(Self, InputRecord), IoError> {
        let input = InputFile::read(path, Some(MAX_CONFIG_BYTES))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Self::parse_with(&input.name, input.text()?, folder, preset)?;
        Ok((config, input.record("config")))
    }

    /// Checks a config given as text; `file` names it in messages, `folder` is where its
    /// relative paths start.
    ///
    /// # Errors
    /// As [`FitConfig::load`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, IoError> {
        Self::parse_with(file, text, folder, None)
    }

    /// As [`FitConfig::parse`], with the settings of a preset in place of the config's.
    fn parse_with(
        file: &str,
        text: &str,
        folder: &Path,
        preset: Option<Preset>,
    ) -> Result<Self, IoError> {
        let document = Document::parse(file, text)?;
        if document.root().is_null() {
            return Err(IoError::input(
                file,
                Place::File,
                "the config is empty",
                "give at least `swarm` and `priors`",
            ));
        }
        let mut notices = Vec::new();
        let mut root = document.root().section()?;
        let swarm = root.optional("swarm");
        let priors = root.required("priors")?;
        let virtual_domains = root.optional("virtual_domains");
        let without_swarm = root.error(
            "`swarm` is missing",
            "name the ratios and metrics files of the swarm; only the proposers natural, uniform, \
             temperature and unimax (or the presets of these names) need none",
        );
        let settings = Settings::take(&mut root)?;
        root.finish()?;

        let Settings {
            eval,
            regression,
            proposer,
            constraints,
            filtering,
            diagnostics,
        } = settings.read(&mut notices)?;
        let priors_section = priors.section()?;
        let priors = PriorsConfig::read(priors.section()?, &mut notices)?;
        if constraints.enabled && priors.token_counts.is_none() {
            return Err(priors_section.error(
                "`constraints.enabled` is true but there are no `priors.token_counts`",
                "give the token count of every domain, or set constraints.enabled to false",
            ));
        }
        let expanded = (
            priors.expanded_relative_sizes.is_some(),
            proposer.expanded_kl_source_mixtures.is_some(),
        );
        if expanded.0 != expanded.1 {
            return Err(priors_section.error(
                "`priors.expanded_relative_sizes` and `proposer.expanded_kl_source_mixtures` \
                 belong together, and only one of them is given",
                "give both, or neither",
            ));
        }
        let too_early = constraints.target_tokens.is_none();
        let asked = [Some(regression.law), preset.map(Preset::law)];
        let mut asked = asked.into_iter().flatten();
        if let (Some(law), true) = (asked.find(|law| law.needs_target_tokens()), too_early) {
            return Err(IoError::input(
                file,
                constraints.place.clone(),
                format!(
                    "the law `{}` needs `constraints.target_tokens`: its losses depend on the \
                     tokens of the run",
                    law.name()
                ),
                "set target_tokens to the tokens of the run the mixture is for, such as \
                 1_000_000_000_000",
            ));
        }
        let mut config = Self {
            file: file.to_owned(),
            swarm: swarm
                .map(|swarm| swarm_files(&swarm, folder, true))
                .transpose()?,
            virtual_domains: virtual_domains.map(|v| read_virtuals(&v)).transpose()?,
            priors,
            eval,
            regression,
            proposer,
            constraints,
            filtering,
            diagnostics,
            notices,
        };
        if let Some(preset) = preset {
            preset.apply(&mut config);
        }
        let by_rule = config.proposer.kind.needs() == OptimizerNeeds::Sizes;
        if config.swarm.is_none() && !(by_rule && config.regression.law == LawKind::Search) {
            return Err(without_swarm);
        }
        Ok(config)
    }

    /// Whether a mixture is asked for, and not only a fit.
    #[must_use]
    pub fn proposes(&self) -> bool {
        !self.proposer.fit_only && self.regression.n_test == 0
    }
}

fn swarm_files(value: &Value<'_>, folder: &Path, is_newest: bool) -> Result<SwarmFiles, IoError> {
    let mut section = value.section()?;
    let ratios = section.required("ratios")?;
    let metrics = section.required("metrics")?;
    let earlier = if is_newest {
        section.optional("earlier")
    } else {
        None
    };
    section.finish()?;
    let earlier = earlier.map_or(Ok(Vec::new()), |earlier| earlier.items())?;
    let earlier = earlier.iter().map(|one| swarm_files(one, folder, false));
    Ok(SwarmFiles {
        ratios_path: find_file(&ratios, folder)?,
        metrics_path: find_file(&metrics, folder)?,
        ratios: ratios.text()?.to_owned(),
        metrics: metrics.text()?.to_owned(),
        earlier: earlier.collect::<Result<_, _>>()?,
    })
}

/// The file a value names: in the config's folder, else in the working directory.
fn find_file(value: &Value<'_>, folder: &Path) -> Result<PathBuf, IoError> {
    let written = Path::new(value.text()?);
    let beside = folder.join(written);
    if beside.exists() {
        return Ok(beside);
    }
    if written.exists() {
        return Ok(written.to_owned());
    }
    let looked = if beside == written {
        format!("{}", beside.display())
    } else {
        format!("{} and {}", beside.display(), written.display())
    };
    Err(value.error(
        format!("`{}` names a file that does not exist", value.path()),
        format!("looked for {looked}; correct the path"),
    ))
}

/// Reads a mapping from free names to values.
pub(crate) fn named<T>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, IoError>,
) -> Result<Vec<Named<T>>, IoError> {
    let entries = value.entries()?;
    let entry = |(name, value): (&str, Value<'_>)| {
        Ok(Named {
            name: name.to_owned(),
            value: read(&value)?,
            place: value.place(),
        })
    };
    entries.into_iter().map(entry).collect()
}

/// Reads virtual domains: by name, the shares of the domains inside.
pub(crate) fn read_virtuals(value: &Value<'_>) -> Result<Vec<Named<Vec<Named<f64>>>>, IoError> {
    named(value, |inner| {
        let shares = named(inner, |share| {
            share.number_that("a number that is not negative", |share| share >= 0.0)
        })?;
        let sum: f64 = shares.iter().map(|share| share.value).sum();
        if sum > 0.0 && sum.is_finite() {
            Ok(shares)
        } else {
            Err(inner.error(
                format!("the shares of `{}` sum to {sum}", inner.path()),
                "give the share of each domain inside the virtual domain; at least one above 0",
            ))
        }
    })
}

/// Reads a list of names.
pub(crate) fn names(value: &Value<'_>) -> Result<Vec<Named<()>>, IoError> {
    let name = |item: &Value<'_>| {
        Ok(Named {
            name: item.text()?.to_owned(),
            value: (),
            place: item.place(),
        })
    };
    value.items()?.iter().map(name).collect()
}

/// Reads a boolean that is false when absent.
fn flag(section: &mut Section<'_>, key: &'static str) -> Result<bool, IoError> {
    section.optional(key).map_or(Ok(false), |v| v.boolean())
}

#[cfg(test)]
mod tests;
