//! The database of `MLflow` 2 and 3: `mlflow.db`.

use std::collections::HashMap;
use std::path::Path;

use super::run::Recorded;
use super::{Experiment, choose, runs_of};
use crate::LaunchError;
use crate::collect::formats::sqlite::Database;
use crate::collect::mixtures::Mixtures;
use crate::collect::run::SourceRuns;

/// What is read of the tables.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("experiments", &["experiment_id", "name", "lifecycle_stage"]),
    (
        "runs",
        &[
            "run_uuid",
            "name",
            "status",
            "start_time",
            "lifecycle_stage",
            "experiment_id",
        ],
    ),
    (
        "latest_metrics",
        &["key", "value", "step", "is_nan", "run_uuid"],
    ),
    ("params", &["key", "value", "run_uuid"]),
    ("tags", &["key", "value", "run_uuid"]),
];

/// Whether a database is of `MLflow`, of whatever version.
pub(in crate::collect) fn is_one(database: &Database) -> bool {
    database.has(&["experiments", "runs"])
}

pub(in crate::collect) fn read(
    path: &Path,
    wanted: Option<&str>,
    given: Option<&Mixtures>,
) -> Result<SourceRuns, LaunchError> {
    let database = Database::open(path)?;
    let help = format!(
        "start `mlflow server --backend-store-uri sqlite:///{}` with the MLflow that wrote it, and give --swarm its \
         address",
        path.display()
    );
    database.require(&COLUMNS, "a database of MLflow", &help)?;
    let place = path.display().to_string();
    let known = database.rows(
        "SELECT CAST(experiment_id AS TEXT), name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY \
         experiment_id",
        &[],
        |row| {
            Ok(Experiment {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        },
    )?;
    let experiment = choose(&place, &known, wanted)?;
    let mut runs: HashMap<String, (i64, Recorded)> = database
        .rows(
            "SELECT run_uuid, name, status, start_time FROM runs WHERE lifecycle_stage = 'active' AND \
             CAST(experiment_id AS TEXT) = ?1",
            &[&experiment.id],
            |row| {
                let id: String = row.get(0)?;
                let name: Option<String> = row.get(1)?;
                let status: Option<String> = row.get(2)?;
                let begun: Option<i64> = row.get(3)?;
                Ok((begun.unwrap_or(0), Recorded::new(id, name, status.as_deref())))
            },
        )?
        .into_iter()
        .map(|(begun, run)| (run.id.clone(), (begun, run)))
        .collect();
    let metrics = database.rows(
        "SELECT run_uuid, key, value, is_nan, step FROM latest_metrics",
        &[],
        |row| {
            let number: f64 = row.get(2)?;
            let number = if row.get(3)? { f64::NAN } else { number };
            let step: i64 = row.get(4)?;
            Ok((
                row.get::<_, String>(0)?,
                (row.get(1)?, number, Some(step as f64)),
            ))
        },
    )?;
    for (id, metric) in metrics {
        if let Some((_, run)) = runs.get_mut(&id) {
            run.metrics.push(metric);
        }
    }
    for table in ["params", "tags"] {
        let query = format!("SELECT run_uuid, key, value FROM {table}");
        let pairs = database.rows(&query, &[], |row| {
            let value: Option<String> = row.get(2)?;
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                value.unwrap_or_default(),
            ))
        })?;
        for (id, key, value) in pairs {
            if let Some((_, run)) = runs.get_mut(&id) {
                let list = if table == "params" {
                    &mut run.params
                } else {
                    &mut run.tags
                };
                list.push((key, value.into()));
            }
        }
    }
    let recordings = runs.into_values();
    let recordings = recordings.map(|(begun, run)| (begun, run.recording()));
    runs_of(&place, &experiment, wanted, recordings.collect(), given)
}
