//! Several engines as one: new runs go to the engine of this launch, and those that another engine has had since an earlier
//! launch are followed there. So a swarm moves from one engine to another half-way.

use std::collections::HashMap;

use olmix_ledger::{Placed, RunId};

use crate::LaunchError;
use crate::engine::{Book, Ended, Engine};
use crate::job::Job;

/// A way to an engine by its name.
pub type Opener<'o> = Box<dyn Fn(&str) -> Result<Box<dyn Engine>, LaunchError> + 'o>;

/// The engine of this launch, and those of earlier ones.
pub struct Fleet<'o> {
    main: Box<dyn Engine>,
    others: Vec<Box<dyn Engine>>,
    /// Which of the others has a run.
    with: HashMap<RunId, usize>,
    open: Opener<'o>,
}

impl std::fmt::Debug for Fleet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("main", &self.main.name())
            .field("others", &self.others.len())
            .finish_non_exhaustive()
    }
}

impl<'o> Fleet<'o> {
    /// A fleet of one; `open` finds the way to others.
    #[must_use]
    pub fn new(main: Box<dyn Engine>, open: Opener<'o>) -> Self {
        Self {
            main,
            others: Vec::new(),
            with: HashMap::new(),
            open,
        }
    }

    fn ended(&mut self, ended: &[Ended]) {
        for ended in ended {
            self.with.remove(&ended.job.run);
        }
    }
}

impl Engine for Fleet<'_> {
    fn name(&self) -> &'static str {
        self.main.name()
    }

    fn outlives(&self) -> bool {
        self.main.outlives()
    }

    fn room(&self) -> usize {
        self.main.room()
    }

    fn running(&self) -> usize {
        let others = self.others.iter().map(|engine| engine.running());
        self.main.running() + others.sum::<usize>()
    }

    fn start(&mut self, job: Job) {
        self.main.start(job);
    }

    fn adopt(&mut self, job: Job, placed: &Placed, works: bool) -> Result<(), LaunchError> {
        if placed.engine == self.main.name() {
            return self.main.adopt(job, placed, works);
        }
        let run = job.run;
        let known = self
            .others
            .iter()
            .position(|engine| engine.name() == placed.engine);
        let place = if let Some(place) = known {
            place
        } else {
            self.others.push((self.open)(&placed.engine)?);
            self.others.len() - 1
        };
        self.others[place].adopt(job, placed, works)?;
        self.with.insert(run, place);
        Ok(())
    }

    fn stop(&mut self, run: RunId, hard: bool) {
        match self.with.get(&run) {
            Some(place) => self.others[*place].stop(run, hard),
            None => self.main.stop(run, hard),
        }
    }

    fn poll(&mut self, book: &mut dyn Book) -> Result<Vec<Ended>, LaunchError> {
        let mut ended = Vec::new();
        for other in &mut self.others {
            ended.extend(other.poll(book)?);
        }
        self.ended(&ended);
        ended.extend(self.main.poll(book)?);
        Ok(ended)
    }

    fn keeps(&self, run: RunId) -> bool {
        match self.with.get(&run) {
            Some(place) => self.others[*place].outlives(),
            None => self.main.outlives(),
        }
    }

    fn has_all(&self) -> bool {
        self.main.has_all()
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
