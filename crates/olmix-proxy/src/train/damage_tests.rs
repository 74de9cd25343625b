//! Bits that are turned over in what a run keeps: none is trained on, or measured, without a word.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::cell::Cell;
use std::path::Path;

use olmix_data::{Encoder, OnBadLine, TokenizeOptions, tokenize};
use olmix_io::LaunchConfig;

use super::*;
use crate::{load_model, prepare};

/// Flipped bits of each file; `OLMIX_FLIPS` has more tried.
fn flips() -> u64 {
    let more = std::env::var("OLMIX_FLIPS").ok();
    more.and_then(|more| more.parse().ok()).unwrap_or(2)
}

fn config(folder: &Path) -> LaunchConfig {
    let text = "
name: tiny
training:
  proxy_model_id: demo
  tokenizer: bytes
  tokens: 768
  global_batch_size: 96
  sequence_length: 24
  checkpoint_every: 2
  model: {width: 8, heads: 2, hidden: 8, layers: 1}
data:
  dtype: uint16
  sources:
    - {name: web, paths: [\"shards/train/*.bin\"]}
mix: {web: 1.0}
";
    LaunchConfig::parse("tiny.yaml", text, folder).unwrap()
}

fn nothing(_: &RunPlan, _: &Model) -> Result<Metrics, ProxyError> {
    unreachable!("nothing asks for it")
}

/// Prepares and trains; whether anything was said of damage, or what was refused.
fn go_on(config: &LaunchConfig, run: &Path) -> Result<bool, ProxyError> {
    let told = Cell::new(!prepare(config, run)?.repaired.is_empty());
    let observe = |event| {
        if !matches!(event, Event::Step(_)) {
            told.set(true);
        }
    };
    train(run, &observe, &nothing)?;
    Ok(told.get())
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The files of a folder, from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let inner = files(&entry.path());
            found.extend(inner.iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn flip(file: &Path, seed: u64) {
    let mut bytes = std::fs::read(file).unwrap();
    let bit = olmix_core::split_mix64(seed) % (8 * bytes.len() as u64);
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    std::fs::write(file, bytes).unwrap();
}

/// Texts as shards, a run of them that is whole, and one that was stopped between two checkpoints.
fn runs(at: &Path) -> LaunchConfig {
    let text = "a rose is a rose is a rose, and the rest is silence; ".repeat(40);
    std::fs::write(at.join("web.txt"), text).unwrap();
    let texts = TokenizeOptions {
        inputs: vec![at.join("web.txt").display().to_string()],
        output: at.join("shards"),
        text_field: "text".to_owned(),
        validation: 0.0,
        on_bad_line: OnBadLine::Stop,
    };
    tokenize(&texts, &Encoder::bytes(), &|_, _| {}).unwrap();
    let config = config(at);
    assert!(!go_on(&config, &at.join("whole")).unwrap());
    let stopped = at.join("stopped");
    prepare(&config, &stopped).unwrap();
    let stop = |event| {
        if let Event::Step(progress) = event {
            assert_ne!(progress.step, 7, "stopped");
        }
    };
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        train(&stopped, &stop, &nothing)
    }));
    assert!(broken.is_err());
    config
}

fn model(run: &Path) -> Vec<u8> {
    std::fs::read(model_folder(run).join("model.safetensors")).unwrap()
}

#[test]
fn no_flipped_bit_of_a_run_is_trained_on_without_a_word_and_checkpoints_end_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = runs(at);
    let (whole, stopped) = (model(&at.join("whole")), at.join("stopped"));
    let names = files(&stopped);
    assert!(names.len() >= 12, "{names:?}");
    let (mut mended, mut refused) = (0, 0);
    for (i, name) in names.iter().enumerate() {
        // Journals tell of steps that are done; nothing is trained on them.
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        if matches!(ending, Some("jsonl" | "lock")) {
            continue;
        }
        for seed in 0..flips() {
            let run = at.join("flipped");
            copied(&stopped, &run);
            flip(&run.join(name), 1000 * i as u64 + seed);
            let newest = !name.contains("step-00000004");
            match go_on(&config, &run) {
                Ok(told) => {
                    assert_eq!(model(&run), whole, "{name}, seed {seed}");
                    assert_eq!(told, newest, "{name}, seed {seed}");
                    mended += 1;
                }
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.contains("help: "), "{message}");
                    assert!(!name.starts_with("checkpoints/"), "{name}: {message}");
                    refused += 1;
                }
            }
            std::fs::remove_dir_all(&run).unwrap();
        }
    }
    println!(
        "{mended} flipped bits mended and {refused} refused, of {} files",
        names.len()
    );
    assert!(mended > 10 * refused);
}

#[test]
fn no_flipped_bit_of_a_model_is_measured_and_training_again_writes_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = runs(at);
    let whole = at.join("whole");
    let expected = model(&whole);
    for name in files(&model_folder(&whole)) {
        for seed in 0..flips() {
            let run = at.join("flipped");
            copied(&whole, &run);
            flip(&model_folder(&run).join(&name), seed);
            if name == "model.safetensors" {
                let message = load_model(&run).err().unwrap().to_string();
                assert!(message.contains("is damaged"), "{message}");
            }
            assert!(go_on(&config, &run).unwrap(), "{name}, seed {seed}");
            assert_eq!(model(&run), expected);
            assert!(load_model(&run).is_ok());
            assert!(!go_on(&config, &run).unwrap(), "it is said once");
            std::fs::remove_dir_all(&run).unwrap();
        }
    }
}

#[test]
fn a_run_of_an_earlier_version_goes_on_without_checksums() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = runs(at);
    let run = at.join("stopped");
    for name in files(&run) {
        let path = run.join(&name);
        if name.ends_with(crate::checksums::FILE) {
            std::fs::remove_file(path).unwrap();
        } else if name.ends_with("state.json") {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, text.replace("\"version\": 2", "\"version\": 1")).unwrap();
        }
    }
    assert!(!go_on(&config, &run).unwrap());
    assert_eq!(model(&run), model(&at.join("whole")));
}

#[test]
fn a_third_checkpoint_that_a_killed_writer_left_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = runs(at);
    let checkpoints = at.join("whole/checkpoints");
    copied(
        &checkpoints.join("step-00000006"),
        &checkpoints.join("step-00000001"),
    );
    assert!(!go_on(&config, &at.join("whole")).unwrap());
    let left = files(&checkpoints);
    let left: Vec<&String> = left
        .iter()
        .filter(|name| name.ends_with("state.json"))
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
