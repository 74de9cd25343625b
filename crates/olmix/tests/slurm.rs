//! Swarms on a real Slurm: a controller and two nodes of this machine. With each fault, every run ends
//! finished or failed for a reason that is told, none runs twice at once, and what was measured is what a
//! quiet swarm measures.
#![allow(clippy::unwrap_used)] // helpers of tests
#![cfg(target_os = "linux")]

mod common;
#[path = "common/conformance.rs"]
mod conformance;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::slurm::Slurm;
use common::swarm::{assert_as_quiet, config, count, log, processes, runs, signal, swarm, trainer};
use common::{json, olmix, refused, tiny};
use serde_json::Value;

const RUNS: usize = 24;
const RUN: &str = "launch run --variants swarm/launch --engine slurm";

/// A swarm whose runs take so many seconds, with a section `engine`.
fn on_slurm(folder: &Path, runs: usize, pause: f64, engine: &str) {
    swarm(folder, runs, |_| trainer(pause));
    for i in 0..runs {
        config(
            folder,
            i,
            runs,
            &trainer(pause),
            &format!("engine: {{type: slurm, time: 10{engine}}}\n"),
        );
    }
}

#[test]
fn a_swarm_is_one_job_array_and_everything_about_it_is_kept() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(
        folder,
        RUNS,
        0.2,
        ", jobs: 6, setup: [\"export FROM_SETUP=yes\"], env: {FROM_ENV: \"a 'b'\"}",
    );
    let preview = slurm
        .olmix(folder, "launch preview --variants swarm/launch")
        .assert()
        .success();
    let preview = String::from_utf8_lossy(&preview.get_output().stdout).into_owned();
    assert!(preview.contains("#SBATCH --array=1-24%6\n"), "{preview}");
    assert!(preview.contains("$ sbatch --parsable "), "{preview}");
    assert!(
        !folder.join("swarm/runs").exists(),
        "a preview writes nothing"
    );
    assert_eq!(slurm.ask("squeue", &["--noheader", "--states=all"]), "");
    slurm.olmix(folder, RUN).assert().success();
    assert_as_quiet(folder, RUNS);
    let arrays = slurm.ask(
        "squeue",
        &["--noheader", "--states=all", "--array", "-o", "%j %F %T"],
    );
    let mut arrays: Vec<&str> = arrays
        .lines()
        .filter(|line| line.contains("olmix-group."))
        .collect();
    arrays.sort_unstable();
    arrays.dedup();
    assert_eq!(arrays.len(), 2, "the probe and one array: {arrays:?}");
    // The script as it was previewed, orders, and a log of each run.
    let submission = fs::read_dir(folder.join("swarm/runs/submissions"))
        .unwrap()
        .flatten();
    let submission = submission
        .map(|entry| entry.path())
        .find(|path| path.is_dir())
        .unwrap();
    let token = submission.file_name().unwrap().to_str().unwrap();
    let script = fs::read_to_string(submission.join("submit.sh")).unwrap();
    assert!(
        preview.replace("TOKEN", token).contains(&script),
        "{script}\n{preview}"
    );
    let mut kept: Vec<String> = fs::read_dir(&submission)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, ["orders.jsonl", "submit.sh"]);
    let told = slurm
        .olmix(folder, "launch logs run-07 --variants swarm/launch")
        .assert()
        .success();
    let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(told.starts_with("=== attempt 1, train, "), "{told}");
    // Once more: there is nothing to do.
    slurm.olmix(folder, RUN).assert().success();
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
}

#[test]
fn what_slurm_would_not_have_is_told_in_its_words_and_nothing_is_submitted() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |engine: &str| {
        on_slurm(folder, 3, 0.0, engine);
        let done = slurm.olmix(folder, RUN).assert().code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert_eq!(count(folder, "queued"), 3, "{told}");
        let jobs = slurm.ask("squeue", &["--noheader", "--array", "-o", "%j"]);
        assert_eq!(jobs, "", "{told}");
        assert!(
            fs::read_dir(folder.join("swarm/runs/submissions")).is_err_and(|_| true) || {
                let left = fs::read_dir(folder.join("swarm/runs/submissions")).unwrap();
                left.flatten()
                    .all(|entry| entry.file_name() == "probe.json")
            }
        );
        told
    };
    let told = refused(", partition: nope");
    assert!(told.contains("invalid partition specified: nope"), "{told}");
    assert!(told.contains("engine.partition"), "{told}");
    let told = refused(", program: /nowhere/olmix");
    assert!(told.contains("without an answer"), "{told}");
    assert!(
        told.contains("/nowhere/olmix: "),
        "what the shell said: {told}"
    );
    // The probe passes, the runs are refused.
    let told = refused(", gres: \"gpu:8\"");
    assert!(told.contains("Invalid generic resource"), "{told}");
    // Without the section's mistake all goes on.
    on_slurm(folder, 3, 0.0, "");
    slurm.olmix(folder, RUN).assert().success();
    assert_as_quiet(folder, 3);
}

#[test]
fn a_folder_that_nodes_do_not_see_is_found_out_before_anything_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, 3, 0.0, "");
    fs::create_dir(folder.join("swarm/runs")).unwrap();
    let Some(slurm) = Slurm::start_hiding(Some(&folder.join("swarm/runs"))) else {
        return;
    };
    let done = slurm.olmix(folder, RUN).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("without an answer"), "{told}");
    assert!(told.contains("shared filesystem"), "{told}");
    assert_eq!(count(folder, "queued"), 3);
}

#[test]
fn without_slurm_on_this_machine_it_is_said_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    on_slurm(folder.path(), 2, 0.0, "");
    let mut command = olmix(folder.path(), RUN);
    let done = command.env("PATH", "/nowhere").assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("`sbatch` is not on this machine's path"),
        "{told}"
    );
    assert!(!folder.path().join("swarm/runs").exists());
    let told = refused(
        folder.path(),
        "launch run --variants swarm/launch --engine local --detach",
    );
    assert!(told.contains("--detach is for clusters"), "{told}");
}

#[test]
fn a_killed_launcher_is_followed_by_one_that_finds_every_run() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 0.7, "");
    let mut launcher = slurm.launch(folder, RUN);
    // At any moment: while it probes, while it submits, while runs run.
    for pause in [300, 900, 150, 500, 1200, 50, 700] {
        std::thread::sleep(Duration::from_millis(pause));
        launcher.kill().unwrap();
        launcher.wait().unwrap();
        launcher = slurm.launch(folder, RUN);
    }
    // What Ctrl-C ends is the following alone.
    signal(launcher.id(), "-INT");
    let code = launcher.wait().unwrap().code();
    if code == Some(130) {
        let told = log(folder);
        assert!(told.contains("runs go on with slurm"), "{told}");
    }
    slurm.olmix(folder, RUN).assert().success();
    assert_as_quiet(folder, RUNS);
}

#[test]
fn a_controller_that_is_away_for_a_while_costs_nothing() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 1.0, "");
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 4);
    slurm.stop_controller();
    slurm.wait_for("it is missed", |_| {
        log(folder).contains("slurm does not answer")
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
fn runs_that_vanish_from_slurm_are_found_out_and_run_again() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 1.5, "");
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 4);
    slurm.stop_controller();
    slurm.start_controller_anew();
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

#[test]
fn a_run_whose_processes_are_killed_is_tried_again_and_one_cancelled_in_slurm_is_not() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 1.5, "");
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("runs work", |_| {
        count(folder, "running") >= 4 && processes(folder).len() >= 8
    });
    let killed = processes(folder)[0];
    signal(killed, "-KILL");
    let cancelled = slurm.jobs("low", "R").pop().unwrap();
    assert!(
        slurm
            .command("scancel")
            .arg(&cancelled)
            .status()
            .unwrap()
            .success()
    );
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
        log(folder).contains("is tried again: train: ended by SIGKILL"),
        "{}",
        log(folder)
    );
    slurm
        .olmix(folder, &format!("{RUN} --retry-failed"))
        .assert()
        .success();
    assert_as_quiet(folder, RUNS);
}

#[test]
fn runs_of_a_node_that_goes_down_are_begun_again() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 1.5, "");
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 6);
    slurm.ask(
        "scontrol",
        &["update", "nodename=n1", "state=down", "reason=test"],
    );
    slurm.wait_for("runs wait again", |_| log(folder).contains("waits again"));
    slurm.begin_now();
    slurm.ask("scontrol", &["update", "nodename=n1", "state=resume"]);
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, RUNS);
    let runs = runs(folder);
    assert!(runs.iter().any(|run| run.losses > 0 && run.attempt > 1));
    assert!(runs.iter().all(|run| run.failures == 0));
}

#[test]
fn preempted_runs_wait_and_are_begun_again() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 2.0, ", partition: low");
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("runs work", |_| count(folder, "running") >= 6);
    let script = folder.join("high.sh");
    fs::write(&script, "#!/bin/sh\nsleep 3\n").unwrap();
    let urgent = slurm
        .command("sbatch")
        .args(["-p", "high", "-n", "4", "-N", "1", "-o", "/dev/null"])
        .arg(&script)
        .status();
    assert!(urgent.unwrap().success());
    slurm.wait_for("runs wait again", |_| log(folder).contains("waits again"));
    slurm.begin_now();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, RUNS);
    let runs = runs(folder);
    assert!(runs.iter().any(|run| run.losses > 0));
    assert!(runs.iter().all(|run| run.failures == 0));
}

#[test]
fn one_run_those_that_wait_or_all_are_cancelled_with_a_launcher_and_without() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 4.0, ", jobs: 3");
    let told = slurm
        .olmix(folder, &format!("{RUN} --detach --json"))
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
    let mut launcher = slurm.launch(folder, &format!("{RUN} --retry-failed"));
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
fn a_swarm_moves_to_this_machine_and_back_half_way() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(folder, RUNS, 1.0, ", jobs: 4");
    slurm
        .olmix(folder, &format!("{RUN} --detach"))
        .assert()
        .success();
    slurm.wait_for("some work", |slurm| slurm.jobs("low", "R").len() == 4);
    let line = "launch run --variants swarm/launch --engine local --jobs 2";
    let mut here = slurm.launch(folder, line);
    slurm.wait_for("some are trained here", |_| {
        runs(folder)
            .iter()
            .any(|run| run.state.word() == "finished" && run.engine_job.is_none())
    });
    signal(here.id(), "-INT");
    here.wait().unwrap();
    slurm.olmix(folder, RUN).assert().success();
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

/// Runs of the built-in trainer.
fn tiny_swarm(folder: &Path, runs: usize, training: &str, engine: &str) {
    tiny::data(folder);
    fs::create_dir_all(folder.join("swarm/launch")).unwrap();
    for i in 0..runs {
        let a = (i as f64 + 1.0) / (runs as f64 + 1.0);
        let mix = format!("{{arithmetic: {a:.3}, prose: {:.3}}}", 1.0 - a);
        let config = tiny::config(&format!("run-{i:02}"), &mix, training);
        let text = format!("group_id: group\nengine: {{type: slurm, cpus: 1{engine}}}\n{config}");
        fs::write(folder.join(format!("swarm/launch/{i:02}.yaml")), text).unwrap();
    }
}

#[test]
fn training_and_evaluation_may_be_jobs_of_their_own() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny_swarm(
        folder,
        4,
        "",
        ", partition: low, evaluation: {partition: high, time: 7}",
    );
    let mut launcher = slurm.launch(folder, RUN);
    slurm.wait_for("evaluations wait", |slurm| {
        slurm
            .ask("squeue", &["--noheader", "-p", "high", "-o", "%E"])
            .contains("afterany:")
    });
    // Between the two, the launcher is another one.
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    slurm.olmix(folder, RUN).assert().success();
    assert_eq!(count(folder, "finished"), 4);
    let through = common::swarm::tables(folder);
    for run in ["run-00", "run-03"] {
        let text = fs::read_to_string(folder.join(format!("swarm/runs/{run}/log.txt"))).unwrap();
        let of = |stage: &str| {
            text.lines()
                .filter(|line| line.contains(&format!(", {stage}, ")))
                .count()
        };
        assert_eq!((of("train"), of("evaluate")), (1, 1), "{text}");
    }
    olmix(
        folder,
        "launch run --variants swarm/launch --engine local --out here",
    )
    .assert()
    .success();
    olmix(folder, "collect --swarm here --output here")
        .assert()
        .success();
    let read = |name: &str| fs::read_to_string(folder.join("here").join(name)).unwrap();
    assert_eq!(through, (read("ratios.csv"), read("metrics.csv")));
}

#[test]
fn a_run_that_is_begun_again_goes_on_from_its_checkpoint() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Long enough to be caught half-way, however fast the machine.
    tiny_swarm(folder, 2, ", log_every: 1, learning_rate: 0.001", "");
    for entry in fs::read_dir(folder.join("swarm/launch")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        fs::write(
            entry.path(),
            text.replace("tokens: 40_000", "tokens: 800_000"),
        )
        .unwrap();
    }
    let mut launcher = slurm.launch(folder, RUN);
    let run = folder.join("swarm/runs/run-00");
    let has_checkpoint =
        || fs::read_dir(run.join("checkpoints")).is_ok_and(|found| found.count() > 1);
    slurm.wait_for("a checkpoint", |_| {
        has_checkpoint() && count(folder, "running") == 2
    });
    let first = |run: &Path| {
        let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    let before = first(&run);
    for job in slurm.jobs("low", "R") {
        slurm.ask("scontrol", &["requeue", &job]);
    }
    slurm.wait_for("runs wait again", |_| {
        log(folder).matches("waits again").count() == 2
    });
    slurm.begin_now();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(
        first(&run),
        before,
        "what was trained before was not trained again"
    );
    let told = fs::read_to_string(run.join("log.txt")).unwrap();
    assert!(told.contains("begun again 1 times by its engine"), "{told}");
    assert!(
        runs(folder)
            .iter()
            .all(|run| run.failures == 0 && run.losses == 1 && run.attempt == 2)
    );
    // And it ends with the bits of one that was left alone.
    let line = "proxy train --config swarm/launch/00.yaml --out alone --threads 1 --quiet";
    olmix(folder, line).assert().success();
    let model = |run: &Path| fs::read(run.join("model/model.safetensors")).unwrap();
    assert_eq!(model(&run), model(&folder.join("alone")));
}

/// Commands of a document's blocks in a language.
fn commands(document: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(document);
    let text = fs::read_to_string(path).unwrap();
    let blocks = text
        .split("```")
        .filter_map(|block| block.strip_prefix(language));
    let lines = blocks
        .filter_map(|block| block.strip_prefix('\n'))
        .flat_map(str::lines);
    lines.map(str::to_owned).collect()
}

#[test]
fn what_the_documents_tell_users_of_clusters_to_type_works() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // In place of the demo's swarm one that takes seconds.
    tiny::data(folder);
    fs::create_dir(folder.join("olmix-demo")).unwrap();
    let launch = tiny::config("tiny", tiny::MIX, "");
    let (before, data) = launch.split_once("data:").unwrap();
    let (data, eval) = data.split_once("eval:").unwrap();
    let eval = eval.lines().next().unwrap();
    let text = format!("{before}eval:{eval}\nengine: {{type: slurm, time: 10, jobs: 6}}\n");
    fs::write(folder.join("olmix-demo/launch.yaml"), text).unwrap();
    let text = format!(
        "name: tiny\ndata:{data}priors: {{token_counts: {{arithmetic: 9_000, prose: 9_000, clutter: \
         9_000}}}}\nswarm: {{repetition_factor: 20}}\nmax_tokens: 40_000\n"
    );
    fs::write(folder.join("olmix-demo/generate.yaml"), text).unwrap();
    let readme = commands("README.md", "bash");
    assert!(
        readme
            .iter()
            .any(|line| line.starts_with("olmix launch run ")),
        "{readme:?}"
    );
    let page = commands("docs/engines.md", "sh");
    let generate = readme[0].replace("third", "second");
    for line in readme.into_iter().chain([generate]).chain(page) {
        let line = line.strip_prefix("olmix ").unwrap();
        slurm.olmix(folder, line).assert().success();
    }
    for swarm in ["second", "third"] {
        let table = fs::read_to_string(folder.join(swarm).join("metrics.csv")).unwrap();
        assert_eq!(table.lines().count(), 7, "{table}");
    }
}

#[test]
fn more_runs_than_an_array_may_have_are_several_and_the_project_says_what_each_gets() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The cluster's arrays have at most 500 tasks.
    let runs = 510;
    swarm(folder, runs, |_| trainer(60.0));
    let project = "name: p\nengine: {type: slurm, time: 10, jobs: 6}\ndomains: []\n";
    fs::write(folder.join("olmix.yaml"), project).unwrap();
    let told = slurm
        .olmix(folder, "launch run --variants swarm/launch --detach --json")
        .assert()
        .success();
    let told: Value = serde_json::from_slice(&told.get_output().stdout).unwrap();
    assert_eq!(told["submitted"], runs);
    let script = |path: &Path| fs::read_to_string(path.join("submit.sh")).unwrap_or_default();
    let mut arrays: Vec<String> = fs::read_dir(folder.join("swarm/runs/submissions"))
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let script = script(&entry.path());
            let line = script.lines().find(|line| line.contains("--array="))?;
            Some(line.to_owned())
        })
        .collect();
    arrays.sort();
    assert_eq!(
        arrays,
        ["#SBATCH --array=1-10%1", "#SBATCH --array=1-500%6"]
    );
    slurm
        .olmix(folder, "launch cancel --variants swarm/launch --all")
        .assert()
        .success();
    assert_eq!(count(folder, "cancelled"), runs);
    assert!(slurm.jobs("low", "PD").is_empty() && processes(folder).is_empty());
}

/// Not a test by itself: the process of the next one, which has the cluster in its environment.
#[test]
fn conformance_process() {
    let Some(folder) = std::env::var_os("OLMIX_TEST_CONFORMANCE") else {
        return;
    };
    let settings = olmix_io::EngineConfig {
        kind: olmix_io::EngineKind::Slurm,
        time: Some("10".into()),
        ..Default::default()
    };
    conformance::check(&settings, Path::new(&folder));
}

#[test]
fn slurm_passes_the_conformance_suite_of_engines() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let done = slurm
        .command(this.to_str().unwrap())
        .args(["--exact", "conformance_process", "--nocapture"])
        .env("OLMIX_TEST_CONFORMANCE", folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    assert!(told.contains("conformance: "), "the checks ran: {told}");
}
