//! Object stores that can not be used: one message, and nothing submitted.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::ON_SLURM;
use super::storage::{Setting, kept};
use crate::common::olmix;
use crate::common::server::s3;
use crate::common::service::port;
use crate::common::swarm::{config, count, runs, trainer};

/// A server that answers every request with a code and a text; its URL.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: \
                     {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    url
}

#[test]
fn unusable_store_gets_one_message_and_nothing_is_submitted() {
    let Some(setting) = Setting::new("unusable-store") else {
        return;
    };
    let folder = setting.path();
    let refused = |url: &str| {
        let done = setting
            .slurm
            .olmix(folder, ON_SLURM)
            .envs(s3(url))
            .assert()
            .code(2);
        let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        let errors = told.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{told}");
        assert!(told.lines().count() <= 3 && told.len() < 700, "{told}");
        assert_eq!(setting.slurm.all_jobs("%j"), "", "{told}");
        told
    };
    let has = |told: &str, parts: &[&str]| {
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    };
    setting.swarm(3, &trainer(0.0), "nowhere");
    let told = refused(&setting.store.server.url);
    has(
        &told,
        &["s3://nowhere/some/swarm: NoSuchBucket", "make the bucket"],
    );
    setting.swarm(3, &trainer(0.0), &setting.bucket);
    let closed = format!("127.0.0.1:{}", port());
    let told = refused(&format!("http://{closed}"));
    has(
        &told,
        &[
            "s3://unusable-store/some/swarm: ",
            "Connection refused",
            "AWS_ENDPOINT_URL",
        ],
    );
    let denied = answering(
        "403 Forbidden",
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    );
    let told = refused(&denied);
    has(
        &told,
        &["AccessDenied: Access Denied", "must be allowed to"],
    );
    let expired = answering(
        "400 Bad Request",
        "<?xml version=\"1.0\"?><Error><Code>ExpiredToken</Code><Message>The provided token has \
         expired.</Message></Error>",
    );
    let told = refused(&expired);
    has(&told, &["ExpiredToken: The provided token", "renew it"]);
    assert!(!folder.join("swarm/runs").exists());
    // Runs that were queued stay so, and go on once the store is back.
    setting.olmix(ON_SLURM).assert().success();
    setting.swarm(4, &trainer(0.0), &setting.bucket);
    let done = setting
        .slurm
        .olmix(folder, ON_SLURM)
        .envs(s3(&denied))
        .assert();
    done.code(2);
    assert_eq!(count(folder, "finished"), 3);
    setting
        .olmix(&format!("{ON_SLURM} --detach"))
        .assert()
        .success();
    setting.olmix(ON_SLURM).assert().success();
    assert_eq!(runs(folder).len(), 4);
}

#[test]
fn launch_refuses_storage_and_scratch_that_can_not_work() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    kept(folder, 1, &trainer(0.0), "s3://data", "low");
    let refused = |engine: &str| {
        config(folder, 0, 1, &trainer(0.0), engine);
        let line = "launch preview --variants swarm/launch --engine slurm";
        let done = olmix(folder, line).assert().code(2);
        String::from_utf8_lossy(&done.get_output().stderr).into_owned()
    };
    let told = refused("engine: {type: slurm, storage: \"s3://a/b\", scratch: here}\n");
    assert!(told.contains("engine.scratch is here"), "{told}");
    let told = refused("engine: {type: slurm, storage: \"ftp://a/b\"}\n");
    assert!(told.contains("no store that runs can be kept in"), "{told}");
    let outside = "engine: {type: slurm, storage: \"s3://a/b\"}\n";
    let command = trainer(0.0);
    config(folder, 0, 1, &command, outside);
    let path = folder.join("swarm/launch/00.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let metrics = "trainer:\n  metrics: /elsewhere/{name}.json\n";
    fs::write(&path, text.replace("trainer:\n", metrics)).unwrap();
    let line = "launch preview --variants swarm/launch --engine slurm";
    let done = olmix(folder, line).assert().code(2);
    let told = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(told.contains("outside of the run's folder"), "{told}");
}
