//! What olmes writes: `metrics.json` with a list of tasks, and `metrics-all.jsonl` with a task a line.

use olmix_io::metrics_meta::Direction;
use serde_json::{Map, Value};

use super::{Metrics, joined, json_value};

/// The metrics that laws are fitted to, of answers and of whole texts. Where a task has one, its other metrics
/// say the same less smoothly.
const BITS: [&str; 2] = ["bits_per_byte_corr", "bits_per_byte"];

/// Entries of a task that are not metrics of it.
const NO_METRICS: [&str; 3] = ["num_instances", "task_idx", "processing_time"];

/// The tasks of a `metrics.json`, where the object is of olmes: a list of objects under `metrics` or `tasks`,
/// each with a task's name.
pub fn read(map: &Map<String, Value>) -> Option<Metrics> {
    let lists = ["metrics", "tasks"].into_iter();
    let mut lists = lists.filter_map(|key| map.get(key)?.as_array());
    let tasks =
        lists.find(|list| !list.is_empty() && list.iter().all(|task| name_of(task).is_some()))?;
    let mut found = Metrics::default();
    tasks.iter().for_each(|task| found.add_task(task));
    Some(found)
}

/// The tasks of a `metrics-all.jsonl`.
///
/// # Errors
/// A sentence that names the line, for one that does not hold a task.
pub fn lines(text: &str) -> Result<Metrics, String> {
    let mut found = Metrics::default();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let place = |what: &str| format!("line {}: {what}", number + 1);
        let task = json_value(line).map_err(|error| place(&format!("not JSON: {error}")))?;
        if name_of(&task).is_none() || !task["metrics"].is_object() {
            return Err(place("not a task with its metrics"));
        }
        found.add_task(&task);
    }
    if found.numbers.is_empty() && found.not_finite.is_empty() {
        return Err("there is no number in it".into());
    }
    Ok(found)
}

/// What the task is called: its alias tells variants of a task apart.
fn name_of(task: &Value) -> Option<&str> {
    let alias = &task["task_config"]["metadata"]["alias"];
    [alias, &task["alias"], &task["task_name"], &task["task"]]
        .into_iter()
        .find_map(Value::as_str)
}

impl Metrics {
    fn add_task(&mut self, task: &Value) {
        let metrics = task.get("metrics").unwrap_or(task).as_object();
        let (Some(name), Some(metrics)) = (name_of(task), metrics) else {
            return;
        };
        let primary = task["task_config"]["primary_metric"].as_str();
        // A suite's mean over its tasks.
        let mean = matches!(primary, Some("macro" | "micro"));
        let is_number = |metric: &&str| metrics.get(*metric).is_some_and(Value::is_number);
        let bits = BITS.into_iter().find(is_number);
        for (metric, value) in metrics {
            if NO_METRICS.contains(&metric.as_str()) || value.is_object() {
                continue;
            }
            let full = joined(name, metric);
            if mean || bits.is_some_and(|bits| metric != bits) {
                self.repeats.insert(full.clone());
            }
            let known = if metric == "primary_score" {
                primary.and_then(direction).or(Some(Direction::Max))
            } else {
                direction(metric)
            };
            if let Some(known) = known {
                self.directions.insert(full.clone(), known);
            }
            self.add_value(full, value);
        }
    }
}

/// Which way a metric of olmes is better, where its name says so.
fn direction(metric: &str) -> Option<Direction> {
    let scores = [
        "acc_",
        "exact_match",
        "f1",
        "recall",
        "pass_at_",
        "correct_prob",
        "logits_per_",
    ];
    if metric.starts_with("bits_per_byte") || metric.ends_with("perplexity") {
        Some(Direction::Min)
    } else if scores.iter().any(|begin| metric.starts_with(begin)) || metric == "acc" {
        Some(Direction::Max)
    } else {
        None
    }
}
