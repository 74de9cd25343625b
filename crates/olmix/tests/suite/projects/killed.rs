//! A project survives `kill -9` at any moment: it is as before the command or as after it, and goes on.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::{copy_demo, json, olmix, printed as ok, start};
use olmix_core::{Purpose, generator};
use rand::RngExt;

const KILLS: usize = 100;
/// Commands of the history, one after another.
const STEPS: usize = 7;

/// The command of a step: the history that the test lives through.
fn script(at: &Path, step: usize) -> String {
    match step % STEPS {
        0 => format!("update add d{step}=3000000000"),
        1 => {
            let content = json(at, "show domains --json");
            let domains = content["content"]["domains"].as_array().unwrap().clone();
            let weights: serde_json::Map<_, _> = domains
                .iter()
                .map(|domain| (domain["name"].as_str().unwrap().to_owned(), 1.into()))
                .collect();
            let weights = serde_json::Value::Object(weights).to_string();
            fs::write(at.join("mixture.json"), weights).unwrap();
            "commit mixture.json".into()
        }
        2 => format!("update add e{step}=3000000000"),
        3 => format!("plan --method full-reuse --write p{step}"),
        4 => format!("tag t{step} main"),
        5 => format!("update remove d{}", step - 5),
        _ => "update undo".into(),
    }
}

#[test]
fn project_killed_at_a_hundred_random_moments_verifies_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    ok(at, "init --from fit.yaml --name house");
    let mut rng = generator(1, Purpose::Study, 0);
    let mut longest = [Duration::from_millis(60); STEPS];
    let (mut whole, mut none) = (0, 0);
    for step in 0..KILLS {
        let line = script(at, step);
        let records = |at: &Path| json(at, "log --all --json").as_array().unwrap().len();
        let before = records(at);
        let mut child = start(at, &line);
        let wait = longest[step % STEPS].mul_f64(rng.random::<f64>());
        std::thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        ok(at, "verify");
        let after = records(at);
        assert!(
            after == before || after == before + 1,
            "{line}: {before} {after}"
        );
        if after > before {
            whole += 1;
        } else {
            none += 1;
        }
        // It goes on: the same command does what is left to do, or says that it was done.
        let began = Instant::now();
        let again = olmix(at, &line).output().unwrap();
        longest[step % STEPS] = began.elapsed();
        let message = String::from_utf8_lossy(&again.stderr).into_owned();
        let done = after > before && again.status.code() == Some(2);
        assert!(again.status.success() || done, "{line}: {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
    println!("{whole} commands were whole when they were killed, {none} had done nothing");
    assert!(none > 0, "no kill was early");
    ok(at, "verify");
    // Nothing half-written lies about.
    let left = fs::read_dir(at).unwrap().filter_map(Result::ok);
    let strays: Vec<_> = left
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".olmix-"))
        .collect();
    println!("{} temporary files of killed commands", strays.len());
}
