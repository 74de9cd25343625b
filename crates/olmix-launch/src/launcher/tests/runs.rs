//! Runs that finish, fail, and are tried again.

use olmix_ledger::{FailureKind, Ledger, State};

use super::{Rig, config};
use crate::host::interrupt::StopRequest;
use crate::launcher::{DEFAULT_RETRIES, Event, LaunchEnd, Until};
use crate::testing::{Attempt, FakeService};

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
