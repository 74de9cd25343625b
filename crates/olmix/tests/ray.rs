//! Swarms on a real Ray: a head of this machine, one after the other as starting one takes a while.
#![allow(clippy::unwrap_used)] // helpers of tests
#![cfg(target_os = "linux")]

mod common;
#[path = "common/conformance.rs"]
mod conformance;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use common::olmix;
use common::ray::Ray;
use common::swarm::{
    assert_as_quiet, config, count, log, processes, runs, swarm, trainer, wait_until,
};

const RUNS: usize = 24;
const RUN: &str = "launch run --variants swarm/launch --engine ray";

fn on_ray(folder: &Path, runs: usize, pause: f64, engine: &str) {
    swarm(folder, runs, |_| trainer(pause));
    for i in 0..runs {
        config(
            folder,
            i,
            runs,
            &trainer(pause),
            &format!("engine: {{type: ray, cpus: 1, jobs: 4{engine}}}\n"),
        );
    }
}

#[test]
fn on_ray_a_swarm_is_trained_cancelled_and_survives_its_head() {
    let Some(ray) = Ray::start() else { return };
    whole(&ray);
    cancelled(&ray);
    refused(&ray);
    conforms(&ray);
    head_restarted(&ray);
}

/// The whole swarm, with what is passed on to Ray.
fn whole(ray: &Ray) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(
        folder,
        RUNS,
        0.1,
        ", runtime_env: {env_vars: {PAUSE: \"0.1\"}}",
    );
    let command = "sh trainer.sh {out} {mix_json} $PAUSE";
    for i in 0..RUNS {
        config(
            folder,
            i,
            RUNS,
            command,
            "engine: {type: ray, cpus: 1, jobs: 4, runtime_env: {env_vars: {PAUSE: \"0.1\"}}}\n",
        );
    }
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
    ray.olmix(folder, RUN).assert().success();
    assert_as_quiet(folder, RUNS);
    assert!(runs(folder).iter().all(|run| run.attempt == 1));
}

/// A launcher that dies, and runs that are cancelled without one.
fn cancelled(ray: &Ray) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 6, 60.0, "");
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

/// What Ray would not have, and a credential that has expired.
fn refused(ray: &Ray) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 3, 0.0, ", runtime_env: {pip: 3}");
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
            let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\nConnection: close\r\n\r\ntoken expired");
        }
    });
    on_ray(folder, 3, 0.0, "");
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
    let mut command = olmix(folder, RUN);
    let done = command.env_remove("RAY_ADDRESS").assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        told.contains("there is no address of a Ray cluster"),
        "{told}"
    );
}

/// A head that is restarted knows no job any more.
fn head_restarted(ray: &Ray) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    on_ray(folder, 8, 4.0, "");
    let mut launcher = ray.launch(folder, RUN);
    wait_until("runs work", || count(folder, "running") == 4);
    ray.stop_head();
    wait_until("it is missed", || {
        log(folder).contains("ray does not answer")
    });
    ray.start_head();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_as_quiet(folder, 8);
    assert!(runs(folder).iter().any(|run| run.losses > 0));
}

/// The suite that every engine passes.
fn conforms(ray: &Ray) {
    let folder = tempfile::tempdir().unwrap();
    let settings = olmix_io::EngineConfig {
        kind: olmix_io::EngineKind::Ray,
        address: Some(ray.address()),
        cpus: Some(1),
        ..Default::default()
    };
    conformance::check(&settings, folder.path());
}
