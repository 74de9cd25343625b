//! Local run folders of Weights & Biases, of runs online and offline: `wandb/run-DATE_TIME-ID/run-ID.wandb`, or
//! `files/wandb-summary.json` where only that is left.

mod latest;
mod run_file;
mod summary;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};

use self::run_file::RunFile;
use super::config_mixture;
use super::formats::End;
use super::formats::entries::entries;
use super::mixtures::Mixtures;
use super::recording::{self, Recording};
use super::run::{Cure, SourceRuns, Values};
use crate::LaunchError;
use crate::run::metrics::{self, BadMetrics};

/// Keys of a config that name a run.
const NAME_KEYS: [&str; 2] = ["name", "run_name"];

/// A run's folder.
#[derive(Debug)]
struct RunFolder {
    /// `run-DATE_TIME-ID`.
    name: String,
    path: PathBuf,
    /// The name of the folder that has the `wandb` folder, where each run has one of its own.
    above: Option<String>,
}

/// Whether a folder has such runs.
pub(super) fn is_one(folder: &Path) -> bool {
    run_folders(folder).is_ok_and(|found| !found.is_empty())
}

/// The run folders in a folder, in its `wandb`, or in the `wandb` of each of its folders; the earliest first.
fn run_folders(folder: &Path) -> Result<Vec<RunFolder>, LaunchError> {
    let mut found = Vec::new();
    let inner = folder.join("wandb");
    if inner.is_dir() {
        add(&inner, None, &mut found)?;
    } else {
        add(folder, None, &mut found)?;
    }
    if found.is_empty() {
        for (name, path) in entries(folder)? {
            let inner = path.join("wandb");
            if inner.is_dir() {
                add(&inner, Some(&name), &mut found)?;
            }
        }
    }
    // By date, which stands in the name behind the word.
    found.sort_by_key(|run| run.name.trim_start_matches("offline-").to_owned());
    Ok(found)
}

fn add(folder: &Path, above: Option<&str>, found: &mut Vec<RunFolder>) -> Result<(), LaunchError> {
    for (name, path) in entries(folder)? {
        let named = name.starts_with("run-") || name.starts_with("offline-run-");
        if named
            && !super::swanlab::is_run(&path)
            && (path.join("files").is_dir() || log_of(&path).is_some())
        {
            let above = above.map(str::to_owned);
            found.push(RunFolder { name, path, above });
        }
    }
    Ok(())
}

/// The `.wandb` file of a run's folder.
fn log_of(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let mut logs: Vec<PathBuf> = files
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wandb")
        })
        .collect();
    logs.sort();
    logs.into_iter().next()
}

/// What one folder tells: when it was begun, its recording, and which way its metrics are better.
struct Read {
    begun: (String, i128),
    recording: Recording,
    known: summary::Known,
}

pub(super) fn read(folder: &Path, given: Option<&Mixtures>) -> Result<SourceRuns, LaunchError> {
    let folders = run_folders(folder)?;
    let mut read: Vec<Read> = folders.par_iter().map(read_one).collect();
    read.sort_by(|a, b| a.begun.cmp(&b.begun));
    let known: Vec<summary::Known> = read
        .iter_mut()
        .map(|read| std::mem::take(&mut read.known))
        .collect();
    let recordings = read.into_iter().map(|read| read.recording).collect();
    let mut found = recording::merge(recordings, given);
    for known in known {
        for (metric, direction) in known.directions {
            found.directs(&metric, direction);
        }
        known
            .statistics
            .iter()
            .for_each(|metric| found.repeats(metric));
    }
    found.notices.dedup();
    Ok(found)
}

fn read_one(folder: &RunFolder) -> Read {
    match log_of(&folder.path) {
        Some(log) => read_log(folder, &log),
        None => read_summary(folder),
    }
}

/// The id at the end of a folder's name.
fn id_of(folder: &RunFolder) -> &str {
    let date = folder
        .name
        .trim_start_matches("offline-")
        .trim_start_matches("run-");
    // DATE_TIME has no dash, and an id may have some.
    date.split_once('-').map_or(date, |(_, id)| id)
}

fn date_of(folder: &RunFolder) -> String {
    let name = folder
        .name
        .trim_start_matches("offline-")
        .trim_start_matches("run-");
    name.split('-').next().unwrap_or(name).to_owned()
}

/// A recording of a folder, with names in order: the display name, the config's, that of the folder above, the id, the folder's.
fn recording(
    folder: &RunFolder,
    display: Option<String>,
    config: &Map<String, Value>,
) -> Recording {
    let configured = NAME_KEYS.iter().find_map(|key| config.get(*key)?.as_str());
    let id = id_of(folder).to_owned();
    let names = display
        .into_iter()
        .chain(configured.map(str::to_owned))
        .chain(folder.above.clone())
        .chain([id.clone(), folder.name.clone()])
        .filter(|name| !name.trim().is_empty());
    Recording {
        names: names.collect(),
        id,
        label: folder.name.clone(),
        unfinished: None,
        mixture: config_mixture::find(config),
        values: Values::new(),
    }
}

fn read_log(folder: &RunFolder, log: &Path) -> Read {
    let date = date_of(folder);
    let file = match run_file::read(log) {
        Ok(file) => file,
        Err(what) => {
            let mut recording = recording(folder, None, &Map::new());
            let name = log.file_name().unwrap_or_default().to_string_lossy();
            recording.unfinished = Some((format!("{name}: {what}"), Cure::Unknown));
            return Read {
                begun: (date, 0),
                recording,
                known: summary::Known::default(),
            };
        }
    };
    let mut recording = recording(folder, file.display_name.clone(), &file.config);
    if let Some(id) = &file.id {
        recording.id.clone_from(id);
        if !recording.names.contains(id) {
            recording.names.push(id.clone());
        }
    }
    recording.unfinished = unfinished(&file).map(|why| (why, Cure::Finish));
    let known = summary::values(&file, &mut recording.values);
    Read {
        begun: (date, file.begun),
        recording,
        known,
    }
}

/// Why a run does not count.
fn unfinished(file: &RunFile) -> Option<String> {
    let place = match file.end {
        Some(End::Cut(place)) => Some(format!("its file is cut within a record, at byte {place}")),
        Some(End::Damaged(place)) => Some(format!("its file is damaged from byte {place} on")),
        _ => None,
    };
    match (file.exit, place) {
        (Some(0), None) => None,
        (Some(0), Some(place)) => Some(place),
        (Some(code), _) => Some(format!("it failed (exit code {code})")),
        (None, place) => {
            let place = place.map_or_else(String::new, |place| format!("; {place}"));
            Some(format!("it did not finish: it runs, or was killed{place}"))
        }
    }
}

fn read_summary(folder: &RunFolder) -> Read {
    let files = folder.path.join("files");
    let config = config_mixture::file(&files.join("config.yaml")).unwrap_or_default();
    let mut recording = recording(folder, None, &config);
    let mut known = summary::Known::default();
    match metrics::text(&files.join("wandb-summary.json")) {
        Ok(text) => match metrics::json_value(&text) {
            Ok(Value::Object(summary)) => {
                let file = RunFile {
                    summary,
                    ..RunFile::default()
                };
                known = summary::values(&file, &mut recording.values);
            }
            _ => {
                recording.unfinished = Some((
                    "wandb-summary.json: not a JSON object".into(),
                    Cure::Unknown,
                ));
            }
        },
        Err(BadMetrics::Missing) => {
            let why = "it has no .wandb file and no wandb-summary.json, so it did not finish";
            recording.unfinished = Some((why.into(), Cure::Finish));
        }
        Err(BadMetrics::Wrong(what)) => {
            recording.unfinished = Some((format!("wandb-summary.json: {what}"), Cure::Unknown));
        }
    }
    Read {
        begun: (date_of(folder), 0),
        recording,
        known,
    }
}
