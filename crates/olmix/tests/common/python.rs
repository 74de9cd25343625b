//! A Python with the packages of `scripts/test-requirements.txt`, made once and kept in the target
//! folder.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used, clippy::print_stderr)] // helpers of tests

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter; `None`, with the reason printed, where there is no Python 3 or no package index.
pub fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let wanted = || {
        let list =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/test-requirements.txt");
        std::fs::read_to_string(list).unwrap()
    };
    PYTHON.get_or_init(|| with("python", &wanted())).clone()
}

/// An interpreter with the packages of a list, kept under this name; `None`, with the reason printed, where there is
/// no Python 3 or no package index. One test of a process at a time.
pub fn with(name: &str, wanted: &str) -> Option<PathBuf> {
    make(name, wanted)
        .map_err(|why| eprintln!("skipped, without Python packages: {why}"))
        .ok()
}

fn make(name: &str, wanted: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let _ = std::fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let list = folder.join("wanted.txt");
    std::fs::write(&list, wanted).unwrap();
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "-r"])
        .arg(&list))?;
    std::fs::write(installed, wanted).unwrap();
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    ))
}

/// Runs a script and returns what it prints.
pub fn script(python: &Path, text: &str, folder: &Path) -> String {
    let done = Command::new(python)
        .args(["-c", text])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}
