//! What is particular to one scheduler: the questions that a launcher asks it.
//!
//! **Ownership.** All jobs carry the token of their submission in their names, and are submitted by this
//! user. A [`Cluster`] never touches a job that is not ours, and keeps no state between calls but what it may
//! ask again.
//!
//! **Consistency.** [`Cluster::submit`] submits all tasks or none. When the scheduler does not answer, a call
//! returns [`ClusterError::Unreachable`], and what was asked may have been done: the caller finds out by
//! [`Cluster::list_jobs`]. What a scheduler refuses for good is [`ClusterError::Refused`], and has no effect.
//!
//! **Persistence.** None. A scheduler may forget jobs that ended; [`Cluster::job_history`] asks its records,
//! where it keeps any. How a run ended is known from the records of its node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use olmix_io::EngineConfig;

use crate::LaunchError;
use crate::host::shell::quoted;

/// A scheduler with a queue of its own.
pub trait Cluster {
    /// Its name, as in `--engine` and in the ledger.
    fn name(&self) -> &'static str;

    /// Whether this machine has what it takes to ask.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what is missing.
    fn check(&self) -> Result<(), LaunchError> {
        Ok(())
    }

    /// Whether the scheduler answers, asked before a launch makes anything; bounded in time.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] where it does not.
    fn check_answers(&self) -> Result<(), ClusterError> {
        Ok(())
    }

    /// Most tasks of one submission, at least 1.
    ///
    /// # Errors
    /// [`ClusterError`] as for every question.
    fn max_tasks(&mut self) -> Result<usize, ClusterError>;

    /// What would be submitted, for people: the script, and the command or request that hands it over.
    /// Nothing is done.
    fn preview(&self, batch: &Batch<'_>) -> String;

    /// Submits all tasks, or none. Returns what the engine calls each.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when it would never do so, and nothing was submitted;
    /// [`ClusterError::Unreachable`] when it may have been.
    fn submit(&mut self, batch: &Batch<'_>) -> Result<Vec<String>, ClusterError>;

    /// All that the engine knows of this user's jobs, in one question.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no answer.
    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError>;

    /// What the engine says, asked in another way, of jobs that [`Cluster::list_jobs`] does not list: its
    /// records of what ended, and the scheduler itself. A job that is left out is known to neither.
    ///
    /// # Errors
    /// [`ClusterError`] when there is no answer.
    fn job_history(&mut self, jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError>;

    /// Ends jobs; those that have ended are passed over. With `force` without giving them time.
    ///
    /// # Errors
    /// [`ClusterError`] when they go on.
    fn cancel(&mut self, jobs: &[String], force: bool) -> Result<(), ClusterError>;

    /// What people should know before the first submission, a line each.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a submission may wait for the end of another one.
    fn supports_dependencies(&self) -> bool {
        false
    }

    /// How many more runs it takes when it has `runs`, at most `limit` at once where the user says so. A
    /// scheduler with a queue of its own takes all.
    fn capacity(&self, _runs: usize, _limit: Option<u32>) -> usize {
        usize::MAX
    }

    /// The last line that a job printed outside of its run's own log.
    fn job_output(&mut self, _job: &str, _submission: &Path, _task: usize) -> Option<String> {
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
    /// The file of job specs, a line each; a URL where it is kept in a store.
    pub job_specs: &'b Path,
    /// This program on the nodes.
    pub program: &'b Path,
    /// How many tasks there are; the first is 1.
    pub tasks: usize,
    /// Most tasks at once, where that is limited.
    pub max_parallel: Option<usize>,
    /// What each task gets.
    pub settings: &'b EngineConfig,
    /// The working directory of the tasks, on the nodes.
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

    /// The file on a node for what a task prints outside of its run's log; `task` as the engine writes
    /// its number.
    #[must_use]
    pub fn output_file(&self, task: &str) -> PathBuf {
        if self.settings.storage.is_some() {
            return Path::new("/tmp").join(format!("olmix-{}.{task}.log", self.token));
        }
        self.folder.join(format!("{task}.log"))
    }

    /// Shell lines that do the work of the task whose number is what `task` expands to: the set-up, then
    /// the work.
    #[must_use]
    pub fn shell_lines(&self, task: &str) -> String {
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
                path(self.job_specs)
            )
    }
}

/// Jobs are called `olmix-SWARM.TOKEN`, in whatever else the engine wants of a name.
const JOB_PREFIX: &str = "olmix-";

/// Most characters of a swarm's name in the name of a job.
const MAX_SWARM_NAME: usize = 40;

/// The name of a batch's jobs.
#[must_use]
pub fn job_name(batch: &Batch<'_>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    let swarm: String = batch
        .swarm
        .chars()
        .map(plain)
        .take(MAX_SWARM_NAME)
        .collect();
    format!("{JOB_PREFIX}{swarm}.{}", batch.token)
}

/// The submission that a job's name tells of, if it is one of ours.
#[must_use]
pub fn token_of(name: &str) -> Option<String> {
    let (_, token) = name.strip_prefix(JOB_PREFIX)?.rsplit_once('.')?;
    Some(token.to_owned())
}

/// What a scheduler says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// The submission that it belongs to.
    pub token: String,
    /// Its task there, from 1; `None` for all tasks that are not listed one by one.
    pub task: Option<usize>,
    /// What the engine calls the job.
    pub job: String,
    /// What the job is at.
    pub state: JobState,
    /// Why, in the scheduler's words: the reason to wait, or how it ended.
    pub note: String,
    /// How long it has run; `None` where that is not known.
    pub elapsed: Option<Duration>,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits for resources.
    Pending,
    /// Someone holds it back, and it waits until it is let go.
    Held,
    /// It waits for something that will never be.
    Blocked,
    /// It runs on a node.
    Running,
    /// It has ended.
    Ended(ExitReason),
}

/// How a job ended, as far as the engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// Its process exited with 0.
    Success,
    /// Its process failed.
    Failure,
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
    /// No node has what it asks for, and none ever began it.
    NotPlaced,
}

/// Why a scheduler did not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterError {
    /// It refuses for good, and nothing was done.
    Refused {
        /// What it said.
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

/// The beginning of what a scheduler says, where the whole has been told.
pub(crate) fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}
