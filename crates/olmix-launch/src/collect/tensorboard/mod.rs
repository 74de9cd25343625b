//! Event files of `TensorBoard`: `RUN/events.out.tfevents.*`, or deeper in a run's folder.

mod events;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::events::EventFile;
use super::config_mixture;
use super::formats::entries::entries;
use super::recording::{self, Recording};
use super::run::{Cure, SourceRuns, Value, Values};
use super::short::is_short;
use crate::LaunchError;
use crate::collect::mixtures::Mixtures;

/// What names of event files have in them.
const MARK: &str = ".tfevents.";

/// How deep a run's folder is looked through.
const DEPTH: usize = 4;

/// An event file of a run.
#[derive(Debug)]
struct Found {
    run: String,
    /// The folders below the run's that its tags are told apart by: `train`, `eval`.
    within: String,
    path: PathBuf,
}

/// Whether a folder has event files.
pub(super) fn is_one(folder: &Path) -> bool {
    find(folder).is_ok_and(|found| !found.is_empty())
}

/// The event files in a folder, in the order of their names, which begin with the time.
fn find(folder: &Path) -> Result<Vec<Found>, LaunchError> {
    let mut found = Vec::new();
    for (name, path) in entries(folder)? {
        if path.is_dir() && !name.starts_with('.') {
            look(&name, "", &path, DEPTH, &mut found)?;
        } else if name.contains(MARK) {
            let run = super::folder::name_of(folder);
            let within = String::new();
            found.push(Found { run, within, path });
        }
    }
    found.sort_by(|a, b| {
        let name = |found: &Found| found.path.file_name().map(std::ffi::OsStr::to_owned);
        (&a.run, name(a), &a.path).cmp(&(&b.run, name(b), &b.path))
    });
    Ok(found)
}

fn look(
    run: &str,
    within: &str,
    folder: &Path,
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<(), LaunchError> {
    for (name, path) in entries(folder)? {
        if path.is_dir() && !name.starts_with('.') && depth > 0 {
            let within = if is_one_of_many(&name) {
                within.to_owned()
            } else {
                crate::run::metrics::joined(within, &name)
            };
            look(run, &within, &path, depth - 1, found)?;
        } else if name.contains(MARK) {
            let (run, within) = (run.to_owned(), within.to_owned());
            found.push(Found { run, within, path });
        }
    }
    Ok(())
}

/// Whether a folder is one of those that are made anew with every start: `1795801260.83` (hyperparameters),
/// `Nov27_17-41-00_node12` and the `runs` above it (PyTorch and Transformers), `version_3` (Lightning).
fn is_one_of_many(name: &str) -> bool {
    let version = name.strip_prefix("version_");
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let pattern = "Aaa00_00-00-00";
    let dated = name.len() >= pattern.len()
        && name
            .chars()
            .zip(pattern.chars())
            .all(|(c, like)| match like {
                '0' => c.is_ascii_digit(),
                'A' => c.is_ascii_uppercase(),
                'a' => c.is_ascii_lowercase(),
                like => c == like,
            });
    name == "runs"
        || dated
        || version.is_some_and(digits)
        || name.parse::<f64>().is_ok_and(f64::is_finite)
}

pub(super) fn read(folder: &Path, given: Option<&Mixtures>) -> Result<SourceRuns, LaunchError> {
    let found = find(folder)?;
    let read: Vec<(Found, Result<EventFile, String>)> = found
        .into_par_iter()
        .map(|found| {
            let file = events::read(&found.path);
            (found, file)
        })
        .collect();
    let mut recordings: BTreeMap<String, Recording> = BTreeMap::new();
    let mut configs: BTreeMap<String, serde_json::Map<String, serde_json::Value>> = BTreeMap::new();
    for (found, file) in read {
        let recording = recordings
            .entry(found.run.clone())
            .or_insert_with(|| Recording {
                names: vec![found.run.clone()],
                id: found.run.clone(),
                label: found.run.clone(),
                unfinished: None,
                mixture: Ok(None),
                values: Values::new(),
            });
        let label = found
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match file {
            Ok(file) => {
                if let Some(what) = file.end {
                    recording.unfinished = Some((format!("{label}: {what}"), Cure::Finish));
                }
                for (tag, value) in file.values {
                    let name = crate::run::metrics::joined(&found.within, &tag);
                    add(&mut recording.values, name, value);
                }
                configs.entry(found.run).or_default().extend(file.config);
            }
            Err(what) => recording.unfinished = Some((format!("{label}: {what}"), Cure::Unknown)),
        }
    }
    for (run, config) in configs {
        if let Some(recording) = recordings.get_mut(&run) {
            recording.mixture = config_mixture::find(&config);
        }
    }
    let mut merged = recording::merge(recordings.into_values().collect(), given);
    merged.notices.push(
        "event files do not say whether a run finished: only runs that stopped short of the others are told".into(),
    );
    Ok(merged)
}

/// A later value replaces an earlier one, unless it was measured well before it in training.
fn add(values: &mut Values, name: String, value: Value) {
    let earlier = values.get(&name).and_then(|value| value.step);
    let shorter = earlier.zip(value.step);
    if !shorter.is_some_and(|(earlier, step)| is_short(step, earlier)) {
        values.insert(name, value);
    }
}
