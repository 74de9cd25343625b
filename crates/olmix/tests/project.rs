//! What projects promise: from data to mixture and on, with everything remembered, run as a user runs it.
#![allow(clippy::unwrap_used)] // a failed step fails the test

mod common;

use std::fs;
use std::path::Path;

use common::{copy_demo, json, olmix, refused};
use serde_json::Value;

/// A project of the demo's domains, with a first mixture from its measured swarm.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("first")).unwrap();
    copy_demo(&at.join("first"));
    ok(
        at,
        "init --from first/fit.yaml --name house --proxy-parameters 1000000",
    );
    ok(
        at,
        "fit --config first/fit.yaml --output-dir first/out --ridge 1e-5 --folds 3 --bootstrap 0 --quiet",
    );
    ok(at, "commit first/out/mixture.json");
    folder
}

fn ok(at: &Path, line: &str) -> String {
    let run = olmix(at, line).assert().success();
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

/// Stands in for training: metrics of every mixture of a ratios.csv, by laws in which some domains help some tasks, a
/// little worse than the demo's runs.
fn measure(swarm: &Path) {
    let text = fs::read_to_string(swarm.join("ratios.csv")).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines
        .next()
        .unwrap()
        .split(',')
        .skip(1)
        .map(str::to_owned)
        .collect();
    let tasks = [
        "math_algebra",
        "math_geometry",
        "math_word_problems",
        "code_python",
        "code_shell",
        "code_sql",
        "qa_science",
        "qa_history",
        "qa_commonsense",
    ];
    let mut out = format!("run,{}\n", tasks.join(","));
    for line in lines {
        let mut cells = line.split(',');
        let run = cells.next().unwrap();
        let weights: Vec<f64> = cells.map(|cell| cell.parse().unwrap()).collect();
        let losses: Vec<String> = tasks
            .iter()
            .enumerate()
            .map(|(i, task)| {
                let helps = |name: &str| {
                    let family = task.split('_').next().unwrap();
                    let own =
                        name.starts_with(family) || (family == "qa" && name.starts_with("web"));
                    if own { 1.6 + 0.1 * i as f64 } else { 0.2 }
                };
                let exponent: f64 = names
                    .iter()
                    .zip(&weights)
                    .map(|(name, w)| helps(name) * w)
                    .sum();
                format!("{:.5}", 0.9 + 1.3 * (0.2 - exponent).exp())
            })
            .collect();
        out += &format!("{run},{}\n", losses.join(","));
    }
    fs::write(swarm.join("metrics.csv"), out).unwrap();
}

/// Draws the runs of a plan and stands in for their training.
fn train(at: &Path, swarm: &str) {
    ok(
        at,
        &format!("generate --config {swarm}/generate.yaml --output {swarm} --quiet"),
    );
    measure(&at.join(swarm));
}

fn weights(at: &Path, name: &str) -> Vec<(String, f64)> {
    let told = json(at, &format!("show {name} --json"));
    let pairs = told["content"]["weights"].as_array().unwrap();
    pairs
        .iter()
        .map(|pair| {
            (
                pair[0].as_str().unwrap().to_owned(),
                pair[1].as_f64().unwrap(),
            )
        })
        .collect()
}

fn weight(weights: &[(String, f64)], name: &str) -> f64 {
    weights.iter().find(|(other, _)| other == name).unwrap().1
}

fn origin(at: &Path, mixture: &str, domain: &str) -> (String, bool) {
    let told = json(at, &format!("show {mixture} --json"));
    let origin = &told["content"]["origins"][domain];
    (
        origin["record"].as_str().unwrap().to_owned(),
        origin["kept"].as_bool().unwrap(),
    )
}

#[test]
fn old_runs_and_new_ones_make_the_next_mixture_and_the_log_says_how() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 --tasks code");
    let plan = json(at, "plan --json");
    assert_eq!(plan["method"], "swarm-reuse");
    assert_eq!(plan["risk"]["estimates"]["code:rust"]["from"], "tasks");
    assert!(plan["runs"].as_u64().unwrap() < plan["recompute"]["runs"].as_u64().unwrap());
    let printed = ok(at, "plan --write second");
    for part in [
        "swarm-reuse for domains@2 (7 domains)",
        "old runs still speak",
        "swarm@1 is fitted too",
        "Recorded as swarm@2",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    // Written a second time, it is the same plan.
    assert!(ok(at, "plan --write second").contains("Recorded as swarm@2"));
    train(at, "second");
    let fitted = olmix(
        at,
        "fit --config second/fit.yaml --output-dir second/out --bootstrap 0",
    )
    .assert()
    .success();
    let notes = String::from_utf8_lossy(&fitted.get_output().stderr).into_owned();
    assert!(
        notes.contains("of earlier swarms are fitted too"),
        "{notes}"
    );
    ok(at, "commit second/out/mixture.json -m with-rust");
    assert_eq!(origin(at, "main", "code:rust"), ("fit@2".to_owned(), false));
    assert_eq!(
        origin(at, "main", "web:general"),
        ("fit@2".to_owned(), false)
    );
    let log = ok(at, "log");
    for part in [
        "domains swarm fit main",
        "main@2  ",
        "with-rust",
        "fit@2",
        "planned: 9 runs by swarm-reuse",
        "add code:rust",
        "In all ",
    ] {
        assert!(log.contains(part), "{part}\n{log}");
    }
    let told = json(at, "log --json");
    let newest = &told.as_array().unwrap()[0];
    assert_eq!(newest["name"], "main@2");
    assert!(
        newest["parents"]
            .as_array()
            .unwrap()
            .contains(&Value::from("fit@2"))
    );
    ok(at, "tag v1 main@1");
    assert_eq!(json(at, "tag --json")["v1"], "main@1");
    assert!(ok(at, "diff v1 main").contains("code:rust"));
    assert!(ok(at, "diff domains@1 domains@2").contains("200M tokens"));
    assert!(ok(at, "verify").contains("every one of them what was recorded"));
    // The files that a fit was made of can be had again.
    ok(at, "show swarm@1 --files again");
    assert_eq!(
        fs::read(at.join("again/ratios.csv")).unwrap(),
        fs::read(at.join("first/ratios.csv")).unwrap()
    );
}

#[test]
fn full_reuse_keeps_old_ratios_from_plan_to_mixture() {
    let folder = project();
    let at = folder.path();
    let old = weights(at, "main");
    ok(at, "update add code:rust=2e8 code:go=1e8");
    let plan = json(at, "plan --method full-reuse --write second --json");
    assert_eq!(
        plan["virtual_domains"][0]["members"]
            .as_object()
            .unwrap()
            .len(),
        6
    );
    assert_eq!(plan["runs"], 12);
    assert_eq!(plan["free"].as_array().unwrap().len(), 2);
    ok(
        at,
        "generate --config second/generate.yaml --output second --quiet",
    );
    let text = fs::read_to_string(at.join("second/ratios.csv")).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|other| *other == name).unwrap();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let of = |name: &str| cells[column(name)].parse::<f64>().unwrap();
        // Every run trains on the expanded mixture.
        let wanted = weight(&old, "code") * of("web:general");
        assert!(
            (of("code") * weight(&old, "web:general") - wanted).abs() < 1e-9,
            "{line}"
        );
    }
    measure(&at.join("second"));
    ok(
        at,
        "fit --config second/fit.yaml --output-dir second/out --bootstrap 0 --quiet",
    );
    ok(at, "commit second/out/mixture.json");
    let new = weights(at, "main");
    let kept: f64 = old.iter().map(|(name, _)| weight(&new, name)).sum();
    for (name, w) in &old {
        assert!((weight(&new, name) - kept * w).abs() < 1e-9, "{name}");
        assert_eq!(origin(at, "main", name), ("fit@1".to_owned(), true));
    }
    assert_eq!(origin(at, "main", "code:go"), ("fit@2".to_owned(), false));
    // A trainer gets the domains, not the virtual one.
    let exported = ok(at, "export --mixture second/out/mixture.json --format json");
    assert!(
        exported.contains("wikipedia") && !exported.contains("existing"),
        "{exported}"
    );
    // The next plan knows every domain by its law, though the last fit knew six of them as one.
    ok(at, "update add math:proofs=5e7 --tasks math");
    let plan = json(at, "plan --method partial-reuse --json");
    let by = plan["risk"]["by_domain"].as_object().unwrap();
    assert!(by["code"] != by["web:general"], "{by:?}");
}

#[test]
fn virtual_domains_of_ones_choice_and_old_runs_go_together() {
    let folder = project();
    let at = folder.path();
    let old = weights(at, "main");
    ok(at, "update add code:rust=2e8");
    let line = "plan --method partial-reuse --free books --freeze web=web:* --old-runs --write second --json";
    let plan = json(at, line);
    let names: Vec<&str> = plan["virtual_domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["existing", "web"]);
    assert_eq!(plan["free"][1]["reason"], "added");
    train(at, "second");
    ok(
        at,
        "fit --config second/fit.yaml --output-dir second/out --bootstrap 0 --quiet",
    );
    ok(at, "commit second/out/mixture.json");
    let new = weights(at, "main");
    let ratio =
        |w: &[(String, f64)], a: &str, b: &str| weight(w, a) / (weight(w, a) + weight(w, b));
    for (a, b) in [
        ("web:general", "web:science"),
        ("code", "math"),
        ("code", "wikipedia"),
    ] {
        assert!(
            (ratio(&new, a, b) - ratio(&old, a, b)).abs() < 1e-6,
            "{a} {b}"
        );
    }
    assert!(!origin(at, "main", "books").1 && origin(at, "main", "math").1);
}

#[test]
fn what_stays_after_a_removal_keeps_its_ratios_without_a_run() {
    let folder = project();
    let at = folder.path();
    let old = weights(at, "main");
    ok(at, "update remove books");
    let plan = ok(at, "plan");
    assert!(plan.contains("no run is needed"), "{plan}");
    assert!(refused(at, "plan --write second").contains("needs no runs"));
    ok(at, "commit");
    let new = weights(at, "main");
    assert_eq!(new.len(), 5);
    let sum: f64 = new.iter().map(|(_, w)| w).sum();
    assert!((sum - 1.0).abs() < 1e-12);
    for (name, w) in &new {
        let kept = weight(&old, name) / (1.0 - weight(&old, "books"));
        // 4 epochs of 0.2 to 6 billion tokens in a run of 10 billion.
        let cap = |tokens: f64| 4.0 * tokens / 10.0;
        let cap = match name.as_str() {
            "wikipedia" => cap(0.2),
            "math" => cap(0.3),
            "code" => cap(0.9),
            _ => 1.0,
        };
        assert!(
            (w - kept).abs() < 1e-9 || (w - cap).abs() < 1e-6 || kept < *w,
            "{name} {w} {kept}"
        );
        assert!(origin(at, "main", name).1);
    }
}

/// A shard of `count` tokens of four bytes, from a range of numbers.
fn shard(path: &Path, from: u32, to: u32, count: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let token = |i: u32| (from + i.wrapping_mul(7919) % (to - from)).to_le_bytes();
    let bytes: Vec<u8> = (0..count).flat_map(token).collect();
    fs::write(path, bytes).unwrap();
}

#[test]
fn new_domains_are_counted_and_known_by_their_tokens_or_by_a_pilot() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("first")).unwrap();
    copy_demo(&at.join("first"));
    let domains = [
        "web:general",
        "web:science",
        "code",
        "math",
        "books",
        "wikipedia",
    ];
    let mut sources = String::new();
    for (i, name) in (0_u32..).zip(domains) {
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
fn a_swarm_that_was_planned_for_an_earlier_version_is_recorded_for_that_one() {
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
fn a_plan_with_other_settings_is_another_plan() {
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
fn a_fit_is_made_again_to_the_byte_from_what_is_kept_with_it() {
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
fn a_swarm_all_of_whose_runs_used_what_is_gone_is_named_and_left_out() {
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
