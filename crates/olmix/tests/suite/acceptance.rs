//! What the README and the page of `mixture.json` say is what happens. Tests run in the order of their
//! names, and the longest of all is here: the demo.

use std::path::Path;

use crate::common::newcomer;
use assert_cmd::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Sections of a document with their fenced blocks in a language, in order.
fn sections(document: &str, language: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut found = Vec::new();
    for section in text.split("\n## ") {
        let title = section.lines().next().unwrap_or_default().to_owned();
        let mut parts = section.split("```");
        while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
            if let Some(body) = block.strip_prefix(&format!("{language}\n")) {
                found.push((title.clone(), body.to_owned()));
            }
        }
    }
    found
}

/// Fenced blocks of a document in one language.
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let sections = sections(document, language).into_iter();
    sections.map(|(_, block)| block).collect()
}

/// Sections whose commands need the folder that the demo makes. All others need the examples alone.
const OF_THE_DEMO: [&str; 2] = ["Two commands", "If you have no swarm yet"];

/// The command with a run of the demo's swarm in place of its larger model: that one takes minutes, and the
/// demo has trained it from this very config.
fn smaller(folder: &Path, line: String) -> String {
    const LARGER: &str = "olmix-demo/larger/launch/natural.yaml";
    if !line.contains(LARGER) {
        return line;
    }
    assert!(folder.join(LARGER).is_file(), "{line}");
    let trained = "olmix-demo/larger/runs/natural/metrics.json";
    assert!(folder.join(trained).is_file(), "the demo lacks {trained}");
    let configs = std::fs::read_dir(folder.join("olmix-demo/swarm/launch")).unwrap();
    let configs = configs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let first = configs
        .filter(|name| name.starts_with("demo-"))
        .min()
        .unwrap();
    line.replace(LARGER, &format!("olmix-demo/swarm/launch/{first}"))
}

/// Runs the README's commands of some sections in their order, in a folder with the examples.
fn walk(wanted: impl Fn(&str) -> bool) {
    let folder = newcomer();
    let mut ran = 0;
    let sections = sections("README.md", "sh").into_iter();
    let blocks = sections.filter(|(title, _)| wanted(title));
    for line in blocks.flat_map(|(_, block)| block.lines().map(str::to_owned).collect::<Vec<_>>()) {
        let line = line.replace("cargo run --release --", "olmix");
        let line = smaller(folder.path(), line);
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
fn every_command_of_the_readme_about_the_demo_runs() {
    walk(|title| OF_THE_DEMO.contains(&title));
}

#[test]
fn every_other_command_of_the_readme_runs() {
    walk(|title| !OF_THE_DEMO.contains(&title));
}

#[test]
fn readme_shows_the_output_that_fit_prints() {
    let folder = newcomer();
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml"])
        .current_dir(folder.path())
        .assert()
        .success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    // The README shows sentences as a terminal wraps them.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = blocks("README.md", "text").concat();
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(
            words(&printed).contains(&words(line)),
            "{line}\nis not in\n{printed}"
        );
    }
}

#[test]
fn readme_shows_settings_that_fit_accepts() {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    let shown = blocks("README.md", "yaml")
        .concat()
        .replace("accuracy: max", "qa_science: min");
    let config = std::fs::read_to_string(demo.join("fit.yaml")).unwrap();
    // Runs of the target are those of the demo here.
    std::fs::create_dir(demo.join("big")).unwrap();
    for table in ["ratios.csv", "metrics.csv"] {
        std::fs::copy(demo.join(table), demo.join("big").join(table)).unwrap();
    }
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
fn every_field_of_mixture_json_is_documented() {
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
