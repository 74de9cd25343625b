//! Runs of `MLflow`, wherever it keeps them: behind a tracking server, in a database (`mlflow.db`), in a folder
//! (`mlruns/`).

mod database;
mod file_store;
mod run;
mod server;

use super::mixtures::Mixtures;
use super::recording::{self, Recording};
use super::run::SourceRuns;
use crate::LaunchError;

pub(super) use database::{is_one as is_database, read as read_database};
pub(super) use file_store::{folder as file_store, read as read_file_store};
pub(super) use server::read as read_server;

/// An experiment.
#[derive(Debug, Clone)]
struct Experiment {
    id: String,
    name: String,
}

/// The experiment asked for, or the only one beside the one that every store has.
fn choose(
    place: &str,
    known: &[Experiment],
    wanted: Option<&str>,
) -> Result<Experiment, LaunchError> {
    let mut candidates: Vec<&Experiment> = known
        .iter()
        .filter(|known| wanted.is_none_or(|wanted| known.name == wanted))
        .collect();
    if candidates.len() > 1 {
        candidates.retain(|known| known.name != "Default");
    }
    if let [only] = candidates.as_slice() {
        return Ok((*only).clone());
    }
    let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
    let message = match wanted {
        Some(wanted) => format!("{place}: there is no experiment `{wanted}`"),
        None => format!("{place}: which experiment?"),
    };
    Err(LaunchError::refused(
        message,
        format!("give --experiment one of: {}", names.join(", ")),
    ))
}

/// Runs from recordings with the times at which they were begun. An experiment that was not asked for is told.
fn runs_of(
    place: &str,
    experiment: &Experiment,
    wanted: Option<&str>,
    mut recordings: Vec<(i64, Recording)>,
    given: Option<&Mixtures>,
) -> Result<SourceRuns, LaunchError> {
    let name = &experiment.name;
    if recordings.is_empty() {
        return Err(LaunchError::refused(
            format!("{place}: the experiment `{name}` has no runs"),
            "give --experiment the name of another",
        ));
    }
    recordings.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let recordings = recordings.into_iter().map(|(_, recording)| recording);
    let mut found = recording::merge(recordings.collect(), given);
    if wanted.is_none() {
        found
            .notices
            .insert(0, format!("experiment `{name}` of {place}"));
    }
    Ok(found)
}
