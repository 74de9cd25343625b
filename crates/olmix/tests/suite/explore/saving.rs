//! A config that is saved: `olmix fit` on it gives the mixture, and nothing else is written.

use std::fs;

use serde_json::{Value, json};

use super::{Page, files, fitted_copy, numbers, weights_of, with};
use crate::common::printed;

/// Saves settings, fits what was saved, and compares.
fn check(page: &Page, at: &std::path::Path, name: &str, settings: &Value) -> (f64, String) {
    let solved = page.post("api/solve", settings);
    let saved = page.post("api/save", &with(settings, &json!({"name": name})));
    let path = saved["path"].as_str().unwrap();
    assert!(
        saved["command"]
            .as_str()
            .unwrap()
            .starts_with(&format!("olmix fit --config {path} ")),
        "{saved}"
    );
    let text = fs::read_to_string(at.join(path)).unwrap();
    assert_eq!(saved["text"], text.as_str());
    printed(
        at,
        &format!("fit --config {path} --output-dir out-{name} --bootstrap 0 --folds 0 --quiet"),
    );
    let fitted = weights_of(&at.join(format!("out-{name}/mixture.json")));
    let apart = numbers(&solved["weights"])
        .iter()
        .zip(&fitted)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    (apart, text)
}

#[test]
fn a_saved_config_gives_its_mixture_and_keeps_what_it_was_made_of() {
    let folder = fitted_copy();
    let at = folder.path();
    let page = Page::open(at, "out");
    let own = page.settings();
    let before = fs::read_to_string(at.join("fit.yaml")).unwrap();
    // Without task weights, the bits are the same.
    let changed = json!({
        "kl": 0.013, "target_tokens": 17e9, "repetition": 3.5, "bounds": {"code": [0.1, 0.4]},
        "groups": {"web": [0.25, 1], "*o*": [0, 0.9]}, "fixed": {"books": 0.123_456_789},
    });
    let (apart, text) = check(&page, at, "more-code", &with(&own, &changed));
    assert_eq!(apart, 0.0);
    for part in [
        "# What fits into the run.",
        "# of the shelf",
        "swarm: {ratios: ratios.csv, metrics: metrics.csv}",
        "#   repetition_factor: 4\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // With them, to the last digits.
    let weighted = with(
        &own,
        &json!({"task_weights": {"code_sql": 3, "qa_history": 0}, "target_tokens": null, "groups": {}}),
    );
    let (apart, _) = check(&page, at, "tasks", &weighted);
    assert!(apart < 1e-9, "{apart}");
    assert_eq!(
        fs::read_to_string(at.join("fit.yaml")).unwrap(),
        before,
        "the fit's own config is as it was"
    );
}

#[test]
fn nothing_is_saved_over_a_file_or_under_a_name_that_leads_elsewhere() {
    let folder = fitted_copy();
    let at = folder.path();
    let page = Page::open(at, "out");
    let own = page.settings();
    page.post("api/save", &with(&own, &json!({"name": "a"})));
    fs::write(at.join("explore-b.yaml"), "mine").unwrap();
    let before = files(at);
    for name in ["a", "b"] {
        let told = page.refused(409, "api/save", &with(&own, &json!({"name": name})));
        assert!(
            told.contains(&format!("explore-{name}.yaml already")) && told.contains("another name"),
            "{told}"
        );
    }
    for name in [
        "",
        "../x",
        "x/y",
        "/tmp/x",
        ".",
        "..",
        ".x",
        "x.",
        "a b",
        "a\u{0}",
        "a\n",
        "ä",
        "$(x)",
        &"x".repeat(65),
    ] {
        let told = page.refused(422, "api/save", &with(&own, &json!({"name": name})));
        assert!(told.contains("can't be the name"), "{name:?}: {told}");
    }
    page.refused(
        422,
        "api/save",
        &with(&own, &json!({"name": "c", "target_tokens": 1e15})),
    );
    assert_eq!(files(at), before);
    assert_eq!(
        fs::read_to_string(at.join("explore-b.yaml")).unwrap(),
        "mine"
    );
}

#[test]
fn a_fit_with_options_of_the_command_line_is_saved_with_them() {
    let folder = fitted_copy();
    let at = folder.path();
    printed(
        at,
        "fit --config fit.yaml --output-dir with --kl 0.2 --set regression.seed=3 --bootstrap 0 --folds 2 --quiet",
    );
    // The folder of the fit moved, and the tables are found from the working directory.
    let page = Page::open(at, "with");
    let own = page.settings();
    assert_eq!(own["kl"], 0.2);
    let (apart, text) = check(&page, at, "moved", &with(&own, &json!({"kl": 0.1})));
    assert_eq!(apart, 0.0);
    assert!(text.contains("seed: 3"), "{text}");

    // Of the mixture file alone the runs are known, and what can't be saved is said.
    fs::create_dir(at.join("alone")).unwrap();
    fs::copy(at.join("with/mixture.json"), at.join("alone/mixture.json")).unwrap();
    let page = Page::open(at, "alone");
    let model = page.get("api/model");
    assert_eq!(
        (&model["runs_known"], &model["config"]),
        (&true.into(), &Value::Null)
    );
    let told = page.refused(409, "api/save", &with(&own, &json!({"name": "alone"})));
    assert!(
        told.contains("fit.yaml is not the whole config") && told.contains("config.json"),
        "{told}"
    );
}

#[test]
fn where_the_tables_are_gone_mixtures_are_solved_for_and_nothing_is_saved() {
    let folder = fitted_copy();
    let at = folder.path();
    fs::remove_file(at.join("metrics.csv")).unwrap();
    let page = Page::open(at, "out/mixture.json");
    let model = page.get("api/model");
    assert_eq!(model["runs_known"], false);
    let notice = model["notices"][0].as_str().unwrap();
    assert!(
        notice.contains("swarm.metrics") && notice.contains("not shown"),
        "{notice}"
    );
    let solved = page.post("api/solve", &model["settings"]);
    assert_eq!(
        numbers(&solved["weights"]),
        weights_of(&at.join("out/mixture.json"))
    );
    assert_eq!(solved["nearest"], Value::Null);
    let told = page.refused(
        409,
        "api/save",
        &with(&model["settings"], &json!({"name": "x"})),
    );
    assert!(told.contains("swarm.metrics"), "{told}");
    assert_eq!(page.ask("GET", "api/swarm", "", "").status, 409);
    // The same for tables that are others now.
    fs::write(at.join("metrics.csv"), "run,a\nx,1\n").unwrap();
    let page = Page::open(at, "out");
    assert_eq!(page.get("api/model")["runs_known"], false);
}

#[test]
fn names_that_mean_something_elsewhere_are_names_only() {
    let names = [
        "<script>alert(1)</script>",
        "it's \"x\"",
        "a: b",
        "../x",
        "#1",
        "{out}",
        "null",
    ];
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let header: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let (mut ratios, mut metrics) = (
        format!("run,{}\n", header.join(",")),
        format!("run,{}\n", quoted("<b>&task")),
    );
    for run in 0..24 {
        let sizes: Vec<f64> = (0..names.len())
            .map(|j| 1.0 + ((run * (j + 2) + 3 * j) % 7) as f64)
            .collect();
        let sum: f64 = sizes.iter().sum();
        let weights: Vec<String> = sizes.iter().map(|size| (size / sum).to_string()).collect();
        let loss = 0.7 + (-1.5 * sizes[1] / sum - 0.4 * sizes[5] / sum).exp();
        ratios += &format!("r{run},{}\n", weights.join(","));
        metrics += &format!("r{run},{loss}\n");
    }
    fs::write(at.join("ratios.csv"), ratios).unwrap();
    fs::write(at.join("metrics.csv"), metrics).unwrap();
    let sizes: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(2)))
        .collect();
    let config = json!({
        "swarm": {"ratios": "ratios.csv", "metrics": "metrics.csv"}, "priors": {"relative_sizes": sizes},
        "regression": {"type": "log_linear"}, "diagnostics": {"folds": 0, "bootstrap": 0},
    });
    fs::write(at.join("fit.yaml"), config.to_string()).unwrap();
    printed(at, "fit --config fit.yaml --output-dir out --quiet");
    let page = Page::open(at, "out");
    let answer = page.ask("GET", "api/model", "", "");
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
    let model = answer.json();
    let found: Vec<&str> = model["mixture"]["domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(found, names);
    let fields = json!({"bounds": {"it's \"x\"": [0.3, 0.6], "a: b": [0, 0.1]}, "fixed": {"../x": 0.2, "null": 0.05}, "task_weights": {"<b>&task": 2}});
    let (apart, _) = check(&page, at, "names", &with(&model["settings"], &fields));
    assert!(apart < 1e-9, "{apart}");
}
