//! Where runs were recorded, by what `--swarm` names.

use std::path::{Path, PathBuf};

use super::formats::sqlite::{Database, is_database};
use super::{mlflow, swanlab, tabular, tensorboard, trackio, wandb};
use crate::LaunchError;
use crate::swarm::LEDGER;

/// Where runs were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The ledger of a swarm that `olmix launch` ran.
    Ledger(PathBuf),
    /// A table with a row per run: CSV, TSV, JSON Lines or Parquet.
    Table(PathBuf),
    /// A folder of metrics files.
    Folder(PathBuf),
    /// A folder of local run folders of Weights & Biases.
    Wandb(PathBuf),
    /// The address of an `MLflow` tracking server.
    MlflowServer(String),
    /// A database of `MLflow`.
    MlflowDatabase(PathBuf),
    /// A file store of `MLflow`.
    MlflowFiles(PathBuf),
    /// A folder of event files of `TensorBoard`.
    Tensorboard(PathBuf),
    /// A database of trackio.
    Trackio(PathBuf),
    /// A folder of local run folders of `SwanLab`.
    Swanlab(PathBuf),
}

/// Folders of trackers that are not read: their names, the trackers, and what makes their runs readable.
const UNSUPPORTED: [(&str, &str, &str); 3] = [
    (
        ".aim",
        "Aim",
        "in the folder that has .aim, write a RUN.json of every run, and give --swarm the folder `metrics`: yes | aim \
         storage reindex; mkdir metrics; python -c \"import aim, json; [json.dump({m.name: \
         m.data.items_list()[1][0][-1] for m in run.metrics() if m.name[:2] != '__'}, \
         open(f'metrics/{run.name}.json', 'w')) for run in aim.Repo('.').iter_runs()]\"",
    ),
    (
        ".neptune",
        "Neptune",
        "send the runs with `neptune sync`, export the table of runs as CSV, and give --swarm that file",
    ),
    (
        ".cometml-runs",
        "Comet",
        "send the runs with `comet upload .cometml-runs/*.zip`, export the table of experiments as CSV, and give \
         --swarm that file",
    ),
];

impl Source {
    /// What a text names: an address, a file, or one of the kinds of folders.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for what does not exist, for a tracker that is not read here, for a folder with the
    /// runs of several trackers, and for a database that can't be opened.
    pub fn of(text: &str) -> Result<Self, LaunchError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::MlflowServer(text.trim_end_matches('/').to_owned()));
        }
        let path = PathBuf::from(text);
        if path.is_file() {
            return Self::of_file(path);
        }
        if !path.is_dir() {
            return Err(LaunchError::refused(
                format!("{text}: there is no such file or folder"),
                "give --swarm a ledger.sqlite, a folder of runs, or the address of an MLflow server",
            ));
        }
        let ledger = path.join(LEDGER);
        if ledger.is_file() {
            return Ok(Self::Ledger(ledger));
        }
        let mut found = Self::in_folder(&path);
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(Self::described).collect();
            return Err(LaunchError::refused(
                format!("{text}: holds runs of several trackers"),
                format!("give --swarm one of: {}", names.join(", ")),
            ));
        }
        match found.pop() {
            Some(source) => Ok(source),
            None => Self::unrecognized(path),
        }
    }

    fn of_file(path: PathBuf) -> Result<Self, LaunchError> {
        if is_database(&path) {
            let database = Database::open(&path)?;
            if mlflow::is_database(&database) {
                return Ok(Self::MlflowDatabase(path));
            }
            if trackio::is_project(&database) {
                return Ok(Self::Trackio(path));
            }
        }
        Ok(if tabular::is_table(&path) {
            Self::Table(path)
        } else {
            Self::Ledger(path)
        })
    }

    /// All that a folder holds of trackers.
    fn in_folder(path: &Path) -> Vec<Self> {
        let mut found = Vec::new();
        let database = path.join("mlflow.db");
        if is_database(&database) {
            found.push(Self::MlflowDatabase(database));
        }
        found.extend(mlflow::file_store(path).map(Self::MlflowFiles));
        if wandb::is_one(path) {
            let inner = path.join("wandb");
            let path = if inner.is_dir() { inner } else { path.into() };
            found.push(Self::Wandb(path));
        }
        if swanlab::is_one(path) {
            let inner = path.join("swanlog");
            let path = if inner.is_dir() { inner } else { path.into() };
            found.push(Self::Swanlab(path));
        }
        found.extend(trackio::projects(path).into_iter().map(Self::Trackio));
        // Other trackers may keep event files in their runs' folders.
        if found.is_empty() && tensorboard::is_one(path) {
            found.push(Self::Tensorboard(path.into()));
        }
        found
    }

    /// A folder without a tracker's files: of metrics files, or of a tracker that is not read here.
    fn unrecognized(path: PathBuf) -> Result<Self, LaunchError> {
        let own = path.canonicalize().ok();
        let own = own.as_deref().and_then(Path::file_name);
        for (folder, tracker, help) in UNSUPPORTED {
            let is_own = own.is_some_and(|name| name == folder);
            if is_own || path.join(folder).is_dir() {
                return Err(LaunchError::refused(
                    format!(
                        "{}: holds runs of {tracker}, whose files olmix does not read",
                        path.display()
                    ),
                    help,
                ));
            }
        }
        Ok(Self::Folder(path))
    }

    /// The tracker and its place, for people.
    fn described(&self) -> String {
        let (tracker, path) = match self {
            Self::Ledger(path) => ("olmix", path),
            Self::Table(path) => ("a table", path),
            Self::Folder(path) => ("metrics files", path),
            Self::Wandb(path) => ("Weights & Biases", path),
            Self::MlflowServer(address) => return address.clone(),
            Self::MlflowDatabase(path) | Self::MlflowFiles(path) => ("MLflow", path),
            Self::Tensorboard(path) => ("TensorBoard", path),
            Self::Trackio(path) => ("trackio", path),
            Self::Swanlab(path) => ("SwanLab", path),
        };
        format!("{} ({tracker})", path.display())
    }

    /// Whether runs are kept in experiments, of which one may be asked for.
    pub(super) fn has_experiments(&self) -> bool {
        matches!(
            self,
            Self::MlflowServer(_) | Self::MlflowDatabase(_) | Self::MlflowFiles(_)
        )
    }
}
