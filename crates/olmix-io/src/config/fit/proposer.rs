//! `proposer`: how the mixture is found.

use olmix_core::LawKind;
use olmix_core::optimize::Rule;
use serde::{Serialize, Serializer};

use super::as_written::{kl_reg, optional_map_of_maps};
use super::preset::DEFAULT_TEMPERATURE;
use super::{Named, RegressionConfig, flag, read_virtuals};
use crate::IoError;
use crate::config::yaml::{Section, Value};

/// λ when the config does not say: the recommended value.
const DEFAULT_KL_REG: f64 = 0.05;

/// Which optimizer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProposerKind {
    /// The convex program.
    Exact,
    /// Descent from many starts.
    Local,
    /// Iterated sampling.
    Simulation,
    /// The best observed run.
    Search,
    /// A mixture from sizes alone.
    Rule(Rule),
}

impl Serialize for ProposerKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Exact => "exact",
            Self::Local => "local",
            Self::Simulation => "simulation",
            Self::Search => "search",
            Self::Rule(rule) => rule.name(),
        })
    }
}

/// λ of the KL term.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KlReg {
    /// λ ≥ 0.
    Fixed(f64),
    /// Chosen by splitting the runs in halves.
    Auto,
}

/// The section `proposer`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposerConfig {
    /// Which optimizer.
    #[serde(rename = "type")]
    pub kind: ProposerKind,
    /// Flattens the prior a simulation starts from, or that the rule `temperature` takes; above 0.
    pub temperature: Option<f64>,
    /// λ of the KL term; `None` unless the optimizer is exact or local.
    #[serde(serialize_with = "kl_reg")]
    pub kl_reg: Option<KlReg>,
    /// Whether no mixture is asked for.
    pub fit_only: bool,
    /// Whether the worst mixture is asked for.
    pub make_worst_mix: bool,
    /// Per virtual domain, the shares (not negative, of any scale) of the domains inside it.
    #[serde(serialize_with = "optional_map_of_maps")]
    pub expanded_kl_source_mixtures: Option<Vec<Named<Vec<Named<f64>>>>>,
}

impl ProposerConfig {
    pub(super) fn read(
        mut section: Section<'_>,
        regression: &RegressionConfig,
        notices: &mut Vec<String>,
    ) -> Result<Self, IoError> {
        let kind_value = section.optional("type");
        let temperature = section.optional("temperature");
        let kl_value = section.optional("kl_reg");
        let natural_kl = section.optional("use_natural_kl");
        let expanded = section.optional("expanded_kl_source_mixtures");
        let fit_only = flag(&mut section, "fit_only")?;
        let make_worst_mix = flag(&mut section, "make_worst_mix")?;
        let mut kind = read_kind(&section, kind_value.as_ref(), regression.law)?;
        section.finish()?;

        if let Some(value) = natural_kl
            && value.boolean()?
        {
            return Err(value.error(
                "`proposer.use_natural_kl` is not supported",
                "the KL term always pulls to `priors`: put the natural distribution there and \
                 remove this key",
            ));
        }
        let kl_reg = kl_value.as_ref().map(read_kl_reg).transpose()?;
        let pulls = matches!(kind, ProposerKind::Exact | ProposerKind::Local);
        if !pulls {
            let only_exact = |value: &Value<'_>| {
                Err(value.error(
                    format!(
                        "`{}` is given, but only the exact and the local proposer have a KL term",
                        value.path()
                    ),
                    "remove it or set it to null, or set proposer.type to `exact`",
                ))
            };
            if let Some(value) = kl_value.as_ref().or(expanded.as_ref()) {
                return only_exact(value);
            }
        }
        let temperature = temperature
            .map(|value| value.number_that("a number above 0", |t| t > 0.0))
            .transpose()?;
        if let ProposerKind::Rule(Rule::Temperature { exponent }) = &mut kind {
            *exponent = temperature.unwrap_or(DEFAULT_TEMPERATURE);
        } else if temperature.is_some() && kind != ProposerKind::Simulation {
            notices.push(
                "proposer.temperature has no effect: only the proposers simulation and temperature \
                 use it"
                    .into(),
            );
        }
        Ok(Self {
            kind,
            temperature,
            kl_reg: pulls.then(|| kl_reg.unwrap_or(KlReg::Fixed(DEFAULT_KL_REG))),
            fit_only,
            make_worst_mix,
            expanded_kl_source_mixtures: expanded.map(|v| read_virtuals(&v)).transpose()?,
        })
    }
}

fn read_kl_reg(value: &Value<'_>) -> Result<KlReg, IoError> {
    if value.text().is_ok_and(|text| text == "auto") {
        return Ok(KlReg::Auto);
    }
    value
        .number_that("`auto` or a number that is not negative", |kl| kl >= 0.0)
        .map(KlReg::Fixed)
}

/// The optimizer: laws that are not convex can't be solved exactly, and without laws there is
/// nothing to optimize.
fn read_kind(
    section: &Section<'_>,
    value: Option<&Value<'_>>,
    law: LawKind,
) -> Result<ProposerKind, IoError> {
    let default = match law {
        LawKind::Search => ProposerKind::Search,
        LawKind::Gp | LawKind::LightGbm => ProposerKind::Local,
        _ => ProposerKind::Exact,
    };
    let kinds = [
        ("exact", ProposerKind::Exact),
        ("local", ProposerKind::Local),
        ("simulation", ProposerKind::Simulation),
        ("search", ProposerKind::Search),
        ("natural", ProposerKind::Rule(Rule::Natural)),
        ("uniform", ProposerKind::Rule(Rule::Uniform)),
        (
            "temperature",
            ProposerKind::Rule(Rule::Temperature {
                exponent: DEFAULT_TEMPERATURE,
            }),
        ),
        ("unimax", ProposerKind::Rule(Rule::UniMax)),
    ];
    let kind = value.map_or(Ok(default), |value| value.choice(&kinds))?;
    let (message, help) = match (law, kind) {
        (_, ProposerKind::Rule(_)) | (LawKind::Search, ProposerKind::Search) => return Ok(kind),
        (_, ProposerKind::Search) => (
            "proposer `search` needs regression `search`: it looks at observed runs, not at laws",
            "set regression.type to `search`, or proposer.type to `exact`",
        ),
        (LawKind::Search, _) => (
            "regression `search` needs proposer `search`: it gives no law to optimize",
            "set proposer.type to `search`, or regression.type to `log_linear`",
        ),
        (LawKind::Gp | LawKind::LightGbm, ProposerKind::Exact) => (
            "proposer `exact` needs a convex law, which `gp` and `lightgbm` are not",
            "set proposer.type to `local` or `simulation`, or regression.type to `saturating`",
        ),
        _ => return Ok(kind),
    };
    Err(match value {
        Some(value) => value.error(message, help),
        None => section.error(message, help),
    })
}
