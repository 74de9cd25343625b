//! The demo swarm as a newcomer has it, commands run as a user runs them, and the services that tests share.

pub mod disk;
pub mod python;
pub mod ray;
pub mod server;
pub mod service;
pub mod slurm;
pub mod store;
pub mod swarm;
pub mod tiny;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use assert_cmd::Command;
use serde_json::Value;

/// The folder of the demo swarm in the repository.
pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/demo")
}

/// A file or folder of the measured swarms; `None`, with the reason printed, where it is not there.
pub fn measured(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("OLMIX_DATA").map_or(beside, PathBuf::from);
    let path = data.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {} (set OLMIX_DATA)", path.display());
    None
}

/// The demo's config.
pub fn demo_config() -> String {
    std::fs::read_to_string(demo().join("fit.yaml")).unwrap()
}

/// Copies the demo's files into a folder.
pub fn copy_demo(into: &Path) {
    for file in ["fit.yaml", "ratios.csv", "metrics.csv"] {
        std::fs::copy(demo().join(file), into.join(file)).unwrap();
    }
}

/// A folder with the examples and nothing else.
pub fn newcomer() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("examples/demo");
    std::fs::create_dir_all(&demo).unwrap();
    copy_demo(&demo);
    let swarm = folder.path().join("examples/swarm");
    std::fs::create_dir_all(&swarm).unwrap();
    for file in ["generate.yaml", "launch.yaml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/swarm");
        std::fs::copy(from.join(file), swarm.join(file)).unwrap();
    }
    let table = folder.path().join("examples/table");
    std::fs::create_dir_all(&table).unwrap();
    for file in ["export.csv", "token_counts.csv"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/table");
        std::fs::copy(from.join(file), table.join(file)).unwrap();
    }
    folder
}

/// The folder named by a hash that a fit made in its output folder.
pub fn result_in(out: &Path) -> PathBuf {
    let entries = std::fs::read_dir(out).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.is_dir()).unwrap()
}

/// A command line, run in a folder.
pub fn olmix(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_olmix"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

/// What a command that must succeed prints.
pub fn printed(folder: &Path, line: &str) -> String {
    let run = olmix(folder, line).assert().success();
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

/// A command in the background, with its output thrown away.
pub fn start(folder: &Path, line: &str) -> Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a command that must succeed prints as JSON.
pub fn json(folder: &Path, line: &str) -> Value {
    let run = olmix(folder, line).assert().success();
    serde_json::from_slice(&run.get_output().stdout).unwrap()
}

/// The message of a command that must fail by the user's fault.
pub fn refused(folder: &Path, line: &str) -> String {
    let run = olmix(folder, line).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(run.get_output().stdout.is_empty(), "{message}");
    message
}
