//! A scheduler whose jobs do what a test says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use olmix_ledger::FailureKind;

use crate::LaunchError;
use crate::engine::cluster::{Batch, Cluster, ClusterError, ExitReason, JobState, JobStatus};
use crate::host::clock::now;
use crate::protocol::{
    EndRecord, JobSpec, Outcome, PROBE_ANSWER_FILE, ProbeAnswer, RecordStore, StartRecord,
    claim_file, end_file,
};

/// A scheduler in memory, with one node that this machine is. Clones are of the same scheduler.
///
/// Jobs wait until the test lets them run, by [`FakeCluster::set`] and [`FakeCluster::finish`]; one that is
/// [automatic](FakeCluster::automatic) runs them by the words of their last command, as a
/// [`FakeEngine`](super::FakeEngine) does.
#[derive(Debug, Clone, Default)]
pub struct FakeCluster(Arc<Mutex<State>>);

#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // switches that tests set one by one
struct State {
    jobs: Vec<FakeJob>,
    history: BTreeMap<String, ExitReason>,
    batches: Vec<(usize, Option<usize>)>,
    cancelled: Vec<(String, bool)>,
    lists: usize,
    unreachable: bool,
    accepts_silently: bool,
    refuses: bool,
    ignores_cancel: bool,
    refuses_cancel: bool,
    automatic: bool,
    slow: bool,
    overlaps: usize,
    max_tasks: Option<usize>,
}

/// A job as the scheduler has it.
#[derive(Debug, Clone)]
pub struct FakeJob {
    /// What the scheduler calls it.
    pub id: String,
    /// The token of its submission.
    pub token: String,
    /// Its task there, from 1.
    pub task: usize,
    /// What its node does.
    pub spec: JobSpec,
    /// What it is at.
    pub state: JobState,
    /// Why it is so, in words of the test.
    pub note: String,
    /// Whether the scheduler still lists it.
    pub listed: bool,
    /// Whether the scheduler knows it when it is asked in another way.
    pub known: bool,
}

impl FakeCluster {
    /// A scheduler without jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs jobs by itself from now on: a step of each at every listing.
    #[must_use]
    pub fn automatic(self) -> Self {
        self.state().automatic = true;
        self
    }

    /// Lets every job work for a few listings from now on, so that something may happen to it.
    #[must_use]
    pub fn slow(self) -> Self {
        self.state().slow = true;
        self
    }

    /// How often a run was seen to work twice at once.
    #[must_use]
    pub fn overlaps(&self) -> usize {
        self.state().overlaps
    }

    /// As [`FakeCluster::set`], where there is such a job that has not ended.
    pub fn try_set(&self, run: &str, job_state: JobState) {
        if let Some(job) = open(&mut self.state(), run) {
            job.state = job_state;
        }
    }

    /// As [`FakeCluster::hide`], where there is such a job that has not ended.
    pub fn try_hide(&self, run: &str) {
        if let Some(job) = open(&mut self.state(), run) {
            job.listed = false;
        }
    }

    /// As [`FakeCluster::forget`], where there is such a job that has not ended: its node is gone with it.
    pub fn try_forget(&self, run: &str, history: Option<ExitReason>) {
        let mut state = self.state();
        let found = open(&mut state, run).map(|job| {
            (job.listed, job.known) = (false, false);
            job.state = JobState::Ended(ExitReason::NodeFailed);
            job.id.clone()
        });
        state.history.extend(found.zip(history));
    }

    /// Its jobs, but for probes, in the order that they were submitted.
    #[must_use]
    pub fn jobs(&self) -> Vec<FakeJob> {
        let state = self.state();
        let runs = state.jobs.iter().filter(|job| !job.spec.ticket.is_empty());
        runs.cloned().collect()
    }

    /// The number of tasks and the limit at once of each submission, probes left out.
    #[must_use]
    pub fn batches(&self) -> Vec<(usize, Option<usize>)> {
        self.state().batches.clone()
    }

    /// Jobs that it was asked to end, and whether by force, in order.
    #[must_use]
    pub fn cancelled(&self) -> Vec<(String, bool)> {
        self.state().cancelled.clone()
    }

    /// How often it was asked for its jobs.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.state().lists
    }

    /// Whether it answers at all.
    pub fn set_reachable(&self, reachable: bool) {
        self.state().unreachable = !reachable;
    }

    /// Whether the answer to a submission is lost, after it was accepted.
    pub fn lose_answers(&self, lose: bool) {
        self.state().accepts_silently = lose;
    }

    /// Refuses every submission from now on.
    pub fn refuse(&self) {
        self.state().refuses = true;
    }

    /// Lets jobs go on that it is asked to end.
    pub fn ignore_cancel(&self) {
        self.state().ignores_cancel = true;
    }

    /// Takes at most so many tasks in a submission.
    pub fn limit_tasks(&self, max_tasks: usize) {
        self.state().max_tasks = Some(max_tasks);
    }

    /// Sets the state of a run's latest job.
    ///
    /// # Panics
    /// Without such a job.
    pub fn set(&self, run: &str, job_state: JobState, note: &str) {
        let mut state = self.state();
        let job = latest(&mut state, run);
        job.state = job_state;
        note.clone_into(&mut job.note);
    }

    /// Forgets a run's latest job; its records may say later how it ended, where `history` does.
    ///
    /// # Panics
    /// Without such a job.
    pub fn forget(&self, run: &str, history: Option<ExitReason>) {
        let mut state = self.state();
        let job = latest(&mut state, run);
        (job.listed, job.known) = (false, false);
        let id = job.id.clone();
        state.history.extend(history.map(|reason| (id, reason)));
    }

    /// Leaves a run's latest job out of what it lists, though it knows the job.
    ///
    /// # Panics
    /// Without such a job.
    pub fn hide(&self, run: &str) {
        latest(&mut self.state(), run).listed = false;
    }

    /// Refuses to end jobs, from now on or not any more.
    pub fn refuse_cancel(&self, refuses: bool) {
        self.state().refuses_cancel = refuses;
    }

    /// Lets the node of a run's first job that has not ended (or else of its latest) leave the record of
    /// its end, with metrics of what is done; the scheduler says that it ended so too.
    ///
    /// # Panics
    /// Without such a job, and where the run's folder can't be written.
    pub fn finish(&self, run: &str, outcome: &Outcome) {
        let mut state = self.state();
        let ended = |job: &FakeJob| matches!(job.state, JobState::Ended(_));
        let open = |job: &FakeJob| job.spec.run == run && !ended(job);
        let found = state.jobs.iter().position(open);
        let latest = || state.jobs.iter().rposition(|job| job.spec.run == run);
        let at = found.or_else(latest).unwrap();
        finish(&mut state.jobs[at], outcome);
    }
}

fn latest<'s>(state: &'s mut State, run: &str) -> &'s mut FakeJob {
    let mut jobs = state.jobs.iter_mut().rev();
    jobs.find(|job| job.spec.run == run).unwrap()
}

/// A run's latest job, where that has not ended.
fn open<'s>(state: &'s mut State, run: &str) -> Option<&'s mut FakeJob> {
    let mut jobs = state.jobs.iter_mut().rev();
    let job = jobs.find(|job| job.spec.run == run)?;
    (!matches!(job.state, JobState::Ended(_))).then_some(job)
}

fn finish(job: &mut FakeJob, outcome: &Outcome) {
    let done = *outcome == Outcome::Done;
    if done {
        let weight = job.spec.mixture.first().map_or(0.5, |(_, weight)| *weight);
        let metrics = format!(r#"{{"loss": {}}}"#, 1.0 + weight);
        fs::write(&job.spec.metrics, metrics).unwrap();
    }
    let (word, kind, cause) = match outcome {
        Outcome::Done => ("done", None, None),
        Outcome::Failed { kind, cause } => {
            ("failed", Some(kind.word().to_owned()), Some(cause.clone()))
        }
        Outcome::Stopped | Outcome::CancelledExternally(_) => ("stopped", None, None),
    };
    let record = EndRecord {
        ticket: job.spec.ticket.clone(),
        outcome: word.to_owned(),
        kind,
        cause,
        host: "node".into(),
        began: now(),
        ended: now(),
    };
    let records = RecordStore::Folder(job.spec.folder.clone());
    fs::create_dir_all(job.spec.folder.join("job")).unwrap();
    let text = serde_json::to_vec(&record).unwrap();
    records.put(&end_file(&job.spec.ticket), &text).unwrap();
    job.state = JobState::Ended(if done {
        ExitReason::Success
    } else {
        ExitReason::Failure
    });
}

/// A step of a job on its node: it begins if its ticket allows, or it ends by its last command.
fn advance(job: &mut FakeJob) {
    match job.state {
        JobState::Pending => {
            let records = RecordStore::Folder(job.spec.folder.clone());
            let start = StartRecord {
                ticket: job.spec.ticket.clone(),
                job: job.id.clone(),
                host: "node".into(),
                at: now(),
                restarts: 0,
            };
            let text = serde_json::to_vec(&start).unwrap();
            let ours = records
                .create(&claim_file(&job.spec.ticket), &text)
                .unwrap();
            job.state = if ours {
                JobState::Running
            } else {
                JobState::Ended(ExitReason::Success)
            };
        }
        JobState::Running => {
            let command = job.spec.steps.last().map(|step| step.command.clone());
            let command = command.unwrap_or_default();
            if command.contains("sleep") {
                return;
            }
            let failed = |kind| Outcome::Failed {
                kind,
                cause: "by its last command".into(),
            };
            let outcome = match command.split_once("exit ").map(|(_, code)| code.trim()) {
                None | Some("0") => Outcome::Done,
                Some("2") => failed(FailureKind::Configuration),
                Some("3") => failed(FailureKind::Diverged),
                Some(_) => failed(FailureKind::Exited),
            };
            finish(job, &outcome);
        }
        _ => {}
    }
}

impl State {
    fn answer(&self) -> Result<(), ClusterError> {
        if self.unreachable {
            return Err(ClusterError::Unreachable("the fake cluster is away".into()));
        }
        Ok(())
    }
}

impl Cluster for FakeCluster {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn check(&self) -> Result<(), LaunchError> {
        Ok(())
    }

    fn max_tasks(&mut self) -> Result<usize, ClusterError> {
        let state = self.state();
        state.answer()?;
        Ok(state.max_tasks.unwrap_or(1000))
    }

    fn supports_dependencies(&self) -> bool {
        true
    }

    fn preview(&self, batch: &Batch<'_>) -> String {
        format!("fake submit {}\n", batch.job_specs.display())
    }

    fn submit(&mut self, batch: &Batch<'_>) -> Result<Vec<String>, ClusterError> {
        let mut state = self.state();
        state.answer()?;
        if state.refuses && !batch.probe {
            return Err(ClusterError::refused(
                "the fake cluster refuses",
                "allow it",
            ));
        }
        if !batch.probe {
            state.batches.push((batch.tasks, batch.max_parallel));
        }
        let number = state.jobs.len() + 1;
        let text = fs::read_to_string(batch.job_specs).unwrap();
        let mut ids = Vec::new();
        for (line, task) in text.lines().zip(1..=batch.tasks) {
            let spec: JobSpec = serde_json::from_str(line).unwrap();
            if batch.probe {
                answer_probe(&spec.folder);
            }
            let id = format!("{number}_{task}");
            ids.push(id.clone());
            state.jobs.push(FakeJob {
                id,
                token: batch.token.to_owned(),
                task,
                spec,
                state: JobState::Pending,
                note: String::new(),
                listed: true,
                known: true,
            });
        }
        if state.accepts_silently && !batch.probe {
            return Err(ClusterError::Unreachable("the answer was lost".into()));
        }
        Ok(ids)
    }

    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError> {
        let mut state = self.state();
        state.answer()?;
        state.lists += 1;
        if state.automatic {
            // Those that are slow take a step in every fourth listing.
            let due = !state.slow || state.lists.is_multiple_of(4);
            let runs = state.jobs.iter_mut().filter(|_| due);
            runs.filter(|job| !job.spec.ticket.is_empty())
                .for_each(advance);
            let mut at_work: Vec<&str> = state
                .jobs
                .iter()
                .filter(|job| job.state == JobState::Running)
                .map(|job| job.spec.run.as_str())
                .collect();
            at_work.sort_unstable();
            let overlaps = at_work.windows(2).filter(|pair| pair[0] == pair[1]).count();
            state.overlaps += overlaps;
        }
        let listed = state.jobs.iter().filter(|job| job.listed);
        Ok(listed
            .map(|job| JobStatus {
                token: job.token.clone(),
                task: Some(job.task),
                job: job.id.clone(),
                state: job.state,
                note: job.note.clone(),
                elapsed: None,
            })
            .collect())
    }

    fn job_history(&mut self, jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError> {
        let state = self.state();
        state.answer()?;
        let known = jobs.iter().filter_map(|id| {
            let job = state.jobs.iter().find(|job| job.id == *id)?;
            let known = job.known.then_some(job.state);
            let told = state.history.get(id).map(|reason| JobState::Ended(*reason));
            Some(JobStatus {
                token: job.token.clone(),
                task: Some(job.task),
                job: id.clone(),
                state: known.or(told)?,
                note: String::new(),
                elapsed: None,
            })
        });
        Ok(known.collect())
    }

    fn cancel(&mut self, jobs: &[String], force: bool) -> Result<(), ClusterError> {
        let mut state = self.state();
        state.answer()?;
        if state.refuses_cancel {
            return Err(ClusterError::refused(
                "the fake cluster ends no job",
                "allow it",
            ));
        }
        let ignores = state.ignores_cancel && !force;
        for id in jobs {
            state.cancelled.push((id.clone(), force));
            let found = state.jobs.iter_mut().find(|job| job.id == *id);
            if let Some(job) = found.filter(|job| !matches!(job.state, JobState::Ended(_)))
                && !ignores
            {
                job.state = JobState::Ended(ExitReason::Cancelled);
            }
        }
        Ok(())
    }
}

/// Answers a probe as a node that sees the folder.
fn answer_probe(folder: &Path) {
    let answer = ProbeAnswer {
        host: "node".into(),
        olmix: env!("CARGO_PKG_VERSION").into(),
        at: now(),
    };
    let file: PathBuf = folder.join(PROBE_ANSWER_FILE);
    fs::write(file, serde_json::to_vec(&answer).unwrap()).unwrap();
}
