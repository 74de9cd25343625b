//! Runs of the built-in trainer that are killed or run out of disk end as ones left alone.

use std::path::Path;
use std::time::{Duration, Instant};

use super::proxy::{model, write};
use crate::common::disk::SmallDisk;
use crate::common::tiny::{MIX, config, data};
use crate::common::{olmix, refused, start};

/// Numbers that look random, of a seed.
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

#[test]
fn proxy_train_killed_again_and_again_ends_with_the_same_bits() {
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
fn proxy_swarm_killed_ten_times_ends_with_the_tables_of_one_left_alone() {
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
fn proxy_train_names_a_full_disk_and_resumes_once_there_is_room() {
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
