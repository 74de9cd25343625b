//! The launcher's loop, on a fake engine and a clock that the test sets: every change of a run's state.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use olmix_ledger::{FailureKind, Ledger, Process, RerunPolicy, Run, RunSelection, State, Swarm};

use super::{DEFAULT_RETRIES, Event, LaunchEnd, Launcher, Tools, Until, Watcher};
use crate::LaunchError;
use crate::engine::MultiEngine;
use crate::engine::contract::Engine;
use crate::host::clock::Clock;
use crate::host::interrupt::StopRequest;
use crate::host::process;
use crate::protocol::Outcome;
use crate::swarm::{SwarmPaths, load_variants};
use crate::testing::{Attempt, FakeClock, FakeEngine, FakeService};

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
    let text = format!(
        "name: {}\ngroup_id: group\ntraining: {{seed: {seed}}}\ntrainer:\n  command: train {{out}}\nmix: {{a: 0.25, b: 0.75}}\n",
        name(run)
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

#[test]
fn a_launch_finishes_every_queued_run_with_no_more_at_once_than_the_engine_takes() {
    let mut rig = Rig::new(5);
    let mut engine = rig.processes(2);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert_eq!(rig.service.most_at_once(), 2);
    for run in rig.runs() {
        assert_eq!((run.state, run.attempt), (State::Finished, 1));
        assert_eq!(run.metrics, Some(vec![("loss".into(), 1.5)]));
        assert_eq!(run.seconds, 1.0);
    }
    let finished = rig.events.iter();
    let finished = finished.filter(|event| matches!(event, Event::Finished(_)));
    assert_eq!(finished.count(), 5);
    assert!(
        rig.ledger.launchers().unwrap().is_empty(),
        "it is unregistered"
    );
}

#[test]
fn a_swarm_without_queued_runs_is_complete_at_once() {
    let mut rig = Rig::new(1);
    let mut engine = rig.processes(1);
    rig.launch(&mut engine);
    let before = rig.runs();
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert_eq!(rig.runs(), before);
}

#[test]
fn how_often_a_run_is_tried_again_depends_on_the_kind_of_its_failure() {
    for &kind in FailureKind::ALL {
        let mut rig = Rig::new(1);
        rig.service.script("run-0", [Attempt::fails(kind)]);
        let mut engine = rig.processes(1);
        rig.launch(&mut engine);
        let run = rig.runs().remove(0);
        // By chance: as often as `retries` says; taken away or lost: twenty times; by its own fault: never.
        let attempts = match kind {
            FailureKind::Killed | FailureKind::Exited => 1 + DEFAULT_RETRIES,
            FailureKind::Preempted | FailureKind::Lost => 21,
            _ => 1,
        };
        assert_eq!((run.state, run.failure), (State::Failed, Some(kind)));
        assert_eq!(run.attempt, attempts, "{kind}");
        assert_eq!(run.failures + run.losses, attempts, "{kind}");
        let again = rig.events.iter();
        let again = again.filter(|event| matches!(event, Event::Failed(_, true, _)));
        assert_eq!(again.count(), attempts as usize - 1, "{kind}");
    }
}

#[test]
fn a_run_that_fails_once_by_chance_finishes_with_its_next_attempt() {
    let mut rig = Rig::new(1);
    let script = [Attempt::fails(FailureKind::Killed), Attempt::done()];
    rig.service.script("run-0", script);
    let mut engine = rig.processes(1);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let run = rig.runs().remove(0);
    assert_eq!(
        (run.state, run.attempt, run.failures),
        (State::Finished, 2, 1)
    );
    assert_eq!((run.failure, run.cause), (None, None));
}

#[test]
fn a_run_that_is_done_without_usable_metrics_has_failed() {
    let mut rig = Rig::new(3);
    let with = |metrics: Option<&str>| Attempt {
        metrics: metrics.map(str::to_owned),
        ..Attempt::done()
    };
    rig.service.script("run-0", [with(None)]);
    rig.service
        .script("run-1", [with(Some(r#"{"loss": NaN}"#))]);
    rig.service.script("run-2", [with(Some("loss: 1"))]);
    let mut engine = rig.processes(3);
    rig.launch(&mut engine);
    let kinds: Vec<_> = rig.runs().iter().map(|run| run.failure).collect();
    let bad = Some(FailureKind::BadMetrics);
    assert_eq!(kinds, [Some(FailureKind::NoMetrics), bad, bad]);
}

#[test]
fn a_launch_config_that_was_changed_after_the_launch_began_fails_its_run() {
    let mut rig = Rig::new(2);
    config(rig.folder.path(), 1, 77);
    let mut engine = rig.processes(2);
    rig.launch(&mut engine);
    assert_eq!(rig.states(), [State::Finished, State::Failed]);
    let run = rig.runs().remove(1);
    assert_eq!(run.failure, Some(FailureKind::Configuration));
    assert!(run.cause.unwrap().contains("launch again"));
}

#[test]
fn the_runs_of_a_launcher_that_died_are_queued_again_and_finished() {
    let mut rig = Rig::new(3);
    rig.register_dead_launcher();
    let now = rig.clock.now();
    for _ in 0..2 {
        rig.ledger
            .claim(rig.swarm.id, "dead", now)
            .unwrap()
            .unwrap();
    }
    let mut engine = rig.processes(1);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert_eq!(rig.events[0], Event::Recovered(2));
    let attempts: Vec<u32> = rig.runs().iter().map(|run| run.attempt).collect();
    assert_eq!(attempts, [2, 2, 1]);
    assert_eq!(rig.states(), [State::Finished; 3]);
}

#[test]
fn a_cancelled_run_of_a_launcher_that_died_is_cancelled_and_not_begun() {
    let mut rig = Rig::new(1);
    rig.register_dead_launcher();
    rig.ledger.claim(rig.swarm.id, "dead", 0).unwrap().unwrap();
    rig.cancel(0);
    let mut engine = rig.processes(1);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert_eq!(rig.states(), [State::Cancelled]);
    assert_eq!(rig.service.most_at_once(), 0);
}

#[test]
fn a_launcher_on_another_machine_is_dead_once_its_heartbeat_is_two_minutes_old() {
    let mut rig = Rig::new(1);
    let elsewhere = Process {
        host: "elsewhere".into(),
        pid: 1,
        started: "then".into(),
    };
    let now = rig.clock.now();
    rig.ledger.register("far", "fake", &elsewhere, now).unwrap();
    rig.ledger.claim(rig.swarm.id, "far", now).unwrap().unwrap();
    let since = rig.clock.elapsed();
    let mut engine = rig.processes(1);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let took = (rig.clock.elapsed() - since).as_secs();
    assert!((120..125).contains(&took), "{took} s");
    assert_eq!(rig.runs()[0].attempt, 2);
}

#[test]
fn runs_that_a_queue_has_outlive_their_launcher_and_are_followed_by_the_next() {
    let mut rig = Rig::new(3);
    let mut engine = rig.queue();
    let end = rig.launch_with(&mut engine, Until::Complete, |_, round| match round {
        0..20 => StopRequest::None,
        _ => StopRequest::Graceful,
    });
    assert_eq!(end.unwrap(), LaunchEnd::Detached(3));
    assert_eq!(rig.states(), [State::Running; 3]);
    drop(engine);
    let mut engine = rig.queue();
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert!(rig.events.contains(&Event::Adopted(3)));
    let runs = rig.runs();
    assert!(
        runs.iter()
            .all(|run| run.state == State::Finished && run.attempt == 1)
    );
}

#[test]
fn runs_that_were_not_submitted_when_a_launch_stops_are_queued_again() {
    let mut rig = Rig::new(2);
    let mut engine = rig.queue();
    // The request comes after the first ledger read, before the first poll of a service that is down.
    rig.service.go_down();
    let go_on = |_: &Ledger, _| StopRequest::None;
    let error = rig.launch_with(&mut engine, Until::Complete, go_on);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("the service is down")
    );
    assert_eq!(rig.states(), [State::Queued; 2]);
    let causes: Vec<_> = rig.runs().into_iter().map(|run| run.cause).collect();
    assert_eq!(causes, vec![Some("it was not submitted".to_owned()); 2]);
    assert!(
        rig.ledger.launchers().unwrap().is_empty(),
        "it is unregistered"
    );
}

#[test]
fn a_graceful_stop_queues_the_runs_of_processes_again_and_counts_no_failure() {
    let mut rig = Rig::new(3);
    (0..3).for_each(|run| rig.service.script(&name(run), [Attempt::endless()]));
    let mut engine = rig.processes(2);
    let end = rig.launch_with(&mut engine, Until::Complete, |_, round| match round {
        0..10 => StopRequest::None,
        _ => StopRequest::Graceful,
    });
    assert_eq!(end.unwrap(), LaunchEnd::Stopped(2));
    for (run, attempt) in rig.runs().iter().zip([1, 1, 0]) {
        assert_eq!((run.state, run.failures), (State::Queued, 0));
        assert_eq!(run.attempt, attempt);
    }
    assert!(rig.service.stops().iter().all(|(_, force)| !force));
    assert!(rig.service.jobs().is_empty());
}

#[test]
fn an_immediate_stop_ends_runs_by_force() {
    let mut rig = Rig::new(1);
    rig.service.script("run-0", [Attempt::endless()]);
    let mut engine = rig.processes(1);
    let end = rig.launch_with(&mut engine, Until::Complete, |_, round| match round {
        0..10 => StopRequest::None,
        _ => StopRequest::Immediate,
    });
    assert_eq!(end.unwrap(), LaunchEnd::Stopped(1));
    assert!(rig.service.stops().iter().all(|(_, force)| *force));
}

#[test]
fn a_stop_before_anything_began_ends_the_launch() {
    let mut rig = Rig::new(1);
    let mut engine = rig.processes(1);
    let end = rig.launch_with(&mut engine, Until::Complete, |_, _| StopRequest::Graceful);
    assert_eq!(end.unwrap(), LaunchEnd::Stopped(0));
    assert_eq!(
        (rig.states(), rig.runs()[0].attempt),
        (vec![State::Queued], 0)
    );
}

/// Cancels a run from another process when a launch is in a round.
fn cancel_in_round(
    rig: &Rig,
    run: usize,
    at: usize,
) -> impl FnMut(&Ledger, usize) -> StopRequest + use<> {
    let (path, swarm) = (rig.ledger.path().to_owned(), rig.swarm.id);
    move |_, round| {
        if round == at {
            let mut other = Ledger::open_existing(&path).unwrap();
            let names = [name(run)];
            other.cancel(swarm, RunSelection::Named(&names), 0).unwrap();
        }
        StopRequest::None
    }
}

#[test]
fn a_run_that_is_cancelled_while_it_runs_is_stopped_and_the_others_go_on() {
    let mut rig = Rig::new(2);
    rig.service.script("run-0", [Attempt::endless()]);
    let cancel = cancel_in_round(&rig, 0, 10);
    let mut engine = rig.processes(2);
    let end = rig.launch_with(&mut engine, Until::Complete, cancel);
    assert_eq!(end.unwrap(), LaunchEnd::Complete);
    assert_eq!(rig.states(), [State::Cancelled, State::Finished]);
    assert!(rig.events.contains(&Event::Cancelled("run-0".into())));
    let cause = rig.runs().remove(0).cause;
    assert_eq!(cause.as_deref(), Some("cancelled while it ran"));
}

#[test]
fn a_run_that_was_to_be_cancelled_and_fails_first_is_cancelled() {
    let mut rig = Rig::new(1);
    let fails = Attempt {
        takes: Some(Duration::from_millis(900)),
        ..Attempt::fails(FailureKind::Killed)
    };
    rig.service.script("run-0", [fails]);
    // It fails in that round, between two reads of the ledger: the launcher does not know yet.
    let cancel = cancel_in_round(&rig, 0, 37);
    let mut engine = rig.processes(1);
    rig.launch_with(&mut engine, Until::Complete, cancel)
        .unwrap();
    assert_eq!(rig.states(), [State::Cancelled]);
}

#[test]
fn a_run_that_someone_cancels_through_the_engine_is_cancelled_with_the_reason() {
    let mut rig = Rig::new(1);
    let outcome = Outcome::CancelledExternally("by scancel".into());
    rig.service.script("run-0", [Attempt::ends(outcome)]);
    let mut engine = rig.queue();
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let run = rig.runs().remove(0);
    assert_eq!(
        (run.state, run.cause.as_deref()),
        (State::Cancelled, Some("by scancel"))
    );
}

#[test]
fn a_run_that_another_launcher_took_over_is_stopped_by_force_and_left_to_it() {
    let mut rig = Rig::new(1);
    rig.service.script("run-0", [Attempt::endless()]);
    let (path, swarm) = (rig.ledger.path().to_owned(), rig.swarm.id);
    let mut engine = rig.processes(1);
    let end = rig.launch_with(&mut engine, Until::Complete, move |ledger, round| {
        if round == 10 {
            // Another launcher takes this one for dead, and claims its run.
            let this = ledger.launchers().unwrap().remove(0);
            let mut other = Ledger::open_existing(&path).unwrap();
            let elsewhere = Process {
                host: "elsewhere".into(),
                pid: 1,
                started: "then".into(),
            };
            let soon = this.heartbeat + 1_000_000;
            other.register("other", "fake", &elsewhere, soon).unwrap();
            while other
                .abandon(&this.id, heartbeat_of(ledger, &this.id), soon)
                .unwrap()
                == 0
            {}
            other.claim(swarm, "other", soon).unwrap().unwrap();
        }
        if round < 60 {
            StopRequest::None
        } else {
            StopRequest::Graceful
        }
    });
    assert_eq!(end.unwrap(), LaunchEnd::Stopped(0));
    assert!(rig.service.stops().contains(&(rig.runs()[0].id, true)));
    let run = rig.runs().remove(0);
    assert_eq!((run.state, run.attempt), (State::Running, 2));
    assert_eq!(run.launcher.as_deref(), Some("other"));
}

fn heartbeat_of(ledger: &Ledger, id: &str) -> olmix_ledger::Time {
    let launchers = ledger.launchers().unwrap();
    let found = launchers.iter().find(|launcher| launcher.id == id);
    found.map_or(0, |launcher| launcher.heartbeat)
}

#[test]
fn a_detached_launch_ends_when_the_queue_has_every_run() {
    let mut rig = Rig::new(4);
    let mut engine = rig.queue();
    let go_on = |_: &Ledger, _| StopRequest::None;
    let end = rig
        .launch_with(&mut engine, Until::Submitted, go_on)
        .unwrap();
    assert_eq!(end, LaunchEnd::Detached(4));
    let runs = rig.runs();
    assert!(runs.iter().all(|run| run.state == State::Submitted));
    assert!(runs.iter().all(|run| run.engine_job.is_some()));
}

#[test]
fn one_poll_brings_the_ledger_up_to_date_and_begins_nothing() {
    let mut rig = Rig::new(2);
    let go_on = |_: &Ledger, _| StopRequest::None;
    let mut engine = rig.queue();
    rig.launch_with(&mut engine, Until::Submitted, go_on)
        .unwrap();
    drop(engine);
    rig.clock.advance(Duration::from_mins(1));
    let mut engine = rig.queue();
    let end = rig.launch_with(&mut engine, Until::Polled, go_on).unwrap();
    assert_eq!(end, LaunchEnd::Detached(0));
    assert_eq!(rig.states(), [State::Finished; 2]);
    let mut fresh = Rig::new(1);
    let mut engine = fresh.queue();
    fresh
        .launch_with(&mut engine, Until::Polled, go_on)
        .unwrap();
    assert_eq!(fresh.states(), [State::Queued]);
}

#[test]
fn a_launch_until_cancelled_ends_those_runs_and_leaves_the_others() {
    let mut rig = Rig::new(2);
    (0..2).for_each(|run| rig.service.script(&name(run), [Attempt::endless()]));
    let go_on = |_: &Ledger, _| StopRequest::None;
    let mut engine = rig.queue();
    rig.launch_with(&mut engine, Until::Submitted, go_on)
        .unwrap();
    drop(engine);
    rig.cancel(1);
    let mut engine = rig.queue();
    let end = rig
        .launch_with(&mut engine, Until::Cancelled, go_on)
        .unwrap();
    assert_eq!(end, LaunchEnd::Detached(1));
    assert_eq!(rig.states()[1], State::Cancelled);
    assert!(matches!(rig.states()[0], State::Submitted | State::Running));
}

#[test]
fn a_preempted_run_is_submitted_again_counts_a_loss_and_finishes() {
    let mut rig = Rig::new(1);
    let preempted = Attempt {
        preemptions: 2,
        ..Attempt::done()
    };
    rig.service.script("run-0", [preempted]);
    let mut engine = rig.queue();
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let run = rig.runs().remove(0);
    assert_eq!((run.state, run.attempt), (State::Finished, 3));
    assert_eq!((run.losses, run.failures), (2, 0));
    let requeued = rig.events.iter();
    let requeued = requeued.filter(|event| matches!(event, Event::Requeued(..)));
    assert_eq!(requeued.count(), 2);
}

#[test]
fn a_run_that_its_service_forgot_is_lost_and_run_again() {
    let mut rig = Rig::new(1);
    let go_on = |_: &Ledger, _| StopRequest::None;
    let mut engine = rig.queue();
    rig.launch_with(&mut engine, Until::Submitted, go_on)
        .unwrap();
    drop(engine);
    // Another service of the same name, such as one that was set up anew.
    rig.service = FakeService::new(rig.clock.clone());
    let mut engine = rig.queue();
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let run = rig.runs().remove(0);
    assert_eq!(
        (run.state, run.attempt, run.losses),
        (State::Finished, 2, 1)
    );
}

#[test]
fn a_run_that_waits_with_another_engine_is_moved_to_the_one_of_this_launch() {
    let mut rig = Rig::new(2);
    let go_on = |_: &Ledger, _| StopRequest::None;
    let mut engine = rig.queue().called("first");
    rig.launch_with(&mut engine, Until::Submitted, go_on)
        .unwrap();
    drop(engine);
    let (first, second) = (
        Arc::clone(&rig.service),
        FakeService::new(rig.clock.clone()),
    );
    let main = Box::new(FakeEngine::of_queue(&second).called("second"));
    let open = Box::new(move |name: &str| -> Result<Box<dyn Engine>, LaunchError> {
        assert_eq!(name, "first");
        Ok(Box::new(FakeEngine::of_queue(&first).called("first")))
    });
    let mut engine = MultiEngine::new(main, open);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    assert_eq!(rig.states(), [State::Finished; 2]);
    assert_eq!(second.most_at_once(), 2);
    for run in rig.runs() {
        assert_eq!(run.engine_job.unwrap().engine, "second");
    }
}

#[test]
fn a_launcher_is_on_the_ledger_with_its_engine_while_it_runs() {
    let mut rig = Rig::new(1);
    let mut seen = Vec::new();
    let mut engine = rig.processes(1);
    let end = rig.launch_with(&mut engine, Until::Complete, |ledger, _| {
        let launchers = ledger.launchers().unwrap();
        seen.extend(launchers.into_iter().map(|one| (one.engine, one.running)));
        StopRequest::None
    });
    assert_eq!(end.unwrap(), LaunchEnd::Complete);
    assert_eq!(seen[0], ("fake".to_owned(), 0));
    assert!(seen.contains(&("fake".to_owned(), 1)));
}
