//! What `olmix analyze` promises, run as a user runs it.

use std::fs;

use crate::common::{json, newcomer, olmix, refused};

#[test]
fn analyze_reuse_measures_and_bounds_the_cost_of_old_ratios() {
    let folder = newcomer();
    let at = folder.path();
    olmix(
        at,
        "fit --config examples/demo/fit.yaml --folds 0 --bootstrap 0 --quiet",
    )
    .assert()
    .success();
    // Before code and mathematics were added.
    fs::write(
        at.join("old.json"),
        r#"{"web:general": 0.6, "web:science": 0.2, "books": 0.15, "wikipedia": 0.05, "gone": 0.0}"#,
    )
    .unwrap();
    let line = "analyze reuse --old old.json --new out/mixture.json";
    let found = json(at, &format!("{line} --json"));
    let loss = |which: &str| found["loss"][which].as_f64().unwrap();
    assert!(loss("optimum") < loss("reused") && loss("reused") < loss("prior"));
    let shares: Vec<f64> = found["frozen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["share"].as_f64().unwrap())
        .collect();
    assert_eq!(shares.len(), 4);
    // The ratios are kept in the mixture.
    let reused = |name: &str| found["reused"][name].as_f64().unwrap();
    assert!((reused("web:general") / reused("books") - 4.0).abs() < 1e-9);
    let bound = &found["bound"];
    assert!(bound["measured_gap"].as_f64().unwrap() <= bound["on_loss"].as_f64().unwrap());
    // Freeing one leaves less to lose.
    let freed = json(at, &format!("{line} --free web:science --json"));
    assert!(freed["loss"]["reused"].as_f64().unwrap() < loss("reused"));
    assert_eq!(freed["frozen"].as_array().unwrap().len(), 3);
    let printed = olmix(at, line).assert().success();
    let printed = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    for part in [
        "4 of 6 domains keep their ratios",
        "Reuse keeps",
        "Theorem 1",
        "coupling κ",
    ] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    for (line, told) in [
        (
            format!("{line} --free web"),
            "--free web: old.json has no such domain",
        ),
        (
            "analyze reuse --old out/mixture.json --new out/mixture.json".to_owned(),
            "have the same domains",
        ),
        (format!("{line} --kl -1"), "--kl"),
        (
            "analyze reuse --old old.json --new old.json".to_owned(),
            "this is not a mixture file",
        ),
    ] {
        let message = refused(at, &line);
        assert!(message.contains(told), "{message}");
    }
}
