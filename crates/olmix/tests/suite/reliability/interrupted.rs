//! Commands that are killed, or meet a full disk, at a call that changes files: the next command mends it.

use std::path::Path;
use std::process::Command;

/// `scripts/reliability/interrupted.py` stops every writing command at every such call (`docs/reliability.md` has
/// its table). Here it stops some commands at some calls.
#[test]
fn commands_stopped_at_a_call_that_changes_files_are_mended_by_the_next_command() {
    let found = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !found("cc") || !found("python3") || !cfg!(target_arch = "x86_64") {
        assert!(
            std::env::var_os("OLMIX_TEST_SERVICES").is_none(),
            "cc and python3 must be there, on x86-64 (scripts/test-services.sh)"
        );
        println!("skipped: cc or python3 is not installed, or this is not x86-64");
        return;
    }
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/reliability/interrupted.py");
    let done = Command::new("python3")
        .arg(script)
        .args(["--olmix", env!("CARGO_BIN_EXE_olmix"), "--jobs", "1", "--every", "19", "--only"])
        .arg("export -o,update add,plan --write,history import,generate over an earlier swarm,tokenize")
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&done.stdout);
    let faults = String::from_utf8_lossy(&done.stderr);
    println!("{page}");
    assert!(done.status.success(), "{page}\n{faults}");
    assert_eq!(page.lines().count(), 8, "{page}");
}
