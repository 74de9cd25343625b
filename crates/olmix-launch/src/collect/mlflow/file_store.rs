//! The file store of `MLflow`: `mlruns/EXPERIMENT/RUN/` with `meta.yaml`, and a file for each metric, param and tag.

use std::path::{Path, PathBuf};

use olmix_io::yaml::Document;
use serde_json::Value as Json;

use super::run::Recorded;
use super::{Experiment, choose, runs_of};
use crate::LaunchError;
use crate::collect::config_mixture::json_of;
use crate::collect::formats::entries::entries;
use crate::collect::mixtures::Mixtures;
use crate::collect::run::SourceRuns;

/// The numbers that stand for the states of runs.
const STATES: [(f64, &str); 5] = [
    (1.0, "RUNNING"),
    (2.0, "SCHEDULED"),
    (3.0, "FINISHED"),
    (4.0, "FAILED"),
    (5.0, "KILLED"),
];

/// The store that a folder is, or has as `mlruns`.
pub(in crate::collect) fn folder(folder: &Path) -> Option<PathBuf> {
    let inner = folder.join("mlruns");
    let candidates = [inner, folder.to_owned()];
    candidates
        .into_iter()
        .find(|folder| folder.is_dir() && experiments(folder).is_ok_and(|found| !found.is_empty()))
}

/// The experiments of a store, with their folders.
fn experiments(store: &Path) -> Result<Vec<(Experiment, PathBuf)>, LaunchError> {
    let mut found = Vec::new();
    for (_, path) in entries(store)? {
        let meta = meta_of(&path);
        let text = |key: &str| meta.as_ref()?.get(key)?.as_str().map(str::to_owned);
        // Ids are quoted, and whole numbers where they are not.
        let is_experiment = meta.as_ref().is_some_and(|meta| {
            meta.get("experiment_id").is_some() && meta.get("run_id").is_none()
        });
        let active = text("lifecycle_stage").is_none_or(|stage| stage == "active");
        if is_experiment && active {
            let id = path.file_name().unwrap_or_default();
            let id = id.to_string_lossy().into_owned();
            let name = text("name").unwrap_or_else(|| id.clone());
            found.push((Experiment { id, name }, path));
        }
    }
    Ok(found)
}

fn meta_of(folder: &Path) -> Option<Json> {
    let path = folder.join("meta.yaml");
    let text = std::fs::read_to_string(&path).ok()?;
    let document = Document::parse(&path.display().to_string(), &text).ok()?;
    Some(json_of(&document.root()))
}

pub(in crate::collect) fn read(
    store: &Path,
    wanted: Option<&str>,
    given: Option<&Mixtures>,
) -> Result<SourceRuns, LaunchError> {
    let place = store.display().to_string();
    let found = experiments(store)?;
    let known: Vec<Experiment> = found.iter().map(|(known, _)| known.clone()).collect();
    let experiment = choose(&place, &known, wanted)?;
    let mut recordings = Vec::new();
    for (name, path) in entries(&store.join(&experiment.id))? {
        let Some(meta) = meta_of(&path).filter(|meta| meta.get("run_id").is_some()) else {
            continue;
        };
        if meta["lifecycle_stage"].as_str() == Some("deleted") {
            continue;
        }
        let state = meta["status"].as_f64();
        let state = STATES.iter().find(|(number, _)| Some(*number) == state);
        let run_name = meta["run_name"].as_str().map(str::to_owned);
        let mut run = Recorded::new(name, run_name, state.map(|(_, state)| *state));
        for (key, text) in files(&path.join("metrics")) {
            if let Some((number, step)) = latest(&text) {
                run.metrics.push((key, number, Some(step)));
            }
        }
        let texts = |folder: &str| {
            let files = files(&path.join(folder)).into_iter();
            files.map(|(key, text)| (key, text.into())).collect()
        };
        run.params = texts("params");
        run.tags = texts("tags");
        let begun = meta["start_time"].as_f64().unwrap_or(0.0);
        recordings.push((begun as i64, run.recording()));
    }
    runs_of(&place, &experiment, wanted, recordings, given)
}

/// Files below a folder: their paths from there, with `/`, and their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((above, folder)) = open.pop() {
        for (name, path) in entries(&folder).unwrap_or_default() {
            let key = crate::run::metrics::joined(&above, &name);
            if path.is_dir() {
                open.push((key, path));
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.push((key, text));
            }
        }
    }
    found
}

/// The last value of a metric and its step, of lines `TIME VALUE STEP`: that of the largest step, and among these the
/// latest, as the server says it.
fn latest(text: &str) -> Option<(f64, f64)> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let time: f64 = words.next()?.parse().ok()?;
        let number: f64 = words.next()?.parse().ok()?;
        let step: f64 = words.next().map_or(Some(0.0), |word| word.parse().ok())?;
        Some((step, time, number))
    };
    let lines = text.lines().filter_map(line);
    let last = lines.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    last.map(|(step, _, number)| (number, step))
}
