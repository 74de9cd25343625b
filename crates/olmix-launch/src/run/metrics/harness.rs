//! Results of lm-evaluation-harness: one object with the results of every task, beside the configuration of all
//! that was evaluated.

use std::collections::BTreeSet;

use olmix_io::metrics_meta::Direction;
use serde_json::{Map, Value};

use super::{Metrics, joined};

/// Entries of a task's results that are not metrics.
const NO_METRICS: [&str; 4] = ["alias", "name", "sample_len", "sample_count"];

/// Keys of which the harness writes at least one beside `results`.
const MARKS: [&str; 5] = [
    "versions",
    "n-shot",
    "configs",
    "higher_is_better",
    "config",
];

/// Metrics that bits per byte of the same text say again.
const PERPLEXITIES: [&str; 2] = ["word_perplexity", "byte_perplexity"];

/// The metrics of the tasks, where the object is of the harness: `TASK/METRIC`, with `,FILTER` where there is a
/// filter. Standard errors and numbers of samples are left out.
pub fn read(map: &Map<String, Value>) -> Option<Metrics> {
    let Some(Value::Object(results)) = map.get("results") else {
        return None;
    };
    if !MARKS.iter().any(|mark| map.contains_key(*mark)) || !results.values().all(Value::is_object)
    {
        return None;
    }
    let mut found = Metrics::default();
    for (task, entries) in results {
        let Value::Object(entries) = entries else {
            continue;
        };
        let group = is_group(map, task, results);
        let with_bits = entries.keys().any(|key| metric_of(key) == "bits_per_byte");
        for (key, value) in entries {
            let metric = metric_of(key);
            if NO_METRICS.contains(&metric) || metric.ends_with("_stderr") {
                continue;
            }
            let name = joined(task, key.strip_suffix(",none").unwrap_or(key));
            if let Some(higher) = map
                .get("higher_is_better")
                .and_then(|tasks| tasks[task].as_object()?.get(metric)?.as_bool())
            {
                let direction = if higher {
                    Direction::Max
                } else {
                    Direction::Min
                };
                found.directions.insert(name.clone(), direction);
            }
            if group || with_bits && PERPLEXITIES.contains(&metric) {
                found.repeats.insert(name.clone());
            }
            found.add_value(name, value);
        }
    }
    Some(found)
}

/// `acc` of `acc,none`.
fn metric_of(key: &str) -> &str {
    key.split(',').next().unwrap_or(key)
}

/// Whether an entry is the mean of others that are there.
fn is_group(map: &Map<String, Value>, task: &str, results: &Map<String, Value>) -> bool {
    let members = map
        .get("group_subtasks")
        .and_then(|groups| groups.get(task));
    let members: BTreeSet<&str> = members
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    members.iter().any(|member| results.contains_key(*member))
}
