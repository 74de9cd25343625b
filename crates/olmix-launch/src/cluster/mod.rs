//! Engines that have a queue of their own, such as the scheduler of a cluster.
//!
//! [`Remote`] is what they have in common: tickets, polling, runs that vanish, records of nodes. What is particular to one is a
//! [`Cluster`], a file each; `docs/engines.md` says how to add one.

mod kept;
mod probe;
mod ray;
mod remote;
mod slurm;
mod submission;

use std::path::{Path, PathBuf};
use std::time::Duration;

use olmix_io::{EngineConfig, EngineKind};

pub use kept::{scratch, storage};
pub use ray::Ray;
pub use remote::Remote;
pub use slurm::Slurm;
pub use submission::{Site, preview};

use crate::LaunchError;

/// What a scheduler is asked for.
pub trait Cluster {
    /// Which engine it is.
    fn kind(&self) -> EngineKind;

    /// Whether this machine has what it takes to ask.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what is missing.
    fn check(&self) -> Result<(), LaunchError> {
        Ok(())
    }

    /// Most tasks of one submission.
    ///
    /// # Errors
    /// [`ClusterError`] as for every question.
    fn most_tasks(&mut self) -> Result<usize, ClusterError>;

    /// What would be submitted, for people: the script, and the command or request that hands it over. Nothing is done.
    fn preview(&self, batch: &Batch<'_>) -> String;

    /// Submits all tasks, or none. Returns what the engine calls each.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when it would never do so, and nothing was submitted; [`ClusterError::Unreachable`] when it may
    /// have been.
    fn submit(&mut self, batch: &Batch<'_>) -> Result<Vec<String>, ClusterError>;

    /// All that the engine knows of this user's jobs, in one question.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no answer.
    fn look(&mut self) -> Result<Vec<Seen>, ClusterError>;

    /// What the engine's records say of jobs that [`Cluster::look`] does not tell of any more, in one question. Nothing,
    /// where it keeps none.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no answer.
    fn ask_after(&mut self, jobs: &[String]) -> Result<Vec<Seen>, ClusterError>;

    /// Ends jobs; those that have ended are passed over. `hard` without giving them time.
    ///
    /// # Errors
    /// [`ClusterError`] when they go on.
    fn cancel(&mut self, jobs: &[String], hard: bool) -> Result<(), ClusterError>;

    /// Whether a submission may wait for the end of another one.
    fn waits(&self) -> bool {
        false
    }

    /// How many more runs it takes when it has so many; `most` at once where that is limited. A scheduler with a queue of its
    /// own takes all.
    fn room(&self, _has: usize, _most: Option<u32>) -> usize {
        usize::MAX
    }

    /// What a job printed outside of its run's own log.
    fn printed(&mut self, _job: &str, _submission: &Path, _task: usize) -> Option<String> {
        None
    }
}

/// Tasks that are submitted together.
#[derive(Debug)]
pub struct Batch<'b> {
    /// Part of every ticket of it.
    pub token: &'b str,
    /// The swarm's name, for people.
    pub swarm: &'b str,
    /// The folder of what the launcher keeps of it, such as the script.
    pub folder: &'b Path,
    /// The file of orders, a line each; a URL where it is kept in a store.
    pub orders: &'b Path,
    /// This program on the nodes.
    pub program: &'b Path,
    /// How many tasks there are; the first is 1.
    pub tasks: usize,
    /// Most at once, where that is limited.
    pub at_once: Option<usize>,
    /// What each gets.
    pub settings: &'b EngineConfig,
    /// The working directory.
    pub workdir: &'b Path,
    /// The job that it begins after, however that ends.
    pub after: Option<&'b str>,
    /// Whether it is a probe: what it asks for is as little as possible.
    pub probe: bool,
}

impl Batch<'_> {
    /// The ticket of a task.
    #[must_use]
    pub fn ticket(&self, task: usize) -> String {
        format!("{}-{task}", self.token)
    }

    /// The file on a node for what a task prints outside of its run's log; `task` as the engine writes its number.
    #[must_use]
    pub fn printed(&self, task: &str) -> PathBuf {
        if self.settings.storage.is_some() {
            return Path::new("/tmp").join(format!("olmix-{}.{task}.log", self.token));
        }
        self.folder.join(format!("{task}.log"))
    }

    /// Shell lines that do the work of the task whose number is what `task` expands to: the set-up, then the work.
    #[must_use]
    pub fn lines(&self, task: &str) -> String {
        use crate::shell::quoted;
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut lines = String::new();
        for (name, value) in &self.settings.env {
            lines += &format!("export {name}={}\n", quoted(value));
        }
        if !self.settings.setup.is_empty() {
            lines += "set -e\n";
            for line in &self.settings.setup {
                lines += &format!("{line}\n");
            }
            lines += "set +e\n";
        }
        lines
            + &format!(
                "exec {} launch work --orders {} --task {task}\n",
                path(self.program),
                path(self.orders)
            )
    }
}

/// Jobs are called `olmix-SWARM.TOKEN`, in whatever else the engine wants of a name.
const PREFIX: &str = "olmix-";

/// Most characters of a swarm's name in the name of a job.
const NAME: usize = 40;

fn job_name(batch: &Batch<'_>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    let swarm: String = batch.swarm.chars().map(plain).take(NAME).collect();
    format!("{PREFIX}{swarm}.{}", batch.token)
}

/// The submission that a job's name tells of, if it is one of ours.
fn token_of(name: &str) -> Option<String> {
    let (_, token) = name.strip_prefix(PREFIX)?.rsplit_once('.')?;
    Some(token.to_owned())
}

/// What an engine says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The submission that it belongs to.
    pub token: String,
    /// Its task there; `None` for all tasks that are not told of one by one.
    pub task: Option<usize>,
    /// What the engine calls it.
    pub job: String,
    /// What it is at.
    pub state: SeenState,
    /// What the engine says about that.
    pub note: String,
    /// How long it has worked.
    pub working: Option<Duration>,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenState {
    /// It waits for its place.
    Waits,
    /// It waits for something that will never be.
    Stuck,
    /// It is at work.
    Works,
    /// It has ended.
    Ended(How),
}

/// How a job ended, as far as the engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its process exited with 0.
    Well,
    /// Its process failed.
    Badly,
    /// Someone cancelled it.
    Cancelled,
    /// It made place for others.
    Preempted,
    /// Its node failed.
    NodeFailed,
    /// Its time was up.
    TimedOut,
    /// It took too much memory.
    OutOfMemory,
}

/// Why an engine did not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterError {
    /// It says no.
    Refused {
        /// In its own words.
        message: String,
        /// What to do.
        help: String,
    },
    /// It does not answer; it may have done it.
    Unreachable(String),
}

impl ClusterError {
    pub(crate) fn refused(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<LaunchError> for ClusterError {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::Refused { message, help } => Self::Refused { message, help },
            error => Self::refused(error.to_string(), "give an --out that you may write to"),
        }
    }
}

impl From<ClusterError> for LaunchError {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::Refused { message, help } => Self::Refused { message, help },
            ClusterError::Unreachable(message) => Self::refused(
                message,
                "try again when it answers; nothing of the swarm is lost",
            ),
        }
    }
}

/// A cluster's engine, with what it is set up to.
///
/// # Errors
/// [`LaunchError::Refused`] when what it needs on this machine is missing.
pub fn open(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    let cluster = of_kind(settings)?;
    cluster.check()?;
    if settings.evaluation.is_some() && !cluster.waits() {
        return Err(LaunchError::refused(
            format!(
                "{} has no jobs that begin after others, and engine.evaluation asks for that",
                settings.kind.word()
            ),
            "remove engine.evaluation: each run then measures itself at its end",
        ));
    }
    Ok(cluster)
}

/// As [`open`], to look at what would be submitted: from any machine.
///
/// # Errors
/// [`LaunchError::Refused`] for settings that name no cluster.
pub fn of_kind(settings: &EngineConfig) -> Result<Box<dyn Cluster>, LaunchError> {
    match settings.kind {
        EngineKind::Slurm => Ok(Box::new(Slurm::new())),
        EngineKind::Ray => Ok(Box::new(Ray::at(settings)?)),
        EngineKind::Local => Err(LaunchError::refused(
            "the local engine is no cluster",
            "give --engine slurm or ray",
        )),
    }
}

/// The folder of a submission among those of a swarm.
#[must_use]
pub fn submission_folder(out: &Path, token: &str) -> PathBuf {
    out.join(SUBMISSIONS).join(token)
}

/// The folder of submissions in a swarm's folder of runs.
pub const SUBMISSIONS: &str = "submissions";
