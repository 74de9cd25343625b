//! A recorder that keeps what it is told.

use std::collections::{BTreeMap, BTreeSet};

use olmix_ledger::{EngineJob, Process, RunId, Stage, Time};

use crate::engine::contract::RunRecorder;

/// Keeps what an engine records, in place of a ledger.
#[derive(Debug, Default)]
pub struct MemoryRecorder {
    /// Processes that were about to begin, in order.
    pub processes: Vec<(RunId, Stage)>,
    /// Where each run is with its engine: its ticket, and its job once that is named.
    pub engine_jobs: BTreeMap<RunId, EngineJob>,
    /// Runs that the engine has begun, in order.
    pub started: Vec<RunId>,
    /// Runs that the engine preempted, with why.
    pub requeued: Vec<(RunId, String)>,
    /// Runs whose evaluation followed as a job of its own.
    pub evaluations: Vec<(RunId, EngineJob)>,
    /// Lines for people.
    pub notices: Vec<String>,
    /// Runs that are not ours: the recorder says so when it is asked.
    pub not_ours: BTreeSet<RunId>,
}

impl MemoryRecorder {
    /// Whether the engine has begun a run, in whichever way it records that.
    #[must_use]
    pub fn has_begun(&self, run: RunId) -> bool {
        self.started.contains(&run) || self.processes.iter().any(|(known, _)| *known == run)
    }
}

impl RunRecorder for MemoryRecorder {
    fn process_started(&mut self, run: RunId, stage: Stage, _process: &Process) -> bool {
        let ours = !self.not_ours.contains(&run);
        if ours {
            self.processes.push((run, stage));
        }
        ours
    }

    fn tickets_issued(
        &mut self,
        engine: &str,
        gpus: u32,
        tickets: &[(RunId, String)],
    ) -> Vec<RunId> {
        let mut ours = Vec::new();
        for (run, ticket) in tickets {
            if self.not_ours.contains(run) {
                continue;
            }
            let job = EngineJob {
                engine: engine.to_owned(),
                ticket: ticket.clone(),
                job: None,
                gpus,
            };
            self.engine_jobs.insert(*run, job);
            ours.push(*run);
        }
        ours
    }

    fn jobs_named(&mut self, jobs: &[(RunId, String)]) {
        for (run, job) in jobs {
            if let Some(known) = self.engine_jobs.get_mut(run) {
                known.job = Some(job.clone());
            }
        }
    }

    fn started(&mut self, runs: &[(RunId, Time)]) {
        self.started.extend(runs.iter().map(|(run, _)| *run));
    }

    fn requeued(&mut self, run: RunId, _name: &str, cause: &str) {
        self.requeued.push((run, cause.to_owned()));
    }

    fn evaluation_follows(&mut self, run: RunId, evaluation: &EngineJob, _at: Time) {
        self.evaluations.push((run, evaluation.clone()));
    }

    fn notice(&mut self, line: String) {
        self.notices.push(line);
    }
}
