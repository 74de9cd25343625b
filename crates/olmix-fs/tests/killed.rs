//! Processes that end in the middle of writing: what they leave is whole.
//!
//! The test starts itself as the process that is to end; an environment variable says what it writes.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use olmix_fs::{AtomicFile, StagedFile, StagedFolder, is_temporary, write_whole};

const FOLDER: &str = "OLMIX_FS_TEST_FOLDER";

/// Runs the test of this name in a process of its own, where [`FOLDER`] is set.
fn start(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .spawn()
        .unwrap()
}

/// The names in a folder that are no temporary ones, sorted.
fn finished(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries
        .filter(|name| !is_temporary(name))
        .map(|name| name.into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_process_that_ends_before_commit_leaves_nothing_half_written() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = Path::new(&folder);
        let mut stream = AtomicFile::create_in(folder).unwrap();
        stream.write_all(b"half").unwrap();
        stream.flush().unwrap();
        let _file = StagedFile::new(&folder.join("file"), b"later").unwrap();
        let results = StagedFolder::new(&folder.join("results")).unwrap();
        results.write("new", b"later").unwrap();
        // Ends at once, as a crash does: nothing is dropped, so nothing is cleaned up.
        std::process::exit(0);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"earlier").unwrap();
    fs::create_dir(folder.path().join("results")).unwrap();
    fs::write(folder.path().join("results/old"), b"earlier").unwrap();
    let name = "a_process_that_ends_before_commit_leaves_nothing_half_written";
    assert!(start(name, folder.path()).wait().unwrap().success());
    // The process did write: its temporary files are there.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2 + 3);
    assert_eq!(finished(folder.path()), ["file", "results"]);
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"earlier");
    assert_eq!(finished(&folder.path().join("results")), ["old"]);
}

#[test]
fn a_process_that_is_killed_while_it_replaces_a_file_leaves_a_whole_one() {
    const SIZE: usize = 1 << 19;
    if let Some(folder) = std::env::var_os(FOLDER) {
        let file = Path::new(&folder).join("file");
        loop {
            for byte in [b'a', b'b'] {
                write_whole(&file, &vec![byte; SIZE]).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let name = "a_process_that_is_killed_while_it_replaces_a_file_leaves_a_whole_one";
    for round in 0..5 {
        let _ = fs::remove_file(&file);
        let mut child = start(name, folder.path());
        let started = Instant::now();
        while !file.exists() {
            assert!(started.elapsed() < Duration::from_mins(1));
            sleep(Duration::from_millis(1));
        }
        // Readers of the running process see whole files too.
        for _ in 0..10 {
            assert_whole(&fs::read(&file).unwrap(), SIZE);
        }
        sleep(Duration::from_millis(3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole(&fs::read(&file).unwrap(), SIZE);
        assert_eq!(finished(folder.path()), ["file"]);
    }
}

fn assert_whole(content: &[u8], size: usize) {
    assert_eq!(content.len(), size);
    assert!(content.iter().all(|byte| *byte == content[0]));
}
