//! Local run folders of `SwanLab`: `swanlog/run-DATE_TIME-ID/run-ID.swanlab`, a log as that of Weights & Biases, with
//! messages of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::config_mixture;
use super::formats::End;
use super::formats::entries::entries;
use super::formats::log_file::{Records, Writer};
use super::formats::wire::{Field, Fields};
use super::mixtures::Mixtures;
use super::recording::{self, Recording};
use super::run::{Cure, SourceRuns, Value, Values};
use crate::LaunchError;

/// `:SWL`, then 0xE1D6 with the lower byte first.
const WRITER: Writer = Writer {
    name: "SwanLab",
    beginning: [b':', b'S', b'W', b'L', 0xd6, 0xe1],
    version: 2,
};

/// Whether a run's folder is one of these.
pub(super) fn is_run(folder: &Path) -> bool {
    log_of(folder).is_some() || folder.join("files/swanlab-metadata.json").is_file()
}

/// Whether a folder is one of these, or has one.
pub(super) fn is_one(folder: &Path) -> bool {
    run_folders(folder).is_ok_and(|found| !found.is_empty())
}

fn log_of(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    let mut logs: Vec<PathBuf> = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "swanlab"))
        .collect();
    logs.sort();
    logs.into_iter().next()
}

/// The run folders in a folder or in its `swanlog`, the earliest first.
fn run_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, LaunchError> {
    let inner = folder.join("swanlog");
    let folder = if inner.is_dir() { &inner } else { folder };
    let mut found = entries(folder)?;
    found.retain(|(name, path)| name.starts_with("run-") && is_run(path));
    Ok(found)
}

pub(super) fn read(folder: &Path, given: Option<&Mixtures>) -> Result<SourceRuns, LaunchError> {
    let folders = run_folders(folder)?;
    let mut read: Vec<(String, i128, Recording)> = folders
        .par_iter()
        .map(|(name, path)| {
            let (begun, recording) = read_one(name, path);
            let date = name.trim_start_matches("run-");
            (
                date.split('-').next().unwrap_or(date).to_owned(),
                begun,
                recording,
            )
        })
        .collect();
    read.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let recordings = read.into_iter().map(|(.., recording)| recording);
    Ok(recording::merge(recordings.collect(), given))
}

/// When a run was begun, and its recording.
fn read_one(name: &str, folder: &Path) -> (i128, Recording) {
    let config = config_mixture::file(&folder.join("files/config.yaml")).unwrap_or_default();
    let mut recording = Recording {
        names: vec![name.to_owned()],
        id: name.to_owned(),
        label: name.to_owned(),
        unfinished: None,
        mixture: config_mixture::find(&config),
        values: Values::new(),
    };
    let Some(log) = log_of(folder) else {
        let why =
            "it has no .swanlab file, which every mode but `disabled` writes since version 0.8";
        recording.unfinished = Some((why.into(), Cure::Unknown));
        return (0, recording);
    };
    match Log::read(&log) {
        Ok(log) => {
            recording.unfinished = log.unfinished().map(|why| (why, Cure::Finish));
            if let Some(id) = log.id {
                recording.names.insert(0, id.clone());
                recording.id = id;
            }
            recording.names.splice(0..0, log.name);
            recording.values = log.values.into_iter().collect();
            (log.begun, recording)
        }
        Err(what) => {
            let file = log.file_name().unwrap_or_default().to_string_lossy();
            recording.unfinished = Some((format!("{file}: {what}"), Cure::Unknown));
            (0, recording)
        }
    }
}

/// The content of a run's log.
#[derive(Debug, Default)]
struct Log {
    id: Option<String>,
    name: Option<String>,
    /// Nanoseconds since 1970.
    begun: i128,
    values: HashMap<String, Value>,
    /// 1 finished, 2 crashed, 3 aborted.
    state: Option<i64>,
    end: Option<End>,
}

impl Log {
    fn read(path: &Path) -> Result<Self, String> {
        let mut records = Records::open(path, WRITER)?;
        let mut log = Self::default();
        loop {
            match records.next() {
                Ok(Some(record)) => log.take(record),
                Ok(None) => {
                    log.end = Some(records.end());
                    return Ok(log);
                }
                Err(error) => return Err(format!("can't be read: {error}")),
            }
        }
    }

    fn take(&mut self, record: &[u8]) {
        for (number, field) in Fields::of(record) {
            let message = field.bytes();
            match number {
                10 => self.take_start(message),
                11 => {
                    let state = Fields::of(message).find(|(number, _)| *number == 1);
                    self.state = Some(state.map_or(0, |(_, state)| state.whole()));
                }
                13 => self.take_scalar(message),
                _ => {}
            }
        }
    }

    fn take_start(&mut self, message: &[u8]) {
        let named = |field: Field<'_>| Some(field.text()).filter(|text| !text.is_empty());
        for (number, field) in Fields::of(message) {
            match number {
                4 => self.name = named(field),
                10 => self.id = named(field),
                12 => self.begun = field.timestamp(),
                _ => {}
            }
        }
    }

    fn take_scalar(&mut self, message: &[u8]) {
        let (mut key, mut step, mut number) = (String::new(), 0.0, 0.0);
        for (place, field) in Fields::of(message) {
            match place {
                1 => key = field.text(),
                2 => step = field.whole() as f64,
                5 => {
                    let value = Fields::of(field.bytes()).find(|(place, _)| *place == 1);
                    if let Some((_, Field::Fixed64(bits))) = value {
                        number = f64::from_bits(bits);
                    }
                }
                _ => {}
            }
        }
        // Measurements of the machine.
        if !key.starts_with("__swanlab__") {
            let step = Some(step);
            self.values.insert(key, Value { number, step });
        }
    }

    fn unfinished(&self) -> Option<String> {
        let place = match self.end {
            Some(End::Cut(place)) => {
                Some(format!("its file is cut within a record, at byte {place}"))
            }
            Some(End::Damaged(place)) => Some(format!("its file is damaged from byte {place} on")),
            _ => None,
        };
        match (self.state, place) {
            (Some(1), place) => place,
            (Some(2), _) => Some("it crashed".into()),
            (Some(3), _) => Some("it was aborted".into()),
            (Some(_) | None, place) => {
                let place = place.map_or_else(String::new, |place| format!("; {place}"));
                Some(format!("it did not finish: it runs, or was killed{place}"))
            }
        }
    }
}
