//! More runs for the same domains, and what a plan says that they buy.

use std::fs;
use std::path::Path;

use super::{by_hand, project, train};
use crate::common::{json, olmix, printed as ok, refused};
use serde_json::Value;

/// The rows of a CSV file, without its header and its names of runs.
fn rows(file: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(file).unwrap();
    let numbers = |line: &str| {
        line.split(',')
            .skip(1)
            .map(|x| x.parse().unwrap())
            .collect()
    };
    text.lines().skip(1).map(numbers).collect()
}

fn fit(at: &Path, folder: &str) -> Value {
    // A fixed ridge: what is tested is the mixture, and not the choice.
    let line = format!(
        "fit --config {folder}/fit.yaml --output-dir {folder}/out --ridge 1e-4 --folds 0 --bootstrap 0 --quiet"
    );
    olmix(at, &line).assert().success();
    let text = fs::read_to_string(at.join(folder).join("out/mixture.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn more_runs_for_the_same_domains_are_planned_drawn_fitted_and_committed() {
    let folder = project();
    let at = folder.path();
    let told = ok(at, "plan");
    assert!(
        told.contains("nothing changed since: no run is needed. `--runs N`"),
        "{told}"
    );
    assert_eq!(json(at, "plan --json")["runs"], 0);
    let message = refused(at, "plan --write none");
    assert!(message.contains("needs no runs"), "{message}");

    let plan = json(at, "plan --runs 8 --json");
    assert_eq!(
        (&plan["method"], &plan["runs"]),
        (&Value::from("swarm-reuse"), &Value::from(8))
    );
    assert_eq!(plan["earlier"][0]["runs"], 40);
    let numbers = |key: &str| -> Vec<f64> {
        let expected = plan["expected"].as_array().unwrap().iter();
        expected.map(|one| one[key].as_f64().unwrap()).collect()
    };
    assert_eq!(numbers("runs"), [0.0, 4.0, 8.0, 16.0]);
    assert_eq!(numbers("beside"), [40.0; 4]);
    let regret = numbers("regret");
    assert!(regret[3] < regret[0], "{regret:?}");
    let told = ok(at, "plan --runs 8 --write more");
    for part in [
        "swarm-reuse for domains@1 (6 domains), starting from main@1",
        "no domain changed: new runs are chosen that go best with the 40 there are",
        "swarm@1 is fitted too: 40 runs",
        "8 new runs: with the 40 old ones, the mixture's loss is expected within",
        "; none: ",
        "by the laws of fit@1",
        "Recorded as swarm@2",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let config = fs::read_to_string(at.join("more/generate.yaml")).unwrap();
    assert!(
        config.contains("earlier/1/ratios.csv") && config.contains("d_optimal"),
        "{config}"
    );

    train(at, "more");
    let (old, new) = (
        rows(&at.join("first/ratios.csv")),
        rows(&at.join("more/ratios.csv")),
    );
    assert_eq!((old.len(), new.len()), (40, 8));
    let distance = |a: &[f64], b: &[f64]| -> f64 {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let repeated = new
        .iter()
        .any(|new| old.iter().any(|old| distance(old, new) < 0.01));
    assert!(!repeated, "a run that is there already was drawn again");
    let mixture = fit(at, "more");
    assert!(
        mixture["notices"]
            .to_string()
            .contains("40 runs of earlier swarms"),
        "{}",
        mixture["notices"]
    );
    ok(at, "commit more/out/mixture.json");
    // The next ten go with all 48.
    let next = json(at, "plan --runs 10 --write next --json");
    assert_eq!(
        (&next["from"], &next["record"]),
        (&Value::from("main@2"), &Value::from("swarm@4"))
    );
    assert_eq!(next["earlier"].as_array().unwrap().len(), 2);
    train(at, "next");
    fit(at, "next");
    ok(at, "commit next/out/mixture.json");
    ok(at, "verify --deep");
}

#[test]
fn more_runs_of_a_mixture_by_hand_are_a_swarm_of_their_own_and_an_update_takes_the_number_too() {
    let folder = by_hand([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]);
    let at = folder.path();
    let plan = json(at, "plan --runs 9 --json");
    assert_eq!(
        (&plan["method"], &plan["runs"]),
        (&Value::from("recompute"), &Value::from(9))
    );
    assert!(
        plan["reasons"].to_string().contains("a swarm of their own"),
        "{}",
        plan["reasons"]
    );
    let message = refused(at, "plan --method full-reuse --runs 9");
    assert!(
        message.contains("nothing is left to solve for"),
        "{message}"
    );
    let message = refused(at, "plan --free books");
    assert!(
        message.contains("nothing changed since main@1") && message.contains("--runs"),
        "{message}"
    );
    // Named domains are free though nothing changed.
    let plan = json(at, "plan --free books,code --runs 9 --json");
    assert_eq!(
        (&plan["method"], &plan["runs"]),
        (&Value::from("partial-reuse"), &Value::from(9))
    );
    ok(at, "update add code:rust=2e8");
    for (options, runs) in [
        ("", 9),
        ("--runs 4", 4),
        ("--runs 30", 30),
        ("--budget 30", 9),
    ] {
        let plan = json(at, &format!("plan {options} --json"));
        assert_eq!(plan["runs"], runs, "{options}");
    }
}

/// The cells of a printed table below a header.
fn table<'a>(text: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with(header));
    let rows = lines.take_while(|line| !line.trim().is_empty());
    rows.map(|line| {
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect()
    })
    .collect()
}

#[test]
fn printed_plan_has_the_expected_loss_of_every_method_and_its_order() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 --tasks code");
    let (told, plan) = (ok(at, "plan"), json(at, "plan --json"));
    let printed = table(&told, "method");
    assert_eq!(printed[0].last(), Some(&"expected loss"), "{told}");
    let methods = plan["alternatives"].as_array().unwrap();
    let rows: Vec<_> = printed
        .iter()
        .filter(|row| row.len() == 4)
        .skip(1)
        .collect();
    assert_eq!(rows.len(), 4, "{told}");
    for (row, method) in rows.iter().zip(methods) {
        assert_eq!(row[0], method["method"]);
        assert_eq!(row[2], method["runs"].to_string());
        let loss = method["expected_loss"].as_f64().unwrap();
        assert_eq!(row[3], format!("{loss:.4}"), "{told}");
    }
    let loss = |at: usize| methods[at]["expected_loss"].as_f64().unwrap();
    // What is kept costs something: full reuse, then partial reuse, then everything free.
    assert!(loss(0) >= loss(1) && loss(1) >= loss(3), "{told}");
    assert!(loss(0) > loss(3), "{told}");
    assert!(
        told.contains("by the laws of fit@1, where the mixture in use has"),
        "{told}"
    );
    // Old runs are in what the new ones buy, in words.
    assert!(
        told.contains("new runs: with the 40 old ones, the mixture's loss is expected within"),
        "{told}"
    );
}

#[test]
fn export_after_an_update_has_tokens_and_epochs_of_every_leaf() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 --tasks code");
    ok(at, "plan --method full-reuse --write second --quiet");
    train(at, "second");
    let mixture = fit(at, "second");
    // Laws and solve knew two domains.
    assert_eq!(mixture["domains"].as_array().unwrap().len(), 2);
    ok(at, "commit second/out/mixture.json");
    let tokens: std::collections::BTreeMap<String, f64> =
        json(at, "show domains --json")["content"]["domains"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (
                    one["name"].as_str().unwrap().to_owned(),
                    one["tokens"].as_f64().unwrap(),
                )
            })
            .collect();
    let target = mixture["target_tokens"].as_f64().unwrap();
    let exported = json(
        at,
        "export --mixture second/out/mixture.json --format json --json",
    );
    let exported = exported.as_array().unwrap();
    assert_eq!(exported.len(), 7);
    let mut sum = 0.0;
    for leaf in exported {
        let number = |key: &str| leaf[key].as_f64().unwrap();
        sum += number("weight");
        let due = number("weight") * target;
        assert!((number("tokens") - due).abs() <= 1e-6 * due + 1.0, "{leaf}");
        let epochs = due / tokens[leaf["domain"].as_str().unwrap()];
        assert!(
            (number("epochs") - epochs).abs() < 1e-6 * epochs.max(1.0),
            "{leaf}"
        );
    }
    assert!((sum - 1.0).abs() < 1e-8);
    // A trainer's own fields hold them too.
    let text = ok(
        at,
        "export --mixture second/out/mixture.json --format olmo-core",
    );
    for name in tokens.keys() {
        assert!(
            text.contains(&format!("#   {name}: "))
                && text.contains(&format!("source_name: {name}")),
            "{text}"
        );
    }
    assert!(!text.contains("epochs unknown"), "{text}");
}
