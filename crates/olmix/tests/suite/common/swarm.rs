//! A small swarm with a trainer of the tests' own, and what is asked of it.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use olmix_ledger::{Ledger, Run};
use serde_json::Value;

use super::service::with_environment;
use super::{json, olmix};

/// A trainer: losses from the mixture alone. It holds a folder while it works, so that two that work on one
/// run at once are found out; one whose holder is dead is taken. Its work takes some seconds, or goes on
/// until a file is there.
pub const TRAINER: &str = r#"
set -eu
out=$1; mix=$2; pause=$3
# When a process began, in ticks since the machine did: the 22nd field of its line.
began_at() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20; }
echo "begins" >> "$out/begins.txt"
if ! mkdir "$out/lock" 2> /dev/null; then
  holder=$(cat "$out/lock/pid" 2> /dev/null || echo 0)
  # One that was killed and not yet waited for is still listed, as Z. Numbers of processes are used again: one
  # that began at another time is another process.
  state=$(sed 's/.*) //; s/ .*//' "/proc/$holder/stat" 2> /dev/null || echo gone)
  began=$(began_at "$holder")
  case "$state" in
    gone | '' | Z | X) ;;
    *) test "$began" != "$(cat "$out/lock/began" 2> /dev/null)" || { echo "error: overlap with $holder ($state)" | tee -a "$out/../overlaps.txt"; exit 1; } ;;
  esac
fi
rm -f "$out/lock/pid"
began_at $$ > "$out/lock/began"
echo $$ > "$out/lock/pid"
# The work is a process of its own, as with any real trainer.
case "$pause" in
  [0-9]*) sleep "$pause" & ;;
  *) (until test -e "$pause"; do sleep 0.05; done) & ;;
esac
wait $!
a=$(sed -n 's/.*"a": *\([0-9.]*\).*/\1/p' "$mix")
awk -v a="$a" 'BEGIN { printf "{\"loss\": %.6f, \"eval\": {\"math\": %.6f, \"math:accuracy\": 0.5}}", 1 + a * a, 2 - a }' > "$out/half.json"
mv "$out/half.json" "$out/metrics.json"
rm -r "$out/lock"
"#;

/// A swarm of runs in a folder; `command` trains run `i`.
pub fn swarm(folder: &Path, runs: usize, command: impl Fn(usize) -> String) {
    fs::write(folder.join("trainer.sh"), TRAINER).unwrap();
    fs::create_dir_all(folder.join("swarm/launch")).unwrap();
    for i in 0..runs {
        config(folder, i, runs, &command(i), "");
    }
}

pub fn config(folder: &Path, i: usize, runs: usize, command: &str, more: &str) {
    let a = (i as f64 + 1.0) / (runs as f64 + 1.0);
    let text = format!(
        "name: run-{i:02}\ngroup_id: group\ntraining: {{seed: {i}}}\ntrainer:\n  command: {}\n{more}mix: \
         {{a: {a:.4}, b: {:.4}}}\n",
        serde_json::to_string(command).unwrap(),
        1.0 - a
    );
    fs::write(folder.join(format!("swarm/launch/{i:02}.yaml")), text).unwrap();
}

pub fn trainer(pause: f64) -> String {
    format!("sh trainer.sh {{out}} {{mix_json}} {pause}")
}

/// A trainer that works until a file is in the folder of the swarm: runs that are to be seen at work,
/// however busy the machine.
pub fn held_by(file: &str) -> String {
    format!("sh trainer.sh {{out}} {{mix_json}} {file}")
}

/// Lets runs that a file holds go on.
pub fn release(folder: &Path, file: &str) {
    fs::write(folder.join(file), "").unwrap();
}

/// The trainers at work on the first runs of a swarm, one each.
pub fn trainers(folder: &Path, runs: usize) -> Vec<u32> {
    let holder = |i: usize| {
        let pid = folder.join(format!("swarm/runs/run-{i:02}/lock/pid"));
        fs::read_to_string(pid).ok()?.trim().parse().ok()
    };
    (0..runs).filter_map(holder).collect()
}

pub const RUN: &str = "launch run --variants swarm/launch --jobs 3";
pub const COLLECT: &str = "collect --swarm swarm/runs --output swarm";

/// A launcher in the background.
pub fn start(folder: &Path, line: &str) -> Child {
    start_with(folder, line, &[])
}

/// As [`start`], with variables of its environment.
pub fn start_with(folder: &Path, line: &str, environment: &[(&str, &str)]) -> Child {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("launch.log"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

pub fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("launch.log")).unwrap_or_default()
}

pub fn signal(pid: impl std::fmt::Display, signal: &str) {
    let _ = Command::new("kill")
        .args([signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// The run's state as `launch status` tells it.
pub fn status(folder: &Path) -> Vec<Value> {
    let told = json(folder, "launch status --variants swarm/launch --json");
    told["swarms"][0]["runs"].as_array().unwrap().clone()
}

pub fn states(folder: &Path) -> Vec<String> {
    let text = |run: &Value| run["state"].as_str().unwrap().to_owned();
    status(folder).iter().map(text).collect()
}

pub fn tables(folder: &Path) -> (String, String) {
    olmix(folder, COLLECT).assert().success();
    let read = |name: &str| fs::read_to_string(folder.join("swarm").join(name)).unwrap();
    (read("ratios.csv"), read("metrics.csv"))
}

/// Processes that belong to runs of a folder, or to one run.
pub fn processes(folder: &Path) -> Vec<u32> {
    let mark = format!(
        "OLMIX_RUN_FOLDER={}",
        folder.canonicalize().unwrap().display()
    );
    with_environment(&mark)
}

/// What a quiet swarm of this machine measures.
pub fn quiet(runs: usize) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    swarm(folder.path(), runs, |_| trainer(0.0));
    olmix(folder.path(), "launch run --variants swarm/launch --jobs 4")
        .assert()
        .success();
    tables(folder.path())
}

/// The runs as the ledger has them; none before a launcher has made it and entered the swarm. Read from there, so
/// that nobody asks the engine.
pub fn runs(folder: &Path) -> Vec<Run> {
    let Ok(ledger) = Ledger::open_existing(&folder.join("swarm/runs/ledger.sqlite")) else {
        return Vec::new();
    };
    let swarms = ledger.swarms().unwrap();
    let swarm = swarms.first();
    swarm.map_or_else(Vec::new, |swarm| ledger.runs(swarm.id).unwrap())
}

/// How many runs are in a state.
pub fn count(folder: &Path, state: &str) -> usize {
    let runs = runs(folder);
    runs.iter().filter(|run| run.state.word() == state).count()
}

/// The swarm is over and as good as a quiet one.
pub fn assert_as_quiet(folder: &Path, runs: usize) {
    assert_eq!(count(folder, "finished"), runs, "{}", log(folder));
    let overlaps = fs::read_to_string(folder.join("swarm/runs/overlaps.txt"));
    assert!(overlaps.is_err(), "runs ran twice at once: {overlaps:?}");
    assert_eq!(tables(folder), quiet(runs));
    assert!(processes(folder).is_empty());
}
