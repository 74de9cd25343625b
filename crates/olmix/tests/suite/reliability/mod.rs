//! What docs/reliability.md promises, held by the binary: what input and events from outside can't do.

mod bit_flips;
mod bounds;
pub mod hostile_names;
#[cfg(target_os = "linux")]
mod interrupted;
#[cfg(target_os = "linux")]
mod interrupts;
#[cfg(target_os = "linux")]
mod ledgers;
mod names;
#[cfg(unix)]
mod outputs;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod silence;

use std::fs;
use std::path::Path;

use crate::common::{copy_demo, printed as ok};

/// A project with two records, which takes no fit.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    ok(at, "init --from fit.yaml --name house");
    let mixture = r#"{"web:general": 0.3, "web:science": 0.2, "code": 0.2, "math": 0.1, "books": 0.1, "wikipedia": 0.1}"#;
    fs::write(at.join("mixture.json"), mixture).unwrap();
    ok(at, "commit mixture.json");
    folder
}

/// Every file under a folder with its content, sorted.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.push((name, fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}
