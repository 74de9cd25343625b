//! What `olmix predict` and `olmix sweep` promise, run as a user runs them.

use std::path::Path;

use super::fit::{fit, olmix};
use crate::common::{copy_demo, demo, demo_config, result_in};

#[test]
fn predict_agrees_with_the_metrics_of_the_fitted_swarm() {
    let folder = tempfile::tempdir().unwrap();
    fit(folder.path(), &["--quiet"]).assert().success();
    let run = olmix()
        .args(["predict", "--json", "--mixture"])
        .arg(folder.path().join("mixture.json"))
        .arg("--ratios")
        .arg(demo().join("ratios.csv"))
        .arg("--metrics")
        .arg(demo().join("metrics.csv"))
        .assert()
        .success();
    let value: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(value["runs"].as_array().unwrap().len(), 40);
    assert!(value["scores"][0]["scores"]["pearson"].as_f64().unwrap() > 0.99);
}

#[test]
fn sweep_solves_every_cell_and_marks_infeasible_ones() {
    let folder = tempfile::tempdir().unwrap();
    let run = olmix()
        .args([
            "sweep",
            "--target-tokens",
            "1e9,1e12",
            "--repetition",
            "4",
            "--kl",
            "0,0.05",
        ])
        .arg("--config")
        .arg(demo().join("fit.yaml"))
        .arg("--output-dir")
        .arg(folder.path())
        .assert()
        .success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert_eq!(printed.matches("no mixture").count(), 2, "{printed}");
    let csv = std::fs::read_to_string(folder.path().join("sweep.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    assert!(folder.path().join("sweep.png").is_file());
}

#[test]
fn predict_scores_the_tasks_that_were_measured() {
    let folder = tempfile::tempdir().unwrap();
    fit(folder.path(), &["--quiet"]).assert().success();
    // Only the first two of nine tasks, and the columns swapped.
    let metrics = std::fs::read_to_string(demo().join("metrics.csv")).unwrap();
    let few: Vec<String> = metrics
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{}", cells[0], cells[2], cells[1])
        })
        .collect();
    let path = folder.path().join("few.csv");
    std::fs::write(&path, few.join("\n")).unwrap();
    let scores = |metrics: &Path| -> serde_json::Value {
        let run = olmix()
            .args(["predict", "--json", "--mixture"])
            .arg(folder.path().join("mixture.json"))
            .arg("--ratios")
            .arg(demo().join("ratios.csv"))
            .arg("--metrics")
            .arg(metrics)
            .assert()
            .success();
        serde_json::from_slice(&run.get_output().stdout).unwrap()
    };
    let (all, few) = (scores(&demo().join("metrics.csv")), scores(&path));
    let (all, few) = (
        all["scores"].as_array().unwrap(),
        few["scores"].as_array().unwrap(),
    );
    assert_eq!(few.len(), 3);
    for compared in &few[1..] {
        assert!(
            all.contains(compared),
            "{compared} differs from the whole comparison"
        );
    }
    assert!(few[0]["scores"]["pearson"].as_f64().unwrap() > 0.99);
}

#[test]
fn saturating_law_works_in_fit_sweep_and_predict() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fit.yaml");
    let text = demo_config();
    copy_demo(folder.path());
    std::fs::write(
        &config,
        text.replace("type: log_linear", "type: saturating"),
    )
    .unwrap();
    for command in ["fit", "sweep"] {
        let mut run = olmix();
        run.arg(command).arg("--config").arg(&config);
        run.arg("--output-dir")
            .arg(folder.path())
            .assert()
            .success();
    }
    let run = olmix()
        .args(["predict", "--json", "--mixture"])
        .arg(folder.path().join("mixture.json"))
        .arg("--ratios")
        .arg(demo().join("ratios.csv"))
        .arg("--metrics")
        .arg(demo().join("metrics.csv"))
        .assert()
        .success();
    let value: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert!(value["scores"][0]["scores"]["pearson"].as_f64().unwrap() > 0.95);
    let result = result_in(folder.path());
    assert!(result.join("math_algebra_saturating_reg_fit.png").is_file());
}
