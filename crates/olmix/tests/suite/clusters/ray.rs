//! Swarms on a real Ray: one head of this machine for all tests.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use super::RUNS;
use crate::common::olmix;
use crate::common::ray::Ray;
use crate::common::service::wait_until;
use crate::common::store::Store;
use crate::common::swarm::{
    assert_as_quiet, config, count, held_by, log, processes, release, runs, swarm, trainer,
};

const RUN: &str = "launch run --variants swarm/launch --engine ray";

/// A swarm that a command trains, four runs at once, with more of the section `engine`.
fn on_ray(folder: &Path, runs: usize, command: &str, engine: &str) {
    swarm(folder, runs, |_| command.to_owned());
    for i in 0..runs {
        config(
            folder,
            i,
            runs,
            command,
            &format!("engine: {{type: ray, cpus: 1, jobs: 4{engine}}}\n"),
        );
    }
}

#[test]
fn ray_trains_a_swarm_that_a_store_keeps_and_passes_its_runtime_env_on() {
    let Some(store) = Store::s3() else { return };
    let Some(ray) = Ray::start() else { return };
    store.make("on-ray");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let command = "sh trainer.sh {out} {mix_json} $PAUSE";
    // Jobs have the environment of the cluster, not of the launcher.
    let environment = store.environment();
    let lines = environment
        .iter()
        .map(|(name, value)| format!("{name}: \"{value}\""));
    let engine = format!(
        ", runtime_env: {{env_vars: {{PAUSE: \"0.1\"}}}}, storage: \"{}/swarm\", scratch: \"{}\", env: {{{}}}",
        store.url("on-ray"),
        folder.join("nodes").display(),
        lines.collect::<Vec<_>>().join(", ")
    );
    on_ray(folder, RUNS, command, &engine);
    let preview = ray
        .olmix(folder, "launch preview --variants swarm/launch")
        .assert()
        .success();
    let preview = String::from_utf8_lossy(&preview.get_output().stdout).into_owned();
    assert!(preview.contains("\"entrypoint_num_cpus\": 1"), "{preview}");
    assert!(
        !folder.join("swarm/runs").exists(),
        "a preview writes nothing"
    );
    let mut command = ray.olmix(folder, RUN);
    command.envs(environment).assert().success();
    assert_as_quiet(folder, RUNS);
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
    let objects = store.objects("on-ray");
    let name = "swarm/run-23/metrics.json".to_owned();
    assert!(objects.contains(&name), "{objects:?}");
    assert!(folder.join("swarm/runs/run-23/log.txt").exists());
}

#[test]
fn ray_runs_of_a_killed_launcher_are_cancelled_without_one() {
    let Some(ray) = Ray::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 6, &held_by("never"), "");
    let mut launcher = ray.launch(folder, RUN);
    wait_until("runs work", || count(folder, "running") == 4);
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    ray.olmix(folder, "launch cancel --variants swarm/launch --all")
        .assert()
        .success();
    assert_eq!(count(folder, "cancelled"), 6);
    wait_until("nothing is left of them", || processes(folder).is_empty());
}

#[test]
fn ray_refusals_and_expired_credentials_are_passed_on() {
    let Some(ray) = Ray::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 3, &trainer(0.0), ", runtime_env: {pip: 3}");
    let done = ray.olmix(folder, RUN).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("runtime_env"), "{told}");
    assert_eq!(count(folder, "queued"), 3);
    // A gateway that asks for another credential.
    let gate = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gate.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in gate.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\nConnection: \
            close\r\n\r\ntoken expired",
            );
        }
    });
    on_ray(folder, 3, &trainer(0.0), "");
    let mut command = olmix(folder, RUN);
    let done = command.env("RAY_ADDRESS", address).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("token expired") && told.contains("RAY_AUTH_TOKEN"),
        "{told}"
    );
    assert_eq!(count(folder, "queued"), 3);
    assert!(
        !fs::exists(folder.join("swarm/runs/submissions")).unwrap(),
        "nothing is left"
    );
    // Nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for line in [RUN.to_owned(), format!("{RUN} --detach")] {
        let mut command = olmix(folder, &line);
        let done = command.env("RAY_ADDRESS", &address).assert().code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(
            told.contains("correct engine.address or RAY_ADDRESS")
                && told.contains("nothing was submitted"),
            "{told}"
        );
    }
    let mut command = olmix(folder, RUN);
    let done = command.env_remove("RAY_ADDRESS").assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("there is no address of a Ray cluster"),
        "{told}"
    );
}

#[test]
fn ray_head_restart_loses_runs_that_are_run_again() {
    let Some(ray) = Ray::start_alone() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 8, &held_by("go"), "");
    let mut launcher = ray.launch(folder, RUN);
    wait_until("runs work", || count(folder, "running") == 4);
    ray.stop_head();
    wait_until("it is missed", || {
        log(folder).contains("ray does not answer")
    });
    ray.start_head();
    // What runs had started ends now, with nobody to record it.
    release(folder, "go");
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 8);
    let lost = runs(folder).iter().filter(|run| run.losses > 0).count();
    assert_eq!(lost, 4, "{}", log(folder));
}

#[test]
fn ray_request_that_no_node_can_ever_place_ends_the_launch_with_the_words_of_ray() {
    let Some(ray) = Ray::start_impatient() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // On a busy machine the probe may not have begun in time either.
    let refused = |code: i32, line: &str| loop {
        let done = ray.olmix(folder, line).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        if !told.contains(".probe") || !told.contains("without an answer") {
            assert_eq!(done.status.code(), Some(code), "{told}");
            return told;
        }
    };
    on_ray(folder, 6, &trainer(0.0), ", resources: {gold: 1}");
    let told = refused(2, RUN);
    // Ray's own words in full, once, and what to do. Four wait in vain, and none after them.
    let words = "Try checking the cluster's available resources with `ray status`";
    assert_eq!(told.matches(words).count(), 1, "{told}");
    assert!(told.contains("correct engine.cpus"), "{told}");
    let errors = told.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{told}");
    assert_eq!(count(folder, "finished") + count(folder, "running"), 0);
    assert!(count(folder, "failed") > 0 && count(folder, "queued") >= 2);
}
