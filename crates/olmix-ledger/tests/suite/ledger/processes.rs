//! Many processes on one ledger.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use olmix_ledger::{Ledger, NewSwarm, Run, State};

use super::{finished, ledger, new_runs, process};

/// Claims and finishes until nothing is left; the names of what was claimed.
fn work(path: &Path, launcher: &str) -> Vec<String> {
    let mut ledger = Ledger::open(path).unwrap();
    ledger.register(launcher, "local", &process(1), 0).unwrap();
    let swarm = ledger.swarms().unwrap().remove(0).id;
    let mut names = Vec::new();
    while let Some(run) = ledger.claim(swarm, launcher, 0).unwrap() {
        assert!(ledger.finish(run.id, launcher, &finished(), 0).unwrap());
        names.push(run.name);
    }
    names
}

/// Not a test by itself: the processes of the next one.
#[test]
fn claiming_process() {
    let Some(path) = std::env::var_os("OLMIX_TEST_LEDGER") else {
        return;
    };
    let names = work(Path::new(&path), &format!("process {}", std::process::id()));
    std::fs::write(
        std::env::var_os("OLMIX_TEST_OUT").unwrap(),
        names.join("\n"),
    )
    .unwrap();
}

#[test]
fn many_threads_and_processes_claim_every_run_once() {
    const RUNS: usize = 120;
    let folder = tempfile::tempdir().unwrap();
    let (_, swarm) = ledger(folder.path(), RUNS);
    let path = folder.path().join("runs/ledger.sqlite");
    let out = |i: usize| folder.path().join(format!("claimed-{i}"));
    let claimer = |i: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::processes::claiming_process"])
            .env("OLMIX_TEST_LEDGER", &path)
            .env("OLMIX_TEST_OUT", out(i))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut processes: Vec<_> = (0..3).map(claimer).collect();
    let mut names: Vec<String> = std::thread::scope(|scope| {
        let thread = |i| {
            let path = &path;
            scope.spawn(move || work(path, &format!("thread {i}")))
        };
        let threads: Vec<_> = (0..4).map(thread).collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap());
        done.flatten().collect()
    });
    for (i, process) in processes.iter_mut().enumerate() {
        assert!(process.wait().unwrap().success());
        let text = std::fs::read_to_string(out(i)).unwrap();
        names.extend(text.lines().map(str::to_owned));
    }
    names.sort();
    let expected: Vec<String> = new_runs(RUNS).into_iter().map(|run| run.name).collect();
    assert_eq!(names, expected);
    let ledger = Ledger::open_existing(&path).unwrap();
    let done = |run: Run| run.state == State::Finished && run.attempt == 1;
    assert!(ledger.runs(swarm).unwrap().into_iter().all(done));
}

/// Not a test by itself: the processes of the next one.
#[test]
fn opening_process() {
    let Some(path) = std::env::var_os("OLMIX_TEST_NEW_LEDGER") else {
        return;
    };
    let mut ledger = Ledger::open(Path::new(&path)).unwrap();
    let own = NewSwarm {
        name: "swarm".into(),
        variants: "/launch".into(),
        out: format!("/runs/{}", std::process::id()).into(),
    };
    ledger.swarm(&own, 0).unwrap();
}

#[test]
fn processes_that_make_one_ledger_at_once_all_use_it() {
    const PROCESSES: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let start = |_| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::processes::opening_process"])
            .env("OLMIX_TEST_NEW_LEDGER", &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (0..PROCESSES).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let ledger = Ledger::open_existing(&path).unwrap();
    assert_eq!(ledger.swarms().unwrap().len(), PROCESSES);
}
