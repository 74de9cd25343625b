//! What the commands promise, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn olmix() -> Command {
    Command::new(env!("CARGO_BIN_EXE_olmix"))
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/demo")
}

fn fit(out: &Path, more: &[&str]) -> Command {
    let mut command = olmix();
    command
        .arg("fit")
        .arg("--config")
        .arg(demo().join("fit.yaml"))
        .arg("--output-dir")
        .arg(out)
        .args(more);
    command
}

#[test]
fn the_main_job_writes_its_files_and_tells_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = fit(&out, &[]).assert().success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    for part in [
        "web:general",
        "token cap",
        "90 % interval",
        "Predicted average loss",
    ] {
        assert!(printed.contains(part), "{part} is not in\n{printed}");
    }
    assert!(out.join("mixture.json").is_file() && out.join("report.html").is_file());
    let result = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    for file in [
        "config.json",
        "interaction_matrix.png",
        "interaction_matrix.svg",
        "interaction_matrix.npy",
        "math_algebra_log_linear_reg_fit.png",
        "math_algebra_log_linear_correlations.json",
        "opt_avg_all_metrics_log_linear_reg_optimal.json",
        "opt_avg_all_metrics_log_linear_reg_optimal.png",
        "predicted_performance.json",
        "mixture.json",
    ] {
        assert!(result.join(file).is_file(), "{file} is missing");
    }
}

#[test]
fn results_are_the_same_bytes_on_one_thread_and_on_three() {
    let folder = tempfile::tempdir().unwrap();
    let on = |threads: &str| {
        let out = folder.path().join(threads);
        let run = fit(&out, &["--json", "--threads", threads])
            .assert()
            .success();
        let report = std::fs::read(out.join("report.html")).unwrap();
        (run.get_output().stdout.clone(), report)
    };
    assert!(on("1") == on("3"));
}

#[test]
fn json_is_json_and_quiet_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let run = fit(folder.path(), &["--json", "--bootstrap", "0"])
        .assert()
        .success();
    let value: serde_json::Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    assert_eq!(value["format"], "olmix-mixture");
    let run = fit(folder.path(), &["--quiet"]).assert().success();
    assert!(run.get_output().stdout.is_empty() && run.get_output().stderr.is_empty());
}

#[test]
fn predictions_of_the_swarm_itself_agree_with_what_was_measured() {
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
fn a_sweep_solves_every_cell_and_says_which_have_no_mixture() {
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
fn a_mistake_gets_one_message_exit_code_2_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fit.yaml");
    let demo_config = std::fs::read_to_string(demo().join("fit.yaml")).unwrap();
    for name in ["ratios.csv", "metrics.csv"] {
        std::fs::copy(demo().join(name), folder.path().join(name)).unwrap();
    }
    let out = folder.path().join("out");
    for (from, to, said) in [
        ("regression:", "regresion:", "regression"),
        ("10_000_000_000", "0", "target_tokens"),
        ("10_000_000_000", "900_000_000_000", "k ΣN / R"),
        ("kl_reg: 0.05", "kl_reg: five", "kl_reg"),
        ("ratios.csv", "ratio.csv", "ratio.csv"),
    ] {
        std::fs::write(&config, demo_config.replace(from, to)).unwrap();
        let mut command = olmix();
        command
            .arg("fit")
            .arg("--config")
            .arg(&config)
            .arg("--output-dir")
            .arg(&out);
        let run = command.assert().code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(
            message.contains(said) && message.contains("fit.yaml") || message.contains("ratio.csv"),
            "{message}"
        );
        assert_eq!(message.matches("error:").count(), 1, "{message}");
        assert!(!out.exists(), "{to}: something was left behind");
    }
}
