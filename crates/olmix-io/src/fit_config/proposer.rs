//! `proposer`: how the mixture is found.

use olmix_core::LawKind;
use serde::Serialize;

use super::as_written::optional_map_of_maps;
use super::{Named, RegressionConfig, flag, named};
use crate::IoError;
use crate::yaml::{Section, Value};

/// λ when the config does not say: the recommended value.
const DEFAULT_KL_REG: f64 = 0.05;

/// Which optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposerKind {
    /// The convex program.
    Exact,
    /// Iterated sampling.
    Simulation,
    /// The best observed run.
    Search,
}

/// The section `proposer`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposerConfig {
    /// Which optimizer.
    #[serde(rename = "type")]
    pub kind: ProposerKind,
    /// Flattens the prior a simulation starts from, above 0.
    pub temperature: Option<f64>,
    /// λ ≥ 0 of the KL term; `None` unless the optimizer is exact.
    pub kl_reg: Option<f64>,
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
        let kl_reg = kl_value
            .as_ref()
            .map(|value| value.number_that("a number that is not negative", |kl| kl >= 0.0));
        let kl_reg = kl_reg.transpose()?;
        if kind != ProposerKind::Exact {
            let only_exact = |value: &Value<'_>| {
                Err(value.error(
                    format!(
                        "`{}` is given, but only the exact proposer has a KL term",
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
        if temperature.is_some() && kind != ProposerKind::Simulation {
            notices.push(
                "proposer.temperature has no effect: only the simulation proposer uses it".into(),
            );
        }
        Ok(Self {
            kind,
            temperature,
            kl_reg: (kind == ProposerKind::Exact).then(|| kl_reg.unwrap_or(DEFAULT_KL_REG)),
            fit_only,
            make_worst_mix,
            expanded_kl_source_mixtures: expanded.map(|v| read_expanded(&v)).transpose()?,
        })
    }
}

/// The optimizer, which must be `search` exactly when the law is.
fn read_kind(
    section: &Section<'_>,
    value: Option<&Value<'_>>,
    law: LawKind,
) -> Result<ProposerKind, IoError> {
    let default = match law {
        LawKind::LogLinear | LawKind::Saturating => ProposerKind::Exact,
        LawKind::Search => ProposerKind::Search,
    };
    let kinds = [
        ("exact", ProposerKind::Exact),
        ("simulation", ProposerKind::Simulation),
        ("search", ProposerKind::Search),
    ];
    let kind = value.map_or(Ok(default), |value| value.choice(&kinds))?;
    let (message, help) = match (law, kind) {
        (LawKind::LogLinear | LawKind::Saturating, ProposerKind::Search) => (
            "proposer `search` needs regression `search`: it looks at observed runs, not at laws",
            "set regression.type to `search`, or proposer.type to `exact`",
        ),
        (LawKind::Search, ProposerKind::Exact | ProposerKind::Simulation) => (
            "regression `search` needs proposer `search`: it gives no law to optimize",
            "set proposer.type to `search`, or regression.type to `log_linear`",
        ),
        _ => return Ok(kind),
    };
    Err(match value {
        Some(value) => value.error(message, help),
        None => section.error(message, help),
    })
}

fn read_expanded(value: &Value<'_>) -> Result<Vec<Named<Vec<Named<f64>>>>, IoError> {
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
