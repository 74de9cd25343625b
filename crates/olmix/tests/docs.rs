//! What the documents say is what happens.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

mod common;

use std::path::Path;

use assert_cmd::Command;
use common::newcomer;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Fenced blocks of the README in one language.
fn blocks(language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut parts = readme.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        if let Some(body) = block.strip_prefix(&format!("{language}\n")) {
            found.push(body.to_owned());
        }
    }
    found
}

#[test]
fn every_command_of_the_readme_runs_in_its_order() {
    let folder = newcomer();
    let mut ran = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let line = line.replace("cargo run --release --", "olmix");
        let mut words = line.split_whitespace();
        if words.next() != Some("olmix") {
            assert_eq!(
                line, "cargo test --workspace",
                "a command this test can't run"
            );
            continue;
        }
        Command::new(env!("CARGO_BIN_EXE_olmix"))
            .args(words)
            .current_dir(folder.path())
            .assert()
            .success();
        ran += 1;
    }
    assert!(ran >= 5, "only {ran} commands were found");
}

#[test]
fn the_output_shown_is_the_output_printed() {
    let folder = newcomer();
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml"])
        .current_dir(folder.path())
        .assert()
        .success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    let shown = blocks("text").concat();
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(
            printed.contains(line.trim_end()),
            "{line}\nis not in\n{printed}"
        );
    }
}

#[test]
fn the_settings_shown_are_settings() {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    let shown = blocks("yaml")
        .concat()
        .replace("accuracy: max", "qa_science: min");
    let config = std::fs::read_to_string(demo.join("fit.yaml")).unwrap();
    // The README's sections take the place of the demo's.
    let kept: Vec<&str> = config
        .lines()
        .filter(|line| {
            let replaced = ["regression:", "constraints:", "proposer:"];
            !replaced.iter().any(|key| line.starts_with(key))
        })
        .collect();
    std::fs::write(demo.join("fit.yaml"), kept.join("\n") + "\n" + &shown).unwrap();
    Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml", "--quiet"])
        .current_dir(folder.path())
        .assert()
        .success();
    let written = std::fs::read_to_string(folder.path().join("out/mixture.json")).unwrap();
    let mixture: serde_json::Value = serde_json::from_str(&written).unwrap();
    let math = mixture["domains"]
        .as_array()
        .unwrap()
        .iter()
        .find(|domain| domain["name"] == "math")
        .unwrap();
    let weight = math["weight"].as_f64().unwrap();
    assert!((0.05..=0.2).contains(&weight), "{weight}");
}

/// Every key of a JSON value, at any depth.
fn keys(value: &serde_json::Value, into: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                keys(value, into);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
        _ => {}
    }
}

#[test]
fn every_field_of_a_mixture_file_is_documented() {
    let folder = newcomer();
    Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml", "--quiet"])
        .current_dir(folder.path())
        .assert()
        .success();
    let written = std::fs::read_to_string(folder.path().join("out/mixture.json")).unwrap();
    let mut found = std::collections::BTreeSet::new();
    keys(&serde_json::from_str(&written).unwrap(), &mut found);
    let page = std::fs::read_to_string(root().join("docs/mixture-json.md")).unwrap();
    assert!(found.len() > 50, "{found:?}");
    for key in found {
        assert!(
            page.contains(&format!("`{key}`")),
            "`{key}` is not documented"
        );
    }
}
