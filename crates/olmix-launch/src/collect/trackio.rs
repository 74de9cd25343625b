//! Projects of trackio: `PROJECT.db`, a database with a row for every logged step, and its metrics as JSON.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::config_mixture;
use super::formats::entries::entries;
use super::formats::sqlite::{Database, is_database};
use super::mixtures::Mixtures;
use super::recording::{self, Recording};
use super::run::{SourceRuns, Value, Values};
use super::short::is_short;
use crate::LaunchError;
use crate::run::metrics::{Metrics, json_value};

/// What is read of the tables.
const COLUMNS: [(&str, &[&str]); 2] = [
    (
        "metrics",
        &["id", "run_name", "step", "metrics", "timestamp"],
    ),
    ("configs", &["run_name", "config"]),
];

/// Whether a database is of trackio, of whatever version.
pub(super) fn is_project(database: &Database) -> bool {
    database.has(&["metrics", "configs"]) && database.has_column("metrics", "run_name")
}

/// The databases of projects in a folder. One that can't be opened is taken for one, so that it is told.
pub(super) fn projects(folder: &Path) -> Vec<PathBuf> {
    let found = entries(folder).unwrap_or_default().into_iter();
    let files = found.map(|(_, path)| path).filter(|path| {
        path.extension().is_some_and(|end| end == "db")
            && is_database(path)
            && Database::open(path).map_or(true, |database| is_project(&database))
    });
    files.collect()
}

/// A run, as far as its rows are read.
#[derive(Debug)]
struct Rows {
    name: String,
    begun: String,
    values: Values,
}

pub(super) fn read(path: &Path, given: Option<&Mixtures>) -> Result<SourceRuns, LaunchError> {
    let database = Database::open(path)?;
    let help = "export the project with the trackio that wrote it (`trackio` lists its commands), or use an olmix \
                that knows the version";
    database.require(&COLUMNS, "a database of trackio", help)?;
    // Runs have ids since version 0.20; before, a name was all.
    let id = |table: &str| {
        if database.has_column(table, "run_id") {
            "run_id"
        } else {
            "run_name"
        }
    };
    let mut configs: HashMap<String, Map<String, Json>> = HashMap::new();
    let query = format!("SELECT {}, config FROM configs", id("configs"));
    database.rows(&query, &[], |row| {
        if let Some(Json::Object(config)) = json(row.get_ref(1)?) {
            configs.insert(row.get(0)?, config);
        }
        Ok(())
    })?;
    let mut runs: HashMap<String, Rows> = HashMap::new();
    let query = format!(
        "SELECT {}, run_name, timestamp, step, metrics FROM metrics ORDER BY id",
        id("metrics")
    );
    database.rows(&query, &[], |row| {
        let id: String = row.get(0)?;
        let run = match runs.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Rows {
                name: row.get(1)?,
                begun: row.get(2)?,
                values: Values::new(),
            }),
        };
        let step: i64 = row.get(3)?;
        if let Some(Json::Object(logged)) = json(row.get_ref(4)?) {
            add(&mut run.values, &logged, step as f64);
        }
        Ok(())
    })?;
    let mut runs: Vec<(String, Rows)> = runs.into_iter().collect();
    runs.sort_by(|a, b| (&a.1.begun, &a.0).cmp(&(&b.1.begun, &b.0)));
    let recordings = runs.into_iter().map(|(id, run)| Recording {
        label: format!("run {id}"),
        mixture: configs.get(&id).map_or(Ok(None), config_mixture::find),
        names: vec![run.name, id.clone()],
        id,
        unfinished: None,
        values: run.values,
    });
    let mut found = recording::merge(recordings.collect(), given);
    found.notices.push(
        "trackio does not record whether a run finished: only runs that stopped short of the others are told".into(),
    );
    Ok(found)
}

/// A text or blob as JSON.
fn json(value: rusqlite::types::ValueRef<'_>) -> Option<Json> {
    let bytes = value.as_bytes().ok()?;
    json_value(std::str::from_utf8(bytes).ok()?).ok()
}

/// The metrics of a row. A later value replaces an earlier one, unless it was measured well before it in training.
fn add(values: &mut Values, logged: &Map<String, Json>, step: f64) {
    let mut metrics = Metrics::default();
    metrics.add("", logged);
    let not = metrics.not_finite.into_iter().chain(metrics.nulls);
    for (name, number) in not.map(|name| (name, f64::NAN)).chain(metrics.numbers) {
        let earlier = values.get(&name).and_then(|value| value.step);
        if earlier.is_none_or(|earlier| !is_short(step, earlier)) {
            let step = Some(step);
            values.insert(name, Value { number, step });
        }
    }
}
