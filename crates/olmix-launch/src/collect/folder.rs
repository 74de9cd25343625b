//! A folder of metrics files: `RUN.json`, `RUN/metrics.json` as our trainers leave it, results of
//! lm-evaluation-harness where it writes them, and of olmes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use olmix_ledger::PhaseMixture;
use serde_json::Value;

use super::definition;
use super::formats::entries::entries;
use super::recording::{self, Recording};
use super::run::{Cure, MeasuredRun, Mixture, SourceRuns};
use crate::LaunchError;
use crate::protocol::MIXTURE_FILE;
use crate::run::metrics::{self, BadMetrics};

/// One file with metrics of a run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MetricsFile {
    run: String,
    /// When it was written, where its name says so: later results count before earlier ones.
    time: Option<String>,
    /// The folder that lm-evaluation-harness names after the model.
    model: Option<String>,
    path: PathBuf,
}

pub(super) fn read(folder: &Path) -> Result<SourceRuns, LaunchError> {
    let mut files = Vec::new();
    let mut mixtures: BTreeMap<String, Told> = BTreeMap::new();
    for (name, path) in entries(folder)? {
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            mixtures.extend(mixture_of(&path).map(|mixture| (name.clone(), mixture)));
            in_run(&name, &path, &mut files)?;
        } else if let Some(stem) = name.strip_suffix(".json") {
            let (run, time) = split_time(stem);
            let run = match (run, time) {
                // Results of one model, whose folder was given.
                ("results", Some(_)) => name_of(folder),
                _ => run.to_owned(),
            };
            files.push(MetricsFile {
                run,
                time: time.map(str::to_owned),
                model: None,
                path,
            });
        }
    }
    if files.is_empty() {
        return Err(LaunchError::refused(
            format!(
                "{}: holds no ledger.sqlite, no RUN.json, no RUN/metrics.json, no RUN/MODEL/results_TIME.json and \
                 no wandb/run-*",
                folder.display()
            ),
            "give the folder that the runs of a swarm were written to",
        ));
    }
    let mut found = runs_of(files, &mixtures);
    let file = |run: &MeasuredRun| {
        let file = folder.join(format!("{}.json", run.name));
        if file.is_file() {
            file
        } else {
            folder.join(&run.name).join("metrics.json")
        }
    };
    found.definition = definition::check(&found, file)?;
    found.simulate_target_tokens = definition::check_simulation(&found, file)?;
    Ok(found)
}

/// The last part of a folder's path.
pub(super) fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize();
    let name = whole.as_deref().unwrap_or(folder).file_name();
    name.map_or_else(
        || "results".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The files in a run's folder.
fn in_run(run: &str, folder: &Path, files: &mut Vec<MetricsFile>) -> Result<(), LaunchError> {
    let file = |path: PathBuf, time: Option<&str>, model: Option<&str>| MetricsFile {
        run: run.to_owned(),
        time: time.map(str::to_owned),
        model: model.map(str::to_owned),
        path,
    };
    let before = files.len();
    for (name, path) in entries(folder)? {
        if let Some(time) = results_time(&name) {
            files.push(file(path, Some(time), None));
        } else if path.is_dir() && !name.starts_with('.') {
            for (inner, path) in entries(&path)? {
                if let Some(time) = results_time(&inner) {
                    files.push(file(path, Some(time), Some(&name)));
                }
            }
        }
    }
    let own = ["metrics.json", "metrics-all.jsonl"].map(|name| folder.join(name));
    match own.into_iter().find(|path| path.is_file()) {
        Some(path) => files.push(file(path, None, None)),
        None if files.len() == before => files.push(file(folder.join("metrics.json"), None, None)),
        None => {}
    }
    Ok(())
}

/// The time in `results_TIME.json`.
fn results_time(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".json")?;
    match split_time(stem) {
        ("results", time) => time,
        _ => None,
    }
}

/// `run-b` and the time of `run-b_2026-11-27T08-40-10.443018`.
fn split_time(stem: &str) -> (&str, Option<&str>) {
    let is_time = |text: &str| {
        let like = "0000-00-00T00-00-00";
        text.len() >= like.len()
            && text.chars().zip(like.chars()).all(|(c, like)| match like {
                '0' => c.is_ascii_digit(),
                like => c == like,
            })
    };
    match stem.rsplit_once('_') {
        Some((run, time)) if !run.is_empty() && is_time(time) => (run, Some(time)),
        _ => (stem, None),
    }
}

/// Reads the files, and merges those of one run in the order of their times.
fn runs_of(mut files: Vec<MetricsFile>, mixtures: &BTreeMap<String, Told>) -> SourceRuns {
    files.sort();
    let mut known = SourceRuns::default();
    let mut recordings = Vec::new();
    let mut models: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut mixed: BTreeSet<String> = BTreeSet::new();
    for file in files {
        let is_lines = file.path.extension().is_some_and(|end| end == "jsonl");
        let read = if is_lines {
            metrics::text(&file.path)
                .and_then(|text| metrics::olmes_lines(&text).map_err(BadMetrics::Wrong))
        } else {
            metrics::read_all(&file.path)
        };
        let label = file.path.file_name().unwrap_or_default();
        let label = label.to_string_lossy().into_owned();
        let mut recording = Recording {
            names: vec![file.run.clone()],
            id: file.run.clone(),
            label: label.clone(),
            unfinished: None,
            mixture: Ok(None),
            values: super::run::Values::new(),
        };
        match read {
            Ok(metrics) => recording.values = known.values(metrics),
            Err(BadMetrics::Missing) => {
                recording.unfinished = Some(("it has no metrics.json".into(), Cure::Finish));
            }
            Err(BadMetrics::Wrong(what)) => {
                let what = match file.time {
                    Some(_) => format!("{label}: {what}"),
                    None => what,
                };
                recording.unfinished = Some((what, Cure::Unknown));
            }
        }
        if let Some(model) = file.model {
            let of_run = models.entry(file.run.clone()).or_default();
            for metric in recording.values.keys() {
                let other = of_run.insert(metric.clone(), model.clone());
                if other.is_some_and(|other| other != model) {
                    mixed.insert(file.run.clone());
                }
            }
        }
        recordings.push(recording);
    }
    let merged = recording::merge(recordings, None);
    let mut found = SourceRuns {
        traits: known.traits,
        ..merged
    };
    found.notices.extend(known.notices);
    found.runs.retain(|run| !mixed.contains(&run.name));
    for run in mixed {
        let of_run = models.remove(&run).unwrap_or_default();
        let names: BTreeSet<&String> = of_run.values().collect();
        let why = format!(
            "it has results of several models or checkpoints for the same tasks ({}): keep one of them",
            super::usable::listed(names.iter())
        );
        found.leave_out(run, why, Cure::Unknown);
    }
    for run in &mut found.runs {
        if let Some((mixture, phases)) = mixtures.get(&run.name).cloned() {
            (run.mixture, run.phases) = (Some(mixture), phases);
        }
    }
    found
}

/// What a run's folder tells of what it was trained on: its mixture, and its phases where it has some.
type Told = (Mixture, Vec<PhaseMixture>);

/// The mixture that a run's folder tells of.
fn mixture_of(folder: &Path) -> Option<Told> {
    let json = |file: &str| -> Option<Value> {
        serde_json::from_slice(&olmix_fs::read_bounded(&folder.join(file)).ok()?).ok()
    };
    if let Some(Value::Object(mut mixture)) = json(MIXTURE_FILE) {
        if let Some(phases @ Value::Array(_)) = mixture.remove("phases") {
            let phases: Vec<PhaseMixture> = serde_json::from_value(phases).ok()?;
            return Some((overall(&phases), phases));
        }
        let weight = |(leaf, weight): (String, Value)| Some((leaf, weight.as_f64()?));
        let mixture: Option<Mixture> = mixture.into_iter().map(weight).collect();
        return Some((mixture?, Vec::new()));
    }
    let plan = json("run.json")?;
    let weights = |leaves: &Value| -> Option<Mixture> {
        let leaf =
            |leaf: &Value| Some((leaf["name"].as_str()?.to_owned(), leaf["weight"].as_f64()?));
        leaves.as_array()?.iter().map(leaf).collect()
    };
    let phase = |phase: &Value| {
        Some(PhaseMixture {
            name: phase["name"].as_str()?.to_owned(),
            fraction: phase["fraction"].as_f64()?,
            mixture: weights(&phase["leaves"])?,
        })
    };
    let phases = plan["phases"].as_array().map_or(&[][..], Vec::as_slice);
    let phases: Option<Vec<PhaseMixture>> = phases.iter().map(phase).collect();
    Some((weights(&plan["data"]["leaves"])?, phases?))
}

/// The mean of the mixtures of phases by their tokens.
fn overall(phases: &[PhaseMixture]) -> Mixture {
    let mut all = Mixture::new();
    for phase in phases {
        for (leaf, weight) in &phase.mixture {
            let share = phase.fraction * weight;
            match all.iter_mut().find(|(known, _)| known == leaf) {
                Some((_, sum)) => *sum += share,
                None => all.push((leaf.clone(), share)),
            }
        }
    }
    all
}
