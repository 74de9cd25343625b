//! From proxies to the target: what `olmix plan --calibrate`, `fit --target` and `study transfer` promise.

use std::path::Path;

use crate::common::{copy_demo, json, olmix, printed, refused};

/// The demo's runs as a target that has half of the amplitude on the first three metrics, and other levels: all runs in
/// `big/`.
fn with_target() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    std::fs::create_dir(at.join("big")).unwrap();
    std::fs::copy(at.join("ratios.csv"), at.join("big/ratios.csv")).unwrap();
    let metrics = std::fs::read_to_string(at.join("metrics.csv")).unwrap();
    let mut big = String::new();
    for (row, line) in metrics.lines().enumerate() {
        let cells = line
            .split(',')
            .enumerate()
            .map(|(column, cell)| match (row, column) {
                (0, _) | (_, 0) => cell.to_owned(),
                (_, 1..=3) => (0.5 + 0.5 * cell.parse::<f64>().unwrap()).to_string(),
                _ => (cell.parse::<f64>().unwrap() - 0.4).to_string(),
            });
        big += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    std::fs::write(at.join("big/metrics.csv"), big).unwrap();
    folder
}

/// The target's runs of these names, in `few/`.
fn few(at: &Path, runs: &[String]) {
    std::fs::create_dir(at.join("few")).unwrap();
    for table in ["ratios.csv", "metrics.csv"] {
        let text = std::fs::read_to_string(at.join("big").join(table)).unwrap();
        let is_kept = |line: &str| runs.iter().any(|run| line.split(',').next() == Some(run));
        let kept = text.lines().enumerate();
        let kept = kept.filter(|(row, line)| *row == 0 || is_kept(line));
        let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
        let kept = kept.join("\n") + "\n";
        std::fs::write(at.join("few").join(table), kept).unwrap();
    }
}

#[test]
fn planned_runs_of_the_target_make_a_fit_one_for_the_target() {
    let folder = with_target();
    let at = folder.path();
    let line = "plan --calibrate 5 --config fit.yaml --write plan";
    let text = printed(at, line);
    assert!(
        text.contains("Train these mixtures at the target"),
        "{text}"
    );
    assert!(text.contains("Written: plan/ratios.csv"), "{text}");
    let planned = json(at, &format!("{line} --json"));
    let runs: Vec<String> = planned["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(runs.len(), 5);
    let written = std::fs::read_to_string(at.join("plan/ratios.csv")).unwrap();
    assert_eq!(written.lines().count(), 6);
    // Of mixtures that no proxy had there are no losses in the demo.
    let runs: Vec<String> = runs
        .into_iter()
        .filter(|run| run.starts_with("run-"))
        .chain(["run-00".into(), "run-01".into()])
        .collect();
    few(at, &runs);
    let plain = json(
        at,
        "fit --config fit.yaml --json --folds 0 --bootstrap 0 --output-dir plain",
    );
    let fit = "fit --config fit.yaml --target few/ratios.csv,few/metrics.csv --json --folds 0 --bootstrap 20";
    let found = json(at, fit);
    assert!(plain.get("calibration").is_none());
    let common = found["calibration"]["common_scale"].as_f64().unwrap();
    assert!((0.6..1.0).contains(&common), "{common}");
    // The first three metrics are the family math.
    for task in found["law"]["tasks"].as_array().unwrap() {
        let law = &task["law"];
        assert_eq!(law["type"], "calibrated");
        let expected = if task["family"] == "math" { 0.5 } else { 1.0 };
        let scale = law["scale"].as_f64().unwrap();
        assert!((scale - expected).abs() < 0.15, "{}: {scale}", task["name"]);
    }
    let weight = |found: &serde_json::Value, name: &str| -> f64 {
        let domains = found["domains"].as_array().unwrap().iter();
        let domain = domains.clone().find(|domain| domain["name"] == name);
        domain.unwrap()["weight"].as_f64().unwrap()
    };
    assert!(weight(&found, "math") < weight(&plain, "math"));
    let text = printed(
        at,
        "fit --config fit.yaml --target few/ratios.csv,few/metrics.csv",
    );
    assert!(
        text.contains("Losses and gain are those of the target, by "),
        "{text}"
    );
    // What was fitted is what other commands predict with.
    let line = "predict --mixture out/mixture.json --ratios few/ratios.csv --metrics few/metrics.csv --json";
    let rmse = json(at, line)["scores"][0]["scores"]["rmse"]
        .as_f64()
        .unwrap();
    assert!(rmse < 0.02, "{rmse}");
    // More runs beside those that are there.
    let config = std::fs::read_to_string(at.join("fit.yaml")).unwrap();
    std::fs::write(
        at.join("fit.yaml"),
        config + "target: {ratios: few/ratios.csv, metrics: few/metrics.csv}\n",
    )
    .unwrap();
    let more = json(at, "plan --calibrate 1 --config fit.yaml --json");
    let name = more["runs"][0]["name"].as_str().unwrap();
    assert!(!runs.iter().any(|run| run == name), "{name}");
}

#[test]
fn target_runs_and_plans_that_can_not_be_are_refused_with_one_message() {
    let folder = with_target();
    let at = folder.path();
    let big = std::fs::read_to_string(at.join("big/metrics.csv")).unwrap();
    let one = big.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::write(at.join("one.csv"), one).unwrap();
    for (line, expected) in [
        (
            "fit --config fit.yaml --target big/ratios.csv,one.csv",
            "there is 1 target run",
        ),
        (
            "fit --config fit.yaml --target big/ratios.csv",
            "write RATIOS,METRICS",
        ),
        (
            "fit --config fit.yaml --target none.csv,one.csv",
            "`target.ratios` names a file that does not exist",
        ),
        (
            "plan --calibrate 1 --config fit.yaml",
            "at least 2 target runs",
        ),
        (
            "plan --calibrate 500 --config fit.yaml",
            "500 target runs are asked for, but only",
        ),
        ("plan --calibrate 5", "--config"),
        (
            "study transfer --config fit.yaml",
            "needs runs of a larger model",
        ),
        (
            "study laws --config fit.yaml --target big/ratios.csv,big/metrics.csv",
            "--target is for the study `transfer`",
        ),
    ] {
        let message = refused(at, line);
        assert!(message.contains(expected), "{line}: {message}");
    }
    olmix(at, "plan --calibrate 5 --config fit.yaml --budget 3")
        .assert()
        .code(2);
}

#[test]
fn a_study_of_transfer_scores_ranks_and_calibration_by_number_of_runs() {
    let folder = with_target();
    let line = "study transfer --config fit.yaml --law log_linear --target big/ratios.csv,big/metrics.csv --seeds 3";
    let found = json(folder.path(), &format!("{line} --json"));
    let law = &found[0]["laws"][0];
    assert_eq!(law["law"], "log_linear");
    assert_eq!(law["tasks"].as_array().unwrap().len(), 9);
    let rows = law["calibrated"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    let planned = rows
        .iter()
        .find(|row| row["runs"] == 5 && row["chosen"] == "planned")
        .unwrap();
    let of = |side: &str, score: &str| planned[side][score].as_f64().unwrap();
    assert!(of("calibrated", "spearman") > of("level", "spearman"));
    assert!(of("calibrated", "rmse") < 0.7 * of("level", "rmse"));
    assert!(printed(folder.path(), line).contains("median task"));
    let csv = std::fs::read_to_string(folder.path().join("out/study/transfer.csv")).unwrap();
    assert_eq!(csv.lines().count(), 11);
}
