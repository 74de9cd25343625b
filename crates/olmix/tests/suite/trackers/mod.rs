//! What `olmix collect` promises of files that trackers and evaluation programs write. Each package writes its own,
//! when the tests run.

mod evaluations;
mod mlflow;
mod small;
mod wandb;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::python::python;

/// A folder of files that a script of this folder makes; `None`, with the reason printed, without Python packages.
fn made_by(script: &str) -> Option<TempDir> {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(python)
        .arg(scripts().join(script))
        .arg(folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Some(folder)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/trackers")
}
