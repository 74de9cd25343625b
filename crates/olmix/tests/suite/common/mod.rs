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

/// Gives the tables of a swarm three sizes and two numbers of tokens, with losses that fall by powers of both.
pub fn runs_of_three_sizes(folder: &Path) {
    let scales = [(5e7, 5e9), (1e8, 1e10), (2e8, 1e10), (2e8, 2e10)];
    for file in ["ratios.csv", "metrics.csv"] {
        let table = std::fs::read_to_string(folder.join(file)).unwrap();
        let mut lines = table.lines();
        let mut sized = format!("{},parameters,tokens\n", lines.next().unwrap());
        if file == "metrics.csv" {
            sized = sized.replace(",parameters,tokens", "");
        }
        for line in lines {
            for (parameters, tokens) in scales {
                let (run, cells) = line.split_once(',').unwrap();
                let run = format!("{run}-{parameters}-{tokens},");
                if file == "ratios.csv" {
                    sized += &format!("{run}{cells},{parameters},{tokens}\n");
                    continue;
                }
                let level =
                    0.5 + (parameters / 1e8_f64).powf(-0.3) + (tokens / 1e10_f64).powf(-0.4);
                let losses = cells.split(',').map(|cell| {
                    let loss: f64 = cell.parse().unwrap();
                    format!("{}", loss * level / 2.5)
                });
                sized += &format!("{run}{}\n", losses.collect::<Vec<_>>().join(","));
            }
        }
        std::fs::write(folder.join(file), sized).unwrap();
    }
}
