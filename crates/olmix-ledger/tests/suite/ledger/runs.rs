//! What becomes of runs that one launcher works on.

use olmix_ledger::{
    FailureKind, Ledger, NewRun, RerunPolicy, RunSelection, Stage, State, SyncSummary,
};

use super::{RERUN, failed, finished, ledger, new_run, new_runs, process, states};

#[test]
fn a_run_goes_from_queued_to_finished_and_keeps_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 1);
    ledger.register("me", "local", &process(1), 5).unwrap();
    let run = ledger.claim(swarm, "me", 10).unwrap().unwrap();
    assert_eq!((run.state, run.attempt), (State::Running, 1));
    assert!(ledger.claim(swarm, "me", 10).unwrap().is_none());
    let stage = Stage::Train;
    assert!(
        ledger
            .record_process(run.id, "me", stage, &process(7))
            .unwrap()
    );
    assert!(!ledger.finish(run.id, "other", &finished(), 2010).unwrap());
    assert!(ledger.finish(run.id, "me", &finished(), 2010).unwrap());
    assert!(!ledger.finish(run.id, "me", &finished(), 2010).unwrap());
    let run = ledger.runs(swarm).unwrap().remove(0);
    assert_eq!(run.state, State::Finished);
    assert_eq!(run.metrics, Some(finished().metrics));
    assert_eq!(run.mixture, new_run("", "").mixture);
    assert_eq!(run.phases, new_run("", "").phases);
    assert_eq!(run.tokens, Some(1 << 40));
    assert_eq!(run.seconds, 2.0);
    assert_eq!(run.process, Some(process(7)));
}

#[test]
fn failures_are_retried_by_kind_and_no_more_than_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 2);
    ledger.register("me", "local", &process(1), 0).unwrap();
    let fail = |ledger: &mut Ledger, kind| {
        let run = ledger.claim(swarm, "me", 0).unwrap().unwrap();
        let state = ledger.fail(run.id, "me", &failed(kind), 2, 0).unwrap();
        (run.name, state.unwrap())
    };
    let run = |i: u32, state| (format!("run-000{i}"), state);
    // Those that failed least come first.
    let kinds = [
        (FailureKind::Killed, run(0, State::Queued)),
        (FailureKind::Diverged, run(1, State::Failed)),
        (FailureKind::Exited, run(0, State::Queued)),
        (FailureKind::Exited, run(0, State::Failed)),
    ];
    for (kind, expected) in kinds {
        assert_eq!(fail(&mut ledger, kind), expected);
    }
    assert!(ledger.claim(swarm, "me", 0).unwrap().is_none());
    let sync = |ledger: &mut Ledger, runs: &[NewRun], rerun| {
        let synced = ledger.sync(swarm, runs, rerun, 0).unwrap();
        (synced.again, synced.failed)
    };
    let names = |of: &[u32]| of.iter().map(|i| format!("run-000{i}")).collect::<Vec<_>>();
    let runs = new_runs(2);
    // Nothing has changed; more retries are allowed; a config changed; all are wanted.
    let nothing = sync(&mut ledger, &runs, RERUN);
    assert_eq!(nothing, (names(&[]), names(&[0, 1])));
    let more = RerunPolicy {
        retries: 3,
        all: false,
    };
    assert_eq!(sync(&mut ledger, &runs, more), (names(&[0]), names(&[1])));
    let changed = [runs[0].clone(), new_run("run-0001", "b")];
    assert_eq!(
        sync(&mut ledger, &changed, RERUN),
        (names(&[1]), names(&[]))
    );
    let run = ledger.claim(swarm, "me", 0).unwrap().unwrap();
    assert_eq!(run.name, "run-0001");
    assert!(run.fresh, "what is in its folder is of the earlier config");
    ledger
        .fail(run.id, "me", &failed(FailureKind::Configuration), 2, 0)
        .unwrap();
    let all = RerunPolicy {
        retries: 2,
        all: true,
    };
    assert_eq!(sync(&mut ledger, &changed, all), (names(&[1]), names(&[])));
}

#[test]
fn finished_runs_stay_whatever_happens_to_their_config() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 3);
    ledger.register("me", "local", &process(1), 0).unwrap();
    let run = ledger.claim(swarm, "me", 0).unwrap().unwrap();
    ledger.finish(run.id, "me", &finished(), 0).unwrap();
    let all = RerunPolicy {
        retries: 0,
        all: true,
    };
    let runs = [new_run("run-0000", "b"), new_run("run-0001", "a")];
    let synced = ledger.sync(swarm, &runs, all, 0).unwrap();
    let expected = SyncSummary {
        finished_otherwise: vec!["run-0000".into()],
        gone: vec!["run-0002".into()],
        ..SyncSummary::default()
    };
    assert_eq!(synced, expected);
    assert_eq!(
        states(&ledger, swarm),
        [State::Finished, State::Queued, State::Cancelled]
    );
    // A config that is there again is queued again.
    ledger.sync(swarm, &new_runs(3), RERUN, 0).unwrap();
    assert_eq!(states(&ledger, swarm)[2], State::Queued);
}

#[test]
fn cancelling_names_what_it_did_and_an_unknown_name_cancels_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 4);
    ledger.register("me", "local", &process(1), 0).unwrap();
    let done = ledger.claim(swarm, "me", 0).unwrap().unwrap();
    ledger.finish(done.id, "me", &finished(), 0).unwrap();
    let running = ledger.claim(swarm, "me", 0).unwrap().unwrap();
    let unknown = ["run-0002".to_owned(), "nobody".to_owned()];
    let cancelled = ledger
        .cancel(swarm, RunSelection::Named(&unknown), 0)
        .unwrap();
    assert_eq!(cancelled.unknown, ["nobody"]);
    assert_eq!(states(&ledger, swarm)[2], State::Queued);
    let cancelled = ledger.cancel(swarm, RunSelection::All, 0).unwrap();
    assert_eq!(cancelled.at_once, ["run-0002", "run-0003"]);
    assert_eq!(cancelled.asked, ["run-0001"]);
    assert_eq!(cancelled.ended, [("run-0000".to_owned(), State::Finished)]);
    assert_eq!(ledger.held_runs("me").unwrap(), [(running.id, true)]);
    assert!(
        ledger
            .mark_cancelled(running.id, "me", "cancelled while it ran", 0)
            .unwrap()
    );
    assert!(ledger.claim(swarm, "me", 0).unwrap().is_none());
    let synced = ledger.sync(swarm, &new_runs(4), RERUN, 0).unwrap();
    assert_eq!(synced.cancelled.len(), 3);
}

#[test]
fn every_engine_that_a_swarm_had_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, swarm) = ledger(folder.path(), 1);
    let engines = |ledger: &Ledger| {
        let mut engines: Vec<_> = ledger.engines(swarm).unwrap().into_iter().collect();
        engines.sort();
        engines
    };
    assert!(engines(&ledger).is_empty());
    ledger
        .remember_engine(swarm, "slurm", r#"{"type":"slurm"}"#)
        .unwrap();
    ledger
        .remember_engine(swarm, "ray", r#"{"type":"ray"}"#)
        .unwrap();
    assert_eq!(
        engines(&ledger)[1],
        ("slurm".into(), r#"{"type":"slurm"}"#.into())
    );
}
