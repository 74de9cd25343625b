//! What Slurm's commands and accounts say of jobs, on a real Slurm: with what a user's environment adds to
//! them, after jobs are forgotten, held, or cut off.

use std::fs;

use olmix_ledger::FailureKind;

use super::{ON_SLURM, on_slurm};
use crate::common::slurm::Slurm;
use crate::common::swarm::{assert_as_quiet, count, held_by, log, release, runs, trainer};

const STATUS: &str = "launch status --variants swarm/launch";

#[test]
fn slurm_variables_of_the_user_change_neither_what_is_submitted_nor_what_is_seen() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, 4, &trainer(0.5), "");
    let high = slurm.partition("high");
    let variables = [
        ("SQUEUE_PARTITION", high.as_str()),
        ("SQUEUE_NAMES", "mine"),
        ("SQUEUE_STATES", "COMPLETED"),
        ("SBATCH_PARTITION", high.as_str()),
        ("SBATCH_TIMELIMIT", "3"),
        ("SBATCH_ARRAY_INX", "1-2"),
        ("SCANCEL_NAME", "mine"),
        ("SACCT_FORMAT", "JobID"),
        ("SLURM_CLUSTERS", "elsewhere"),
        ("SLURM_ARRAY_TASK_ID", "7"),
    ];
    let mut launcher = slurm.launch_with(folder, &format!("{ON_SLURM} --retries 0"), &variables);
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 4);
    assert!(
        runs(folder)
            .iter()
            .all(|run| run.attempt == 1 && run.losses == 0)
    );
    // Partition and limit of each job are those of the launch configs.
    let told = slurm.all_jobs("%P %l");
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| !line.ends_with(" 5:00"))
        .collect();
    assert_eq!(
        lines,
        vec![format!("{} 10:00", slurm.partition("low")); 4],
        "{told}"
    );
    let told = log(folder);
    assert!(
        told.contains("SBATCH_ARRAY_INX, SBATCH_PARTITION, SBATCH_TIMELIMIT of the environment"),
        "{told}"
    );
}

#[test]
fn slurm_run_that_is_held_after_a_requeue_is_told_and_goes_on_when_it_is_released() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(&slurm, folder, 2, &held_by("go"), "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") == 2);
    let job = slurm.jobs("low", "R").pop().unwrap();
    slurm.ask("scontrol", &["requeuehold", &job]);
    slurm.wait_for("it is told", |_| {
        log(folder).contains(&format!("slurm holds job {job} back"))
    });
    release(folder, "go");
    slurm.wait_for("the other one finishes", |_| count(folder, "finished") == 1);
    slurm.wait_for("it begins again", |slurm| {
        slurm.ask("scontrol", &["release", &job]);
        slurm.begin_now();
        count(folder, "finished") == 2
    });
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 2);
}

#[test]
fn slurm_run_cut_off_by_scancel_is_not_finished_though_its_shell_goes_on_and_ends_well() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The signal ends the command, and the shell goes on.
    let script =
        "trap '' TERM\n(trap - TERM; exec sleep 300)\necho '{\"loss\": 1}' > $1/metrics.json\n";
    fs::write(folder.join("cut.sh"), script).unwrap();
    on_slurm(&slurm, folder, 2, "sh cut.sh {out}", "");
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("runs work", |_| count(folder, "running") == 2);
    for job in slurm.jobs("low", "R") {
        slurm.ask("scancel", &[&job]);
    }
    assert_eq!(launcher.wait().unwrap().code(), Some(1), "{}", log(folder));
    assert_eq!(count(folder, "cancelled"), 2, "{}", log(folder));
}

#[test]
fn slurm_status_alone_settles_runs_that_slurm_forgot_by_its_accounts() {
    let Some(slurm) = Slurm::start_alone() else {
        return;
    };
    if !slurm.keeps_accounts() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // They end by no signal, so that their nodes leave no record before they are killed.
    on_slurm(&slurm, folder, 4, &held_by("go"), "");
    slurm
        .olmix(folder, &format!("{ON_SLURM} --detach"))
        .assert()
        .success();
    slurm.wait_for("runs work", |slurm| slurm.jobs("low", "R").len() == 4);
    slurm.olmix(folder, STATUS).assert().success();
    assert_eq!(count(folder, "running"), 4);
    let jobs = slurm.jobs("low", "R");
    // Nobody follows while one is cancelled, one is over its time, and one killed with its node.
    slurm.ask("scancel", &[&jobs[0]]);
    slurm.ask(
        "scontrol",
        &["update", &format!("jobid={}", jobs[1]), "endtime=now"],
    );
    let accounted = |slurm: &Slurm, job: &str| {
        let arguments = [
            "--noheader",
            "--parsable2",
            "--allocations",
            "--jobs",
            job,
            "--format",
            "State",
        ];
        slurm.ask("sacct", &arguments).trim().to_owned()
    };
    slurm.wait_for("accounts have them", |slurm| {
        accounted(slurm, &jobs[0]).starts_with("CANCELLED")
            && accounted(slurm, &jobs[1]) == "TIMEOUT"
    });
    slurm.stop_controller();
    slurm.start_controller_anew();
    slurm.olmix(folder, STATUS).assert().success();
    let told = runs(folder);
    let of = |job: &str| {
        let task: usize = job.split_once('_').unwrap().1.parse().unwrap();
        told.iter()
            .find(|run| run.name == format!("run-{:02}", task - 1))
            .unwrap()
    };
    assert_eq!(of(&jobs[0]).state.word(), "cancelled");
    assert_eq!(of(&jobs[1]).state.word(), "failed");
    assert_eq!(of(&jobs[1]).failure, Some(FailureKind::Timeout));
    for job in &jobs[2..] {
        assert_eq!(of(job).state.word(), "queued", "{:?}", of(job).cause);
        assert_eq!(of(job).losses, 1);
    }
    release(folder, "go");
    slurm
        .olmix(folder, &format!("{ON_SLURM} --retry-failed"))
        .assert()
        .success();
    assert_as_quiet(folder, 4);
}
