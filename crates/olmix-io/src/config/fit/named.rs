//! Entries of a config under free names: domains, metrics, families, groups.

use serde::Serialize;

use crate::config::yaml::Value;
use crate::error::{IoError, Location};

/// A named entry of a config, with its place for messages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named<T> {
    /// The name: a domain, a metric, a family or a group.
    pub name: String,
    /// What is said of it.
    pub value: T,
    /// Where it is said.
    #[serde(skip)]
    pub location: Location,
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
            location: value.location(),
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
            name: item.name()?.to_owned(),
            value: (),
            location: item.location(),
        })
    };
    value.items()?.iter().map(name).collect()
}

/// The entries with shares that sum to 1.
pub(crate) fn normalized(entries: &[Named<f64>]) -> Vec<(String, f64)> {
    let sum: f64 = entries.iter().map(|entry| entry.value).sum();
    entries
        .iter()
        .map(|entry| (entry.name.clone(), entry.value / sum))
        .collect()
}
