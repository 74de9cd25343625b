//! What Slurm is given, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{ON_SLURM, RUNS, on_slurm};
use crate::common::slurm::Slurm;
use crate::common::swarm::{
    assert_as_quiet, config, count, held_by, processes, runs, swarm, trainer,
};
use crate::common::{olmix, refused};
use serde_json::Value;

#[test]
fn slurm_runs_a_swarm_as_one_job_array_and_keeps_its_script_and_orders() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_slurm(
        &slurm,
        folder,
        RUNS,
        &trainer(0.2),
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
    assert_eq!(slurm.all_jobs("%j"), "");
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert_as_quiet(folder, RUNS);
    let arrays = slurm.all_jobs("%j %F %T");
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
    // Values of the environment may be secrets: they are not shown, and in files of their owner alone.
    let secret = |line: &str| line.starts_with("export FROM_ENV=");
    assert!(
        script.lines().any(secret) && !preview.contains("'b'"),
        "{preview}"
    );
    for file in [
        submission.join("submit.sh"),
        folder.join("swarm/runs/ledger.sqlite"),
    ] {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
    let masked = |line: &str| {
        let line = if secret(line) {
            "export FROM_ENV='***'"
        } else {
            line
        };
        format!("{line}\n")
    };
    let script: String = script.lines().map(masked).collect();
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
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
}

#[test]
fn slurm_refusals_are_passed_on_and_leave_nothing_submitted() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |partition: &str, more: &str| {
        on_slurm(&slurm, folder, 3, &trainer(0.0), more);
        for i in 0..3 {
            let path = folder.join(format!("swarm/launch/{i:02}.yaml"));
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace(&slurm.partition("low"), partition)).unwrap();
        }
        let done = slurm.olmix(folder, ON_SLURM).assert().code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert_eq!(count(folder, "queued"), 3, "{told}");
        let waiting = slurm.jobs("low", "PD,R");
        assert!(waiting.is_empty(), "{waiting:?}: {told}");
        assert!(
            fs::read_dir(folder.join("swarm/runs/submissions")).is_err_and(|_| true) || {
                let left = fs::read_dir(folder.join("swarm/runs/submissions")).unwrap();
                left.flatten()
                    .all(|entry| entry.file_name() == "probe.json")
            }
        );
        told
    };
    let own = slurm.partition("low");
    let told = refused("nope", "");
    assert!(told.contains("invalid partition specified: nope"), "{told}");
    assert!(told.contains("engine.partition"), "{told}");
    let told = refused(&own, ", program: /nowhere/olmix");
    assert!(told.contains("without an answer"), "{told}");
    assert!(
        told.contains("/nowhere/olmix: "),
        "what the shell said: {told}"
    );
    // The probe passes, the runs are refused.
    let told = refused(&own, ", gres: \"gpu:8\"");
    assert!(told.contains("Invalid generic resource"), "{told}");
    // Without the section's mistake all goes on.
    on_slurm(&slurm, folder, 3, &trainer(0.0), "");
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert_as_quiet(folder, 3);
}

#[test]
fn slurm_probe_finds_a_folder_hidden_from_nodes_before_anything_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hidden = folder.join("swarm/runs");
    fs::create_dir_all(&hidden).unwrap();
    let Some(slurm) = Slurm::start_hiding(&hidden) else {
        return;
    };
    on_slurm(&slurm, folder, 3, &trainer(0.0), "");
    let done = slurm.olmix(folder, ON_SLURM).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("without an answer"), "{told}");
    assert!(told.contains("shared filesystem"), "{told}");
    assert_eq!(count(folder, "queued"), 3);
}

#[test]
fn launch_without_slurm_names_the_missing_command() {
    let folder = tempfile::tempdir().unwrap();
    let engine = "engine: {type: slurm, time: 10}\n";
    swarm(folder.path(), 2, |_| trainer(0.0));
    (0..2).for_each(|i| config(folder.path(), i, 2, &trainer(0.0), engine));
    let mut command = olmix(folder.path(), ON_SLURM);
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
fn slurm_splits_runs_over_several_arrays_above_max_array_size() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The cluster's arrays have at most 500 tasks.
    let runs = 510;
    swarm(folder, runs, |_| held_by("never"));
    let project = format!(
        "name: p\nengine: {{type: slurm, time: 10, jobs: 6, partition: {}}}\ndomains: []\n",
        slurm.partition("low")
    );
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
