//! Swarms on a cluster that shares no filesystem with the launcher: a real Slurm, and an S3 server in between. What was measured
//! is what a quiet swarm measures, whatever ends the launcher or a run.
#![allow(clippy::unwrap_used)] // helpers of tests
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::olmix;
use common::python::python;
use common::server::{Server, s3};
use common::slurm::Slurm;
use common::swarm::{TRAINER, assert_as_quiet, config, count, log, runs, signal, trainer};

const RUNS: usize = 12;
const RUN: &str = "launch run --variants swarm/launch --engine slurm";

/// A cluster, a server with a bucket, and a folder of a launcher.
struct Setting {
    slurm: Slurm,
    server: Server,
    python: PathBuf,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Option<Self> {
        let python = python()?;
        let slurm = Slurm::start()?;
        let folder = tempfile::tempdir().unwrap();
        let server = Server::s3(&python, folder.path());
        let setting = Self {
            slurm,
            server,
            python,
            folder,
        };
        setting.ask("s3.create_bucket(Bucket='data')");
        Some(setting)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What a line of Python prints that has a client as `s3`.
    fn ask(&self, line: &str) -> String {
        let text = format!("import boto3\ns3 = boto3.client('s3')\n{line}");
        let done = std::process::Command::new(&self.python)
            .args(["-c", &text])
            .envs(self.server.environment())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// The objects of the bucket.
    fn objects(&self) -> Vec<String> {
        let line = "for page in s3.get_paginator('list_objects_v2').paginate(Bucket='data'):\n  for o in page.get('Contents', []): print(o['Key'])";
        self.ask(line).lines().map(str::to_owned).collect()
    }

    fn olmix(&self, line: &str) -> assert_cmd::Command {
        let mut command = self.slurm.olmix(self.path(), line);
        command.envs(self.server.environment());
        command
    }

    fn launch(&self, line: &str) -> std::process::Child {
        let environment = self.server.environment();
        self.slurm.launch_with(self.path(), line, &environment)
    }
}

/// A swarm whose runs are kept in a store. Nodes have the trainer in their own folder, and work in another.
fn kept(folder: &Path, runs: usize, command: &str, bucket: &str) {
    fs::write(folder.join("trainer.sh"), TRAINER).unwrap();
    fs::create_dir_all(folder.join("swarm/launch")).unwrap();
    let scratch = folder.join("nodes").display().to_string();
    for i in 0..runs {
        let engine = format!(
            "engine: {{type: slurm, time: 10, storage: \"s3://{bucket}/some/swarm\", scratch: \"{scratch}\"}}\n"
        );
        config(folder, i, runs, command, &engine);
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The files at any depth of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_swarm_through_a_store_measures_what_a_quiet_one_does_and_brings_its_results_here() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let folder = setting.path();
    // Something large of each run stays where it is.
    let command = format!(
        "{} && mkdir -p {{out}}/checkpoints && echo weights > {{out}}/checkpoints/w && cp {{config}} {{out}}/seen.yaml",
        trainer(0.2)
    );
    kept(folder, RUNS, &command, "data");
    setting.olmix(RUN).assert().success();
    assert_as_quiet(folder, RUNS);
    let here = folder.join("swarm/runs");
    for i in 0..RUNS {
        let names = names(&here.join(format!("run-{i:02}")));
        assert_eq!(names, ["job", "log.txt", "metrics.json", "mix.json"]);
    }
    let submissions = names(&here.join("submissions"));
    assert_eq!(submissions.len(), 2, "{submissions:?}");
    let submission = submissions.iter().find(|name| *name != "probe.json");
    let submission = submission.unwrap();
    assert_eq!(
        names(&here.join("submissions").join(submission)),
        ["submit.sh"]
    );
    let objects = setting.objects();
    for name in [
        &format!("submissions/{submission}/orders.jsonl"),
        "run-03/checkpoints/w",
        "run-03/job/ended.json",
        "run-03/metrics.json",
        "run-03/launch.yaml",
    ] {
        let name = format!("some/swarm/{name}");
        assert!(objects.contains(&name), "{name}: {objects:?}");
    }
    let hidden = objects
        .iter()
        .filter(|name| name.contains("/.") || name.ends_with("lock"));
    assert_eq!(hidden.count(), 0, "{objects:?}");
    assert!(
        !objects
            .iter()
            .any(|name| name.contains("probe") || name.contains("check-"))
    );
    // Nodes are left with locks alone.
    let left = files(&folder.join("nodes"));
    assert!(
        left.iter().all(|file| file.ends_with("job/lock")),
        "{left:?}"
    );
    let told = setting
        .olmix("launch logs run-07 --variants swarm/launch")
        .assert()
        .success();
    let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    assert!(told.starts_with("=== attempt 1, train, "), "{told}");
    setting.olmix(RUN).assert().success();
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
    // Another swarm with runs of the same names would go on with these.
    let other = setting
        .olmix(&format!("{RUN} --out elsewhere"))
        .assert()
        .code(2);
    let told = String::from_utf8_lossy(&other.get_output().stderr).into_owned();
    assert!(
        told.contains("holds the run run-00 of another swarm"),
        "{told}"
    );
    assert_eq!(setting.objects(), objects);
}

#[test]
fn a_killed_launcher_is_followed_by_one_that_finds_every_run_in_the_store() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let folder = setting.path();
    kept(folder, RUNS, &trainer(4.0), "data");
    let mut launcher = setting.launch(RUN);
    setting
        .slurm
        .wait_for("runs work", |_| count(folder, "running") >= 4);
    // The log of a run that is at work is that of the store.
    let line = "launch logs run-00 --variants swarm/launch";
    setting.slurm.wait_for("its log is there", |_| {
        let told = setting.olmix(line).output().unwrap();
        String::from_utf8_lossy(&told.stdout).starts_with("=== attempt 1, train, ")
    });
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    setting.olmix(RUN).assert().success();
    assert_as_quiet(folder, RUNS);
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
    let left = files(&folder.join("nodes"));
    assert!(
        left.iter().all(|file| file.ends_with("job/lock")),
        "no overlaps: {left:?}"
    );
}

#[test]
fn a_killed_run_goes_on_from_what_the_store_has_wherever_it_is_begun_again() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let folder = setting.path();
    // The first attempt leaves a checkpoint and works on; one that finds it finishes.
    let command = format!(
        "mkdir -p {{out}}/checkpoints && if ! test -s {{out}}/checkpoints/first; then echo step >> {{out}}/checkpoints/first; sleep 300; fi && {}",
        trainer(0.0)
    );
    kept(folder, 2, &command, "data");
    let mut launcher = setting.launch(RUN);
    setting.slurm.wait_for("checkpoints are kept", |_| {
        let objects = setting.objects();
        ["run-00", "run-01"].iter().all(|run| {
            let name = |name: &str| objects.contains(&format!("some/swarm/{run}/{name}"));
            name("checkpoints/first") && name("job/kept.json")
        })
    });
    // The jobs' processes are gone at once, and with them what the nodes had.
    let own = format!("AWS_ENDPOINT_URL={}", setting.server.url);
    let pids = marked(&own).into_iter().filter(|pid| *pid != launcher.id());
    let pids: Vec<u32> = pids.collect();
    assert!(pids.len() >= 4, "{pids:?}");
    for pid in pids {
        signal(pid, "-KILL");
    }
    fs::rename(folder.join("nodes"), folder.join("gone")).unwrap();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 2);
    let runs = runs(folder);
    assert!(runs.iter().all(|run| run.attempt == 2), "{}", log(folder));
    let told = fs::read_to_string(folder.join("swarm/runs/run-01/log.txt")).unwrap();
    assert!(told.starts_with("=== attempt 1, train, "), "{told}");
    assert!(told.contains("=== attempt 2, train, "), "{told}");
}

/// Processes with a text in their environment.
fn marked(text: &str) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
    })
    .collect()
}

/// A server that answers every request with a code and a text; its URL.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    url
}

#[test]
fn a_store_that_can_not_be_used_is_told_in_one_message_and_nothing_is_submitted() {
    let Some(setting) = Setting::new() else {
        return;
    };
    let folder = setting.path();
    let refused = |url: &str| {
        let done = setting
            .slurm
            .olmix(folder, RUN)
            .envs(s3(url))
            .assert()
            .code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        let errors = told.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{told}");
        assert!(told.lines().count() <= 3 && told.len() < 700, "{told}");
        let jobs = setting.slurm.ask(
            "squeue",
            &["--noheader", "--states=all", "--array", "-o", "%j"],
        );
        assert_eq!(jobs, "", "{told}");
        told
    };
    let has = |told: &str, parts: &[&str]| {
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    };
    kept(folder, 3, &trainer(0.0), "nowhere");
    let told = refused(&setting.server.url);
    has(
        &told,
        &["s3://nowhere/some/swarm: NoSuchBucket", "make the bucket"],
    );
    kept(folder, 3, &trainer(0.0), "data");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let told = refused(&format!("http://{closed}"));
    has(
        &told,
        &[
            "s3://data/some/swarm: ",
            "Connection refused",
            "AWS_ENDPOINT_URL",
        ],
    );
    let denied = answering(
        "403 Forbidden",
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    );
    let told = refused(&denied);
    has(
        &told,
        &["AccessDenied: Access Denied", "must be allowed to"],
    );
    let expired = answering(
        "400 Bad Request",
        "<?xml version=\"1.0\"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
    );
    let told = refused(&expired);
    has(&told, &["ExpiredToken: The provided token", "renew it"]);
    assert!(!folder.join("swarm/runs").exists());
    // Runs that were queued stay so, and go on once the store is back.
    setting.olmix(RUN).assert().success();
    kept(folder, 4, &trainer(0.0), "data");
    let done = setting.slurm.olmix(folder, RUN).envs(s3(&denied)).assert();
    done.code(2);
    assert_eq!(count(folder, "finished"), 3);
    setting.olmix(&format!("{RUN} --detach")).assert().success();
    setting.olmix(RUN).assert().success();
    assert_eq!(runs(folder).len(), 4);
}

#[test]
fn a_store_or_a_scratch_folder_that_can_not_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kept(folder, 1, &trainer(0.0), "data");
    let refused = |engine: &str| {
        config(folder, 0, 1, &trainer(0.0), engine);
        let line = "launch preview --variants swarm/launch --engine slurm";
        let done = olmix(folder, line).assert().code(2);
        String::from_utf8_lossy(&done.get_output().stderr).into_owned()
    };
    let told = refused("engine: {type: slurm, storage: \"s3://a/b\", scratch: here}\n");
    assert!(told.contains("engine.scratch is here"), "{told}");
    let told = refused("engine: {type: slurm, storage: \"ftp://a/b\"}\n");
    assert!(told.contains("no store that runs can be kept in"), "{told}");
    let outside = "engine: {type: slurm, storage: \"s3://a/b\"}\n";
    let command = trainer(0.0);
    config(folder, 0, 1, &command, outside);
    let path = folder.join("swarm/launch/00.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let metrics = "trainer:\n  metrics: /elsewhere/{name}.json\n";
    fs::write(&path, text.replace("trainer:\n", metrics)).unwrap();
    let line = "launch preview --variants swarm/launch --engine slurm";
    let done = olmix(folder, line).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("outside of the run's folder"), "{told}");
}
