//! Bounds from plan to mixture: whatever the method, `generate` and `fit` take its configs, and the mixture obeys
//! the bounds as the project's owner wrote them.

use std::fs;
use std::path::Path;

use super::{project, train};
use crate::common::{json, olmix, printed as ok, refused};
use serde_json::Value;

/// Puts lines into the section `constraints` of olmix.yaml.
fn constrain(at: &Path, lines: &str) {
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let bounded = text.replace("constraints:\n", &format!("constraints:\n{lines}"));
    assert_ne!(text, bounded);
    fs::write(&path, bounded).unwrap();
}

/// The mixture that the plan's configs lead to, by domain, with tokens and epochs.
fn mixture(at: &Path, folder: &str, options: &str) -> Vec<(String, f64, Value)> {
    ok(at, &format!("plan {options} --write {folder} --quiet"));
    train(at, folder);
    // A fixed ridge: what is tested is the mixture, and not the choice.
    let line = format!(
        "fit --config {folder}/fit.yaml --output-dir {folder}/out --ridge 1e-4 --folds 0 --bootstrap 0 --quiet"
    );
    olmix(at, &line).assert().success();
    let text = fs::read_to_string(at.join(folder).join("out/mixture.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let expanded = file["expanded"].as_array().cloned().unwrap_or_default();
    let entries = if expanded.is_empty() {
        file["domains"].as_array().unwrap().clone()
    } else {
        expanded
    };
    entries
        .into_iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().map(str::to_owned);
            let number = |key: &str| entry[key].as_f64();
            let name = text("domain").or(text("name")).unwrap();
            (name, number("share").or(number("weight")).unwrap(), entry)
        })
        .collect()
}

const TOLERANCE: f64 = 1e-7;

/// Every way to reuse what is there, as options of `olmix plan`.
const METHODS: [&str; 6] = [
    "--method full-reuse",
    "--method full-reuse --old-runs",
    "--method full-reuse --collapsed-kl --freeze web=web:*",
    "--method partial-reuse --free books",
    "--method swarm-reuse",
    "--method recompute",
];

#[test]
fn every_method_keeps_to_bounds_on_old_and_new_domains_and_on_groups() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 code:go=1e8 --tasks code");
    // Without them, code gets less and web more; caps of the demo hold beside them.
    constrain(
        at,
        "  bounds: {code: {min: 0.09, max: 0.4}, \"code:rust\": {min: 0.03, max: 0.05}}\n  \
         groups:\n    web: {domains: [\"web:*\"], min: 0.3, max: 0.62}\n    \
         new: {domains: [\"code:*\"], max: 0.07}\n    all_code: {domains: [\"*\"], min: 0.5}\n",
    );
    for (i, method) in METHODS.iter().enumerate() {
        let found = mixture(at, &format!("second-{i}"), method);
        assert_eq!(found.len(), 8, "{method}");
        let sum = |is: &dyn Fn(&str) -> bool| -> f64 {
            let meant = found.iter().filter(|(name, ..)| is(name));
            meant.map(|(_, weight, _)| weight).sum()
        };
        assert!((sum(&|_| true) - 1.0).abs() < TOLERANCE, "{method}");
        for (what, weight, least, most) in [
            ("code", sum(&|name| name == "code"), 0.09, 0.4),
            ("code:rust", sum(&|name| name == "code:rust"), 0.03, 0.05),
            ("web", sum(&|name| name.starts_with("web:")), 0.3, 0.62),
            ("new", sum(&|name| name.starts_with("code:")), 0.0, 0.07),
        ] {
            assert!(
                weight > least - TOLERANCE && weight < most + TOLERANCE,
                "{method}: {what} {weight}"
            );
        }
        // Four epochs at most, of every domain that is trained on: its tokens are known in every mixture.
        for (name, weight, entry) in &found {
            let tokens = entry["tokens"].as_f64();
            let tokens = tokens.unwrap_or_else(|| panic!("{method}: {name} has no tokens"));
            let epochs = entry["epochs"].as_f64().unwrap();
            assert!(
                (epochs - weight * 10e9 / tokens).abs() < 1e-9,
                "{method}: {name}"
            );
            assert!(epochs < 4.0 + 1e-4, "{method}: {name} {epochs}");
        }
    }
}

#[test]
fn a_bound_on_old_and_new_domains_together_is_refused_where_ratios_are_kept_and_auto_frees_them() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8 --tasks code");
    constrain(
        at,
        "  groups: {code: {domains: [code, \"code:rust\"], min: 0.35, max: 0.45}}\n",
    );
    for method in &METHODS[..4] {
        let message = refused(at, &format!("plan {method} --write second"));
        for part in [
            "olmix.yaml",
            "group `code` holds",
            "of `existing`",
            "swarm-reuse",
        ] {
            assert!(message.contains(part), "{method}: {part}\n{message}");
        }
        assert!(!at.join("second").exists(), "{method}");
    }
    // Freed, the old domain is known by itself.
    let options = [
        "",
        "--method recompute",
        "--method partial-reuse --free code",
    ];
    for (i, options) in options.iter().enumerate() {
        let found = mixture(at, &format!("second-{i}"), options);
        let code = found.iter().filter(|(name, ..)| name.starts_with("code"));
        let code: f64 = code.map(|(_, weight, _)| weight).sum();
        assert!(
            code > 0.35 - TOLERANCE && code < 0.45 + TOLERANCE,
            "{options}: {code}"
        );
    }
    let plan = json(at, "plan --json");
    assert_eq!(plan["method"], "swarm-reuse");
}

#[test]
fn a_bound_that_kept_ratios_can_not_meet_is_refused_at_plan_with_the_numbers() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8");
    constrain(
        at,
        "  bounds: {wikipedia: {min: 0.079}, \"web:general\": {max: 0.02}}\n",
    );
    let message = refused(at, "plan --method full-reuse --write second");
    for part in [
        "`wikipedia` must have at least 0.0790",
        "`web:general`",
        "by its upper bound",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    let reasons = json(at, "plan --json")["reasons"].to_string();
    assert!(
        json(at, "plan --json")["method"] != "full-reuse",
        "{reasons}"
    );
    // What no mixture meets is refused whatever the method.
    constrain(at, "  groups: {all: {domains: [\"*\"], max: 0.5}}\n");
    for method in ["swarm-reuse", "recompute"] {
        let message = refused(at, &format!("plan --method {method}"));
        assert!(message.contains("group `all`"), "{message}");
    }
}

#[test]
fn a_plan_whose_generation_config_could_not_be_used_is_refused_before_it_is_written() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add poems=1e8");
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    // Shares of sources from before the update: the new one has none.
    let shares =
        "swarm: {manual_prior: {web: 0.6, code: 0.1, math: 0.1, books: 0.1, wikipedia: 0.1}}\n";
    fs::write(&path, format!("{text}{shares}")).unwrap();
    let message = refused(at, "plan --write second");
    for part in [
        "`olmix generate` would refuse",
        "gives `web` and not `poems`",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert!(!at.join("second").exists());
    // A source of which every leaf keeps its ratio must have weight: its virtual domain has.
    fs::write(&path, format!("{text}swarm: {{nonzero_weight: [web]}}\n")).unwrap();
    ok(at, "plan --method full-reuse --write second");
    ok(
        at,
        "generate --config second/generate.yaml --output second --quiet",
    );
}

#[test]
fn a_project_with_an_optimizer_without_a_kl_term_can_keep_ratios() {
    let folder = project();
    let at = folder.path();
    ok(at, "update add code:rust=2e8");
    let path = at.join("olmix.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, after) = text.split_once("proposer:").unwrap();
    let rest = after.trim_start_matches([' ', '\n']);
    let rest = rest.split_once("constraints:").unwrap().1;
    fs::write(
        &path,
        format!("{before}proposer: {{type: simulation}}\nconstraints:{rest}"),
    )
    .unwrap();
    assert_eq!(mixture(at, "second", "--method full-reuse").len(), 7);
    let message = refused(at, "plan --method full-reuse --old-runs");
    assert!(
        message.contains("--old-runs keeps ratios in the solve"),
        "{message}"
    );
}
