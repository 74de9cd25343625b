//! `proposer`: how the mixture is found.

use olmix_core::LawKind;
use olmix_core::law::Shape;
use olmix_core::optimize::{OptimizerKind, OptimizerNeeds, OptimizerSetting};
use serde::Serialize;

use super::as_written::{kl_reg, optional_map_of_maps};
use super::{Named, RegressionConfig, flag, read_virtuals};
use crate::config::yaml::{Section, Value};
use crate::error::IoError;

/// λ when the config does not say: the recommended value.
const DEFAULT_KL_REG: f64 = 0.05;

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
    pub kind: OptimizerKind,
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
        let kind = read_kind(&section, kind_value.as_ref(), regression.law)?;
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
        let pulls = kind.takes(OptimizerSetting::KlReg);
        if !pulls {
            let only_exact = |value: &Value<'_>| {
                Err(value.error(
                    format!(
                        "`{}` is given, but only the {} proposer have a KL term",
                        value.path(),
                        taking(OptimizerSetting::KlReg).join(" and the ")
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
        if temperature.is_some() && !kind.takes(OptimizerSetting::Temperature) {
            notices.push(format!(
                "proposer.temperature has no effect: only the proposers {} use it",
                taking(OptimizerSetting::Temperature).join(" and ")
            ));
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

/// Names of the optimizers that take a setting.
fn taking(setting: OptimizerSetting) -> Vec<&'static str> {
    let kinds = OptimizerKind::ALL.iter();
    let kinds = kinds.filter(|(_, kind)| kind.takes(setting));
    kinds.map(|(name, _)| *name).collect()
}

fn read_kl_reg(value: &Value<'_>) -> Result<KlReg, IoError> {
    if value.text().is_ok_and(|text| text == "auto") {
        return Ok(KlReg::Auto);
    }
    value
        .number_that("`auto` or a number that is not negative", |kl| kl >= 0.0)
        .map(KlReg::Fixed)
}

/// Whether the exact optimizer does not apply; `auto` chooses among laws to which it does.
fn is_not_convex(law: LawKind) -> bool {
    law.shape().is_some_and(|shape| shape != Shape::Convex)
}

/// The optimizer: laws that are not convex can't be solved exactly, and without laws there is
/// nothing to optimize.
fn read_kind(
    section: &Section<'_>,
    value: Option<&Value<'_>>,
    law: LawKind,
) -> Result<OptimizerKind, IoError> {
    let default = match law {
        LawKind::Search => OptimizerKind::Search,
        law if is_not_convex(law) => OptimizerKind::Local,
        _ => OptimizerKind::Exact,
    };
    let kind = value.map_or(Ok(default), |value| value.choice(OptimizerKind::ALL))?;
    let needs_convex = || {
        let others = LawKind::FITTED.iter().filter(|law| is_not_convex(**law));
        let names: Vec<String> = others.map(|law| format!("`{}`", law.name())).collect();
        format!(
            "proposer `exact` needs a convex law, which {} are not",
            names.join(" and ")
        )
    };
    let (message, help) = match (law, kind.needs()) {
        (_, OptimizerNeeds::Sizes) | (LawKind::Search, OptimizerNeeds::Runs) => return Ok(kind),
        (_, OptimizerNeeds::Runs) => (
            "proposer `search` needs regression `search`: it uses observed runs, not laws"
                .to_owned(),
            "set regression.type to `search`, or proposer.type to `exact`",
        ),
        (LawKind::Search, _) => (
            "regression `search` needs proposer `search`: it gives no law to optimize".to_owned(),
            "set proposer.type to `search`, or regression.type to `log_linear`",
        ),
        (law, OptimizerNeeds::ConvexLaws) if is_not_convex(law) => (
            needs_convex(),
            "set proposer.type to `local` or `simulation`, or regression.type to `saturating`",
        ),
        _ => return Ok(kind),
    };
    Err(match value {
        Some(value) => value.error(message, help),
        None => section.error(message, help),
    })
}
