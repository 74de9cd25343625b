//! `metrics.meta.json`: what the source of a metrics table knows about its columns. `olmix collect` writes it
//! beside `metrics.csv`, and `olmix fit` reads it with that table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use olmix_core::Direction;
use serde::{Deserialize, Serialize};

use crate::error::{IoError, Location};
use crate::input::{InputFile, InputRecord, MAX_CONFIG_BYTES};

/// The first field of the file.
pub const FORMAT: &str = "olmix-metrics-1";

/// What is known about one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MetricMeta {
    /// Which way the metric as measured is better, if its source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// The content of `metrics.meta.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsMeta {
    /// [`FORMAT`].
    pub format: String,
    /// Metrics by name; only those about which something is known.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricMeta>,
    /// By which definition `olmix proxy eval` measured tasks, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// The phases of the runs, in order, where `ratios.csv` has a row for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseShare>,
    /// Tokens of the run whose repetition the runs simulate, where they do: they repeat each domain as often as that
    /// run would with their mixture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate_target_tokens: Option<u64>,
}

/// A phase of the runs of a swarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseShare {
    /// Its name, as the column `phase` of `ratios.csv` has it.
    pub name: String,
    /// Its share of the tokens of a run; those of all phases sum to 1.
    pub fraction: f64,
}

impl MetricsMeta {
    /// Of metrics whose directions are known.
    #[must_use]
    pub fn new(directions: impl IntoIterator<Item = (String, Direction)>) -> Self {
        let meta = |direction| MetricMeta {
            direction: Some(direction),
        };
        let metrics = directions.into_iter();
        Self {
            format: FORMAT.into(),
            metrics: metrics.map(|(name, known)| (name, meta(known))).collect(),
            task_definition: None,
            phases: Vec::new(),
            simulate_target_tokens: None,
        }
    }

    /// The file that belongs to a metrics table: `metrics.meta.json` beside `metrics.csv`.
    #[must_use]
    pub fn path_of(table: &Path) -> PathBuf {
        table.with_extension("meta.json")
    }

    /// The file's content. The same metrics give the same bytes.
    ///
    /// # Errors
    /// None that a caller could cause; the serializer's.
    pub fn to_bytes(&self) -> Result<Vec<u8>, IoError> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| {
            IoError::input(FORMAT, Location::File, error.to_string(), "report this")
        })?;
        Ok((text + "\n").into_bytes())
    }

    /// Reads the file that belongs to a metrics table; `None` where there is none.
    ///
    /// # Errors
    /// [`IoError::Read`] for a file that can't be read, [`IoError::Input`] for one that is not JSON, or of another
    /// format.
    pub fn read(table: &Path) -> Result<Option<Self>, IoError> {
        Ok(Self::read_recorded(table)?.map(|(meta, _)| meta))
    }

    /// As [`MetricsMeta::read`], with the file's record.
    pub(crate) fn read_recorded(table: &Path) -> Result<Option<(Self, InputRecord)>, IoError> {
        let path = Self::path_of(table);
        if !path.exists() {
            return Ok(None);
        }
        let input = InputFile::read(&path, Some(MAX_CONFIG_BYTES))?;
        let help = "write it again with `olmix collect`, or remove it";
        let wrong = |what: String| IoError::input(&input.name, Location::File, what, help);
        let read: Self = serde_json::from_str(input.text()?)
            .map_err(|error| wrong(format!("not the metadata of metrics: {error}")))?;
        if read.format != FORMAT {
            return Err(wrong(format!(
                "the format is `{}`, and this olmix reads `{FORMAT}`",
                read.format
            )));
        }
        Ok(Some((read, input.record("metrics metadata"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_metrics_reads_back_from_beside_its_table() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("metrics.csv");
        assert_eq!(MetricsMeta::read(&table).unwrap(), None);
        let meta = MetricsMeta::new([("arc/acc".to_owned(), Direction::Max)]);
        let path = folder.path().join("metrics.meta.json");
        std::fs::write(&path, meta.to_bytes().unwrap()).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\n  \"format\": \"olmix-metrics-1\",\n  \"metrics\": {\n    \"arc/acc\": {\n      \"direction\": \"max\"\n    }\n  }\n}\n"
        );
        assert_eq!(MetricsMeta::read(&table).unwrap(), Some(meta));
        std::fs::write(&path, "{\"format\": \"olmix-metrics-2\"}").unwrap();
        let error = MetricsMeta::read(&table).unwrap_err().to_string();
        assert!(error.contains("the format is `olmix-metrics-2`"), "{error}");
    }
}
