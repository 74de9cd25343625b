//! What `olmix launch` promises, with a small trainer of the test's own.
#![allow(clippy::unwrap_used)] // helpers of tests
#![cfg(target_os = "linux")] // processes are looked up as Linux has them

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::swarm::{
    COLLECT, RUN, TRAINER, config, log, processes, signal, start, states, status, swarm, tables,
    trainer, wait_until,
};
use common::{json, olmix, refused};
use olmix_ledger::{Ledger, NewRun, Process, RerunPolicy};

#[test]
fn a_swarm_is_trained_collected_and_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 8, |_| trainer(0.05));
    let mut preview = olmix(
        folder,
        "launch preview --variants swarm/launch --jobs 2 --threads 4",
    );
    let preview = preview.unwrap();
    let preview = String::from_utf8(preview.stdout).unwrap();
    assert!(preview.contains("8 of 8 runs would be run, 2 at once with 2 threads each"));
    assert!(preview.contains("sh trainer.sh "), "{preview}");
    assert!(
        !folder.join("swarm/runs").exists(),
        "a preview writes nothing"
    );
    let run = olmix(folder, RUN).assert().success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(printed.contains("finished  8"), "{printed}");
    let (ratios, metrics) = tables(folder);
    assert_eq!(ratios.lines().count(), 9);
    assert!(
        ratios.starts_with("run,a,b\nrun-00,0.1111,0.8889\n"),
        "{ratios}"
    );
    assert!(
        metrics.starts_with("run,eval/math,loss\nrun-00,1.8889,1.012343\n"),
        "{metrics}"
    );
    // Again: nothing to do, and nothing is done.
    olmix(folder, RUN).assert().success();
    assert!(status(folder).iter().all(|run| run["attempt"] == 1));
    let run = olmix(folder, &format!("{COLLECT} --include *"))
        .assert()
        .success();
    let told = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(told.starts_with("8 runs, 2 domains, 3 metrics"), "{told}");
    let fit = "swarm: {ratios: swarm/ratios.csv, metrics: swarm/metrics.csv}\n\
               priors: {relative_sizes: {a: 0.5, b: 0.5}}\nfiltering: \
               {drop_metrics: [\"eval/math:accuracy\"]}\n";
    fs::write(folder.join("fit.yaml"), fit).unwrap();
    olmix(folder, "fit --config fit.yaml --output-dir out --quiet")
        .assert()
        .success();
}

#[test]
fn killed_at_random_moments_a_swarm_ends_as_one_left_alone() {
    const RUNS: usize = 10;
    let alone = tempfile::tempdir().unwrap();
    swarm(alone.path(), RUNS, |_| trainer(0.0));
    olmix(alone.path(), RUN).assert().success();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, RUNS, |_| trainer(0.4));
    // A fixed sequence that looks random.
    let mut seed: u64 = 42;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let line = format!("{RUN} --retries 50 --quiet");
    let mut launcher = start(folder, &line);
    for round in 0..24 {
        std::thread::sleep(Duration::from_millis(20 + random(180)));
        let children = processes(folder);
        if round % 3 != 0 && !children.is_empty() {
            let child = children[random(children.len() as u64) as usize];
            signal(child, "-KILL");
        } else {
            launcher.kill().unwrap();
            launcher.wait().unwrap();
            launcher = start(folder, &line);
        }
    }
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(tables(folder), tables(alone.path()));
    assert!(
        !folder.join("swarm/runs/overlaps.txt").exists(),
        "a run was run twice at once"
    );
    let begun: usize = status(folder)
        .iter()
        .map(|run| run["attempt"].as_u64().unwrap() as usize)
        .sum();
    assert!(begun > RUNS, "something was killed");
    assert!(processes(folder).is_empty());
}

#[test]
fn two_launchers_share_the_work_and_one_takes_over_what_the_other_left() {
    const RUNS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Runs go on until they may end, so that the launchers meet however busy the machine is.
    let held = format!("until test -f go; do sleep 0.05; done; {}", trainer(0.0));
    swarm(folder, RUNS, |_| held.clone());
    let mut first = start(folder, "launch run --variants swarm/launch --jobs 2");
    let mut second = start(folder, "launch run --variants swarm/launch --jobs 2");
    let working = || {
        let ledger = Ledger::open_existing(&folder.join("swarm/runs/ledger.sqlite"));
        let launchers = ledger.and_then(|ledger| ledger.launchers());
        let held: Vec<usize> = launchers.iter().flatten().map(|one| one.running).collect();
        held == [2, 2] && processes(folder).len() >= 4
    };
    wait_until("both work", working);
    first.kill().unwrap();
    first.wait().unwrap();
    wait_until("the other takes over", || {
        log(folder).contains("its runs are taken over: 2")
    });
    fs::write(folder.join("go"), "").unwrap();
    assert!(second.wait().unwrap().success(), "{}", log(folder));
    assert!(states(folder).iter().all(|state| state == "finished"));
    assert!(!folder.join("swarm/runs/overlaps.txt").exists());
}

#[test]
fn a_launcher_on_another_machine_keeps_its_runs_while_its_heart_beats() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // One run that fails by chance until it is allowed to succeed, and so can be claimed from here.
    swarm(folder, 1, |_| {
        "test -f allowed && sh trainer.sh {out} {mix_json} 0".to_owned()
    });
    olmix(folder, "launch run --variants swarm/launch --retries 0")
        .assert()
        .code(1);
    fs::write(folder.join("allowed"), "").unwrap();
    let mut ledger = Ledger::open(&folder.join("swarm/runs/ledger.sqlite")).unwrap();
    let swarm = ledger.swarms().unwrap().remove(0).id;
    let run = ledger.runs(swarm).unwrap().remove(0);
    let rerun = RerunPolicy {
        retries: 9,
        all: false,
    };
    let new = NewRun {
        name: run.name,
        config: run.config,
        config_sha256: run.config_sha256,
        mixture: run.mixture,
    };
    ledger.sync(swarm, &[new], rerun, 0).unwrap();
    let elsewhere = Process {
        host: "elsewhere".into(),
        pid: 1,
        started: "then".into(),
    };
    let now = olmix_launch::now();
    ledger
        .register("elsewhere", "local", &elsewhere, now)
        .unwrap();
    ledger.claim(swarm, "elsewhere", now).unwrap().unwrap();
    let mut launcher = start(folder, RUN);
    std::thread::sleep(Duration::from_secs(2));
    assert!(
        launcher.try_wait().unwrap().is_none(),
        "it waits for the other"
    );
    assert_eq!(states(folder), ["running"]);
    ledger.heartbeat("elsewhere", 0).unwrap();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(states(folder), ["finished"]);
}

#[test]
fn a_launcher_whose_runs_were_taken_lets_go_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 2, |_| trainer(3.0));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("runs work", || processes(folder).len() >= 4);
    let before = processes(folder);
    let mut ledger = Ledger::open(&folder.join("swarm/runs/ledger.sqlite")).unwrap();
    wait_until("its runs are taken", || {
        let alive = ledger.launchers().unwrap().remove(0);
        ledger
            .abandon(&alive.id, alive.heartbeat, olmix_launch::now())
            .unwrap()
            == 2
    });
    wait_until("they are begun anew", || {
        let now = processes(folder);
        now.len() >= 4 && before.iter().all(|pid| !now.contains(pid))
    });
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert!(!folder.join("swarm/runs/overlaps.txt").exists());
    assert!(status(folder).iter().all(|run| run["attempt"] == 2));
}

#[test]
fn ctrl_c_ends_children_puts_runs_back_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 4, |i| trainer(if i < 2 { 30.0 } else { 0.0 }));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("runs work", || processes(folder).len() >= 4);
    signal(launcher.id(), "-INT");
    assert_eq!(launcher.wait().unwrap().code(), Some(130));
    assert!(processes(folder).is_empty());
    assert!(states(folder).iter().all(|state| state == "queued"));
    let log = log(folder);
    assert!(
        log.contains("stopped; 2 runs that ran were put back\n  help: the same command goes on"),
        "{log}"
    );
    // Not a failure of theirs.
    assert!(status(folder).iter().all(|run| run["failures"] == 0));
}

#[test]
fn runs_are_cancelled_from_another_process_while_the_launcher_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 4, |i| trainer(if i == 0 { 60.0 } else { 0.3 }));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("run-00 works", || {
        folder.join("swarm/runs/run-00/lock/pid").exists()
    });
    let cancel = "launch cancel --variants swarm/launch";
    let message = refused(folder, &format!("{cancel} run-00 run-99"));
    assert!(message.contains("no such run: run-99; nothing was cancelled"));
    let told = json(folder, &format!("{cancel} run-00 run-03 --json"));
    assert_eq!(told["stopping"], serde_json::json!(["run-00"]));
    let begin = Instant::now();
    assert_eq!(launcher.wait().unwrap().code(), Some(1));
    assert!(begin.elapsed() < Duration::from_secs(20));
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
fn every_failure_has_its_cause_and_only_some_are_tried_again() {
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
fn metrics_of_an_earlier_attempt_never_count() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let command = "if [ -f {out}/again ]; then exit 0; fi; touch {out}/again; \
                   echo '{\"loss\": 1}' > {out}/metrics.json; exit 1";
    swarm(folder, 1, |_| command.to_owned());
    olmix(folder, RUN).assert().code(1);
    assert_eq!(status(folder)[0]["failure"], "no metrics");
}

#[test]
fn what_can_not_be_launched_is_told_before_anything_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(refused(folder, "launch run --variants nowhere").contains("there is no such folder"));
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
    set_version(&ledger, 4);
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
fn a_swarm_that_was_moved_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let old: PathBuf = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    swarm(&old, 3, |_| trainer(0.0));
    olmix(&old, RUN).assert().success();
    let new = folder.path().join("new");
    fs::rename(&old, &new).unwrap();
    config(&new, 3, 4, &trainer(0.0), "");
    olmix(&new, RUN).assert().success();
    let attempts: Vec<u64> = status(&new)
        .iter()
        .map(|run| run["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [1, 1, 1, 1]);
}

#[test]
fn the_example_of_a_custom_trainer_is_drawn_and_previewed() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/custom-trainer");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in [
        "data.py",
        "train.py",
        "launch.yaml",
        "generate.yaml",
        "fit.yaml",
    ] {
        fs::copy(example.join(file), folder.join(file)).unwrap();
    }
    let line = "generate --config generate.yaml --base launch.yaml --output swarm --quiet";
    olmix(folder, line).assert().success();
    let told = json(
        folder,
        "launch preview --variants swarm/launch --threads 3 --jobs 1 --json",
    );
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 12);
    let out = folder.canonicalize().unwrap().join("swarm/runs");
    let out = out.join(runs[0]["name"].as_str().unwrap());
    let command = format!(
        "python3 train.py --mix {0}/mix.json --out {0} --seed 42 --threads 3",
        out.display()
    );
    assert_eq!(runs[0]["commands"], serde_json::json!([command]));
    // Trained for true where there is a Python with torch (OLMIX_PYTHON), in two runs of one hundred steps.
    let Some(python) = std::env::var_os("OLMIX_PYTHON") else {
        return;
    };
    for entry in fs::read_dir(folder.join("swarm/launch")).unwrap().skip(2) {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let text = fs::read_to_string(folder.join("train.py")).unwrap();
    let text = text.replace("STEPS = 8, 64, 256, 600", "STEPS = 8, 64, 256, 100");
    fs::write(folder.join("train.py"), text).unwrap();
    let done = Command::new(&python)
        .arg("data.py")
        .current_dir(folder)
        .status();
    assert!(done.unwrap().success());
    let bin = Path::new(&python).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut run = olmix(folder, RUN);
    run.env("PATH", path).assert().success();
    let metrics = tables(folder).1;
    assert!(
        metrics.starts_with("run,arithmetic,prose\ncustom-"),
        "{metrics}"
    );
}

#[test]
fn a_second_ctrl_c_ends_runs_that_do_not_listen() {
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
    // Alone, the first would have waited five seconds for them.
    assert!(begin.elapsed() < Duration::from_secs(5));
    wait_until("all are gone", || processes(folder).is_empty());
    assert!(states(folder).iter().all(|state| state == "queued"));
}

#[test]
fn a_watched_swarm_is_shown_until_its_last_run_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 3, |_| trainer(1.5));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 1");
    wait_until("the ledger has runs", || {
        folder.join("swarm/runs/ledger.sqlite").exists()
    });
    let watch = olmix(folder, "launch status --variants swarm/launch --watch")
        .assert()
        .success();
    let text = String::from_utf8(watch.get_output().stdout.clone()).unwrap();
    assert!(launcher.wait().unwrap().success());
    for state in ["0/3 runs", "1/3 runs", "3/3 runs"] {
        assert!(text.contains(state), "{state}\n{text}");
    }
    // Where no terminal is, a page follows the other.
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_run_that_was_cancelled_after_its_launcher_died_is_ended_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 2, |i| trainer(if i == 0 { 60.0 } else { 0.0 }));
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
