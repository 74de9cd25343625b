//! What engines record, written into the ledger.

use olmix_ledger::{EngineJob, Ledger, LedgerError, Process, RunId, Stage, Time};

use super::events::Event;
use crate::engine::RunRecorder;

/// The recorder of a launcher. The first error of the ledger is kept, since engines are not told of it.
pub struct LedgerWriter<'w> {
    ledger: &'w mut Ledger,
    launcher: &'w str,
    now: Time,
    events: Vec<Event>,
    error: Option<LedgerError>,
}

impl<'w> LedgerWriter<'w> {
    /// Writes for the launcher with an id; what engines date by themselves apart, `now` is the time.
    pub fn new(ledger: &'w mut Ledger, launcher: &'w str, now: Time) -> Self {
        Self {
            ledger,
            launcher,
            now,
            events: Vec::new(),
            error: None,
        }
    }

    /// What there is to tell, and the first thing that could not be written.
    pub fn finish(self) -> (Vec<Event>, Option<LedgerError>) {
        (self.events, self.error)
    }

    fn checked<T: Default>(&mut self, done: Result<T, LedgerError>) -> T {
        done.unwrap_or_else(|error| {
            self.error.get_or_insert(error);
            T::default()
        })
    }
}

impl RunRecorder for LedgerWriter<'_> {
    fn process_started(&mut self, run: RunId, stage: Stage, process: &Process) -> bool {
        let done = self
            .ledger
            .record_process(run, self.launcher, stage, process);
        self.checked(done)
    }

    fn tickets_issued(
        &mut self,
        engine: &str,
        gpus: u32,
        tickets: &[(RunId, String)],
    ) -> Vec<RunId> {
        let done = self
            .ledger
            .record_tickets(self.launcher, engine, gpus, tickets);
        self.checked(done)
    }

    fn jobs_named(&mut self, jobs: &[(RunId, String)]) {
        if !jobs.is_empty() {
            let done = self.ledger.record_job_ids(self.launcher, jobs);
            self.checked(done);
        }
    }

    fn started(&mut self, runs: &[(RunId, Time)]) {
        if !runs.is_empty() {
            let done = self.ledger.record_started(self.launcher, runs);
            self.checked(done);
        }
    }

    fn requeued(&mut self, run: RunId, name: &str, cause: &str) {
        let done = self
            .ledger
            .record_requeued(run, self.launcher, cause, self.now);
        self.checked(done);
        let event = Event::Requeued(name.to_owned(), cause.to_owned());
        self.events.push(event);
    }

    fn evaluation_follows(&mut self, run: RunId, evaluation: &EngineJob, at: Time) {
        let done = self
            .ledger
            .record_evaluation_job(run, self.launcher, evaluation, at);
        self.checked(done);
    }

    fn notice(&mut self, line: String) {
        self.events.push(Event::Notice(line));
    }
}

/// The recorder of a launch that can't record any more: no run is ours, and nothing begins.
pub struct NoRecorder;

impl RunRecorder for NoRecorder {
    fn process_started(&mut self, _run: RunId, _stage: Stage, _process: &Process) -> bool {
        false
    }

    fn tickets_issued(
        &mut self,
        _engine: &str,
        _gpus: u32,
        _tickets: &[(RunId, String)],
    ) -> Vec<RunId> {
        Vec::new()
    }

    fn jobs_named(&mut self, _jobs: &[(RunId, String)]) {}

    fn started(&mut self, _runs: &[(RunId, Time)]) {}

    fn requeued(&mut self, _run: RunId, _name: &str, _cause: &str) {}

    fn evaluation_follows(&mut self, _run: RunId, _evaluation: &EngineJob, _at: Time) {}

    fn notice(&mut self, _line: String) {}
}
