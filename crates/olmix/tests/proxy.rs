//! What `olmix proxy` promises, and a swarm of its runs, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::print_stderr)] // helpers of tests

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::tiny::{MIX, config, data};
use common::{json, olmix, refused};
use serde_json::Value;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn model(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("model/model.safetensors")).unwrap()
}

/// Starts a command with its output thrown away.
fn start(folder: &Path, line: &str) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Numbers that look random, of a seed.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

#[test]
fn a_run_is_trained_and_measured_and_loses_what_it_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    let told = json(at, "proxy train --config launch.yaml --out run --json");
    assert_eq!(told["steps"], 39);
    assert_eq!(told["tokens"], 39 * 1024);
    let measured = json(at, "proxy eval --model run --json");
    let metrics = measured["metrics"].as_object().unwrap();
    assert!(
        metrics["validation:prose"].as_f64().unwrap() < 5.0,
        "{metrics:?}"
    );
    assert_eq!(
        metrics.len(),
        4 + usize::from(metrics.keys().any(|name| name.ends_with(":accuracy"))),
        "{metrics:?}"
    );
    let written: Value =
        serde_json::from_slice(&std::fs::read(at.join("run/metrics.json")).unwrap()).unwrap();
    assert_eq!(written["metrics"], measured["metrics"]);
    // A finished run is left as it is, and its plan is that of no other config.
    assert_eq!(
        json(at, "proxy train --config launch.yaml --out run --json"),
        told
    );
    write(at, "launch.yaml", &config("run", MIX, ", seed: 9"));
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(message.contains("is the plan of another run"), "{message}");
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(
        at,
        "launch.yaml",
        &config("run", MIX, ", eval_interval: 10"),
    );
    olmix(
        at,
        "proxy train --config launch.yaml --out whole --threads 1 --quiet",
    )
    .assert()
    .success();
    // Shares of the time that a whole run takes.
    let begin = Instant::now();
    olmix(
        at,
        "proxy train --config launch.yaml --out whole2 --threads 2 --quiet",
    )
    .assert()
    .success();
    let whole = begin.elapsed();
    for round in 0..6 {
        let mut child = start(
            at,
            "proxy train --config launch.yaml --out killed --threads 2 --quiet",
        );
        std::thread::sleep(whole.mul_f64((mix(round) % 1000) as f64 / 1000.0));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    olmix(at, "proxy train --config launch.yaml --out killed --quiet")
        .assert()
        .success();
    assert_eq!(model(&at.join("killed")), model(&at.join("whole")));
    assert_eq!(model(&at.join("whole2")), model(&at.join("whole")));
    let told = |run: &str| std::fs::read_to_string(at.join(run).join("evaluations.jsonl")).unwrap();
    assert_eq!(told("killed"), told("whole"));
}

/// Processes of this machine whose command line names a folder, but not this one.
fn processes(folder: &Path) -> Vec<u32> {
    let name = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|pid| pid.parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| *pid != std::process::id()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&name) {
            found.push(pid);
        }
    }
    found
}

#[test]
fn a_swarm_killed_ten_times_ends_with_the_tables_of_one_left_alone() {
    let tables = |folder: &Path| {
        olmix(folder, "collect --swarm runs --output . --quiet")
            .assert()
            .success();
        ["ratios.csv", "metrics.csv"]
            .map(|name| std::fs::read_to_string(folder.join(name)).unwrap())
    };
    let swarm = |folder: &Path| {
        data(folder);
        std::fs::create_dir(folder.join("launch")).unwrap();
        for i in 0..24_u64 {
            let [a, b] = [mix(i) % 60, mix(i + 100) % 40].map(|x| x as f64 / 100.0);
            let mix = format!(
                "{{arithmetic: {:.2}, prose: {b:.2}, clutter: {:.2}}}",
                1.0 - a - b,
                a
            );
            let text = config(&format!("run-{i:02}"), &mix, "")
                .replace("40_000", "16_000")
                .replace("shards/", &format!("{}/shards/", folder.display()))
                .replace("tasks/", &format!("{}/tasks/", folder.display()));
            write(folder, &format!("launch/run-{i:02}.yaml"), &text);
        }
    };
    let quiet = tempfile::tempdir().unwrap();
    swarm(quiet.path());
    let begin = Instant::now();
    let command = |folder: &Path| {
        format!(
            "launch run --variants {0}/launch --out {0}/runs --jobs 2 --retries 20 --quiet",
            folder.display()
        )
    };
    olmix(quiet.path(), &command(quiet.path()))
        .assert()
        .success();
    let whole = begin.elapsed();
    let expected = tables(quiet.path());
    assert_eq!(expected[0].lines().count(), 25, "{}", expected[0]);

    let killed = tempfile::tempdir().unwrap();
    swarm(killed.path());
    for round in 0..10 {
        let mut launcher = start(killed.path(), &command(killed.path()));
        std::thread::sleep(
            Duration::from_millis(100) + whole.mul_f64((mix(round) % 1000) as f64 / 8000.0),
        );
        // By turns the launcher, or a run of it and then the launcher.
        let children: Vec<u32> = processes(&killed.path().join("runs"))
            .into_iter()
            .filter(|pid| *pid != launcher.id())
            .collect();
        if round % 2 == 1
            && let Some(child) = children.get((mix(round) % 7) as usize % children.len().max(1))
        {
            let _ = std::process::Command::new("kill")
                .args(["-9", &child.to_string()])
                .status();
            std::thread::sleep(Duration::from_millis(100));
        }
        launcher.kill().unwrap();
        launcher.wait().unwrap();
    }
    olmix(killed.path(), &command(killed.path()))
        .assert()
        .success();
    let found = tables(killed.path());
    assert_eq!(found, expected);
}

#[test]
fn what_can_not_be_trained_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    for (text, told) in [
        (
            config("run", "{arithmetic: 0.5, web: 0.5}", ""),
            "`mix` names `web`, which has no shards in `data.sources`",
        ),
        (
            config("run", MIX, ", sequence_length: 1"),
            "sequences have at least 2 tokens",
        ),
        (
            config("run", MIX, "").replace("demo,", "3m,"),
            "names `3m`, which is no size",
        ),
        (config("run", MIX, "").replace("uint16", "uint8"), "uint8"),
        (
            config("run", MIX, "").replace(
                "arithmetic: 0.3",
                "arithmetic: {weight: 0.3, repetition_factor: 1}",
            ),
            "repetition_factor allows 1 times",
        ),
        (
            config("run", MIX, "").replace("tokenizer: bytes", "tokenizer: none.json"),
            "`none.json` is no file",
        ),
    ] {
        write(at, "launch.yaml", &text);
        let message = refused(at, "proxy train --config launch.yaml --out run");
        assert!(message.contains(told), "{message}");
        assert!(!at.join("run/run.json").exists());
    }
    // A shard that is not what it was when it was counted.
    write(at, "launch.yaml", &config("run", MIX, ""));
    let shard = std::fs::read_dir(at.join("shards/prose/train"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let shard: PathBuf = shard
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "bin"))
        .unwrap();
    let bytes = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &bytes[..bytes.len() / 4 * 2]).unwrap();
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(
        message.contains("prose") && message.contains("shrank since it was counted"),
        "{message}"
    );
    // The same once the run is planned.
    std::fs::write(&shard, &bytes).unwrap();
    olmix(at, "proxy prepare --config launch.yaml --out run --quiet")
        .assert()
        .success();
    olmix(at, "proxy train --config launch.yaml --out run2 --quiet")
        .assert()
        .success();
    write(
        at,
        "tasks/bad.jsonl",
        "{\"context\": \"x\", \"answer\": \"\"}\n",
    );
    let message = refused(at, "proxy eval --model run2 --tasks tasks/bad.jsonl");
    assert!(
        message.contains("bad.jsonl: line 1: the answer is empty"),
        "{message}"
    );
    let message = refused(at, "proxy eval --model run");
    assert!(
        message.contains("its model is not trained yet"),
        "{message}"
    );
}

#[test]
fn shards_of_another_tokenizer_are_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    // Its ids are bytes, too: nothing in the tokens would tell.
    let words = r#"{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel",
        "vocab": {"one": 0, "[UNK]": 1, "<|endoftext|>": 2}, "unk_token": "[UNK]"}}"#;
    write(at, "words.json", words);
    olmix(
        at,
        "tokenize --input prose.jsonl --tokenizer words.json --output shards/prose --quiet",
    )
    .assert()
    .code(2);
    std::fs::remove_dir_all(at.join("shards/prose")).unwrap();
    olmix(
        at,
        "tokenize --input prose.jsonl --tokenizer words.json --output shards/prose --validation 0.1 --quiet",
    )
    .assert()
    .success();
    write(at, "launch.yaml", &config("run", MIX, ""));
    let message = refused(at, "proxy train --config launch.yaml --out run");
    for part in [
        "`prose`",
        "was made with the tokenizer `words.json` (3 tokens)",
        "is `bytes`",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!at.join("run/run.json").exists());
}

#[test]
fn a_run_is_its_folder_and_plan_however_they_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    olmix(at, "proxy train --config launch.yaml --out run --quiet")
        .assert()
        .success();
    let before = model(&at.join("run"));
    // From elsewhere, and moved.
    std::fs::create_dir(at.join("deep")).unwrap();
    std::fs::rename(at.join("run"), at.join("deep/moved")).unwrap();
    let again = olmix(
        &at.join("deep"),
        "proxy train --config ../launch.yaml --out moved",
    )
    .assert()
    .success();
    let told = String::from_utf8_lossy(&again.get_output().stdout).into_owned();
    assert!(told.contains("run is trained already"), "{told}");
    olmix(at, "proxy eval --model deep/moved --quiet")
        .assert()
        .success();
    // A model that was damaged is written again out of the last checkpoint.
    let file = at.join("deep/moved/model/model.safetensors");
    std::fs::write(&file, &before[..before.len() / 2]).unwrap();
    olmix(
        at,
        "proxy train --config launch.yaml --out deep/moved --quiet",
    )
    .assert()
    .success();
    assert!(model(&at.join("deep/moved")) == before);
    // What differs is named.
    write(at, "launch.yaml", &config("run", MIX, ", seed: 7"));
    let message = refused(at, "proxy train --config launch.yaml --out deep/moved");
    assert!(
        message.contains("recipe.seed is 42 there, 7 here"),
        "{message}"
    );
    // One process at a time.
    let lock = std::fs::File::open(at.join("deep/moved/train.lock")).unwrap();
    lock.lock().unwrap();
    write(at, "launch.yaml", &config("run", MIX, ""));
    let message = refused(at, "proxy train --config launch.yaml --out deep/moved");
    assert!(
        message.contains("another process is training this run"),
        "{message}"
    );
    // A config for another trainer is not trained by this one.
    write(
        at,
        "launch.yaml",
        &(config("run", MIX, "") + "trainer: torch\n"),
    );
    let message = refused(at, "proxy train --config launch.yaml --out other");
    assert!(
        message.contains("`trainer` is another than the built-in one"),
        "{message}"
    );
}

#[test]
fn tasks_are_read_before_a_run_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    write(
        at,
        "tasks/bad.jsonl",
        "{\"context\": \"x\", \"answer\": \"\"}\n",
    );
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(
        message.contains("bad.jsonl: line 1: the answer is empty"),
        "{message}"
    );
    assert!(!at.join("run/run.json").exists());
}

#[test]
fn a_run_that_diverges_ends_with_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    write(
        folder.path(),
        "launch.yaml",
        &config("run", MIX, ", learning_rate: 1.0e+9"),
    );
    let run = olmix(folder.path(), "proxy train --config launch.yaml --out run")
        .assert()
        .code(3);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(message.contains("training diverged at step"), "{message}");
}

/// A file system of a few megabytes, gone when it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&at)
            .output();
        match mount {
            Ok(done) if done.status.success() => Some(Self(at)),
            _ => {
                eprintln!("skipped: a small file system can't be mounted here");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_during_a_checkpoint_is_named_and_the_run_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    let Some(_disk) = SmallDisk::mount(at.join("disk")) else {
        return;
    };
    let line = "proxy train --config launch.yaml --out disk/run --quiet";
    // A checkpoint takes some 440 KB, and three are there at a time.
    write(at, "disk/ballast", &"x".repeat(1_700_000));
    let message = refused(at, line);
    assert!(
        message.contains("can't be written") && message.contains("free some space"),
        "{message}"
    );
    std::fs::remove_file(at.join("disk/ballast")).unwrap();
    olmix(at, line).assert().success();
    olmix(at, "proxy train --config launch.yaml --out whole --quiet")
        .assert()
        .success();
    assert_eq!(model(&at.join("disk/run")), model(&at.join("whole")));
}
