//! Launches that are stopped, and runs that are cancelled.

use std::time::Duration;

use olmix_ledger::{FailureKind, Ledger, RunSelection, State};

use super::{Rig, name};
use crate::host::interrupt::StopRequest;
use crate::launcher::{Event, LaunchEnd, Until};
use crate::protocol::Outcome;
use crate::testing::Attempt;

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
