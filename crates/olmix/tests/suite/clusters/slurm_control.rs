//! Cancelling a swarm on Slurm, and moving it between engines.

use std::fs;

use super::{ON_SLURM, RUNS, on_slurm};
use crate::common::json;
use crate::common::slurm::Slurm;
use crate::common::swarm::{
    assert_as_quiet, count, held_by, log, processes, release, runs, signal,
};
use olmix_io::{EngineConfig, EngineKind};
use olmix_launch::registry;
use serde_json::Value;

const KILLED: &str = "OLMIX_TEST_KILLED_JOB";

#[test]
fn slurm_cancels_one_waiting_or_all_runs_with_and_without_a_launcher() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("never"), ", jobs: 3");
    let told = slurm
        .olmix(folder, &format!("{ON_SLURM} --detach --json"))
        .assert()
        .success();
    let told: Value = serde_json::from_slice(&told.get_output().stdout).unwrap();
    assert_eq!(told["submitted"], 24);
    slurm.wait_for("runs work", |slurm| slurm.jobs("low", "R").len() == 3);
    // Without a launcher: status asks Slurm, cancel ends the job itself.
    let status = slurm
        .olmix(folder, "launch status --variants swarm/launch --json")
        .assert()
        .success();
    let status: Value = serde_json::from_slice(&status.get_output().stdout).unwrap();
    assert_eq!(status["swarms"][0]["counts"]["running"], 3, "{status}");
    assert_eq!(status["swarms"][0]["counts"]["submitted"], 21);
    slurm
        .olmix(folder, "launch cancel --variants swarm/launch run-00")
        .assert()
        .success();
    assert_eq!(count(folder, "cancelled"), 1);
    let told = slurm
        .olmix(folder, "launch cancel --variants swarm/launch --waiting")
        .assert()
        .success();
    let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(told.starts_with("cancelled: 2"), "{told}");
    assert!(slurm.jobs("low", "PD").is_empty());
    // With one: it ends them.
    let mut launcher = slurm.launch(folder, &format!("{ON_SLURM} --retry-failed"));
    slurm.wait_for("runs are with Slurm again", |slurm| {
        slurm.jobs("low", "PD").len() > 10 && count(folder, "running") >= 3
    });
    slurm
        .olmix(folder, "launch cancel --variants swarm/launch --all")
        .assert()
        .success();
    assert_eq!(launcher.wait().unwrap().code(), Some(1));
    assert!(slurm.jobs("low", "PD").is_empty() && slurm.jobs("low", "R").is_empty());
    assert_eq!(
        count(folder, "running") + count(folder, "submitted") + count(folder, "queued"),
        0
    );
    assert!(processes(folder).is_empty());
}

#[test]
fn swarm_moves_from_slurm_to_this_machine_and_back() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Runs that are with Slurm go on until they may end; those here are short.
    let script = "if test -n \"${SLURM_JOB_ID:-}\"; then pause=go; else pause=0.2; fi\nexec sh \
    trainer.sh \"$1\" \"$2\" \"$pause\"\n";
    fs::write(folder.join("where.sh"), script).unwrap();
    let command = "sh where.sh {out} {mix_json}";
    on_slurm(&slurm, folder, RUNS, command, ", jobs: 4");
    slurm
        .olmix(folder, &format!("{ON_SLURM} --detach"))
        .assert()
        .success();
    // Those at work finish where they are, once the ledger knows that they are.
    slurm.wait_for("some work", |slurm| {
        let status = "launch status --variants swarm/launch";
        slurm.olmix(folder, status).assert().success();
        count(folder, "running") == 4
    });
    let line = "launch run --variants swarm/launch --engine local --jobs 2";
    let mut here = slurm.launch(folder, line);
    slurm.wait_for("some are trained here", |_| {
        runs(folder)
            .iter()
            .any(|run| run.state.word() == "finished" && run.engine_job.is_none())
    });
    signal(here.id(), "-INT");
    here.wait().unwrap();
    release(folder, "go");
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert_as_quiet(folder, RUNS);
    let told = json(folder, "launch status --variants swarm/launch --json");
    let engines = told["swarms"][0]["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["engine"].clone());
    let engines: Vec<Value> = engines.collect();
    assert!(
        engines.contains(&Value::Null) && engines.contains(&"slurm".into()),
        "{engines:?}"
    );
}

/// Not a test by itself: the process of the next one, which has the cluster in its environment, and in this
/// variable a job.
#[test]
fn process_that_kills_a_job_of_slurm() {
    let Ok(job) = std::env::var(KILLED) else {
        return;
    };
    let settings = EngineConfig {
        kind: EngineKind::Slurm,
        ..Default::default()
    };
    let mut cluster = registry::open_cluster(&settings).unwrap();
    cluster.cancel(std::slice::from_ref(&job), true).unwrap();
    eprintln!("{job} has been asked to end");
}

#[test]
fn slurm_job_that_is_still_completing_when_it_is_cancelled_does_not_end_the_launcher() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, 3, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") == 3);
    // One is killed, and completing for as long as the epilog of its node runs.
    slurm.hold_epilogs();
    let job = slurm.jobs("low", "R").pop().unwrap();
    slurm.ask("scancel", &["--signal=KILL", "--full", &job]);
    slurm.wait_for("it is completing", |slurm| {
        slurm.jobs("low", "CG") == [job.clone()]
    });
    let index: usize = job.split_once('_').unwrap().1.parse().unwrap();
    let run = format!("run-{:02}", index - 1);
    let line = format!("launch cancel --variants swarm/launch {run}");
    let cancelling = slurm.launch(folder, &line);
    // Slurm refuses to kill such a job, which is no refusal to us.
    let killed = slurm
        .command("scancel")
        .args(["--signal=KILL", "--full", &job])
        .output()
        .unwrap();
    assert!(!killed.status.success());
    let this = std::env::current_exe().unwrap();
    let name = "clusters::slurm_control::process_that_kills_a_job_of_slurm";
    let done = slurm
        .command(this.to_str().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(KILLED, &job)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() && told.contains("has been asked"),
        "{told}"
    );
    assert!(launcher.try_wait().unwrap().is_none(), "{}", log(folder));
    assert_eq!(slurm.jobs("low", "CG"), [job]);
    slurm.release_epilogs();
    let done = cancelling.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", log(folder));
    release(folder, "go");
    assert_eq!(launcher.wait().unwrap().code(), Some(1), "{}", log(folder));
    assert_eq!(
        (count(folder, "finished"), count(folder, "cancelled")),
        (2, 1),
        "{}",
        log(folder)
    );
}
