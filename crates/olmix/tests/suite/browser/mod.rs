//! The pages in a real browser: Chromium, driven from `web/tests/`. Skipped, with the reason, where there is no
//! browser or no Node.

mod explore;
mod model;
mod report;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::common::python;

/// The folder with the sources of the pages.
fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web")
}

/// The browser; `None`, with the reason printed, where there is none.
fn chromium() -> Option<PathBuf> {
    let at = std::env::var_os("OLMIX_CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    let wanted = std::env::var_os("OLMIX_TEST_SERVICES").is_some();
    assert!(!wanted || at.exists(), "there is no {}", at.display());
    if at.exists() {
        return Some(at);
    }
    println!(
        "skipped: no {} (set OLMIX_CHROMIUM, or scripts/test-services.sh)",
        at.display()
    );
    None
}

/// A browser takes a processor and more: one at a time, so that pages answer while their tests wait.
static BROWSER: Mutex<()> = Mutex::new(());

/// Runs files of `web/tests/` with variables that tell them what to open; false where they were skipped.
fn in_browser(files: &[&str], variables: &[(&str, &Path)]) -> bool {
    let (Some(chromium), Some(node)) = (chromium(), python::web_packages()) else {
        return false;
    };
    let _one = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let done = Command::new(node)
        .arg("--test")
        .args(files.iter().map(|file| format!("tests/{file}")))
        .current_dir(web())
        .env("OLMIX_CHROMIUM", chromium)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{printed}\n{complained}");
    println!("{printed}");
    true
}
