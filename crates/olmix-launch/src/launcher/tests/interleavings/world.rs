//! Launchers, jobs and processes beside the ledger, and what can happen next.

use std::collections::BTreeMap;

pub const RUNS: i64 = 3;

/// What has the runs: the queue of a scheduler, or processes of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Queue,
    Processes,
}

/// How far a launcher is with a run that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Claimed,
    /// Its job or process is on the ledger, and does not exist yet, or waits behind its gate.
    Recorded(u8),
    /// Its job or process is there.
    Followed(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    Waits,
    Works,
    Done,
    Gone,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Launcher {
    /// Whether its process lives.
    pub lives: bool,
    /// How many launchers were in its place.
    pub generation: u8,
    pub held: BTreeMap<i64, Phase>,
}

/// All but the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub kind: Kind,
    pub launchers: [Launcher; 2],
    /// By run and number of the attempt: jobs with their tickets, or processes.
    pub work: BTreeMap<(i64, u8), Work>,
    /// Tickets that no job begins with any more.
    pub revoked: Vec<(i64, u8)>,
    /// How much more may go wrong.
    pub crashes: u8,
    pub stalls: u8,
    pub losses: u8,
}

#[derive(Debug, Clone, Copy)]
pub enum Step {
    Start(usize),
    Recover(usize),
    /// The other launcher is taken for dead, and lives.
    TakeForDead(usize),
    Heartbeat(usize),
    Adopt(usize),
    Claim(usize),
    /// The next thing to be done for a run.
    Proceed(usize, i64),
    /// Looks which runs it holds still.
    LookAtHeld(usize),
    /// An error of the ledger ends it.
    EndByError(usize),
    Crash(usize),
    Begin(i64, u8),
    Finish(i64, u8),
    Lose(i64, u8),
}

impl World {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            launchers: Default::default(),
            work: BTreeMap::new(),
            revoked: Vec::new(),
            crashes: 1,
            stalls: 1,
            losses: 1,
        }
    }

    pub fn next_number(&self, run: i64) -> u8 {
        let used = self
            .work
            .keys()
            .chain(&self.revoked)
            .filter(|(of, _)| *of == run);
        let held = self
            .launchers
            .iter()
            .filter_map(|l| match l.held.get(&run) {
                Some(Phase::Recorded(n) | Phase::Followed(n)) => Some(*n),
                _ => None,
            });
        used.map(|(_, n)| *n).chain(held).max().unwrap_or(0) + 1
    }

    pub fn end_processes(&mut self, run: i64) {
        self.work
            .retain(|(of, _), work| *of != run || *work == Work::Done);
    }

    /// Ends what a launcher has begun for a run that it does not hold any more. A queue's job goes on: it is
    /// another launcher's.
    pub fn end_own(&mut self, run: i64, phase: Phase) {
        if let (Kind::Processes, Phase::Recorded(n) | Phase::Followed(n)) = (self.kind, phase) {
            self.work.remove(&(run, n));
        }
    }

    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (l, launcher) in self.launchers.iter().enumerate() {
            if !launcher.lives {
                if launcher.generation < 3 {
                    steps.push(Step::Start(l));
                }
                continue;
            }
            let all = [
                Step::Recover(l),
                Step::Heartbeat(l),
                Step::Adopt(l),
                Step::Claim(l),
                Step::LookAtHeld(l),
            ];
            steps.extend(all);
            steps.extend(launcher.held.keys().map(|run| Step::Proceed(l, *run)));
            if self.stalls > 0 {
                steps.push(Step::TakeForDead(l));
            }
            if self.crashes > 0 {
                steps.extend([Step::EndByError(l), Step::Crash(l)]);
            }
        }
        for ((run, n), work) in &self.work {
            match work {
                Work::Waits if self.kind == Kind::Queue => steps.push(Step::Begin(*run, *n)),
                Work::Works => steps.push(Step::Finish(*run, *n)),
                _ => {}
            }
            if self.losses > 0 && matches!(work, Work::Waits | Work::Works) {
                steps.push(Step::Lose(*run, *n));
            }
        }
        steps
    }

    /// Runs that are at work twice at once.
    pub fn twice(&self) -> bool {
        let at_work = |run: i64| {
            let work = self.work.iter();
            work.filter(|((of, _), work)| *of == run && **work == Work::Works)
                .count()
        };
        (1..=RUNS).any(|run| at_work(run) > 1)
    }
}
