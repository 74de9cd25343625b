//! Exports, drawn by the packages of their trainers: what installs quickly. docs/comparison/exports.md has
//! the others.

use std::path::Path;
use std::process::Command;

/// Runs scripts/compare/exports.py, which installs the packages once and prints a line for each export. What
/// can't be installed is not run, and printed as such.
#[test]
fn trainers_draw_the_shares_of_their_exports() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let run = Command::new("python3")
        .arg(root.join("scripts/compare/exports.py"))
        .args(["--quick", "--olmix", env!("CARGO_BIN_EXE_olmix"), "--envs"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("exports"))
        .output();
    let Ok(run) = run else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let printed = String::from_utf8_lossy(&run.stdout);
    eprintln!("{printed}");
    assert!(
        run.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
