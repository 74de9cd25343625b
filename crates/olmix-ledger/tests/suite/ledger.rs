//! What a ledger promises.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use olmix_ledger::{
    Failed, FailureKind, Finished, Ledger, LedgerError, NewRun, NewSwarm, Process, RerunPolicy,
    Run, RunSelection, State, SwarmId, SyncSummary,
};
use proptest::prelude::*;

const RERUN: RerunPolicy = RerunPolicy {
    retries: 2,
    all: false,
};

fn process(pid: u32) -> Process {
    Process {
        host: "here".into(),
        pid,
        started: format!("boot/{pid}"),
    }
}

fn new_run(name: &str, config_sha256: &str) -> NewRun {
    NewRun {
        name: name.into(),
        config: format!("{name}.yaml"),
        config_sha256: config_sha256.into(),
        mixture: vec![("web".into(), 0.1 + 0.2), ("code".into(), 0.7)],
    }
}

fn new_runs(count: usize) -> Vec<NewRun> {
    let run = |i| new_run(&format!("run-{i:04}"), "a");
    (0..count).map(run).collect()
}

/// A ledger with a swarm of queued runs.
fn ledger(folder: &Path, runs: usize) -> (Ledger, SwarmId) {
    let mut ledger = Ledger::open(&folder.join("runs/ledger.sqlite")).unwrap();
    let swarm = NewSwarm {
        name: "swarm".into(),
        variants: folder.canonicalize().unwrap().join("launch"),
        out: folder.canonicalize().unwrap().join("runs"),
    };
    let swarm = ledger.swarm(&swarm, 0).unwrap().id;
    ledger.sync(swarm, &new_runs(runs), RERUN, 0).unwrap();
    (ledger, swarm)
}

fn failed(kind: FailureKind) -> Failed {
    Failed {
        kind,
        cause: "because".into(),
        log_tail: "last line".into(),
    }
}

fn finished() -> Finished {
    Finished {
        metrics: vec![("loss".into(), 1.0 / 3.0)],
        tokens: Some(1 << 40),
    }
}

fn states(ledger: &Ledger, swarm: SwarmId) -> Vec<State> {
    let runs = ledger.runs(swarm).unwrap();
    runs.iter().map(|run| run.state).collect()
}

#[test]
fn a_run_goes_from_queued_to_finished_and_keeps_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 1);
    ledger.register("me", "local", &process(1), 5).unwrap();
    let run = ledger.claim(swarm, "me", 10).unwrap().unwrap();
    assert_eq!((run.state, run.attempt), (State::Running, 1));
    assert!(ledger.claim(swarm, "me", 10).unwrap().is_none());
    let stage = olmix_ledger::Stage::Train;
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
    assert_eq!(run.tokens, Some(1 << 40));
    assert_eq!(run.seconds, 2.0);
    assert_eq!(run.process, Some(process(7)));
}

#[test]
fn a_folder_with_its_ledger_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old");
    std::fs::create_dir(&old).unwrap();
    drop(ledger(&old, 2));
    let new = folder.path().join("new");
    std::fs::rename(&old, &new).unwrap();
    let (ledger, swarm) = ledger(&new, 2);
    assert_eq!(ledger.swarms().unwrap().len(), 1);
    let found = ledger.swarms().unwrap().remove(0);
    assert_eq!(found.id, swarm);
    assert_eq!(found.variants, new.canonicalize().unwrap().join("launch"));
    assert_eq!(ledger.runs(swarm).unwrap().len(), 2);
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
fn the_runs_of_a_dead_launcher_are_queued_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ledger, swarm) = ledger(folder.path(), 3);
    ledger.register("dead", "local", &process(1), 0).unwrap();
    ledger.register("alive", "local", &process(2), 0).unwrap();
    let first = ledger.claim(swarm, "dead", 0).unwrap().unwrap();
    let stage = olmix_ledger::Stage::Train;
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
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "run,a\nx,1\n".repeat(1000)).unwrap();
    let other = rusqlite::Connection::open(path("other")).unwrap();
    other.execute("CREATE TABLE t (x)", []).unwrap();
    drop(other);
    drop(Ledger::open(&path("newer")).unwrap());
    let newer = rusqlite::Connection::open(path("newer")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    for (name, expected) in [
        ("text", "text: not a ledger of olmix: no SQLite database"),
        (
            "other",
            "other: not a ledger of olmix: a SQLite database of something else",
        ),
        (
            "newer",
            "newer: this ledger has version 99, and this olmix knows versions up to 4",
        ),
        ("", "not a ledger of olmix: a folder"),
    ] {
        let file = path(name);
        let before = std::fs::read(&file).ok();
        let message = Ledger::open(&file).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("\n  help: "), "{message}");
        assert_eq!(std::fs::read(&file).ok(), before);
    }
    let missing = Ledger::open_existing(&path("missing")).unwrap_err();
    assert!(matches!(missing, LedgerError::Missing(_)));
    assert!(!path("missing").exists());
}

/// Claims and finishes until nothing is left; the names of what was claimed.
fn work(path: &Path, launcher: &str) -> Vec<String> {
    let mut ledger = Ledger::open(path).unwrap();
    ledger.register(launcher, "local", &process(1), 0).unwrap();
    let swarm = ledger.swarms().unwrap().remove(0).id;
    let mut names = Vec::new();
    while let Some(run) = ledger.claim(swarm, launcher, 0).unwrap() {
        assert!(ledger.finish(run.id, launcher, &finished(), 0).unwrap());
        names.push(run.name);
    }
    names
}

/// Not a test by itself: the processes of the next one.
#[test]
fn claimer() {
    let Some(path) = std::env::var_os("OLMIX_TEST_LEDGER") else {
        return;
    };
    let names = work(Path::new(&path), &format!("process {}", std::process::id()));
    std::fs::write(
        std::env::var_os("OLMIX_TEST_OUT").unwrap(),
        names.join("\n"),
    )
    .unwrap();
}

#[test]
fn many_threads_and_processes_claim_every_run_once() {
    const RUNS: usize = 120;
    let folder = tempfile::tempdir().unwrap();
    let (_, swarm) = ledger(folder.path(), RUNS);
    let path = folder.path().join("runs/ledger.sqlite");
    let out = |i: usize| folder.path().join(format!("claimed-{i}"));
    let claimer = |i: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "claimer"])
            .env("OLMIX_TEST_LEDGER", &path)
            .env("OLMIX_TEST_OUT", out(i))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut processes: Vec<_> = (0..3).map(claimer).collect();
    let mut names: Vec<String> = std::thread::scope(|scope| {
        let thread = |i| {
            let path = &path;
            scope.spawn(move || work(path, &format!("thread {i}")))
        };
        let threads: Vec<_> = (0..4).map(thread).collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap());
        done.flatten().collect()
    });
    for (i, process) in processes.iter_mut().enumerate() {
        assert!(process.wait().unwrap().success());
        let text = std::fs::read_to_string(out(i)).unwrap();
        names.extend(text.lines().map(str::to_owned));
    }
    names.sort();
    let expected: Vec<String> = new_runs(RUNS).into_iter().map(|run| run.name).collect();
    assert_eq!(names, expected);
    let ledger = Ledger::open_existing(&path).unwrap();
    let done = |run: Run| run.state == State::Finished && run.attempt == 1;
    assert!(ledger.runs(swarm).unwrap().into_iter().all(done));
}

#[test]
fn many_processes_may_make_a_ledger_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Ledger::open(&path).unwrap());
        }
    });
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Claim(usize),
    Finish(usize, usize),
    Fail(usize, usize, FailureKind),
    PutBack(usize, usize),
    Abandon(usize),
    Cancel(usize),
    Sync(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let (launcher, run) = (0..3_usize, 0..4_usize);
    let kind = prop::sample::select(FailureKind::ALL);
    prop_oneof![
        4 => launcher.clone().prop_map(Step::Claim),
        2 => (launcher.clone(), run.clone()).prop_map(|(l, r)| Step::Finish(l, r)),
        2 => (launcher.clone(), run.clone(), kind).prop_map(|(l, r, k)| Step::Fail(l, r, k)),
        1 => (launcher.clone(), run.clone()).prop_map(|(l, r)| Step::PutBack(l, r)),
        1 => launcher.prop_map(Step::Abandon),
        1 => run.prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_launchers_do_a_run_has_one_holder_and_what_finished_stays(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, swarm) = ledger(folder.path(), 4);
        let mut generation = [0; 3];
        let id = |launcher: usize, generation: &[u32; 3]| {
            format!("{launcher}.{}", generation[launcher])
        };
        for launcher in 0..3 {
            ledger.register(&id(launcher, &generation), "local", &process(1), 0).unwrap();
        }
        // Who holds a run, by the book.
        let mut held: HashMap<usize, String> = HashMap::new();
        for step in steps {
            let before = ledger.runs(swarm).unwrap();
            match step {
                Step::Claim(l) => {
                    let launcher = id(l, &generation);
                    if let Some(run) = ledger.claim(swarm, &launcher, 0).unwrap() {
                        let place = before.iter().position(|b| b.id == run.id).unwrap();
                        prop_assert!(held.insert(place, launcher).is_none());
                    }
                }
                Step::Finish(l, r) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let done = ledger.finish(before[r].id, &launcher, &finished(), 0).unwrap();
                    prop_assert_eq!(done, mine);
                    if mine { held.remove(&r); }
                }
                Step::Fail(l, r, kind) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let state = ledger.fail(before[r].id, &launcher, &failed(kind), 2, 0).unwrap();
                    prop_assert_eq!(state.is_some(), mine);
                    if mine { held.remove(&r); }
                }
                Step::PutBack(l, r) => {
                    let launcher = id(l, &generation);
                    let mine = held.get(&r) == Some(&launcher);
                    let done = ledger.release(before[r].id, &launcher, "x", 0).unwrap();
                    prop_assert_eq!(done, mine);
                    if mine { held.remove(&r); }
                }
                Step::Abandon(l) => {
                    let launcher = id(l, &generation);
                    let mine = held.values().filter(|holder| **holder == launcher).count();
                    prop_assert_eq!(ledger.abandon(&launcher, 0, 0).unwrap(), mine);
                    held.retain(|_, holder| *holder != launcher);
                    generation[l] += 1;
                    ledger.register(&id(l, &generation), "local", &process(1), 0).unwrap();
                }
                Step::Cancel(r) => {
                    ledger.cancel(swarm, RunSelection::Named(&[before[r].name.clone()]), 0).unwrap();
                }
                Step::Sync(all) => {
                    let rerun = RerunPolicy { retries: 2, all };
                    ledger.sync(swarm, &new_runs(4), rerun, 0).unwrap();
                }
            }
            for (place, (old, new)) in before.iter().zip(ledger.runs(swarm).unwrap()).enumerate() {
                prop_assert_eq!(new.state == State::Running, held.contains_key(&place));
                prop_assert!(old.state != State::Finished || new.state == State::Finished);
                prop_assert!(new.attempt >= old.attempt);
                prop_assert!(new.failures <= 3);
            }
        }
    }
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
    let second = olmix_ledger::EngineJob {
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

#[test]
fn a_ledger_of_the_version_before_keeps_its_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let before = rusqlite::Connection::open(&path).unwrap();
    for part in ["1", "2", "3"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/schema/{part}.sql"));
        before
            .execute_batch(&std::fs::read_to_string(file).unwrap())
            .unwrap();
    }
    before
        .execute_batch(
            "PRAGMA application_id = 1869376888; PRAGMA user_version = 3;
             INSERT INTO swarms VALUES (1, 's', 'launch', '.', 0);
             INSERT INTO launchers VALUES ('me', 'local', 'here', 1, 'boot/1', 0, 0, NULL);
             INSERT INTO runs (id, swarm, name, config, config_sha256, mixture, state, attempt, launcher,
             queued, started, metrics, milliseconds)
             VALUES (7, 1, 'a', 'a.yaml', 'x', '{\"web\": 1}', 'finished', 2, 'me', 0, 5, '{\"loss\": 0.5}',
             1500);",
        )
        .unwrap();
    drop(before);
    let ledger = Ledger::open_existing(&path).unwrap();
    let run = ledger.runs(SwarmId(1)).unwrap().remove(0);
    assert_eq!(
        (run.state, run.attempt, run.seconds),
        (State::Finished, 2, 1.5)
    );
    assert_eq!(run.metrics, Some(vec![("loss".into(), 0.5)]));
    assert_eq!(
        (run.engine_job, run.losses, run.gpu_seconds),
        (None, 0, 0.0)
    );
}
