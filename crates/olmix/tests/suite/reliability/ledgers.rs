//! A ledger that can't be written can be read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use super::project;
use crate::common::{olmix, printed as ok};

const OLMIX: &str = env!("CARGO_BIN_EXE_olmix");

/// Commands that read a project, and what they print.
const READ: [(&str, &str); 6] = [
    ("log", "main@1"),
    ("show main", "code"),
    ("verify", "all are unchanged"),
    ("verify --deep", "all are unchanged"),
    ("diff domains@1 domains@1", ""),
    ("plan --method recompute", "runs"),
];

fn text(run: &Output) -> String {
    String::from_utf8([&run.stdout[..], &run.stderr[..]].concat()).unwrap()
}

/// Gives a folder with all in it to be read, and not written.
fn read_only(folder: &Path) {
    for (name, _) in super::contents(folder) {
        let path = folder.join(&name);
        let mode = if path.is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
}

/// Lets everything be removed again.
fn writable(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        if entry.path().is_dir() {
            writable(&entry.path());
        }
    }
}

/// Runs a command as somebody who is not root and owns nothing here; `None`, said aloud, where that can't be.
fn as_other(at: &Path, line: &str) -> Option<Output> {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
        OLMIX,
    ]);
    let run = command
        .args(line.split_whitespace())
        .current_dir(at)
        .output();
    match run {
        Ok(run) if !text(&run).contains("setpriv:") => Some(run),
        _ => {
            // Not root: permissions hold for us, too.
            let run = olmix(at, line).output().unwrap();
            let root = fs::metadata("/proc/self")
                .is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
            if root {
                println!("skipped: no command can be run as somebody else");
                return None;
            }
            Some(run)
        }
    }
}

#[test]
fn the_project_of_somebody_else_is_read_and_what_would_write_says_why_not() {
    let folder = project();
    let at = folder.path();
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    read_only(at);
    let before = super::contents(at);
    for (line, says) in READ {
        let Some(run) = as_other(at, line) else { break };
        assert!(run.status.success(), "{line}: {}", text(&run));
        assert!(text(&run).contains(says), "{line}: {}", text(&run));
    }
    if let Some(run) = as_other(at, "tag best main") {
        assert_eq!(run.status.code(), Some(2));
        let message = text(&run);
        assert!(
            message.contains("make the ledger and its folder writable"),
            "{message}"
        );
    }
    if let Some(run) = as_other(at, "history export /proc/none") {
        assert_eq!(run.status.code(), Some(2), "{}", text(&run));
    }
    assert_eq!(super::contents(at), before);
    // One that is its owner's alone is not read, and says so.
    let ledger = at.join(".olmix/ledger.sqlite");
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o000)).unwrap();
    if let Some(run) = as_other(at, "log") {
        assert_eq!(run.status.code(), Some(2));
        let message = text(&run);
        assert!(
            message.contains("not for you to read") && message.contains("chmod g+r"),
            "{message}"
        );
    }
    writable(at);
}

#[test]
fn the_swarm_of_somebody_else_is_shown_and_collected() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let runs = at.join("runs");
    let mut ledger = olmix_ledger::Ledger::open(&runs.join("ledger.sqlite")).unwrap();
    let new = olmix_ledger::NewSwarm {
        name: "s".into(),
        variants: at
            .join("launch")
            .canonicalize()
            .unwrap_or_else(|_| at.join("launch")),
        out: runs.canonicalize().unwrap(),
    };
    let swarm = ledger.swarm(&new, 0).unwrap();
    let run = olmix_ledger::NewRun {
        name: "s-0".into(),
        config: "s-0.yaml".into(),
        config_sha256: "0".repeat(64),
        mixture: vec![("web".into(), 1.0)],
        phases: Vec::new(),
    };
    let policy = olmix_ledger::RerunPolicy {
        retries: 0,
        all: false,
    };
    ledger.sync(swarm.id, &[run], policy, 0).unwrap();
    drop(ledger);
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    read_only(&runs);
    if let Some(run) = as_other(at, "launch status --out runs") {
        assert!(run.status.success(), "{}", text(&run));
        assert!(text(&run).contains("0/1 runs"), "{}", text(&run));
        assert!(
            text(&run).contains("can't be written here"),
            "{}",
            text(&run)
        );
    }
    if let Some(run) = as_other(at, "collect --swarm runs --output /tmp/none") {
        // It is read: what is refused is that no run has finished.
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run).contains("no run is left: s-0"), "{}", text(&run));
    }
    writable(&runs);
}

/// Runs a script where file systems can be mounted; `None`, said aloud, where the system does not allow that.
fn with_mounts(script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .output()
    };
    if !unshare("mount -t tmpfs -o size=64k tmpfs /mnt").is_ok_and(|tried| tried.status.success()) {
        println!("skipped: no file system can be mounted here");
        return None;
    }
    Some(unshare(script).unwrap())
}

#[test]
fn a_project_on_a_disk_that_is_mounted_read_only_or_has_no_room_for_a_file_is_read() {
    let folder = project();
    let at = folder.path().display().to_string();
    let mut commands = String::new();
    for (line, _) in READ {
        commands += &format!("{OLMIX} {line} >out 2>&1 || {{ echo FAILED {line}; cat out; }}\n");
    }
    let commands = commands.replace("out", "/dev/shm/olmix-test-$$");
    let mounted = format!(
        "set -e\nmount --bind {at} {at}\nmount -o remount,ro,bind {at}\ncd {at}\nset +e\n{commands}\
         {OLMIX} tag best main\nrm -f /dev/shm/olmix-test-$$\n"
    );
    if let Some(run) = with_mounts(&mounted) {
        let said = text(&run);
        assert!(!said.contains("FAILED"), "{said}");
        assert!(said.contains("mounted read-only"), "{said}");
    }
    let full = format!(
        "set -e\nmkdir -p /dev/shm/olmix-test-$$.d\nmount -t tmpfs -o nr_inodes=200 tmpfs /mnt\n\
         cp -r {at}/. /mnt/\ncd /mnt\nset +e\ni=0\nwhile touch f$i 2>/dev/null; do i=$((i+1)); done\n{commands}\
         {OLMIX} tag best main\nrm -rf /dev/shm/olmix-test-$$*\n"
    );
    if let Some(run) = with_mounts(&full) {
        let said = text(&run);
        assert!(!said.contains("FAILED"), "{said}");
        assert!(said.contains("no file can be made beside it"), "{said}");
    }
    // It was not changed by being read.
    ok(folder.path(), "verify --deep");
}
