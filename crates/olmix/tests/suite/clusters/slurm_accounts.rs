//! What Slurm's commands and accounts say of jobs, on a real Slurm: with what a user's environment adds to
//! them, after jobs are forgotten, held, or cut off.

use std::fs;
use std::path::Path;

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

/// Lets a run take 600 MB once a file `large` is there, unless `go` is, too.
fn needs_memory(folder: &Path, run: usize) {
    let path = folder.join(format!("swarm/launch/{run:02}.yaml"));
    let text = fs::read_to_string(&path).unwrap();
    let large = "until test -e large; do sleep 0.05; done; test -e go || (head -c 600000000 /dev/zero; sleep \
                 300) | tail > /dev/null; sh trainer.sh";
    fs::write(&path, text.replacen("sh trainer.sh", large, 1)).unwrap();
}

/// The jobs at work on a node.
fn running_on(slurm: &Slurm, node: &str) -> Vec<String> {
    let lines = slurm.all_jobs("%F_%K %N %t");
    let of = |line: &str| {
        let mut words = line.split(' ');
        let job = words.next()?.to_owned();
        (words.next()? == node && words.next()? == "R").then_some(job)
    };
    lines.lines().filter_map(of).collect()
}

/// The state of a job by Slurm's accounts.
fn accounted(slurm: &Slurm, job: &str) -> String {
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
    // They end by no signal, so that their nodes leave no record before they are killed. The last one needs
    // more memory than it asks for, once.
    let options = ", memory: 200M, options: [\"--no-requeue\", \"--acctg-freq=task=1\"]";
    on_slurm(&slurm, folder, 8, &held_by("go"), options);
    needs_memory(folder, 7);
    slurm
        .olmix(folder, &format!("{ON_SLURM} --detach"))
        .assert()
        .success();
    slurm.wait_for("runs work", |slurm| slurm.jobs("low", "R").len() == 8);
    slurm.olmix(folder, STATUS).assert().success();
    assert_eq!(count(folder, "running"), 8);
    let on = |node: &str| running_on(&slurm, node);
    let accounted = |job: &str| accounted(&slurm, job);
    // Nobody follows while one needs too much memory, one is cancelled, one is over its time, the node of one
    // fails, one makes place for a job of the other partition, and the rest is forgotten.
    let [first, second] = slurm.nodes();
    let is_large = |job: &String| job.ends_with("_8");
    let (failing, full) = if on(&first).iter().any(is_large) {
        (first, second)
    } else {
        (second, first)
    };
    let mut jobs = on(&failing);
    jobs.sort_by_key(|job| !is_large(job));
    assert!(jobs.len() == 4 && on(&full).len() == 4, "{jobs:?}");
    fs::write(folder.join("large"), "").unwrap();
    slurm.ask("scancel", &[&jobs[1]]);
    let job = format!("jobid={}", jobs[2]);
    slurm.ask("scontrol", &["update", &job, "endtime=now"]);
    let urgent = ["-p", &slurm.partition("high"), "-w", &full, "-n", "1", "-o"];
    let urgent = [&urgent[..], &["/dev/null", "--wrap", "sleep 2"]].concat();
    slurm.ask("sbatch", &urgent);
    slurm.wait_for("accounts have them", |_| {
        // Where Slurm itself ends a job for its memory, its state is that of any job that failed.
        ["FAILED", "OUT_OF_MEMORY"].contains(&accounted(&jobs[0]).as_str())
            && accounted(&jobs[1]).starts_with("CANCELLED by ")
            && accounted(&jobs[2]) == "TIMEOUT"
            && on(&full).len() == 3
    });
    let node = format!("nodename={failing}");
    slurm.ask("scontrol", &["update", &node, "state=down", "reason=test"]);
    slurm.wait_for("accounts have it", |_| accounted(&jobs[3]) == "NODE_FAIL");
    let told = slurm.all_jobs("%F_%K %T");
    let preempted = told
        .lines()
        .find_map(|line| line.strip_suffix(" PREEMPTED"));
    let preempted = preempted.unwrap_or_else(|| panic!("{told}")).to_owned();
    assert_eq!(accounted(&preempted), "PREEMPTED");
    let forgotten = on(&full);
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
    let has = |job: &str, state: &str, kind: Option<FailureKind>, words: &str| {
        let run = of(job);
        let cause = run.cause.as_deref().unwrap_or_default();
        assert_eq!(run.state.word(), state, "{cause}");
        assert!(cause.contains(words), "{words}: {cause}");
        assert!(
            kind.is_none() || run.failure == kind,
            "{words}: {:?}",
            run.failure
        );
        assert_eq!(run.losses, u32::from(state == "queued"), "{words}");
    };
    let words = "needed more memory than it may have";
    has(&jobs[0], "failed", Some(FailureKind::OutOfMemory), words);
    has(&jobs[1], "cancelled", None, "was cancelled from outside");
    let words = "reached its time limit";
    has(&jobs[2], "failed", Some(FailureKind::Timeout), words);
    has(&jobs[3], "queued", None, "the node of job");
    has(&preempted, "queued", None, "made place for others");
    assert_eq!(forgotten.len(), 3);
    for job in &forgotten {
        has(job, "queued", None, "does not know of it any more");
    }
    release(folder, "go");
    slurm
        .olmix(folder, &format!("{ON_SLURM} --retry-failed"))
        .assert()
        .success();
    assert_as_quiet(folder, 8);
}
