//! Phases of a run: parts of its tokens with mixtures of their own.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A phase of a run, as JSON `{"name": …, "fraction": …, "mix": {leaf: weight}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct PhaseMixture {
    /// Its name, unique in the run.
    pub name: String,
    /// Its share of the run's tokens.
    pub fraction: f64,
    /// Leaves and their weights.
    pub mixture: Vec<(String, f64)>,
}

/// A phase as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    fraction: f64,
    mix: Map<String, Value>,
}

impl From<PhaseMixture> for Written {
    fn from(phase: PhaseMixture) -> Self {
        let mix = phase.mixture.into_iter();
        Self {
            name: phase.name,
            fraction: phase.fraction,
            mix: mix.map(|(leaf, weight)| (leaf, weight.into())).collect(),
        }
    }
}

impl TryFrom<Written> for PhaseMixture {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let weight = |(leaf, value): (String, Value)| match value.as_f64() {
            Some(weight) => Ok((leaf, weight)),
            None => Err(format!("`{leaf}` is {value}, not a number")),
        };
        Ok(Self {
            name: written.name,
            fraction: written.fraction,
            mixture: written
                .mix
                .into_iter()
                .map(weight)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Phases, as a JSON list in the database.
#[derive(Debug)]
pub struct Phases(pub Vec<PhaseMixture>);

impl FromSql for Phases {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let read = serde_json::from_str(value.as_str()?);
        read.map(Self)
            .map_err(|error| FromSqlError::Other(error.to_string().into()))
    }
}

/// The list as it is stored; nothing for a run with one mixture.
pub fn stored(phases: &[PhaseMixture]) -> Option<String> {
    if phases.is_empty() {
        return None;
    }
    serde_json::to_string(phases).ok()
}
