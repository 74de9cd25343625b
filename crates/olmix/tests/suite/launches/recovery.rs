//! Launchers that die, share a swarm, or lose their runs.

use std::fs;
use std::time::Duration;

use crate::common::disk::SmallDisk;
use crate::common::olmix;
use crate::common::service::wait_until;
use crate::common::swarm::{
    RUN, assert_as_quiet, held_by, log, processes, release, signal, start, states, status, swarm,
    tables, trainer, trainers,
};
use olmix_ledger::{Ledger, NewRun, Process, RerunPolicy};

#[test]
fn swarm_killed_at_random_moments_ends_with_the_tables_of_one_left_alone() {
    const RUNS: usize = 10;
    let alone = tempfile::tempdir().unwrap();
    swarm(alone.path(), RUNS, |_| trainer(0.0));
    olmix(alone.path(), RUN).assert().success();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Two runs are held until all kills are done; the others come and go beside them.
    swarm(folder, RUNS, |i| {
        if i < 2 { held_by("go") } else { trainer(0.4) }
    });
    // A fixed sequence that looks random.
    let mut seed: u64 = 42;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let line = format!("{RUN} --retries 50 --quiet");
    let mut launcher = start(folder, &line);
    for round in 0..24 {
        std::thread::sleep(Duration::from_millis(20 + random(180)));
        if round % 3 != 0 {
            wait_until("runs work", || !processes(folder).is_empty());
            let children = processes(folder);
            if children.is_empty() {
                continue;
            }
            let child = children[random(children.len() as u64) as usize];
            signal(child, "-KILL");
        } else {
            launcher.kill().unwrap();
            launcher.wait().unwrap();
            launcher = start(folder, &line);
        }
    }
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(tables(folder), tables(alone.path()));
    let overlaps = fs::read_to_string(folder.join("swarm/runs/overlaps.txt"));
    assert!(
        overlaps.is_err(),
        "a run was run twice at once: {overlaps:?}\n{}",
        log(folder)
    );
    let begun: usize = status(folder)
        .iter()
        .map(|run| run["attempt"].as_u64().unwrap() as usize)
        .sum();
    assert!(begun > RUNS, "something was killed");
    assert!(processes(folder).is_empty());
}

#[test]
fn two_launchers_share_the_work_and_one_takes_over_what_the_other_left() {
    const RUNS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Runs go on until they may end, so that the launchers meet however busy the machine is.
    swarm(folder, RUNS, |_| held_by("go"));
    let mut first = start(folder, "launch run --variants swarm/launch --jobs 2");
    let mut second = start(folder, "launch run --variants swarm/launch --jobs 2");
    let working = || {
        let ledger = Ledger::open_existing(&folder.join("swarm/runs/ledger.sqlite"));
        let launchers = ledger.and_then(|ledger| ledger.launchers());
        let held: Vec<usize> = launchers.iter().flatten().map(|one| one.running).collect();
        held == [2, 2] && processes(folder).len() >= 4
    };
    wait_until("both work", working);
    first.kill().unwrap();
    first.wait().unwrap();
    wait_until("the other takes over", || {
        log(folder).contains("its runs are taken over: 2")
    });
    release(folder, "go");
    assert!(second.wait().unwrap().success(), "{}", log(folder));
    assert!(states(folder).iter().all(|state| state == "finished"));
    assert!(!folder.join("swarm/runs/overlaps.txt").exists());
}

#[test]
fn launcher_of_another_host_keeps_its_runs_while_its_heartbeat_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // One run that fails by chance until it is allowed to succeed, and so can be claimed from here.
    swarm(folder, 1, |_| {
        "test -f allowed && sh trainer.sh {out} {mix_json} 0".to_owned()
    });
    olmix(folder, "launch run --variants swarm/launch --retries 0")
        .assert()
        .code(1);
    fs::write(folder.join("allowed"), "").unwrap();
    let mut ledger = Ledger::open(&folder.join("swarm/runs/ledger.sqlite")).unwrap();
    let swarm = ledger.swarms().unwrap().remove(0).id;
    let run = ledger.runs(swarm).unwrap().remove(0);
    let rerun = RerunPolicy {
        retries: 9,
        all: false,
    };
    let new = NewRun {
        name: run.name,
        config: run.config,
        config_sha256: run.config_sha256,
        mixture: run.mixture,
        phases: run.phases,
    };
    ledger.sync(swarm, &[new], rerun, 0).unwrap();
    let elsewhere = Process {
        host: "elsewhere".into(),
        pid: 1,
        started: "then".into(),
    };
    let now = olmix_launch::now();
    ledger
        .register("elsewhere", "local", &elsewhere, now)
        .unwrap();
    ledger.claim(swarm, "elsewhere", now).unwrap().unwrap();
    let mut launcher = start(folder, RUN);
    wait_until("it looks for work", || {
        let launchers = ledger.launchers().unwrap();
        launchers.iter().any(|other| other.id != "elsewhere")
    });
    for _ in 0..20 {
        ledger.heartbeat("elsewhere", olmix_launch::now()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(
            launcher.try_wait().unwrap().is_none(),
            "it waits for the other"
        );
    }
    assert_eq!(states(folder), ["running"]);
    ledger.heartbeat("elsewhere", 0).unwrap();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(states(folder), ["finished"]);
}

#[test]
fn launcher_ends_runs_that_were_taken_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 2, |_| held_by("go"));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 2");
    wait_until("both runs work", || trainers(folder, 2).len() == 2);
    let before = trainers(folder, 2);
    let mut ledger = Ledger::open(&folder.join("swarm/runs/ledger.sqlite")).unwrap();
    wait_until("its runs are taken", || {
        let alive = ledger.launchers().unwrap().remove(0);
        ledger
            .abandon(&alive.id, alive.heartbeat, olmix_launch::now())
            .unwrap()
            == 2
    });
    wait_until("they are begun anew", || {
        let now = trainers(folder, 2);
        now.len() == 2 && before.iter().all(|pid| !now.contains(pid))
    });
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert!(!folder.join("swarm/runs/overlaps.txt").exists());
    assert!(status(folder).iter().all(|run| run["attempt"] == 2));
}

#[test]
fn swarm_on_a_full_disk_goes_on_once_there_is_room() {
    const RUNS: usize = 3;
    for kilobytes in [120, 190, 300, 420] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        swarm(folder, RUNS, |_| trainer(0.2));
        let Some(_disk) = SmallDisk::mount(folder.join("swarm/runs")) else {
            return;
        };
        let ballast = folder.join("swarm/runs/ballast");
        fs::write(&ballast, vec![0; (2048 - kilobytes) * 1024]).unwrap();
        let first = olmix(folder, RUN).ok();
        // What could be recorded before is safe; a run is begun anew or tried again.
        fs::remove_file(&ballast).unwrap();
        let line = format!("{RUN} --retry-failed");
        let again = olmix(folder, &line)
            .timeout(Duration::from_mins(2))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&again.stderr);
        assert!(again.status.success(), "{kilobytes} KB, {first:?}: {told}");
        assert!(!told.contains("configuration can't be used"), "{told}");
        assert_as_quiet(folder, RUNS);
    }
}
