//! A folder of metrics files: `RUN.json`, or `RUN/metrics.json` as our trainers leave it.

use std::path::Path;

use serde_json::Value;

use super::entries::entries;
use super::run::{Cure, MeasuredRun, Mixture, SourceRuns};
use crate::LaunchError;
use crate::protocol::MIXTURE_FILE;
use crate::run::metrics::{self, BadMetrics};

pub(super) fn read(folder: &Path) -> Result<SourceRuns, LaunchError> {
    let mut found = SourceRuns::default();
    for (name, path) in entries(folder)? {
        if name.starts_with('.') {
            continue;
        }
        let (run, file, mixture) = if path.is_dir() {
            (name, path.join("metrics.json"), mixture_of(&path))
        } else if let Some(run) = name.strip_suffix(".json") {
            (run.to_owned(), path, None)
        } else {
            continue;
        };
        match metrics::read_all(&file) {
            Ok(metrics) => {
                let values = found.values(metrics);
                found.runs.push(MeasuredRun {
                    name: run,
                    mixture,
                    values,
                    ..MeasuredRun::default()
                });
            }
            Err(BadMetrics::Missing) => {
                found.leave_out(run, "it has no metrics.json", Cure::Finish);
            }
            Err(BadMetrics::Wrong(what)) => found.leave_out(run, what, Cure::Unknown),
        }
    }
    if found.runs.is_empty() && found.left_out.is_empty() {
        return Err(LaunchError::refused(
            format!(
                "{}: holds no ledger.sqlite, no RUN.json, no RUN/metrics.json and no wandb/run-*",
                folder.display()
            ),
            "give the folder that the runs of a swarm were written to",
        ));
    }
    Ok(found)
}

/// The mixture that a run's folder tells of.
fn mixture_of(folder: &Path) -> Option<Mixture> {
    let json = |file: &str| -> Option<Value> {
        serde_json::from_slice(&std::fs::read(folder.join(file)).ok()?).ok()
    };
    if let Some(Value::Object(mixture)) = json(MIXTURE_FILE) {
        let weight = |(leaf, weight): (String, Value)| Some((leaf, weight.as_f64()?));
        return mixture.into_iter().map(weight).collect();
    }
    let plan = json("run.json")?;
    let leaf = |leaf: &Value| Some((leaf["name"].as_str()?.to_owned(), leaf["weight"].as_f64()?));
    plan["data"]["leaves"]
        .as_array()?
        .iter()
        .map(leaf)
        .collect()
}
