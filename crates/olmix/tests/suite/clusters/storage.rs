//! Swarms on a cluster that shares no filesystem with the launcher: a real Slurm, and an object store in
//! between.

use std::fs;
use std::path::{Path, PathBuf};

use super::ON_SLURM;
use crate::common::service::with_environment;
use crate::common::slurm::Slurm;
use crate::common::store::Store;
use crate::common::swarm::{
    TRAINER, assert_as_quiet, config, count, held_by, log, release, runs, signal, trainer,
};

const RUNS: usize = 12;
/// In the environment of a launcher, and so of its jobs: the folder of the test.
const MARK: &str = "OLMIX_TEST_SETTING";

/// A cluster, a store with a bucket, and a folder of a launcher.
pub struct Setting {
    pub slurm: Slurm,
    pub store: Store,
    pub bucket: String,
    folder: tempfile::TempDir,
}

impl Setting {
    /// With S3.
    pub fn new(bucket: &str) -> Option<Self> {
        Self::with(Store::s3()?, bucket)
    }

    pub fn with(store: Store, bucket: &str) -> Option<Self> {
        let slurm = Slurm::start()?;
        store.make(bucket);
        Some(Self {
            slurm,
            store,
            bucket: bucket.to_owned(),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// A swarm whose runs are kept in a bucket. Nodes have the trainer in their own folder, and work in
    /// another.
    pub fn swarm(&self, runs: usize, command: &str, bucket: &str) {
        kept(
            self.path(),
            runs,
            command,
            &self.store.url(bucket),
            &self.slurm.partition("low"),
        );
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The objects of the bucket.
    pub fn objects(&self) -> Vec<String> {
        self.store.objects(&self.bucket)
    }

    pub fn olmix(&self, line: &str) -> assert_cmd::Command {
        let mut command = self.slurm.olmix(self.path(), line);
        command.envs(self.store.environment());
        command
    }

    pub fn launch(&self, line: &str) -> std::process::Child {
        self.launch_with(line, &[])
    }

    /// As [`Setting::launch`], with variables of its environment.
    pub fn launch_with(&self, line: &str, more: &[(&str, &str)]) -> std::process::Child {
        let environment = self.store.environment();
        let own = environment.iter();
        let mut environment: Vec<(&str, &str)> = own
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let path = self.path().display().to_string();
        environment.push((MARK, &path));
        environment.extend(more);
        self.slurm.launch_with(self.path(), line, &environment)
    }

    /// What a launcher of this setting started: its jobs' processes, on whatever node.
    fn processes(&self) -> Vec<u32> {
        with_environment(&format!("{MARK}={}", self.path().display()))
    }
}

/// As [`Setting::swarm`], for any partition.
pub fn kept(folder: &Path, runs: usize, command: &str, url: &str, partition: &str) {
    fs::write(folder.join("trainer.sh"), TRAINER).unwrap();
    fs::create_dir_all(folder.join("swarm/launch")).unwrap();
    let scratch = folder.join("nodes").display().to_string();
    for i in 0..runs {
        let engine = format!(
            "engine: {{type: slurm, time: 10, partition: {partition}, \
             storage: \"{url}/some/swarm\", scratch: \"{scratch}\"}}\n"
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
fn stored_swarm_brings_results_home_and_leaves_nodes_empty() {
    let Some(setting) = Setting::new("stored-swarm") else {
        return;
    };
    let folder = setting.path();
    // Something large of each run stays where it is.
    let command = format!(
        "{} && mkdir -p {{out}}/checkpoints && echo weights > {{out}}/checkpoints/w && cp {{config}} \
         {{out}}/seen.yaml",
        trainer(0.2)
    );
    setting.swarm(RUNS, &command, &setting.bucket);
    setting.olmix(ON_SLURM).assert().success();
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
    setting.olmix(ON_SLURM).assert().success();
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
    // Another swarm with runs of the same names would go on with these.
    let other = setting
        .olmix(&format!("{ON_SLURM} --out elsewhere"))
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
fn stored_runs_of_a_killed_launcher_are_found_by_the_next() {
    let Some(setting) = Setting::new("killed-launcher") else {
        return;
    };
    let folder = setting.path();
    setting.swarm(RUNS, &held_by("go"), &setting.bucket);
    let mut launcher = setting.launch(ON_SLURM);
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
    // Runs end while nobody follows them.
    release(folder, "go");
    setting.slurm.wait_for("a run ended", |_| {
        setting
            .objects()
            .iter()
            .any(|name| name.ends_with("job/ended.json"))
    });
    setting.olmix(ON_SLURM).assert().success();
    assert_as_quiet(folder, RUNS);
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
    let left = files(&folder.join("nodes"));
    assert!(
        left.iter().all(|file| file.ends_with("job/lock")),
        "no overlaps: {left:?}"
    );
}

#[test]
fn stored_run_resumes_on_another_node_after_a_kill() {
    if let Some(store) = Store::s3() {
        kill_and_resume(store, "killed-run");
    }
}

#[test]
fn run_stored_in_azure_resumes_on_another_node_after_a_kill() {
    if let Some(store) = Store::azure() {
        kill_and_resume(store, "killed-run");
    }
}

/// Runs with a checkpoint that is uploaded in parts, and downloaded in ranges.
fn kill_and_resume(store: Store, bucket: &str) {
    let Some(setting) = Setting::with(store, bucket) else {
        return;
    };
    let folder = setting.path();
    // The first attempt leaves a checkpoint of 22 MB and works on; one that finds it, whole, finishes.
    let command = format!(
        "mkdir -p {{out}}/checkpoints && if test -s {{out}}/checkpoints/first; then seq 1 3000000 | cmp - \
         {{out}}/checkpoints/first; else seq 1 3000000 > {{out}}/.first && mv {{out}}/.first \
         {{out}}/checkpoints/first && sleep 300; fi && {}",
        trainer(0.0)
    );
    setting.swarm(2, &command, &setting.bucket);
    let mut launcher = setting.launch(ON_SLURM);
    let name = |run: &str, name: &str| format!("some/swarm/{run}/{name}");
    setting.slurm.wait_for("checkpoints are kept", |_| {
        let objects = setting.objects();
        ["run-00", "run-01"].iter().all(|run| {
            objects.contains(&name(run, "checkpoints/first"))
                && objects.contains(&name(run, "job/kept.json"))
        })
    });
    let parts = setting
        .store
        .parts(&setting.bucket, &name("run-01", "checkpoints/first"));
    assert_eq!(parts, 3);
    // The jobs' processes are gone at once, and with them what the nodes had.
    let mut pids = setting.processes();
    pids.retain(|pid| *pid != launcher.id());
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
