//! A run of `MLflow`, as every one of its stores tells it.

use serde_json::{Map, Value as Json};

use crate::collect::config_mixture;
use crate::collect::recording::Recording;
use crate::collect::run::{Cure, Value};

/// Metrics of the machine, which `MLflow` measures itself.
const OF_THE_MACHINE: &str = "system/";

/// The tag with a run's name, in stores that have no field for it.
const NAME_TAG: &str = "mlflow.runName";

/// What a store holds of a run.
#[derive(Debug)]
pub(super) struct Recorded {
    pub id: String,
    pub name: Option<String>,
    pub finished: bool,
    /// How it ended, in small letters.
    pub status: String,
    /// Metrics, their last values, and the steps of these.
    pub metrics: Vec<(String, f64, Option<f64>)>,
    pub params: Vec<(String, Json)>,
    pub tags: Vec<(String, Json)>,
}

impl Recorded {
    /// A run of which nothing but its state is known yet.
    pub fn new(id: String, name: Option<String>, status: Option<&str>) -> Self {
        let status = status.unwrap_or("of unknown status");
        Self {
            id,
            name: name.filter(|name| !name.is_empty()),
            finished: status == "FINISHED",
            status: status.to_ascii_lowercase(),
            metrics: Vec::new(),
            params: Vec::new(),
            tags: Vec::new(),
        }
    }

    pub fn recording(self) -> Recording {
        let tag = self.tags.iter().find(|(key, _)| key == NAME_TAG);
        let tag = tag.and_then(|(_, value)| value.as_str().map(str::to_owned));
        let names = self.name.or(tag).into_iter().chain([self.id.clone()]);
        let own = |(key, _): &(String, Json)| !key.starts_with("mlflow.");
        let config: Map<String, Json> = self
            .tags
            .into_iter()
            .filter(own)
            .chain(self.params)
            .collect();
        let values = self
            .metrics
            .into_iter()
            .filter(|(name, ..)| !name.starts_with(OF_THE_MACHINE))
            .map(|(name, number, step)| {
                // Databases that know no infinity hold the largest number instead.
                let finite = number.is_finite() && number.abs() < f64::MAX;
                let number = if finite { number } else { f64::NAN };
                (name, Value { number, step })
            });
        Recording {
            names: names.filter(|name| !name.trim().is_empty()).collect(),
            label: format!("run {}", self.id),
            unfinished: (!self.finished).then_some((self.status, Cure::Finish)),
            mixture: config_mixture::find(&config),
            values: values.collect(),
            id: self.id,
        }
    }
}
