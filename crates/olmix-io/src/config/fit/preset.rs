//! Presets: one word for the law, granularity, optimizer and constraint of a published method.

use olmix_core::LawKind;
use olmix_core::optimize::{OptimizerKind, OptimizerSetting};

use super::{FitConfig, Granularity, KlReg, Repetition};
use crate::messages::nearest;

/// A published way to choose a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Olmix (arXiv 2602.12237): log-linear laws per task, exact, λ = 0.05, caps.
    OlmixBase,
    /// RegMix (2407.01492): boosted trees on the average loss, iterated sampling, no caps.
    RegMix,
    /// Data Mixing Laws (2403.16952): log-linear laws per task, exact, no pull, no caps.
    DataMixingLaws,
    /// BiMix (2405.14908): power laws per task, exact, no pull, no caps.
    BiMix,
    /// AutoScale (2407.20177): its law on the average loss, exact, no pull, no caps.
    AutoScale,
    /// ADMIRE (2508.11551): a Gaussian process on the average loss, local search, no caps.
    Admire,
    /// `UniMax` (2304.09151): as uniform as the caps allow.
    UniMax,
    /// The natural distribution.
    Natural,
    /// The same weight for each domain.
    Uniform,
    /// The natural distribution, flattened by `proposer.temperature` (0.5 unless given).
    Temperature,
}

impl Preset {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 10] = [
        ("olmixbase", Self::OlmixBase),
        ("regmix", Self::RegMix),
        ("data-mixing-laws", Self::DataMixingLaws),
        ("bimix", Self::BiMix),
        ("autoscale", Self::AutoScale),
        ("admire", Self::Admire),
        ("unimax", Self::UniMax),
        ("natural", Self::Natural),
        ("uniform", Self::Uniform),
        ("temperature", Self::Temperature),
    ];

    /// The preset of a name.
    ///
    /// # Errors
    /// A message that lists them all, or names the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, preset)| *preset).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            match nearest(name, names.iter().copied()) {
                Some(near) => format!("there is no preset `{name}`; did you mean `{near}`?"),
                None => format!(
                    "there is no preset `{name}`; there are {}",
                    names.join(", ")
                ),
            }
        })
    }

    /// The word of `--preset`, such as `regmix`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, preset)| *preset == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether it looks at sizes alone, so that no swarm is needed.
    #[must_use]
    pub fn is_rule(self) -> bool {
        self.law() == LawKind::Search
    }

    /// The law it fits; `search` for a rule.
    #[must_use]
    pub fn law(self) -> LawKind {
        match self {
            Self::OlmixBase | Self::DataMixingLaws => LawKind::LogLinear,
            Self::RegMix => LawKind::LightGbm,
            Self::BiMix => LawKind::BiMix,
            Self::AutoScale => LawKind::AutoScale,
            Self::Admire => LawKind::Gp,
            Self::UniMax | Self::Natural | Self::Uniform | Self::Temperature => LawKind::Search,
        }
    }

    /// Puts the preset's settings in the place of the config's. Swarm, priors, tasks, bounds and
    /// diagnostics stay.
    pub(crate) fn apply(self, config: &mut FitConfig) {
        let kind = match self {
            Self::OlmixBase | Self::DataMixingLaws | Self::BiMix | Self::AutoScale => {
                OptimizerKind::Exact
            }
            Self::RegMix => OptimizerKind::Simulation,
            Self::Admire => OptimizerKind::Local,
            Self::UniMax => OptimizerKind::UniMax,
            Self::Natural => OptimizerKind::Natural,
            Self::Uniform => OptimizerKind::Uniform,
            Self::Temperature => OptimizerKind::Temperature,
        };
        let granularity = match self {
            Self::RegMix | Self::AutoScale | Self::Admire => Granularity::All,
            _ => Granularity::Task,
        };
        config.regression.law = self.law();
        config.regression.granularity = granularity;
        config.regression.law_per_task = false;
        config.regression.ridge = None;
        config.regression.huber_delta = None;
        config.proposer.kind = kind;
        let kl_reg = if self == Self::OlmixBase { 0.05 } else { 0.0 };
        let pulls = kind.takes(OptimizerSetting::KlReg);
        config.proposer.kl_reg = pulls.then_some(KlReg::Fixed(kl_reg));
        if kind != OptimizerKind::Exact {
            config.proposer.expanded_kl_source_mixtures = None;
            config.priors.expanded_relative_sizes = None;
        }
        let constraints = &mut config.constraints;
        constraints.repetition = Repetition::Cap;
        constraints.enabled = matches!(self, Self::OlmixBase | Self::UniMax)
            && constraints.target_tokens.is_some()
            && config.priors.token_counts.is_some();
    }
}
