//! Faults on a real Slurm: launchers, controllers, nodes and runs that die or vanish.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{ON_SLURM, RUNS, on_slurm};
use crate::common::service::state_and_parent;
use crate::common::slurm::Slurm;
use crate::common::swarm::{
    assert_as_quiet, count, held_by, log, processes, release, runs, signal, trainer,
};

#[test]
fn slurm_runs_of_a_killed_launcher_are_found_by_the_next() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &trainer(0.7), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    // At any moment: while it probes, while it submits, while runs run.
    for pause in [300, 900, 150, 500, 1200, 50, 700] {
        std::thread::sleep(Duration::from_millis(pause));
        launcher.kill().unwrap();
        launcher.wait().unwrap();
        launcher = slurm.launch(folder, ON_SLURM);
    }
    // What Ctrl-C ends is the following alone.
    signal(launcher.id(), "-INT");
    let code = launcher.wait().unwrap().code();
    if code == Some(130) {
        let told = log(folder);
        assert!(told.contains("runs go on with slurm"), "{told}");
    }
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert_as_quiet(folder, RUNS);
}

#[test]
fn slurm_controller_outage_costs_no_run() {
    let Some(slurm) = Slurm::start_alone() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 4);
    slurm.stop_controller();
    slurm.wait_for("it is missed", |_| {
        log(folder).contains("slurm does not answer")
    });
    // Runs end while it is away.
    release(folder, "go");
    slurm.wait_for("runs ended", |_| {
        let ended = |i: usize| folder.join(format!("swarm/runs/run-{i:02}/job/ended.json"));
        (0..RUNS).filter(|i| ended(*i).exists()).count() >= 4
    });
    slurm.start_controller();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert!(
        log(folder).contains("slurm answers again"),
        "{}",
        log(folder)
    );
    assert_as_quiet(folder, RUNS);
    assert!(runs(folder).iter().all(|run| run.failures == 0));
}

#[test]
fn slurm_runs_that_vanish_are_lost_and_run_again() {
    let Some(slurm) = Slurm::start_alone() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 4);
    slurm.stop_controller();
    slurm.start_controller_anew();
    slurm.wait_for("runs are lost", |_| {
        runs(folder).iter().any(|run| run.losses > 0)
    });
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert!(
        log(folder).contains("slurm does not know of it any more"),
        "{}",
        log(folder)
    );
    assert_as_quiet(folder, RUNS);
    let runs = runs(folder);
    assert!(runs.iter().any(|run| run.losses == 1) && runs.iter().all(|run| run.failures == 0));
}

/// The first process of a run: the one whose parent is none of the run's.
fn leader(run: &Path) -> u32 {
    let all = processes(run);
    let led = |pid: &u32| {
        let parent = state_and_parent(*pid).map(|(_, parent)| parent);
        parent.is_some_and(|parent| !all.contains(&parent))
    };
    all.iter().copied().find(led).unwrap()
}

#[test]
fn slurm_retries_a_killed_run_but_not_one_cancelled_with_scancel() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    let first = folder.join("swarm/runs/run-00");
    slurm.wait_for("runs work", |_| {
        count(folder, "running") >= 4 && first.join("lock/pid").exists()
    });
    signal(leader(&first), "-KILL");
    let cancelled = slurm.jobs("low", "R").pop().unwrap();
    assert!(
        slurm
            .command("scancel")
            .arg(&cancelled)
            .status()
            .unwrap()
            .success()
    );
    slurm.wait_for("both are seen", |_| {
        log(folder).contains("is retried: train: ended by SIGKILL")
            && count(folder, "cancelled") == 1
    });
    release(folder, "go");
    assert_eq!(launcher.wait().unwrap().code(), Some(1), "{}", log(folder));
    let done = runs(folder);
    let ended: Vec<&olmix_ledger::Run> = done
        .iter()
        .filter(|run| run.state.word() == "cancelled")
        .collect();
    assert_eq!(ended.len(), 1, "{}", log(folder));
    let cause = ended[0].cause.as_deref().unwrap();
    assert_eq!(cause, format!("job {cancelled} was cancelled from outside"));
    assert!(
        done.iter().any(|run| run.failures == 1),
        "the killed one was tried again"
    );
    assert!(
        log(folder).contains("is retried: train: ended by SIGKILL"),
        "{}",
        log(folder)
    );
    slurm
        .olmix(folder, &format!("{ON_SLURM} --retry-failed"))
        .assert()
        .success();
    assert_as_quiet(folder, RUNS);
}

#[test]
fn slurm_runs_of_a_failed_node_begin_again() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 6);
    let node = format!("nodename={}", slurm.nodes()[0]);
    slurm.ask("scontrol", &["update", &node, "state=down", "reason=test"]);
    slurm.wait_for("runs wait again", |_| {
        log(folder).contains("is queued again")
    });
    slurm.begin_now();
    slurm.ask("scontrol", &["update", &node, "state=resume"]);
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, RUNS);
    let runs = runs(folder);
    assert!(runs.iter().any(|run| run.losses > 0 && run.attempt > 1));
    assert!(runs.iter().all(|run| run.failures == 0));
}

#[test]
fn slurm_preempted_runs_wait_and_begin_again() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, RUNS, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 6);
    let script = folder.join("high.sh");
    fs::write(&script, "#!/bin/sh\nsleep 3\n").unwrap();
    let urgent = slurm
        .command("sbatch")
        .args(["-p", &slurm.partition("high")])
        .args(["-n", "4", "-N", "1", "-o", "/dev/null"])
        .arg(&script)
        .status();
    assert!(urgent.unwrap().success());
    slurm.wait_for("runs wait again", |_| {
        log(folder).contains("is queued again")
    });
    release(folder, "go");
    slurm.begin_now();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, RUNS);
    let runs = runs(folder);
    assert!(runs.iter().any(|run| run.losses > 0));
    assert!(runs.iter().all(|run| run.failures == 0));
}
