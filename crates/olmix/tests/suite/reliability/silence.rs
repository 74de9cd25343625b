//! A command that takes long says so while it is at work, on a terminal or not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::copy_demo;

/// Commands that read `wait.yaml` or `wait.csv`, which are pipes to which nobody writes.
const COMMANDS: [&str; 12] = [
    "fit --config wait.yaml",
    "sweep --config wait.yaml --target-tokens 1e9",
    "compare --config wait.yaml",
    "study laws --config wait.yaml",
    "generate --config wait.yaml --output o",
    "priors compute --config wait.yaml",
    "init --from wait.yaml",
    "collect --swarm metrics.csv --ratios wait.csv --output o",
    "export --mixture wait.yaml --format csv",
    "launch preview --variants slow",
    "proxy prepare --config wait.yaml --out o",
    "mix show wait.csv",
];

/// Whatever a command does before it ends: here it waits for a file, in the place of a slow disk or a large file.
#[test]
fn a_command_that_takes_long_says_that_it_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    fs::create_dir(at.join("slow")).unwrap();
    for pipe in ["wait.yaml", "wait.csv", "slow/wait.yaml"] {
        let made = Command::new("mkfifo").arg(at.join(pipe)).status().unwrap();
        assert!(made.success());
    }
    let waiting: Vec<_> = COMMANDS
        .iter()
        .map(|line| (line, spawned(at, line)))
        .collect();
    for (line, mut child) in waiting {
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        lines.read_line(&mut said).unwrap();
        let still_there = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(still_there, "{line}: {said}");
        assert!(!said.trim().is_empty(), "{line}");
    }
}

fn spawned(at: &Path, line: &str) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(line.split_whitespace())
        .current_dir(at)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
