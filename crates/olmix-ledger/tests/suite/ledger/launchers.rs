//! Launchers that die, and runs that an engine has meanwhile.

use olmix_ledger::{EngineJob, FailureKind, RunSelection, Stage, State};

use super::{failed, finished, ledger, process, states};

#[test]
fn the_runs_of_a_dead_launcher_are_queued_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 3);
    ledger.register("dead", "local", &process(1), 0).unwrap();
    ledger.register("alive", "local", &process(2), 0).unwrap();
    let first = ledger.claim(swarm, "dead", 0).unwrap().unwrap();
    let stage = Stage::Train;
    ledger
        .record_process(first.id, "dead", stage, &process(9))
        .unwrap();
    let second = ledger.claim(swarm, "dead", 0).unwrap().unwrap();
    let third = ledger.claim(swarm, "alive", 0).unwrap().unwrap();
    ledger
        .cancel(
            swarm,
            RunSelection::Named(std::slice::from_ref(&second.name)),
            0,
        )
        .unwrap();
    ledger.heartbeat("dead", 1000).unwrap();
    assert_eq!(ledger.abandon("dead", 0, 2000).unwrap(), 0, "it has beaten");
    assert_eq!(ledger.launchers().unwrap()[1].running, 2);
    assert_eq!(ledger.abandon("dead", 1000, 2000).unwrap(), 2);
    assert_eq!(ledger.abandon("dead", 1000, 2000).unwrap(), 0);
    assert_eq!(
        states(&ledger, swarm),
        [State::Queued, State::Cancelled, State::Running]
    );
    ledger.heartbeat("dead", 2500).unwrap();
    assert_eq!(ledger.launchers().unwrap().len(), 2, "it is heard of again");
    // What it may still do with the runs it held has no effect.
    assert!(!ledger.finish(first.id, "dead", &finished(), 0).unwrap());
    assert!(
        !ledger
            .record_process(first.id, "dead", stage, &process(9))
            .unwrap()
    );
    let again = ledger.claim(swarm, "alive", 3000).unwrap().unwrap();
    assert_eq!((again.id, again.attempt, again.failures), (first.id, 2, 0));
    assert_eq!(again.process, Some(process(9)), "it may have survived");
    assert_eq!(
        ledger.held_runs("alive").unwrap(),
        [(first.id, false), (third.id, false)]
    );
}

#[test]
fn runs_that_an_engine_has_outlive_their_launcher_and_are_found_by_their_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 5);
    ledger.register("first", "slurm", &process(1), 0).unwrap();
    let taken = ledger.claim_to_submit(swarm, "first", 4, 0).unwrap();
    assert_eq!(taken.len(), 4);
    assert!(
        taken
            .iter()
            .all(|run| run.state == State::Submitted && run.started.is_none())
    );
    let tickets: Vec<_> = taken
        .iter()
        .take(3)
        .map(|run| (run.id, format!("t-{}", run.id.0)))
        .collect();
    let held = ledger
        .record_tickets("first", "slurm", 2, &tickets)
        .unwrap();
    assert_eq!(
        held,
        taken.iter().take(3).map(|run| run.id).collect::<Vec<_>>()
    );
    assert!(
        ledger
            .record_tickets("other", "slurm", 2, &tickets)
            .unwrap()
            .is_empty()
    );
    ledger
        .record_job_ids("first", &[(taken[0].id, "7_1".into())])
        .unwrap();
    ledger
        .record_started("first", &[(taken[0].id, 1000)])
        .unwrap();
    // It dies: the one that no engine has is queued again, the others stay where they are.
    assert_eq!(ledger.abandon("first", 0, 5000).unwrap(), 1);
    assert_eq!(ledger.counts(swarm).unwrap(), [2, 2, 1, 0, 0, 0]);
    ledger
        .register("second", "slurm", &process(2), 6000)
        .unwrap();
    let mut adopted = ledger.adopt(swarm, "second").unwrap();
    adopted.sort_by_key(|run| run.id);
    assert!(
        ledger.adopt(swarm, "third").unwrap().is_empty(),
        "they have a launcher again"
    );
    let engine_job = adopted[0].engine_job.clone().unwrap();
    assert_eq!((engine_job.engine.as_str(), engine_job.gpus), ("slurm", 2));
    assert_eq!(engine_job.job.as_deref(), Some("7_1"));
    assert_eq!(engine_job.ticket, tickets[0].1);
    // Begun again by the engine: time counts, with its GPUs, and so does the loss, which is no failure.
    ledger
        .record_requeued(taken[0].id, "second", "preempted", 11_000)
        .unwrap();
    let run = ledger.runs(swarm).unwrap().remove(0);
    assert_eq!(
        (run.state, run.attempt, run.losses, run.failures),
        (State::Submitted, 2, 1, 0)
    );
    assert_eq!((run.seconds, run.gpu_seconds), (10.0, 20.0));
    // Lost ones are tried again whatever the retries, but not for ever.
    for round in 0..40 {
        let state = ledger
            .fail(taken[1].id, "second", &failed(FailureKind::Lost), 0, 0)
            .unwrap();
        if state == Some(State::Failed) {
            assert_eq!(round, 20);
            break;
        }
        assert_eq!(state, Some(State::Queued));
        let again = ledger.claim_to_submit(swarm, "second", 9, 0).unwrap();
        assert!(
            again
                .iter()
                .any(|run| run.id == taken[1].id && run.engine_job.is_none())
        );
    }
    // After training another job evaluates.
    ledger
        .record_started("second", &[(taken[2].id, 20_000)])
        .unwrap();
    let second = EngineJob {
        engine: "slurm".into(),
        ticket: "te-3".into(),
        job: None,
        gpus: 0,
    };
    ledger
        .record_evaluation_job(taken[2].id, "second", &second, 21_000)
        .unwrap();
    ledger
        .record_started("second", &[(taken[2].id, 30_000)])
        .unwrap();
    assert!(
        ledger
            .finish(taken[2].id, "second", &finished(), 34_000)
            .unwrap()
    );
    let run = ledger.runs(swarm).unwrap().remove(2);
    assert_eq!((run.seconds, run.gpu_seconds), (5.0, 2.0));
}
