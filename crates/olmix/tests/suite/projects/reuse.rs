//! From data to mixture and on: what each method of reuse keeps.

use std::fs;
use std::path::Path;

use super::{measure, project, train};
use crate::common::{json, olmix, printed as ok, refused};
use serde_json::Value;

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
fn swarm_reuse_joins_old_and_new_runs_and_the_log_records_it() {
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
    // The mixture before it, by the laws of the new fit.
    let mut old = weights(at, "main@1");
    old.push(("code:rust".to_owned(), 0.0));
    let (names, shares): (Vec<String>, Vec<String>) = old
        .iter()
        .map(|(name, weight)| (name.clone(), weight.to_string()))
        .unzip();
    let table = format!("run,{}\nold,{}\n", names.join(","), shares.join(","));
    fs::write(at.join("old.csv"), table).unwrap();
    let predicted = json(
        at,
        "predict --mixture second/out/mixture.json --ratios old.csv --json",
    );
    let old_loss = predicted["predicted_average"][0].as_f64().unwrap();
    let mixture = fs::read_to_string(at.join("second/out/mixture.json")).unwrap();
    let mixture: Value = serde_json::from_str(&mixture).unwrap();
    let expected = 1.0 - mixture["predicted"].as_f64().unwrap() / old_loss;
    assert_eq!(newest["over"]["record"], "main@1");
    let over = newest["over"]["gain"].as_f64().unwrap();
    assert!((over - expected).abs() < 1e-9, "{over} {expected}");
    assert!(
        log.contains(" against natural, ") && log.contains(" against main@1"),
        "{log}"
    );
    ok(at, "tag v1 main@1");
    assert_eq!(json(at, "tag --json")["v1"], "main@1");
    assert!(ok(at, "diff v1 main").contains("code:rust"));
    assert!(ok(at, "diff domains@1 domains@2").contains("200M tokens"));
    assert!(ok(at, "verify").contains("all are unchanged"));
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
    // The laws know the old domains in their kept ratios alone, so nothing is said of the natural ones.
    let log = json(at, "log --json");
    assert_eq!(log[0]["name"], "main@2");
    assert!(log[0]["gain"].is_null());
    assert_eq!(log[0]["over"]["record"], "main@1");
    assert!(log[0]["over"]["gain"].as_f64().unwrap() > 0.0);
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
fn chosen_virtual_domains_work_with_old_runs() {
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
fn domains_left_after_a_removal_keep_their_ratios_without_a_run() {
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
