//! A run as an engine gets it: commands, one after another, and where they leave their results.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use olmix_ledger::{PhaseMixture, Process, RunId, Stage};

use crate::host::process::MARK;
use crate::host::shell::quoted;

/// A command of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whether the command trains or measures.
    pub stage: Stage,
    /// The program, found as a shell finds it.
    pub program: String,
    /// The program's arguments, not quoted.
    pub arguments: Vec<String>,
    /// Variables of its environment, besides those of the launcher.
    pub environment: Vec<(String, String)>,
}

impl Step {
    /// The command as one would type it.
    #[must_use]
    pub fn command_line(&self) -> String {
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

/// A run as an engine gets it: its commands, and where they leave their results.
#[derive(Debug, Clone)]
pub struct Job {
    /// The number of the run in the ledger.
    pub run: RunId,
    /// The run's name, which is that of its folder, too.
    pub name: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The run's folder, as the launcher sees it.
    pub folder: PathBuf,
    /// Leaves and weights, for trainers that read them from `mixture.json`.
    pub mixture: Vec<(String, f64)>,
    /// Phases, where the run has some; `mixture.json` has these then.
    pub phases: Vec<PhaseMixture>,
    /// The commands, one after another; the first that fails ends the run.
    pub steps: Vec<Step>,
    /// How long the commands may take together.
    pub timeout: Option<Duration>,
    /// The file that the metrics will be in.
    pub metrics: PathBuf,
    /// The process of the attempt before, which may have survived its launcher.
    pub previous_process: Option<Process>,
    /// Whether what is in the folder is of another config.
    pub fresh: bool,
    /// Where the commands work instead, when nodes do not see `folder`; results are downloaded into it.
    pub remote: Option<RemoteFolder>,
}

/// A run's folder on a node that does not see that of the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFolder {
    /// The folder on the node.
    pub folder: PathBuf,
    /// The file on the node that the metrics will be in.
    pub metrics: PathBuf,
    /// Files that are written on the node before the first command, with their text.
    pub files: BTreeMap<PathBuf, String>,
}

impl Job {
    /// Variables that each process of the run has: the mark that its processes are known by.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![(MARK.to_owned(), self.folder.display().to_string())]
    }
}
