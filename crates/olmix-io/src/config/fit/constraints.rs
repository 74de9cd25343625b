//! `constraints`: caps from token counts, bounds on domains and on groups of domains.

use serde::Serialize;

use super::as_written::{list, map, map_of_maps};
use super::{Named, named, names, read_virtuals};
use crate::config::yaml::{Section, Value};
use crate::error::{IoError, Location};

/// Bounds on a weight, `0 ≤ min ≤ max ≤ 1`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bound {
    /// Least weight; 0 where none is set.
    pub min: f64,
    /// Greatest weight; 1 where none is set.
    pub max: f64,
}

/// A bound on the summed weight of the domains that match patterns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupConfig {
    /// Domain names, in which `*` stands for any characters; at least one.
    #[serde(serialize_with = "list")]
    pub domains: Vec<Named<()>>,
    /// The bound on the sum of their weights.
    #[serde(flatten)]
    pub bound: Bound,
}

/// What keeps a mixture from repeating a domain too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repetition {
    /// Token caps, where they are enabled.
    #[default]
    Cap,
    /// The value of repeats, measured from the swarm; and a cap, where `repetition_factor` is given.
    Measured,
}

impl Repetition {
    /// With the names that a config gives them.
    pub const ALL: [(&'static str, Self); 2] = [("cap", Self::Cap), ("measured", Self::Measured)];

    // Serde passes a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_cap(&self) -> bool {
        *self == Self::Cap
    }
}

/// The section `constraints`. Bounds and groups hold whether or not `enabled` is set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConstraintsConfig {
    /// Whether repetition is limited. Where the config does not say: whether it gives `target_tokens` or
    /// `repetition_factor`; with [`Repetition::Measured`] the latter alone.
    pub enabled: bool,
    /// `repetition`.
    #[serde(skip_serializing_if = "Repetition::is_cap")]
    pub repetition: Repetition,
    /// `R`, tokens of the run the mixture is for; above 0, and there when `enabled`.
    pub target_tokens: Option<f64>,
    /// `k`, how often a domain's tokens may be seen; above 0.
    pub repetition_factor: f64,
    /// Bounds on single domains.
    #[serde(serialize_with = "map")]
    pub bounds: Vec<Named<Bound>>,
    /// Bounds on groups, by name.
    #[serde(serialize_with = "map")]
    pub groups: Vec<Named<GroupConfig>>,
    /// Domains that keep their ratios in the proposed mixture, by the name of the virtual domain
    /// that they are, with shares (not negative, of any scale). Laws know them one by one.
    #[serde(serialize_with = "map_of_maps", skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<Named<Vec<Named<f64>>>>,
    /// Where the section is.
    #[serde(skip)]
    pub location: Location,
}

impl ConstraintsConfig {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, IoError> {
        let (file, location) = (section.file(), section.location());
        let enabled_value = section.optional("enabled");
        let target = section.optional("target_tokens");
        let factor = section.optional("repetition_factor");
        let repetition = section.optional("repetition");
        let bounds = section.optional("bounds");
        let groups = section.optional("groups");
        let frozen = section.optional("frozen");
        section.finish()?;

        // Whoever writes a cap means it; `enabled: false` is the way to keep it and not apply it.
        let kind = repetition
            .as_ref()
            .map(|value| value.choice(&Repetition::ALL));
        let kind = kind.transpose()?.unwrap_or_default();
        let asked = enabled_value.as_ref().map(Value::boolean).transpose()?;
        let enabled = match (kind, asked) {
            (Repetition::Measured, asked) => factor.is_some() && asked != Some(false),
            (Repetition::Cap, Some(asked)) => asked,
            (Repetition::Cap, None) => target.is_some() || factor.is_some(),
        };
        // Files of the reference implementation write 0 for none.
        let is_none = |value: &&Value<'_>| !enabled && value.number().is_ok_and(|r| r <= 0.0);
        let target_tokens = target.as_ref().filter(|value| !is_none(value));
        let target_tokens = target_tokens.map(Value::tokens).transpose()?;
        if let (Repetition::Measured, Some(value), None) = (kind, &repetition, target_tokens) {
            return Err(value.error(
                "`constraints.repetition` is measured, but `constraints.target_tokens` is missing: how often a domain is \
                 repeated depends on it",
                "set target_tokens to the tokens of the run the mixture is for, such as 1T",
            ));
        }
        if let (true, None) = (enabled, target_tokens) {
            let given = enabled_value.or(factor);
            let given = given.as_ref().map_or("", Value::path);
            return Err(IoError::input(
                file,
                location,
                format!(
                    "`{given}` asks for token caps, but `constraints.target_tokens` is missing"
                ),
                "set target_tokens to the tokens of the run the mixture is for, such as \
                 1_000_000_000_000, or set `enabled: false`",
            ));
        }
        let repetition_factor =
            factor.map_or(Ok(4.0), |v| v.number_that("a number above 0", |k| k > 0.0))?;
        Ok(Self {
            enabled,
            repetition: kind,
            target_tokens,
            repetition_factor,
            bounds: bounds.map_or(Ok(Vec::new()), |v| named(&v, read_bound))?,
            groups: groups.map_or(Ok(Vec::new()), |v| named(&v, read_group))?,
            frozen: frozen.map_or(Ok(Vec::new()), |v| read_virtuals(&v))?,
            location,
        })
    }
}

pub(super) fn read_bound(value: &Value<'_>) -> Result<Bound, IoError> {
    let mut section = value.section()?;
    let bound = min_and_max(value, &mut section)?;
    section.finish()?;
    Ok(bound)
}

pub(super) fn read_group(value: &Value<'_>) -> Result<GroupConfig, IoError> {
    let mut section = value.section()?;
    let patterns = section.required("domains")?;
    let domains = names(&patterns)?;
    if domains.is_empty() {
        return Err(patterns.must_be("a list of at least one domain or pattern"));
    }
    let bound = min_and_max(value, &mut section)?;
    section.finish()?;
    Ok(GroupConfig { domains, bound })
}

fn min_and_max(value: &Value<'_>, section: &mut Section<'_>) -> Result<Bound, IoError> {
    let mut weight = |key: &'static str| {
        let value = section.optional(key);
        value
            .map(|v| v.number_that("a weight between 0 and 1", |w| (0.0..=1.0).contains(&w)))
            .transpose()
    };
    let (min, max) = (weight("min")?, weight("max")?);
    let bound = Bound {
        min: min.unwrap_or(0.0),
        max: max.unwrap_or(1.0),
    };
    if bound.min > bound.max {
        return Err(value.error(
            format!(
                "`{}` has min {} above max {}",
                value.path(),
                bound.min,
                bound.max
            ),
            "make min at most max",
        ));
    }
    if min.is_none() && max.is_none() {
        return Err(value.error(
            format!("`{}` has neither `min` nor `max`", value.path()),
            "give at least one of them, or remove the entry",
        ));
    }
    Ok(bound)
}
