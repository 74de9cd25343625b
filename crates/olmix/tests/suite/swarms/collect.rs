//! What `olmix collect` promises of metrics that were recorded elsewhere. Those of ledgers are tested with
//! `olmix launch`.

use std::fs;
use std::path::Path;

use crate::common::{olmix, refused};

pub const RATIOS: &str = "run,web,code\na,0.75,0.25\nb,0.5,0.5\nc,0.25,0.75\nd,0,1\n";

pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Collects into `out` and returns what is said on standard error.
pub fn collect(folder: &Path, line: &str) -> String {
    let mut run = olmix(folder, &format!("collect --output out {line}"));
    let run = run.assert().success();
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

#[test]
fn collect_reads_a_folder_of_metrics_and_names_runs_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "ratios.csv", RATIOS);
    write(
        folder,
        "m/b.json",
        r#"{"loss": 2, "acc:accuracy": 0.5, "eval": {"x": 1.5}}"#,
    );
    write(
        folder,
        "m/a.json",
        r#"{"metrics": {"loss": 1, "eval/x": 0.1, "rare": 1}}"#,
    );
    write(folder, "m/c.json", r#"{"loss": NaN, "eval/x": 3}"#);
    write(folder, "m/e.json", r#"{"loss": 3, "eval/x": 3}"#);
    write(folder, "m/f.json", "oops");
    write(folder, "m/notes.txt", "nothing of ours");
    let told = collect(folder, "--swarm m --ratios ratios.csv");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,web,code\na,0.75,0.25\nb,0.5,0.5\n"
    );
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x,loss\na,0.1,1\nb,1.5,2\n"
    );
    for expected in [
        "note: metrics of which more is better are left out (--include brings them): acc:accuracy",
        "note: metrics that few runs have are left out (--include brings them): rare (1 of 2 runs)",
        "c is left out: `loss` is not a finite number",
        "d is left out: nothing was measured of it",
        "e is left out: its mixture is not known: none is given under its name",
        "f is left out: not JSON",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // A metric that is not wanted can't spoil a run, and one that is asked for comes.
    collect(
        folder,
        "--swarm m --ratios ratios.csv --include eval/* --include rare",
    );
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x,rare\na,0.1,1\nb,1.5,\nc,3,\n"
    );
    collect(folder, "--swarm m --ratios ratios.csv --exclude *oss");
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x\na,0.1\nb,1.5\nc,3\n"
    );
    // The same again is the same.
    let before = (
        read(folder, "out/ratios.csv"),
        read(folder, "out/metrics.csv"),
    );
    collect(folder, "--swarm m --ratios ratios.csv --exclude *oss");
    let after = (
        read(folder, "out/ratios.csv"),
        read(folder, "out/metrics.csv"),
    );
    assert_eq!(before, after);
}

#[test]
fn collect_takes_mixtures_of_run_folders_before_launch_configs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (run, mix, loss) in [
        ("b", r#"{"web": 1}"#, 2.0),
        ("a", r#"{"code": 0.5, "web": 0.5}"#, 1.0),
    ] {
        write(folder, &format!("runs/{run}/mix.json"), mix);
        let metrics = format!(
            "{{\"format\": \"olmix metrics\", \"version\": 1, \"metrics\": {{\"loss\": {loss}}}}}"
        );
        write(folder, &format!("runs/{run}/metrics.json"), &metrics);
    }
    write(folder, "runs/c/mix.json", "{\"web\": 1}");
    let told = collect(folder, "--swarm runs");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,web\na,0.5,0.5\nb,0,1\n"
    );
    assert_eq!(read(folder, "out/metrics.csv"), "run,loss\na,1\nb,2\n");
    assert!(
        told.contains("c is left out: it has no metrics.json"),
        "{told}"
    );
    // Or launch configs do.
    for (run, mix) in [("a", "{web: 0.2, code: 0.8}"), ("b", "{math: 1}")] {
        let text = format!("name: {run}\ntraining: {{}}\ntrainer: {{command: x}}\nmix: {mix}\n");
        write(folder, &format!("launch/{run}.yaml"), &text);
    }
    // What a run was trained on counts, whatever its config says since.
    collect(folder, "--swarm runs --variants launch");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,web\na,0.5,0.5\nb,0,1\n"
    );
    for run in ["a", "b"] {
        fs::remove_file(folder.join(format!("runs/{run}/mix.json"))).unwrap();
    }
    collect(folder, "--swarm runs --variants launch");
    assert_eq!(
        read(folder, "out/ratios.csv"),
        "run,code,math,web\na,0.8,0,0.2\nb,0,1,0\n"
    );
}

#[test]
fn collect_finds_local_wandb_runs_by_name_or_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "ratios.csv", RATIOS);
    let summary = |run: &str, text: &str| {
        write(
            folder,
            &format!("wandb/{run}/files/wandb-summary.json"),
            text,
        );
    };
    let config = |run: &str, text: &str| {
        write(folder, &format!("wandb/{run}/files/config.yaml"), text);
    };
    let first = "run-20260101_100000-x1y2";
    config(
        first,
        "_wandb:\n  desc: null\n  value: {cli_version: 0.21}\nname:\n  desc: null\n  value: a\n",
    );
    summary(
        first,
        r#"{"_step": 9, "_runtime": 3.5, "_wandb": {"runtime": 3}, "loss": 1, "eval": {"x": {"min": 4}}}"#,
    );
    // A run whose id is its name, one that is offline, one begun again, one that did not finish.
    summary(
        "run-20260101_110000-b",
        r#"{"loss": 2, "eval/x/min": 5, "table": {"_type": "table-file"}}"#,
    );
    config("offline-run-20260101_120000-z", "name: {value: c}\n");
    summary(
        "offline-run-20260101_120000-z",
        r#"{"loss": 7, "eval/x/min": 6}"#,
    );
    config("run-20260102_120000-zz", "name: c\n");
    summary("run-20260102_120000-zz", r#"{"loss": 3, "eval/x/min": 6}"#);
    config("run-20260103_120000-w", "name: d\n");
    let told = collect(folder, "--swarm . --ratios ratios.csv");
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,eval/x/min,loss\na,4,1\nb,5,2\nc,6,3\n"
    );
    assert!(
        told.contains("runs that were recorded several times: `c` is run-20260102"),
        "{told}"
    );
    assert!(
        told.contains("d is left out: it has no .wandb file and no wandb-summary.json"),
        "{told}"
    );
    summary(
        "run-20260103_120000-w",
        r#"{"loss": "NaN", "eval/x/min": 1}"#,
    );
    let told = collect(folder, "--swarm wandb --ratios ratios.csv");
    assert!(
        told.contains("d is left out: `loss` is not a finite number"),
        "{told}"
    );
}

#[test]
fn collect_refuses_unusable_sources_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "m/a.json", "{\"loss\": 1}");
    write(folder, "empty/readme.md", "");
    write(folder, "file", "not a ledger");
    write(folder, "ratios.csv", "run,web\na,1\n");
    for (line, expected) in [
        (
            "--swarm nowhere",
            "nowhere: there is no such file or folder",
        ),
        ("--swarm empty", "empty: holds no ledger.sqlite"),
        ("--swarm file", "file: not a ledger of olmix"),
        ("--swarm m", "no run is left: a (its mixture is not known)"),
        ("--swarm m --ratios ratios.csv --include [", "--include: "),
        (
            "--swarm m --ratios ratios.csv --include x*",
            "no run is left: a (it has no metric that is wanted)",
        ),
        (
            "--swarm m --ratios ratios.csv --experiment x",
            "--experiment is of MLflow",
        ),
        (
            "--swarm http://127.0.0.1:1",
            "http://127.0.0.1:1: does not answer: ",
        ),
    ] {
        let message = refused(folder, &format!("collect --output out {line}"));
        assert!(message.contains(expected), "{line}: {message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
    assert!(!folder.join("out").exists());
}
