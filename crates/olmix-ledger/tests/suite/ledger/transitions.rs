//! Every change of a run's state: what each operation makes of a run in each state.

use olmix_ledger::{
    EngineJob, FailureKind, Ledger, RerunPolicy, Run, RunId, RunSelection, Stage, State, SwarmId,
};

use super::{RERUN, failed, finished, ledger, new_runs, process};
use State::{Cancelled, Failed, Finished, Queued, Running, Submitted};

/// A run in a state, held by the launcher `me` where that state has a launcher.
fn run_in(state: State) -> (tempfile::TempDir, Ledger, SwarmId, RunId) {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 1);
    for (launcher, pid) in [("me", 1), ("other", 2)] {
        ledger
            .register(launcher, "local", &process(pid), 0)
            .unwrap();
    }
    let run = ledger.runs(swarm).unwrap().remove(0).id;
    match state {
        Queued => {}
        Submitted => {
            ledger.claim_to_submit(swarm, "me", 1, 0).unwrap();
        }
        Cancelled => {
            ledger.cancel(swarm, RunSelection::All, 0).unwrap();
        }
        Running | Finished | Failed => {
            ledger.claim(swarm, "me", 0).unwrap().unwrap();
        }
    }
    match state {
        Finished => assert!(ledger.finish(run, "me", &finished(), 0).unwrap()),
        Failed => {
            let kind = failed(FailureKind::Diverged);
            let state = ledger.fail(run, "me", &kind, 0, 0).unwrap();
            assert_eq!(state, Some(Failed));
        }
        _ => {}
    }
    let (ledger, swarm) = (ledger, swarm);
    assert_eq!(ledger.runs(swarm).unwrap()[0].state, state);
    (folder, ledger, swarm, run)
}

type Operation = fn(&mut Ledger, SwarmId, RunId, &str);

fn claim(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, launcher: &str) {
    ledger.claim(swarm, launcher, 1).unwrap();
}

fn claim_to_submit(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, launcher: &str) {
    ledger.claim_to_submit(swarm, launcher, 1, 1).unwrap();
}

fn record_started(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger.record_started(launcher, &[(run, 1)]).unwrap();
}

fn record_requeued(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .record_requeued(run, launcher, "preempted", 1)
        .unwrap();
}

fn record_evaluation(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    let evaluation = EngineJob {
        engine: "slurm".into(),
        ticket: "te-1".into(),
        job: None,
        gpus: 0,
    };
    ledger
        .record_evaluation_job(run, launcher, &evaluation, 1)
        .unwrap();
}

fn finish(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger.finish(run, launcher, &finished(), 1).unwrap();
}

fn fail_by_chance(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .fail(run, launcher, &failed(FailureKind::Killed), 1, 1)
        .unwrap();
}

fn fail_once_too_often(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .fail(run, launcher, &failed(FailureKind::Killed), 0, 1)
        .unwrap();
}

fn fail_for_good(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .fail(run, launcher, &failed(FailureKind::OutOfMemory), 9, 1)
        .unwrap();
}

fn lose(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .fail(run, launcher, &failed(FailureKind::Lost), 0, 1)
        .unwrap();
}

fn release(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger.release(run, launcher, "stopped", 1).unwrap();
}

fn mark_cancelled(ledger: &mut Ledger, _swarm: SwarmId, run: RunId, launcher: &str) {
    ledger
        .mark_cancelled(run, launcher, "cancelled", 1)
        .unwrap();
}

fn abandon(ledger: &mut Ledger, _swarm: SwarmId, _run: RunId, launcher: &str) {
    ledger.abandon(launcher, 0, 1).unwrap();
}

fn cancel(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, _launcher: &str) {
    ledger.cancel(swarm, RunSelection::All, 1).unwrap();
}

fn sync(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, _launcher: &str) {
    ledger.sync(swarm, &new_runs(1), RERUN, 1).unwrap();
}

fn sync_all(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, _launcher: &str) {
    let all = RerunPolicy { all: true, ..RERUN };
    ledger.sync(swarm, &new_runs(1), all, 1).unwrap();
}

fn sync_without_config(ledger: &mut Ledger, swarm: SwarmId, _run: RunId, _launcher: &str) {
    ledger.sync(swarm, &[], RERUN, 1).unwrap();
}

/// Operations, and the state that each makes of a run that is queued, submitted, running, finished, failed for
/// good, and cancelled.
const TABLE: &[(&str, Operation, [State; 6])] = &[
    (
        "claim",
        claim,
        [Running, Submitted, Running, Finished, Failed, Cancelled],
    ),
    (
        "claim to submit",
        claim_to_submit,
        [Submitted, Submitted, Running, Finished, Failed, Cancelled],
    ),
    (
        "started",
        record_started,
        [Queued, Running, Running, Finished, Failed, Cancelled],
    ),
    (
        "requeued",
        record_requeued,
        [Queued, Submitted, Submitted, Finished, Failed, Cancelled],
    ),
    (
        "evaluation follows",
        record_evaluation,
        [Queued, Submitted, Submitted, Finished, Failed, Cancelled],
    ),
    (
        "finish",
        finish,
        [Queued, Finished, Finished, Finished, Failed, Cancelled],
    ),
    (
        "fail by chance",
        fail_by_chance,
        [Queued, Queued, Queued, Finished, Failed, Cancelled],
    ),
    (
        "fail once too often",
        fail_once_too_often,
        [Queued, Failed, Failed, Finished, Failed, Cancelled],
    ),
    (
        "fail for good",
        fail_for_good,
        [Queued, Failed, Failed, Finished, Failed, Cancelled],
    ),
    (
        "lose",
        lose,
        [Queued, Queued, Queued, Finished, Failed, Cancelled],
    ),
    (
        "release",
        release,
        [Queued, Queued, Queued, Finished, Failed, Cancelled],
    ),
    (
        "mark cancelled",
        mark_cancelled,
        [Queued, Cancelled, Cancelled, Finished, Failed, Cancelled],
    ),
    (
        "abandon",
        abandon,
        [Queued, Queued, Queued, Finished, Failed, Cancelled],
    ),
    (
        "cancel",
        cancel,
        [
            Cancelled, Submitted, Running, Finished, Cancelled, Cancelled,
        ],
    ),
    (
        "sync",
        sync,
        [Queued, Submitted, Running, Finished, Failed, Cancelled],
    ),
    (
        "sync all",
        sync_all,
        [Queued, Submitted, Running, Finished, Queued, Queued],
    ),
    (
        "sync without its config",
        sync_without_config,
        [Cancelled, Submitted, Running, Finished, Failed, Cancelled],
    ),
];

#[test]
fn each_operation_takes_a_run_from_each_state_to_the_one_of_the_table() {
    for (name, operation, expected) in TABLE {
        for (from, to) in State::ALL.iter().zip(expected) {
            let (_folder, mut ledger, swarm, run) = run_in(*from);
            operation(&mut ledger, swarm, run, "me");
            let found = ledger.runs(swarm).unwrap()[0].state;
            assert_eq!(found, *to, "{name}, from {from}");
        }
    }
}

#[test]
fn a_launcher_that_does_not_hold_a_run_changes_nothing_of_it() {
    // The first two claim what is queued, and the last five are not a launcher's.
    let of_holders = &TABLE[2..TABLE.len() - 5];
    for (name, operation, _) in of_holders {
        for from in State::ALL {
            let (_folder, mut ledger, swarm, run) = run_in(*from);
            let before: Vec<Run> = ledger.runs(swarm).unwrap();
            operation(&mut ledger, swarm, run, "other");
            assert_eq!(ledger.runs(swarm).unwrap(), before, "{name}, from {from}");
        }
    }
}

#[test]
fn a_run_that_is_to_be_cancelled_is_cancelled_by_whatever_ends_its_attempt_but_success() {
    for (name, operation, expected) in [
        ("finish", finish as Operation, Finished),
        ("fail by chance", fail_by_chance, Cancelled),
        ("lose", lose, Cancelled),
        ("release", release, Cancelled),
        ("abandon", abandon, Cancelled),
    ] {
        for from in [Submitted, Running] {
            let (_folder, mut ledger, swarm, run) = run_in(from);
            cancel(&mut ledger, swarm, run, "");
            assert_eq!(ledger.held_runs("me").unwrap(), [(run, true)]);
            operation(&mut ledger, swarm, run, "me");
            let found = ledger.runs(swarm).unwrap()[0].state;
            assert_eq!(found, expected, "{name}, from {from}");
        }
    }
}

#[test]
fn a_run_that_an_engine_has_stays_with_it_when_its_launcher_is_abandoned() {
    for state in [Submitted, Running] {
        let (_folder, mut ledger, swarm, run) = run_in(state);
        let tickets = [(run, "t-1".to_owned())];
        ledger.record_tickets("me", "slurm", 1, &tickets).unwrap();
        abandon(&mut ledger, swarm, run, "me");
        assert_eq!(ledger.runs(swarm).unwrap()[0].state, state);
        let adopted = ledger.adopt(swarm, "other").unwrap();
        assert_eq!((adopted[0].id, adopted[0].state), (run, state));
        assert_eq!(ledger.held_runs("other").unwrap(), [(run, false)]);
    }
}

#[test]
fn the_process_of_a_run_is_recorded_for_its_holder_while_it_runs() {
    for state in State::ALL {
        let (_folder, ledger, swarm, run) = run_in(*state);
        let recorded = |launcher: &str| {
            ledger
                .record_process(run, launcher, Stage::Evaluate, &process(9))
                .unwrap()
        };
        assert!(!recorded("other"));
        assert_eq!(recorded("me"), *state == Running);
        let found = ledger.runs(swarm).unwrap().remove(0);
        assert_eq!(found.process.is_some(), *state == Running);
    }
}
