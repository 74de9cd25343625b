//! Launchers that die, and runs that are followed by the next one.

use std::sync::Arc;
use std::time::Duration;

use olmix_ledger::{Ledger, Process, State};

use super::Rig;
use crate::LaunchError;
use crate::engine::MultiEngine;
use crate::engine::contract::Engine;
use crate::host::clock::Clock as _;
use crate::host::interrupt::StopRequest;
use crate::launcher::{Event, LaunchEnd, Until};
use crate::testing::{Attempt, FakeEngine, FakeService};

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
    let took = rig.clock.elapsed().saturating_sub(since).as_secs();
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

#[test]
fn after_an_error_of_the_ledger_and_space_again_every_run_is_begun_again_or_cancelled() {
    let mut rig = Rig::new(3);
    // Whatever of the launch is the first that can't be written.
    for refused in ["attempt", "process_started", "metrics", "cause"] {
        let path = rig.ledger.path().to_owned();
        let other = rusqlite::Connection::open(&path).unwrap();
        other
            .execute_batch(&format!(
                "CREATE TRIGGER full AFTER UPDATE OF {refused} ON runs WHEN new.name <> 'run-0'
                 BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
            ))
            .unwrap();
        let mut engine = rig.processes(3);
        let go_on = |_: &Ledger, _| StopRequest::None;
        let error = rig.launch_with(&mut engine, Until::Complete, go_on);
        assert!(error.unwrap_err().to_string().contains("disk is full"));
        assert!(
            rig.service.jobs().is_empty(),
            "runs are ended with the launch"
        );
        other.execute_batch("DROP TRIGGER full").unwrap();
    }
    rig.cancel(2);
    let mut engine = rig.processes(1);
    assert_eq!(rig.launch(&mut engine), LaunchEnd::Complete);
    let expected = [State::Finished, State::Finished, State::Cancelled];
    assert_eq!(rig.states(), expected);
    assert_eq!(rig.service.most_at_once(), 3);
}
