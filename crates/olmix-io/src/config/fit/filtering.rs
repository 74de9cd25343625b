//! `filtering`: which metrics count, how much, and which way round.

use olmix_core::Direction;
use serde::Serialize;

use super::as_written::{list, map};
use super::{Named, named, names};
use crate::config::yaml::{Section, Value, parse_number};
use crate::error::IoError;

/// The section `filtering`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilteringConfig {
    /// Metrics to leave out.
    #[serde(serialize_with = "list")]
    pub drop_metrics: Vec<Named<()>>,
    /// Weights of metrics in the objective, not negative; those not named weigh 1.
    #[serde(serialize_with = "map")]
    pub obj_weights: Vec<Named<f64>>,
    /// Which way metrics are better; those not named are losses.
    #[serde(serialize_with = "map")]
    pub directions: Vec<Named<Direction>>,
}

impl FilteringConfig {
    pub(super) fn read(mut section: Section<'_>) -> Result<Self, IoError> {
        let drop_metrics = section.optional("drop_metrics");
        let obj_weights = section.optional("obj_weights");
        let directions = section.optional("directions");
        for (key, help) in [
            (
                "keep_sources",
                "leave the runs on other sources, and the columns of those, out of the files",
            ),
            (
                "support_domains",
                "leave the runs on other domains, and the columns of those, out of the files",
            ),
            (
                "fixed_weight",
                "fix a domain's weight with constraints.bounds: {domain: {min: w, max: w}}",
            ),
        ] {
            refuse_unless_empty(section.optional(key), help)?;
        }
        section.finish()?;
        let known = [("min", Direction::Min), ("max", Direction::Max)];
        Ok(Self {
            drop_metrics: drop_metrics.map_or(Ok(Vec::new()), |v| names(&v))?,
            obj_weights: obj_weights.map_or(Ok(Vec::new()), |v| named(&v, read_weight))?,
            directions: directions.map_or(Ok(Vec::new()), |v| named(&v, |v| v.choice(&known)))?,
        })
    }
}

/// Settings of the reference that are not built are accepted where they do nothing.
fn refuse_unless_empty(value: Option<Value<'_>>, help: &str) -> Result<(), IoError> {
    let Some(value) = value else { return Ok(()) };
    let empty = value.items().is_ok_and(|items| items.is_empty())
        || value.entries().is_ok_and(|entries| entries.is_empty())
        || value.boolean().is_ok_and(|on| !on);
    if empty {
        Ok(())
    } else {
        Err(value.error(format!("`{}` is not supported", value.path()), help))
    }
}

/// A number, or a fraction written as text: `7/52.0`.
fn read_weight(value: &Value<'_>) -> Result<f64, IoError> {
    let weight = value
        .text()
        .ok()
        .and_then(|text| match text.split_once('/') {
            None => parse_number(text),
            Some((above, below)) => Some(parse_number(above)? / parse_number(below)?),
        });
    weight
        .filter(|weight| weight.is_finite() && *weight >= 0.0)
        .ok_or_else(|| value.must_be("a number that is not negative, or a fraction such as 7/52.0"))
}
