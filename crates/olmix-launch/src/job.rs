//! A run as an engine gets it: commands, one after another, and where they leave their results.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use olmix_ledger::{Process, RunId, Stage};

use crate::log;
use crate::process::MARK;
use crate::shell::quoted;

/// A command of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is for.
    pub stage: Stage,
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables of its environment, besides those of the launcher.
    pub environment: Vec<(String, String)>,
}

impl Step {
    /// The command as one would type it.
    #[must_use]
    pub fn shown(&self) -> String {
        // A command that a shell gets is shown as it was written.
        if let (true, [flag, command]) = (self.program == "sh", self.arguments.as_slice())
            && flag == "-c"
        {
            return command.clone();
        }
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A run to be run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number in the ledger.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The folder of what it leaves.
    pub folder: PathBuf,
    /// Its mixture, for trainers that read it.
    pub mixture: Vec<(String, f64)>,
    /// The commands.
    pub steps: Vec<Step>,
    /// How long they may take together.
    pub timeout: Option<Duration>,
    /// The file that the metrics will be in.
    pub metrics: PathBuf,
    /// The process of the attempt before, which may have survived its launcher.
    pub previous: Option<Process>,
    /// Whether what is in the folder is of another config.
    pub fresh: bool,
    /// Where it is worked on, when that is another folder, from which results are brought into this one.
    pub away: Option<Away>,
}

/// A run's folder on a node that does not see that of the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// The folder there.
    pub folder: PathBuf,
    /// The file there that the metrics will be in.
    pub metrics: PathBuf,
    /// Files that the commands need there, with their text.
    pub files: BTreeMap<PathBuf, String>,
}

/// The file of a run's mixture in its folder.
pub const MIXTURE_FILE: &str = "mix.json";

impl Job {
    /// Variables that each of its processes has.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![(MARK.to_owned(), self.folder.display().to_string())]
    }

    /// Makes the folder as the first command expects it.
    ///
    /// # Errors
    /// What the operating system said, with the path.
    pub fn prepare(&self) -> Result<(), String> {
        prepare(&self.folder, self.fresh, &self.metrics, &self.mixture)
    }
}

/// Makes the folder of a run as its first command expects it. What an earlier attempt may have left as
/// metrics is removed: metrics are always of the attempt that succeeded.
///
/// # Errors
/// What the operating system said, with the path.
pub fn prepare(
    folder: &Path,
    fresh: bool,
    metrics: &Path,
    mixture: &[(String, f64)],
) -> Result<(), String> {
    let told = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    if fresh {
        // The log goes on, and what a job of a cluster has there is of this attempt.
        empty(folder, &[log::FILE, crate::work::FOLDER]).map_err(|error| told(folder, &error))?;
    }
    match fs::remove_file(metrics) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(told(metrics, &error));
        }
        _ => {}
    }
    let pair = |(leaf, weight): &(String, f64)| (leaf.clone(), (*weight).into());
    let mixture: serde_json::Map<String, serde_json::Value> = mixture.iter().map(pair).collect();
    let text = serde_json::to_string_pretty(&mixture).map_err(|error| error.to_string())?;
    olmix_fs::write_whole(&folder.join(MIXTURE_FILE), (text + "\n").as_bytes())
        .map_err(|error| error.to_string())
}

/// Removes what is in a folder, but for some names.
pub(crate) fn empty(folder: &Path, kept: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if kept.iter().any(|kept| entry.file_name() == *kept) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
