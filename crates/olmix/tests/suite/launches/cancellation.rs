//! Runs that are interrupted or cancelled.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::service::wait_until;
use crate::common::swarm::{
    RUN, TRAINER, held_by, log, processes, release, signal, start, states, status, swarm, trainer,
    trainers,
};
use crate::common::{json, olmix, refused};

#[test]
fn ctrl_c_ends_runs_and_puts_them_back_in_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 4, |_| held_by("never"));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("two runs work", || trainers(folder, 2).len() == 2);
    signal(launcher.id(), "-INT");
    assert_eq!(launcher.wait().unwrap().code(), Some(130));
    assert!(processes(folder).is_empty());
    assert!(states(folder).iter().all(|state| state == "queued"));
    let log = log(folder);
    assert!(
        log.contains("stopped; 2 running runs are queued again\n  help: the same command resumes"),
        "{log}"
    );
    // Not a failure of theirs.
    assert!(status(folder).iter().all(|run| run["failures"] == 0));
}

#[test]
fn second_ctrl_c_kills_runs_that_ignore_the_first() {
    // After the first alone, it would wait five seconds for them each time.
    let waited = (0..5).all(|_| second_ctrl_c() > Duration::from_secs(5));
    assert!(!waited, "five times it waited");
}

/// How long a launcher goes on after the first of two Ctrl-C, with runs that ignore both.
fn second_ctrl_c() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 2, |_| {
        "trap '' INT TERM; for i in $(seq 600); do sleep 0.1; done".into()
    });
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("runs work", || processes(folder).len() >= 4);
    signal(launcher.id(), "-INT");
    let begin = Instant::now();
    wait_until("the first is heard", || log(folder).contains("stopping:"));
    signal(launcher.id(), "-INT");
    assert_eq!(launcher.wait().unwrap().code(), Some(130));
    let took = begin.elapsed();
    wait_until("all are gone", || processes(folder).is_empty());
    assert!(states(folder).iter().all(|state| state == "queued"));
    took
}

#[test]
fn launch_cancel_ends_runs_of_a_running_launcher() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 4, |i| match i {
        0 => held_by("never"),
        1 => held_by("go"),
        _ => trainer(0.3),
    });
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("run-00 works", || {
        folder.join("swarm/runs/run-00/lock/pid").exists()
    });
    let cancel = "launch cancel --variants swarm/launch";
    let message = refused(folder, &format!("{cancel} run-00 run-99"));
    assert!(message.contains("no such run: run-99; nothing was cancelled"));
    let told = json(folder, &format!("{cancel} run-00 run-03 --json"));
    assert_eq!(told["stopping"], serde_json::json!(["run-00"]));
    release(folder, "go");
    assert_eq!(launcher.wait().unwrap().code(), Some(1));
    assert_eq!(
        states(folder),
        ["cancelled", "finished", "finished", "cancelled"]
    );
    assert!(processes(folder).is_empty());
    // They stay cancelled until someone wants them.
    olmix(folder, RUN).assert().code(1);
    fs::write(
        folder.join("trainer.sh"),
        TRAINER.replace("\"$pause\"", "0"),
    )
    .unwrap();
    olmix(folder, &format!("{RUN} --retry-failed"))
        .assert()
        .success();
}

#[test]
fn run_cancelled_after_its_launcher_died_is_ended_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 2, |i| {
        if i == 0 {
            held_by("never")
        } else {
            trainer(0.0)
        }
    });
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 1");
    wait_until("run-00 works", || {
        folder.join("swarm/runs/run-00/lock/pid").exists()
    });
    signal(launcher.id(), "-KILL");
    launcher.wait().unwrap();
    assert!(
        !processes(folder).is_empty(),
        "the trainer survives its launcher"
    );
    olmix(folder, "launch cancel --variants swarm/launch run-00")
        .assert()
        .success();
    olmix(folder, RUN).assert().code(1);
    assert_eq!(states(folder), ["cancelled", "finished"]);
    assert!(processes(folder).is_empty());
}
