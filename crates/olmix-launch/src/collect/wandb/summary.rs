//! Values of a run's metrics: of its summary, and of its history where the summary lacks one.

use std::collections::{BTreeMap, BTreeSet};

use olmix_io::metrics_meta::Direction;
use serde_json::{Map, Value as Json};

use super::super::run::{Value, Values};
use super::run_file::{RunFile, is_step};
use crate::run::metrics::{Metrics, joined};

/// What `define_metric(summary=…)` makes of a metric in the summary.
const STATISTICS: [&str; 6] = ["min", "max", "mean", "best", "last", "first"];

/// What a run's file knows about its metrics.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub directions: BTreeMap<String, Direction>,
    /// Names of statistics that stand beside a metric's value.
    pub statistics: BTreeSet<String>,
}

/// Fills in the values of a run.
pub(super) fn values(file: &RunFile, values: &mut Values) -> Known {
    let mut reading = Reading {
        file,
        values,
        known: Known::default(),
        // The step of the last record, where the summary alone is left.
        step: file.step.or_else(|| file.summary.get("_step")?.as_f64()),
    };
    reading.add("", &file.summary);
    for (name, (json, step)) in &file.history {
        if !is_own(name) && !file.removed.contains(name) {
            reading.set(name, json, *step);
        }
    }
    let mut known = reading.known;
    for (name, direction) in &file.goals {
        match name.strip_suffix('*') {
            Some(begin) => {
                let matching = values.keys().filter(|name| name.starts_with(begin));
                let matching: Vec<String> = matching.cloned().collect();
                known
                    .directions
                    .extend(matching.into_iter().map(|name| (name, *direction)));
            }
            None => {
                known.directions.insert(name.clone(), *direction);
            }
        }
    }
    known
}

/// Weights & Biases' own (`_step`, `_runtime`, `_timestamp`, `_wandb`), and counters of steps.
fn is_own(name: &str) -> bool {
    name.starts_with('_') || is_step(name)
}

struct Reading<'f> {
    file: &'f RunFile,
    values: &'f mut Values,
    known: Known,
    step: Option<f64>,
}

impl Reading<'_> {
    fn add(&mut self, above: &str, map: &Map<String, Json>) {
        for (key, json) in map {
            let name = joined(above, key);
            if is_own(&name) {
                continue;
            }
            match json {
                Json::Object(inner) if inner.contains_key("_type") => {}
                Json::Object(inner) if self.is_statistics(&name, inner) => {
                    self.add_statistics(&name, inner);
                }
                Json::Object(inner) => self.add(&name, inner),
                json => {
                    let step = self
                        .file
                        .history
                        .get(&name)
                        .map_or(self.step, |(_, step)| *step);
                    self.set(&name, json, step);
                }
            }
        }
    }

    /// Whether an object has the statistics of a metric: by their names, and because a value of the metric is known.
    fn is_statistics(&self, name: &str, map: &Map<String, Json>) -> bool {
        let logged = self
            .file
            .history
            .get(name)
            .is_some_and(|(json, _)| !json.is_object());
        !map.is_empty()
            && map.keys().all(|key| STATISTICS.contains(&key.as_str()))
            && (map.contains_key("last") || logged)
    }

    /// The metric has its last value, and statistics stand beside it.
    fn add_statistics(&mut self, name: &str, map: &Map<String, Json>) {
        let logged = self.file.history.get(name);
        let step = logged.map_or(self.step, |(_, step)| *step);
        // What was logged counts: in a run that was resumed, the statistics may be those of before.
        if let Some(last) = logged.map(|(json, _)| json).or(map.get("last")) {
            self.set(name, last, step);
        }
        for (statistic, json) in map.iter().filter(|(key, _)| *key != "last") {
            let name = joined(name, statistic);
            self.set(&name, json, step);
            self.known.statistics.insert(name);
        }
    }

    /// Sets what has no value yet.
    fn set(&mut self, name: &str, json: &Json, step: Option<f64>) {
        let mut found = Metrics::default();
        found.add_value(name.to_owned(), json);
        let not = found.not_finite.into_iter().chain(found.nulls);
        for (name, number) in not.map(|name| (name, f64::NAN)).chain(found.numbers) {
            self.values.entry(name).or_insert(Value { number, step });
        }
    }
}
