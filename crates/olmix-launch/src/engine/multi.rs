//! Several engines as one: new runs go to the engine of this launch, and those that another engine has had
//! since an earlier launch are followed there. So a swarm moves from one engine to another half-way.

use std::collections::HashMap;

use olmix_ledger::{EngineJob, RunId};

use super::contract::{Ended, Engine, RunRecorder};
use crate::LaunchError;
use crate::protocol::Job;

/// Opens an engine by its name, as the ledger has it.
pub type OpenEngine<'o> = Box<dyn Fn(&str) -> Result<Box<dyn Engine>, LaunchError> + 'o>;

/// The engine of this launch, and those of earlier ones.
pub struct MultiEngine<'o> {
    main: Box<dyn Engine>,
    others: Vec<Box<dyn Engine>>,
    /// Which of the others has a run.
    others_runs: HashMap<RunId, usize>,
    open: OpenEngine<'o>,
}

impl std::fmt::Debug for MultiEngine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MultiEngine")
            .field("main", &self.main.name())
            .field("others", &self.others.len())
            .finish_non_exhaustive()
    }
}

impl<'o> MultiEngine<'o> {
    /// The engine of this launch; `open` opens others as runs turn out to be with them.
    #[must_use]
    pub fn new(main: Box<dyn Engine>, open: OpenEngine<'o>) -> Self {
        Self {
            main,
            others: Vec::new(),
            others_runs: HashMap::new(),
            open,
        }
    }

    fn forget_ended(&mut self, ended: &[Ended]) {
        for ended in ended {
            self.others_runs.remove(&ended.job.run);
        }
    }
}

impl Engine for MultiEngine<'_> {
    fn name(&self) -> &'static str {
        self.main.name()
    }

    fn survives_launcher(&self) -> bool {
        self.main.survives_launcher()
    }

    fn capacity(&self) -> usize {
        self.main.capacity()
    }

    fn start(&mut self, job: Job) {
        self.main.start(job);
    }

    fn adopt(&mut self, job: Job, engine_job: &EngineJob, begun: bool) -> Result<(), LaunchError> {
        if engine_job.engine == self.main.name() {
            return self.main.adopt(job, engine_job, begun);
        }
        let run = job.run;
        let known = self
            .others
            .iter()
            .position(|engine| engine.name() == engine_job.engine);
        let place = if let Some(place) = known {
            place
        } else {
            self.others.push((self.open)(&engine_job.engine)?);
            self.others.len() - 1
        };
        self.others[place].adopt(job, engine_job, begun)?;
        self.others_runs.insert(run, place);
        Ok(())
    }

    fn stop(&mut self, run: RunId, force: bool) {
        match self.others_runs.get(&run) {
            Some(place) => self.others[*place].stop(run, force),
            None => self.main.stop(run, force),
        }
    }

    fn forget(&mut self, run: RunId) {
        match self.others_runs.remove(&run) {
            Some(place) => self.others[place].forget(run),
            None => self.main.forget(run),
        }
    }

    fn poll(&mut self, recorder: &mut dyn RunRecorder) -> Result<Vec<Ended>, LaunchError> {
        let mut ended = Vec::new();
        for other in &mut self.others {
            ended.extend(other.poll(recorder)?);
        }
        self.forget_ended(&ended);
        ended.extend(self.main.poll(recorder)?);
        Ok(ended)
    }

    fn run_survives(&self, run: RunId) -> bool {
        match self.others_runs.get(&run) {
            Some(place) => self.others[*place].survives_launcher(),
            None => self.main.survives_launcher(),
        }
    }

    fn all_submitted(&self) -> bool {
        self.main.all_submitted()
    }

    fn is_undecided(&self) -> bool {
        self.main.is_undecided() || self.others.iter().any(|engine| engine.is_undecided())
    }

    fn withdraw(&mut self) -> Vec<Ended> {
        let mut ended: Vec<Ended> = self
            .others
            .iter_mut()
            .flat_map(|engine| engine.withdraw())
            .collect();
        ended.extend(self.main.withdraw());
        ended
    }
}
