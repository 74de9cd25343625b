//! The launcher's loop, on a fake engine and a clock that the test sets: every change of a run's state.

mod faults;
mod interleavings;
mod runs;
mod stops;
mod takeover;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use olmix_ledger::{Ledger, RerunPolicy, Run, RunSelection, State, Swarm};

use super::{DEFAULT_RETRIES, Event, LaunchEnd, Launcher, Tools, Until, Watcher};
use crate::LaunchError;
use crate::engine::contract::Engine;
use crate::host::clock::Clock;
use crate::host::interrupt::StopRequest;
use crate::host::process;
use crate::swarm::{SwarmPaths, load_variants};
use crate::testing::{FakeClock, FakeEngine, FakeService};

const RERUN: RerunPolicy = RerunPolicy {
    retries: DEFAULT_RETRIES,
    all: false,
};

/// A swarm, an engine's service, and what happened.
struct Rig {
    folder: tempfile::TempDir,
    ledger: Ledger,
    swarm: Swarm,
    clock: Arc<FakeClock>,
    service: Arc<FakeService>,
    events: Vec<Event>,
}

fn name(run: usize) -> String {
    format!("run-{run}")
}

fn config(folder: &Path, run: usize, seed: usize) {
    let a = 0.25 + run as f64 / 64.0;
    let text = format!(
        "name: {}\ngroup_id: group\ntraining: {{seed: {seed}}}\ntrainer:\n  command: train {{out}}\nmix: \
         {{a: {a}, b: {}}}\n",
        name(run),
        1.0 - a
    );
    std::fs::write(folder.join(format!("launch/{run}.yaml")), text).unwrap();
}

impl Rig {
    /// Queued runs, numbered from 0.
    fn new(runs: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("launch")).unwrap();
        (0..runs).for_each(|run| config(folder.path(), run, run));
        let paths = SwarmPaths::new(&folder.path().join("launch"), None, None).unwrap();
        let variants = load_variants(&paths.variants).unwrap();
        let mut ledger = Ledger::open(&paths.ledger).unwrap();
        let (swarm, _) = paths.register(&mut ledger, &variants, RERUN).unwrap();
        let clock = FakeClock::shared();
        Self {
            service: FakeService::new(clock.clone()),
            folder,
            ledger,
            swarm,
            clock,
            events: Vec::new(),
        }
    }

    fn processes(&self, slots: usize) -> FakeEngine {
        FakeEngine::of_processes(&self.service, slots)
    }

    fn queue(&self) -> FakeEngine {
        FakeEngine::of_queue(&self.service)
    }

    /// Launches; `stop` is asked in each round, with the ledger and the number of the round.
    fn launch_with(
        &mut self,
        engine: &mut dyn Engine,
        until: Until,
        stop: impl FnMut(&Ledger, usize) -> StopRequest,
    ) -> Result<LaunchEnd, LaunchError> {
        // No two launches of a process begin in the same millisecond.
        self.clock.advance(Duration::from_millis(1));
        let mut watch = Watch {
            stop,
            round: 0,
            events: &mut self.events,
        };
        let mut launcher = Launcher {
            ledger: &mut self.ledger,
            swarm: &self.swarm,
            tools: Tools::here(1)?,
            retries: DEFAULT_RETRIES,
            until,
            clock: self.clock.clone(),
        };
        launcher.run(engine, &mut watch)
    }

    fn launch(&mut self, engine: &mut dyn Engine) -> LaunchEnd {
        let go_on = |_: &Ledger, _| StopRequest::None;
        self.launch_with(engine, Until::Complete, go_on).unwrap()
    }

    fn runs(&self) -> Vec<Run> {
        self.ledger.runs(self.swarm.id).unwrap()
    }

    fn states(&self) -> Vec<State> {
        self.runs().iter().map(|run| run.state).collect()
    }

    /// A launcher of this machine that died, on the ledger.
    fn register_dead_launcher(&self) {
        let mut process = process::this();
        process.started = format!("another-boot{}", process.started);
        let now = self.clock.now();
        self.ledger.register("dead", "fake", &process, now).unwrap();
    }

    fn cancel(&mut self, run: usize) {
        let names = [name(run)];
        let which = RunSelection::Named(&names);
        self.ledger.cancel(self.swarm.id, which, 0).unwrap();
    }
}

struct Watch<'w, S> {
    stop: S,
    round: usize,
    events: &'w mut Vec<Event>,
}

impl<S: FnMut(&Ledger, usize) -> StopRequest> Watcher for Watch<'_, S> {
    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn stop_request(&mut self, ledger: &Ledger) -> StopRequest {
        self.round += 1;
        assert!(
            self.round < 20_000,
            "the launch does not end: {:?}",
            self.events
        );
        (self.stop)(ledger, self.round)
    }
}
