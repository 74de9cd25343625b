//! The last update of the paper's case study, as measured: update 5, from frozen ratios to an expanded
//! mixture.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{json, printed as ok};
use olmix_core::{Purpose, generator};
use rand::RngExt;

/// A mapping of a fit config's priors.
fn priors(config: &Path, key: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(config).unwrap();
    let from = text.find(&format!("  {key}:")).unwrap();
    let lines = text[from..].lines().skip(1);
    lines
        .take_while(|line| line.starts_with("    "))
        .map(|line| {
            let (name, number) = line.trim().rsplit_once(": ").unwrap();
            (
                name.trim_matches('"').to_owned(),
                number.replace('_', "").parse().unwrap(),
            )
        })
        .collect()
}

#[test]
fn last_update_of_the_paper_goes_from_any_frozen_ratios_to_an_expanded_mixture() {
    let Some(data) = crate::common::measured("olmix") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (sizes, tokens) = before_the_update(at, &data);
    for seed in 0..3 {
        go_through(at, &data, seed, &sizes, &tokens);
    }
}

type ByDomain = BTreeMap<String, f64>;

/// Writes the configs of the project and of the update; sizes and tokens of the 44 domains before it.
fn before_the_update(at: &Path, data: &Path) -> (ByDomain, ByDomain) {
    let (all, last) = (
        data.join("full_recomputation/fit.yaml"),
        data.join("update5/fit.yaml"),
    );
    let whole = |map: BTreeMap<String, f64>| {
        let mut merged: BTreeMap<String, f64> = BTreeMap::new();
        for (name, number) in map {
            let name = if name.starts_with("s2pdf:") {
                "s2pdfv1".to_owned()
            } else {
                name
            };
            *merged.entry(name).or_default() += number;
        }
        merged
    };
    let sizes = whole(priors(&all, "relative_sizes"));
    let mut tokens = whole(priors(&all, "token_counts"));
    let mut parts = priors(&last, "token_counts");
    parts.remove("existing");
    tokens.insert("s2pdfv1".into(), parts.values().sum());
    assert_eq!((sizes.len(), parts.len()), (44, 21));
    let text = fs::read_to_string(&last).unwrap();
    let settings = &text[text.find("\nregression:").unwrap()..];
    let mapping = |map: &BTreeMap<String, f64>| {
        let lines: Vec<String> = map
            .iter()
            .map(|(name, number)| format!("    {name}: {number:?}\n"))
            .collect();
        lines.concat().replace(".0\n", "\n")
    };
    let before = format!(
        "swarm: {{ratios: none.csv, metrics: none.csv}}\npriors:\n  relative_sizes:\n{}  \
         token_counts:\n{}{settings}",
        mapping(&sizes),
        mapping(&tokens)
    );
    fs::write(at.join("before.yaml"), before).unwrap();
    fs::write(at.join("none.csv"), "run\n").unwrap();
    let into: Vec<String> = parts
        .iter()
        .map(|(name, n)| format!("      {name}: {n:.0}\n"))
        .collect();
    fs::write(
        at.join("split.yaml"),
        format!("partition:\n  s2pdfv1:\n    into:\n{}", into.concat()),
    )
    .unwrap();
    (sizes, tokens)
}

/// A project whose frozen ratios are drawn from a seed, from its first mixture to its second.
fn go_through(at: &Path, data: &Path, seed: u64, sizes: &ByDomain, tokens: &ByDomain) {
    let mut rng = generator(seed, Purpose::Study, 0);
    let given: BTreeMap<&String, f64> = sizes
        .keys()
        .map(|name| (name, 0.01 + rng.random::<f64>()))
        .collect();
    let frozen: f64 = given
        .iter()
        .filter(|(name, _)| **name != "s2pdfv1")
        .map(|(_, w)| w)
        .sum();
    let project = format!("p{seed}");
    ok(
        at,
        &format!("init {project} --from before.yaml --name superswarm --quiet"),
    );
    fs::write(
        at.join("given.json"),
        serde_json::to_string(&given).unwrap(),
    )
    .unwrap();
    ok(
        at,
        &format!("commit given.json --project {project} --quiet"),
    );
    ok(
        at,
        &format!("update apply split.yaml --project {project} --quiet"),
    );
    let second = at.join(&project).join("second");
    let plan = json(
        at,
        &format!(
            "plan --method full-reuse --project {project} --write {} --json",
            second.display()
        ),
    );
    assert_eq!(plan["virtual_domains"][0]["name"], "existing");
    assert_eq!(
        plan["virtual_domains"][0]["members"]
            .as_object()
            .unwrap()
            .len(),
        43
    );
    assert_eq!(
        (plan["runs"].as_u64(), plan["recompute"]["runs"].as_u64()),
        (Some(69), Some(195))
    );
    for file in ["ratios.csv", "metrics.csv"] {
        fs::copy(data.join("update5").join(file), second.join(file)).unwrap();
    }
    let out = second.join("out");
    ok(
        at,
        &format!(
            "fit --config {}/fit.yaml --output-dir {} --ridge 1e-4 --dead-domains hold --folds 0 \
             --bootstrap 0 --quiet",
            second.display(),
            out.display()
        ),
    );
    ok(
        at,
        &format!(
            "commit {}/mixture.json --project {project} --quiet",
            out.display()
        ),
    );
    let told = json(at, &format!("show main --project {project} --json"));
    let weights = told["content"]["weights"].as_array().unwrap();
    let weights: BTreeMap<String, f64> = weights
        .iter()
        .map(|pair| {
            (
                pair[0].as_str().unwrap().to_owned(),
                pair[1].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(weights.len(), 64);
    assert!((weights.values().sum::<f64>() - 1.0).abs() < 1e-12);
    let kept: f64 = weights
        .iter()
        .filter(|(name, _)| !name.starts_with("s2pdfv1:"))
        .map(|(_, w)| w)
        .sum();
    assert!(kept > 0.05, "{kept}");
    for (name, share) in given.iter().filter(|(name, _)| **name != "s2pdfv1") {
        let wanted = kept * share / frozen;
        assert!((weights[*name] - wanted).abs() < 1e-12, "{name}");
        // Within what a run of 1T tokens may repeat.
        assert!(
            weights[*name] <= 4.0 * tokens[*name] / 1e12 + 1e-9,
            "{name}"
        );
    }
}
