//! `eval`: which metrics are tasks, grouped in families.

use std::collections::HashMap;

use serde::Serialize;

use super::as_written::map_of_lists;
use super::{Named, named, names};
use crate::config::yaml::Value;
use crate::error::IoError;

/// The section `eval`: families in the order written, each with at least one metric; no metric
/// is in two of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalConfig {
    /// Families and their metrics.
    #[serde(rename = "tasks", serialize_with = "map_of_lists")]
    pub families: Vec<Named<Vec<Named<()>>>>,
}

impl EvalConfig {
    pub(super) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        let mut section = value.section()?;
        let kind = section.optional("type");
        let tasks = section.required("tasks")?;
        section.finish()?;
        let in_loop = kind.map_or(Ok(false), |kind| {
            kind.choice(&[("offline", false), ("inloop", true)])
        })?;
        let families = named(&tasks, |family| {
            let metrics = if in_loop {
                let by_task = named(family, |metric| metric.text().map(str::to_owned))?;
                let metric = |task: Named<String>| Named {
                    name: task.value,
                    value: (),
                    location: task.location,
                };
                by_task.into_iter().map(metric).collect()
            } else {
                names(family)?
            };
            if metrics.is_empty() {
                return Err(family.must_be("at least one metric"));
            }
            Ok(metrics)
        })?;
        if families.is_empty() {
            return Err(tasks.must_be("at least one family of metrics"));
        }
        let mut seen: HashMap<&str, &str> = HashMap::new();
        for family in &families {
            for metric in &family.value {
                if let Some(other) = seen.insert(&metric.name, &family.name) {
                    return Err(IoError::input(
                        value.file(),
                        metric.location.clone(),
                        format!(
                            "metric `{}` of family `{}` is already in family `{other}`",
                            metric.name, family.name
                        ),
                        "list each metric once",
                    ));
                }
            }
        }
        Ok(Self { families })
    }
}
