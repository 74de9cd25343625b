//! What a project records: counted domains, plans, swarms and fits of every version.

use std::fs;
use std::path::Path;

use super::{project, train};
use crate::common::{copy_demo, json, olmix, printed as ok, refused};
use serde_json::Value;

/// A shard of `count` tokens of four bytes, from a range of numbers.
fn shard(path: &Path, from: u32, to: u32, count: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let token = |i: u32| (from + i.wrapping_mul(7919) % (to - from)).to_le_bytes();
    let bytes: Vec<u8> = (0..count).flat_map(token).collect();
    fs::write(path, bytes).unwrap();
}

#[test]
fn new_domains_are_counted_and_placed_by_tokens_or_a_pilot() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("first")).unwrap();
    copy_demo(&at.join("first"));
    let mut sources = String::new();
    for (i, name) in (0_u32..).zip(super::DOMAINS) {
        let file = format!("shards/{i}.bin");
        shard(&at.join(&file), 10_000 * i, 10_000 * i + 4000, 20_000);
        let (source, topic) = name.split_once(':').unwrap_or((name, ""));
        sources += &if topic.is_empty() {
            format!("    - {{name: {source}, paths: [{file}]}}\n")
        } else if topic == "general" {
            format!(
                "    - name: {source}\n      topics:\n        - {{name: {topic}, paths: [{file}]}}\n"
            )
        } else {
            format!("        - {{name: {topic}, paths: [{file}]}}\n")
        };
    }
    fs::write(
        at.join("generate.yaml"),
        format!("name: house\nmax_tokens: 20000\ndata:\n  dtype: uint32\n  sources:\n{sources}"),
    )
    .unwrap();
    ok(
        at,
        "init --from first/fit.yaml --from generate.yaml --name house",
    );
    ok(
        at,
        "fit --config first/fit.yaml --output-dir out --ridge 1e-5 --folds 0 --bootstrap 0 --quiet",
    );
    ok(at, "commit out/mixture.json");
    // New code: most of its tokens are those of code.
    shard(&at.join("shards/rust.bin"), 20_500, 24_500, 12_345);
    let updated = json(at, "update add rust --path shards/rust.bin --json");
    assert_eq!(updated["counted"]["rust"], 12_345);
    let plan = json(at, "plan --method full-reuse --write second --json");
    let estimate = &plan["risk"]["estimates"]["rust"];
    assert_eq!(estimate["from"], "likeness");
    assert_eq!(estimate["to"][0][0], "code");
    assert!(estimate["to"][0][1].as_f64().unwrap() > 0.9, "{estimate}");
    // A pilot of a few runs says more.
    ok(at, "plan --method full-reuse --budget 8 --write pilot");
    train(at, "pilot");
    ok(
        at,
        "fit --config pilot/fit.yaml --output-dir pilot/out --folds 0 --bootstrap 0 --quiet",
    );
    let plan = json(
        at,
        "plan --method partial-reuse --budget 12 --pilot pilot/out/mixture.json --json",
    );
    assert_eq!(plan["risk"]["estimates"]["rust"]["from"], "pilot");
    assert!(plan["runs"].as_u64().unwrap() <= 12);
    // Its files changed: they are counted again.
    shard(&at.join("shards/rust.bin"), 20_500, 24_500, 15_000);
    let updated = json(at, "update revise rust --json");
    assert_eq!(updated["counted"]["rust"], 15_000);
}

#[test]
fn swarm_planned_for_an_earlier_version_is_recorded_for_that_version() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 --tasks code");
    ok(at, "plan --method full-reuse --write second");
    train(at, "second");
    // The fit's settings may be changed by hand: runs have their swarm's name.
    let config = at.join("second/fit.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}diagnostics: {{folds: 3}}\n")).unwrap();
    ok(
        at,
        "fit --config second/fit.yaml --output-dir second/out --bootstrap 0 --quiet",
    );
    // While it was trained, another domain changed.
    ok(at, "update revise books=700000000");
    let run = olmix(at, "commit second/out/mixture.json")
        .assert()
        .success();
    let notes = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        notes.contains("is of domains@2, and so is this mixture; domains@3 is the newest"),
        "{notes}"
    );
    let told = json(at, "show main --json");
    assert_eq!(told["content"]["version"], "domains@2");
    assert_eq!(told["content"]["method"], "full-reuse");
    // What is left to do is known: books, and nothing else.
    let plan = json(at, "plan --method full-reuse --json");
    assert_eq!(plan["free"].as_array().unwrap().len(), 1);
    assert_eq!(plan["free"][0]["domain"], "books");
}

#[test]
fn plan_with_other_settings_is_another_record() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8");
    assert_eq!(json(at, "plan --write a --json")["record"], "swarm@2");
    assert_eq!(json(at, "plan --write b --json")["record"], "swarm@2");
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("swarm: {{seed: 5}}\n{text}")).unwrap();
    assert_eq!(json(at, "plan --write c --json")["record"], "swarm@3");
    assert!(refused(at, "plan --write a").contains("of another plan"));
}

#[test]
fn recorded_fit_is_repeated_to_the_byte() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8");
    ok(at, "plan --method swarm-reuse --write second");
    train(at, "second");
    // A ridge on the command line, and the commit from another folder.
    ok(
        at,
        "fit --config second/fit.yaml --output-dir second/out --ridge 1e-3 --bootstrap 0 --quiet",
    );
    fs::create_dir(at.join("elsewhere")).unwrap();
    ok(&at.join("elsewhere"), "commit ../second/out/mixture.json");
    ok(at, "show fit --files again");
    ok(
        at,
        "fit --config again/config.json --output-dir again/out --quiet",
    );
    let weights = |file: &str| {
        let text = fs::read_to_string(at.join(file)).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        (told["domains"].clone(), told["law"].clone())
    };
    assert_eq!(
        weights("second/out/mixture.json"),
        weights("again/out/mixture.json")
    );
    // Without its runs a fit is recorded only when that is asked for.
    let ratios = at.join("second/ratios.csv");
    let text = fs::read_to_string(&ratios).unwrap();
    // One run fewer: a swarm that is not known.
    let fewer: Vec<&str> = text.lines().take(8).collect();
    fs::write(&ratios, fewer.join("\n") + "\n").unwrap();
    ok(
        at,
        "fit --config second/fit.yaml --output-dir third --ridge 1e-2 --bootstrap 0 --quiet",
    );
    fs::remove_file(&ratios).unwrap();
    let message = refused(at, "commit third/mixture.json");
    assert!(
        message.contains("the runs behind it are not there"),
        "{message}"
    );
    ok(at, "commit third/mixture.json --without-runs");
}

#[test]
fn swarm_whose_runs_all_used_a_removed_domain_is_named_and_left_out() {
    let folder = project();
    let at = folder.path();
    ok(at, "update revise web:general=5e9");
    let plan = json(
        at,
        "plan --method full-reuse --old-runs --write second --json",
    );
    let reasons = plan["reasons"].to_string();
    assert!(
        reasons.contains("swarm@1 is left out: 40 of its 40 runs"),
        "{reasons}"
    );
    assert!(plan["earlier"].as_array().unwrap().is_empty());
    let fit = fs::read_to_string(at.join("second/fit.yaml")).unwrap();
    assert!(!fit.contains("earlier"), "{fit}");
    // A recomputation reuses nothing, so it risks nothing.
    assert!(json(at, "plan --method recompute --json")["risk"].is_null());
}
