//! The fit config (`fit.yaml`): read, checked whole, before any other work.
//!
//! Everything that can be known from the file alone is checked here; what depends on the swarm
//! (which domains and metrics there are) is checked where the two meet.

mod as_written;
mod constraints;
mod constraints_over;
mod diagnostics;
mod eval;
mod filtering;
mod named;
mod objective;
mod overrides;
mod phases;
mod preset;
mod priors;
mod proposer;
mod reference;
mod regression;
mod tables;

pub use constraints::{Bound, ConstraintsConfig, GroupConfig, Repetition};
pub use constraints_over::matches;
pub(crate) use constraints_over::unknown_domain;
pub use diagnostics::DiagnosticsConfig;
pub use eval::EvalConfig;
pub use filtering::FilteringConfig;
pub use named::Named;
pub(crate) use named::{named, names, normalized, read_virtuals};
pub(crate) use objective::loss_groups;
pub use objective::{BaselineConfig, GuardrailConfig, Minimized, ObjectiveConfig};
pub use overrides::Overrides;
pub use phases::{PhaseConfig, PhasesConfig};
pub use preset::Preset;
pub use priors::PriorsConfig;
pub use proposer::{KlReg, ProposerConfig};
pub use regression::{Granularity, RegressionConfig, TrainSplit};
pub(crate) use regression::{not_taken, who_takes};
pub use tables::{ScaleConfig, SwarmFiles};

use std::path::Path;

use as_written::optional_map_of_maps;
use olmix_core::LawKind;
use olmix_core::optimize::OptimizerNeeds;
use serde::Serialize;
use tables::{swarm_files, target_files};

use crate::config::yaml::{Document, Section, Value};
use crate::error::{IoError, Location};
use crate::input::{InputFile, InputRecord, read_config};

/// Configs are small; a file larger than this is another file given by mistake.
const MAX_FIT_CONFIG_BYTES: u64 = 16 << 20;

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
    /// The size that the mixture is for; `None` where the runs are all of one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleConfig>,
    /// A few runs of the model that the mixture is for, which calibrate the laws; `None` where that is one like the
    /// proxies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<SwarmFiles>,
    /// The phases of the runs and of the mixture; `None` where each run has one mixture, or the metrics' own record
    /// names the phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phases: Option<PhasesConfig>,
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
    /// The law, and the runs it is fitted to.
    pub regression: RegressionConfig,
    /// The optimizer, and its KL term.
    pub proposer: ProposerConfig,
    /// What is minimized, and guardrails; left out of the effective config where it is the average loss alone.
    #[serde(skip_serializing_if = "ObjectiveConfig::is_plain")]
    pub objective: ObjectiveConfig,
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
        Ok(Self::load_with(path, &Overrides::default())?.0)
    }

    /// As [`FitConfig::load`], with some settings given in place of the file's, and the file's record.
    pub(crate) fn load_with(
        path: &Path,
        overrides: &Overrides,
    ) -> Result<(Self, InputRecord), IoError> {
        read_config(path, MAX_FIT_CONFIG_BYTES, |file, text, folder| {
            let mut config = Self::parse_with(file, text, folder, overrides, false)?;
            overrides.apply(&mut config)?;
            Ok(config)
        })
    }

    /// As [`FitConfig::load_with`], of text at hand. With `swarm_given`, tables come from elsewhere, and the config
    /// must name none.
    pub(crate) fn of_text(
        name: &str,
        text: &str,
        overrides: &Overrides,
        swarm_given: bool,
    ) -> Result<(Self, InputRecord), IoError> {
        let mut config = Self::parse_with(name, text, Path::new(""), overrides, swarm_given)?;
        overrides.apply(&mut config)?;
        Ok((config, InputFile::of(name, text.into()).record("config")))
    }

    /// Checks a config given as text; `file` names it in messages, `folder` is where its
    /// relative paths start.
    ///
    /// # Errors
    /// As [`FitConfig::load`].
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, IoError> {
        Self::parse_with(file, text, folder, &Overrides::default(), false)
    }

    /// As [`FitConfig::parse`], with edits and the settings of a preset in place of the config's.
    fn parse_with(
        file: &str,
        text: &str,
        folder: &Path,
        overrides: &Overrides,
        swarm_given: bool,
    ) -> Result<Self, IoError> {
        let preset = overrides.preset;
        let mut document = Document::parse(file, text)?;
        document.edit(&overrides.edits)?;
        document.keep_unknown_keys();
        if document.root().is_null() {
            return Err(IoError::input(
                file,
                Location::File,
                "the config is empty",
                "give at least `swarm` and `priors`",
            ));
        }
        let mut notices = Vec::new();
        let mut root = document.root().section()?;
        let swarm = root.optional("swarm");
        let scale = root.optional("scale");
        let target = root.optional("target");
        let phases = root.optional("phases");
        let priors = root.required("priors")?;
        let virtual_domains = root.optional("virtual_domains");
        let without_swarm = root.error(
            "`swarm` is missing",
            "name the ratios and metrics files of the swarm; only the proposers natural, uniform, \
             temperature and unimax (or the presets of these names) need none",
        );
        if let (Some(swarm), true) = (&swarm, swarm_given) {
            return Err(swarm.error(
                "the config names a swarm, and tables are given, too",
                "remove `swarm` from the config, or give no tables",
            ));
        }
        let objective = root.section("objective")?;
        let settings = Settings::take(&mut root)?;
        let counts_beside = root.misplaced("token_counts");
        root.finish()?;

        let Settings {
            eval,
            regression,
            proposer,
            constraints,
            filtering,
            diagnostics,
        } = settings.read(&mut notices)?;
        let objective = ObjectiveConfig::read(objective, folder)?;
        let priors_section = priors.section()?;
        let priors = PriorsConfig::read_with(priors.section()?, counts_beside.as_ref())?;
        notices.extend(document.notices());
        notices.extend(reference::ignored(document.kept_keys())?);
        refuse_halves(&priors_section, &priors, &proposer, &constraints)?;
        check_target_tokens(file, &regression, preset, &constraints)?;
        let files = swarm
            .map(|swarm| swarm_files(&swarm, folder, true, scale.is_some()))
            .transpose()?;
        let mut config = Self {
            file: file.to_owned(),
            scale: ScaleConfig::read(scale.as_ref(), files.as_ref())?,
            swarm: files,
            target: target
                .as_ref()
                .map(|target| target_files(target, folder))
                .transpose()?,
            phases: phases.as_ref().map(PhasesConfig::read).transpose()?,
            virtual_domains: virtual_domains.map(|v| read_virtuals(&v)).transpose()?,
            priors,
            eval,
            regression,
            proposer,
            objective,
            constraints,
            filtering,
            diagnostics,
            notices,
        };
        if let (Some(target), Some(_)) = (&target, &config.scale) {
            return Err(target.error(
                "`target` and `scale` are both given: laws are either calibrated by target runs, or those of a size",
                "remove one; with `scale`, runs of the largest size belong in the swarm's tables",
            ));
        }
        if let Some(target) = target.filter(|_| config.regression.law == LawKind::Search) {
            return Err(target.error(
                "`target` calibrates laws, and `regression.type: search` fits none",
                "remove `target`, or set regression.type to a law, such as log_linear",
            ));
        }
        if let Some(preset) = preset {
            config.replace_method(preset);
        }
        ScaleConfig::check_law(scale.as_ref(), &mut config)?;
        config.objective.check(file, &config.proposer)?;
        PhasesConfig::check(phases.as_ref(), &config)?;
        if config.swarm.is_none() && !swarm_given && config.needs_swarm() {
            return Err(without_swarm);
        }
        Ok(config)
    }

    /// Puts a preset in the place of law, optimizer and caps. Where it fits no law, there is nothing to calibrate.
    fn replace_method(&mut self, preset: Preset) {
        preset.apply(self);
        if self.regression.law == LawKind::Search && self.target.take().is_some() {
            let name = preset.name();
            let notice = format!("target has no effect: the preset {name} fits no law");
            self.notices.push(notice);
        }
    }

    /// Whether runs are looked at: not where a rule makes the mixture from sizes alone.
    pub(crate) fn needs_swarm(&self) -> bool {
        let by_rule = self.proposer.kind.needs() == OptimizerNeeds::Sizes;
        !(by_rule && self.regression.law == LawKind::Search)
    }

    /// The virtual domains whose members the config names; without `virtual_domains` those of the KL term.
    pub(crate) fn declared_virtual_domains(&self) -> &[Named<Vec<Named<f64>>>] {
        let of_kl = self.proposer.expanded_kl_source_mixtures.as_deref();
        let declared = self.virtual_domains.as_deref().or(of_kl);
        declared.unwrap_or_default()
    }

    /// Whether a mixture is asked for, and not only a fit.
    #[must_use]
    pub fn proposes(&self) -> bool {
        !self.proposer.fit_only && self.regression.n_test == 0
    }
}

/// Refuses settings that ask for others which are not there.
fn refuse_halves(
    priors_section: &Section<'_>,
    priors: &PriorsConfig,
    proposer: &ProposerConfig,
    constraints: &ConstraintsConfig,
) -> Result<(), IoError> {
    if constraints.enabled && priors.token_counts.is_none() {
        return Err(priors_section.error(
            "`constraints` asks for token caps, but there are no `priors.token_counts`",
            "give the token count of every domain, or set constraints.enabled to false",
        ));
    }
    if constraints.repetition == Repetition::Measured && priors.token_counts.is_none() {
        return Err(priors_section.error(
            "`constraints.repetition` is measured, but there are no `priors.token_counts`: how often a domain is repeated \
             depends on its tokens",
            "give the token count of every domain",
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
    Ok(())
}

/// Refuses a law that needs the tokens of the target run where they are not given.
fn check_target_tokens(
    file: &str,
    regression: &RegressionConfig,
    preset: Option<Preset>,
    constraints: &ConstraintsConfig,
) -> Result<(), IoError> {
    let too_early = constraints.target_tokens.is_none();
    let asked = [Some(regression.law), preset.map(Preset::law)];
    let mut asked = asked.into_iter().flatten();
    if let (Some(law), true) = (asked.find(|law| law.needs_target_tokens()), too_early) {
        return Err(IoError::input(
            file,
            constraints.location.clone(),
            format!(
                "the law `{}` needs `constraints.target_tokens`: its losses depend on the \
                 tokens of the run",
                law.name()
            ),
            "set target_tokens to the tokens of the run the mixture is for, such as \
             1_000_000_000_000",
        ));
    }
    Ok(())
}

/// Reads a boolean that is false when absent.
fn flag(section: &mut Section<'_>, key: &'static str) -> Result<bool, IoError> {
    section.optional(key).map_or(Ok(false), |v| v.boolean())
}

#[cfg(test)]
mod tests;
