//! Runs that fail, each with its cause, and what `olmix launch` refuses.

use std::fs;
use std::path::Path;

use crate::common::swarm::{COLLECT, RUN, config, processes, status, swarm, trainer};
use crate::common::{olmix, refused};

#[test]
fn every_failure_kind_has_its_cause_and_retries() {
    const CASES: [(&str, &str, u64, &str); 9] = [
        ("exit 0", "no metrics", 1, "it exited with 0, but left no "),
        (
            "echo '{' > {out}/metrics.json",
            "bad metrics",
            1,
            "not JSON",
        ),
        (
            "echo '{\"loss\": NaN}' > {out}/metrics.json",
            "bad metrics",
            1,
            "`loss` is not a finite number",
        ),
        (
            "echo error: bad lr; exit 2",
            "configuration",
            1,
            "(exit code 2): error: bad lr",
        ),
        ("exit 3", "diverged", 1, "it diverged"),
        ("echo oops; exit 1", "exited", 2, "exit code 1: oops"),
        ("kill -KILL $$", "killed", 2, "ended by SIGKILL"),
        (
            "no-such-program-anywhere",
            "not started",
            1,
            "exit code 127",
        ),
        (
            "trap '' TERM; sleep 60 & sleep 60",
            "timeout",
            1,
            "longer than its timeout of 1 s",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 10, |i| {
        CASES
            .get(i)
            .map_or_else(|| trainer(0.0), |case| case.0.to_owned())
    });
    config(folder, 8, 10, CASES[8].0, "  timeout: 1\n");
    let line = "launch run --variants swarm/launch --jobs 10 --retries 1";
    let run = olmix(folder, line).assert().code(1);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("1 of 10 runs finished, 9 failed"),
        "{message}"
    );
    let runs = status(folder);
    for (run, (command, kind, attempts, cause)) in runs.iter().zip(CASES) {
        assert_eq!(run["state"], "failed", "{command}");
        assert_eq!(run["failure"], kind, "{command}");
        assert_eq!(run["attempt"], attempts, "{command}");
        let told = run["cause"].as_str().unwrap();
        assert!(told.contains(cause), "{command}: {told}");
    }
    assert_eq!(runs[5]["log_tail"], "oops");
    let log = fs::read_to_string(folder.join("swarm/runs/run-05/log.txt")).unwrap();
    assert!(log.contains("=== attempt 1, train, ") && log.contains("=== attempt 2, train, "));
    assert!(
        processes(folder).is_empty(),
        "those that ignore SIGTERM are killed"
    );
    // What is left out of the tables is named.
    let run = olmix(folder, COLLECT).assert().success();
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("run-04 is left out: failed: train: it diverged"),
        "{message}"
    );
    // A config that is corrected is run again, from an empty folder.
    fs::write(folder.join("swarm/runs/run-03/stale"), "").unwrap();
    config(folder, 3, 10, &trainer(0.0), "");
    olmix(folder, line).assert().code(1);
    let runs = status(folder);
    assert_eq!(runs[3]["state"], "finished");
    assert!(!folder.join("swarm/runs/run-03/stale").exists());
    assert_eq!(runs[4]["attempt"], 1, "divergence is not tried again");
}

#[test]
fn metrics_of_an_earlier_attempt_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let command = "if [ -f {out}/again ]; then exit 0; fi; touch {out}/again; \
                   echo '{\"loss\": 1}' > {out}/metrics.json; exit 1";
    swarm(folder, 1, |_| command.to_owned());
    olmix(folder, RUN).assert().code(1);
    assert_eq!(status(folder)[0]["failure"], "no metrics");
}

#[test]
fn launch_refuses_bad_configs_and_ledgers_before_any_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(refused(folder, "launch run --variants nowhere").contains("there is no such folder"));
    let message = refused(folder, "launch run --config swarm/launch.yaml");
    assert!(message.contains("--variants DIR"), "{message}");
    fs::create_dir_all(folder.join("empty")).unwrap();
    assert!(refused(folder, "launch run --variants empty").contains("holds no launch config"));
    swarm(folder, 2, |_| trainer(0.0));
    let first = folder.join("swarm/launch/00.yaml");
    let text = fs::read_to_string(&first).unwrap();
    fs::write(folder.join("swarm/launch/twin.yaml"), &text).unwrap();
    let message = refused(folder, RUN);
    assert!(message.contains("00.yaml and twin.yaml have the same name `run-00`"));
    fs::remove_file(folder.join("swarm/launch/twin.yaml")).unwrap();
    fs::write(&first, text.replace("mix: {a", "mixx: {a")).unwrap();
    assert!(refused(folder, RUN).contains("00.yaml:"));
    fs::write(&first, &text).unwrap();
    // A ledger that is none, and one of a newer version.
    let runs = folder.join("swarm/runs");
    fs::create_dir_all(&runs).unwrap();
    let ledger = runs.join("ledger.sqlite");
    fs::write(&ledger, "run,a\n".repeat(100)).unwrap();
    assert!(refused(folder, RUN).contains("ledger.sqlite: not a ledger of olmix"));
    fs::remove_file(&ledger).unwrap();
    olmix(folder, RUN).assert().success();
    set_version(&ledger, 99);
    for line in [RUN, COLLECT, "launch status --variants swarm/launch"] {
        let message = refused(folder, line);
        assert!(message.contains("this ledger has version 99"), "{message}");
        assert!(message.contains("use the newer olmix"), "{message}");
    }
    set_version(&ledger, 6);
    // Another swarm is not mixed into these runs.
    let other = folder.join("other");
    fs::create_dir_all(&other).unwrap();
    fs::copy(&first, other.join("a.yaml")).unwrap();
    let message = refused(folder, "launch run --variants other --out swarm/runs");
    assert!(
        message.contains("holds the runs of another swarm"),
        "{message}"
    );
    let message = refused(folder, &format!("{RUN} --ledger other.sqlite"));
    assert!(
        message.contains("recorded in the ledger beside them"),
        "{message}"
    );
    // One file of metrics for all runs.
    let shared = text.replace("mix: {a", "  metrics: /tmp/metrics.json\nmix: {a");
    fs::write(other.join("a.yaml"), shared).unwrap();
    let message = refused(folder, "launch preview --variants other --out o");
    assert!(message.contains("`trainer.metrics` is /tmp/metrics.json for every run"));
}

/// Writes the version into a ledger's header, where the database keeps it.
fn set_version(ledger: &Path, version: u32) {
    let mut bytes = fs::read(ledger).unwrap();
    bytes[60..64].copy_from_slice(&version.to_be_bytes());
    fs::write(ledger, bytes).unwrap();
}

#[test]
fn names_that_the_launcher_keeps_for_itself_or_that_no_file_can_have_are_refused_before_anything_is_made()
 {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = "x".repeat(300);
    for (name, expected) in [
        ("ledger.sqlite", "that of a file of the launcher's own"),
        ("Ledger.sqlite-wal", "that of a file of the launcher's own"),
        ("submissions", "that of a file of the launcher's own"),
        (&long, "`name` has 300 bytes"),
    ] {
        swarm(folder, 2, |_| trainer(0.0));
        let file = folder.join("swarm/launch/01.yaml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("run-01", name)).unwrap();
        for line in [RUN, "launch preview --variants swarm/launch"] {
            let message = refused(folder, line);
            assert!(
                message.contains(expected) && message.contains("help: "),
                "{message}"
            );
        }
        assert!(!folder.join("swarm/runs").exists(), "{name}");
    }
}

#[test]
fn jobs_of_a_config_are_processes_of_this_machine_unless_they_are_those_of_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 4, |_| trainer(0.0));
    let preview = |engine: &str, options: &str| {
        for i in 0..4 {
            config(folder, i, 4, &trainer(0.0), &format!("engine: {engine}\n"));
        }
        let line = format!("launch preview --variants swarm/launch --threads 4 {options}");
        let told = olmix(folder, &line).assert().success();
        String::from_utf8_lossy(&told.get_output().stdout).into_owned()
    };
    let told = preview("{type: local, jobs: 2}", "");
    assert!(told.contains("2 at once with 2 threads each"), "{told}");
    let told = preview("{type: local, jobs: 2}", "--jobs 1");
    assert!(told.contains("1 at once with 4 threads each"), "{told}");
    let told = preview("{type: slurm, jobs: 64}", "--engine local");
    assert!(told.contains("4 at once with 1 threads each"), "{told}");
}
