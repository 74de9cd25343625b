//! Results appear whole or not at all, whatever the disk does.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

use crate::common::demo;

const OLMIX: &str = env!("CARGO_BIN_EXE_olmix");

fn fit(out: &Path) -> Output {
    Command::new(OLMIX)
        .arg("fit")
        .arg("--config")
        .arg(demo().join("fit.yaml"))
        .arg("--output-dir")
        .arg(out)
        .output()
        .unwrap()
}

fn assert_refused(run: &Output, said: &[&str]) {
    let message = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{message}");
    assert_eq!(message.matches("error:").count(), 1, "{message}");
    for part in said {
        assert!(message.contains(part), "{part} is not in\n{message}");
    }
}

#[test]
fn output_folder_that_is_a_file_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    std::fs::write(&file, "precious").unwrap();
    for out in [file.clone(), file.join("deeper")] {
        assert_refused(&fit(&out), &["out", "can't be written", "help:"]);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn output_folder_that_can_not_be_made_is_named() {
    assert_refused(
        &fit(Path::new("/proc/olmix")),
        &["/proc/olmix", "can't be written"],
    );
}

/// Runs a shell script as root of a namespace of its own, where file systems can be mounted;
/// `None`, said aloud, where the system does not allow that.
fn with_mounts(script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.output()
    };
    let allowed = unshare("mount -t tmpfs -o size=64k tmpfs /mnt");
    if !allowed.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: no file system can be mounted here");
        return None;
    }
    Some(unshare(script).unwrap())
}

/// Mounts a file system over `$OUT` with what was there before copied in, fits into it, and lists
/// what is there in the end.
fn fit_on(mount: &str, out: &Path) -> Option<(Output, String)> {
    let (out, config) = (out.display(), demo().join("fit.yaml").display().to_string());
    let listing = format!("{out}.listing");
    let script = format!(
        "set -e; cp -r {out} {out}.before; {mount} {out}; \
         set +e; {OLMIX} fit --config {config} --output-dir {out}; code=$?; \
         (cd {out} && find . -type f -exec sha256sum {{}} + ; find . -type d) | sort > {listing}; \
         exit $code"
    );
    let run = with_mounts(&script)?;
    Some((run, std::fs::read_to_string(listing).unwrap_or_default()))
}

#[test]
fn full_disk_is_named_and_leaves_the_earlier_result_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mount = |out: &Path| {
        format!(
            "mount -t tmpfs -o size=256k tmpfs {0}; echo earlier > {0}/mixture.json; true",
            out.display()
        )
    };
    let Some((run, listing)) = fit_on(&mount(&out), &out) else {
        return;
    };
    assert_refused(&run, &["can't be written", "free some space"]);
    assert_eq!(listing.lines().count(), 2, "{listing}");
    assert!(listing.contains("./mixture.json"), "{listing}");
}

#[test]
fn read_only_disk_is_named_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mount = |out: &Path| format!("mount -t tmpfs -o ro tmpfs {0}; true", out.display());
    let Some((run, listing)) = fit_on(&mount(&out), &out) else {
        return;
    };
    assert_refused(&run, &["can't be written", "may write to"]);
    assert_eq!(listing.lines().count(), 1, "{listing}");
}
