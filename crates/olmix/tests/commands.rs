//! What the commands promise, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

mod common;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::{copy_demo, demo, demo_config, result_in};

fn olmix() -> Command {
    Command::new(env!("CARGO_BIN_EXE_olmix"))
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
fn fit_writes_its_files_and_prints_the_mixture() {
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
    let result = result_in(&out);
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
fn json_output_parses_and_quiet_prints_nothing() {
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
fn a_bad_config_exits_with_2_one_message_and_no_output_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fit.yaml");
    let demo_config = demo_config();
    copy_demo(folder.path());
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

#[test]
fn predictions_are_compared_on_the_tasks_that_were_measured() {
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
#[cfg(target_os = "linux")]
fn a_result_that_could_not_be_printed_is_not_a_success() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--json", "--bootstrap", "0", "--config"])
        .arg(demo().join("fit.yaml"))
        .arg("--output-dir")
        .arg(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
    let message = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        message.contains("standard output can't be written"),
        "{message}"
    );
}

#[test]
fn options_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value, said) in [
        ("--threads", "0", "from 1 to"),
        ("--threads", "100000", "from 1 to"),
        ("--folds", "1", "0 (none) or a whole number from 2"),
        ("--bootstrap", "3", "0 (none) or a whole number from 10"),
        ("--ridge", "-1", "not negative"),
        ("--dead-domains", "drop", "`error` or `hold`"),
    ] {
        let run = fit(folder.path(), &[&format!("{option}={value}")])
            .assert()
            .code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(message.contains(said), "{option} {value}: {message}");
    }
}

/// The demo swarm with a column that no run sampled.
fn with_a_domain_nobody_sampled(folder: &Path) -> PathBuf {
    let ratios = std::fs::read_to_string(demo().join("ratios.csv")).unwrap();
    let wider: Vec<String> = ratios
        .lines()
        .enumerate()
        .map(|(k, line)| format!("{line},{}", if k == 0 { "legal" } else { "0" }))
        .collect();
    std::fs::write(folder.join("ratios.csv"), wider.join("\n")).unwrap();
    std::fs::copy(demo().join("metrics.csv"), folder.join("metrics.csv")).unwrap();
    let config = demo_config();
    let config = config.replace("    \"code\"", "    \"legal\": 500000000\n    \"code\"");
    let path = folder.join("fit.yaml");
    std::fs::write(&path, config).unwrap();
    path
}

#[test]
fn dead_domains_are_refused_or_held_and_the_report_names_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let config = with_a_domain_nobody_sampled(folder.path());
    let out = folder.path().join("out");
    let run = |more: &[&str]| {
        let mut command = olmix();
        command
            .args(["fit", "--bootstrap", "0", "--config"])
            .arg(&config);
        command.arg("--output-dir").arg(&out).args(more);
        command
    };
    let refused = run(&[]).assert().code(2);
    let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        message.contains("`legal`") && message.contains("--dead-domains hold"),
        "{message}"
    );
    let held = run(&["--dead-domains", "hold"]).assert().success();
    let printed = String::from_utf8_lossy(&held.get_output().stdout).into_owned();
    let line = printed.lines().find(|line| line.contains("legal")).unwrap();
    assert!(line.contains("not sampled"), "{line}");
    let written = std::fs::read_to_string(out.join("mixture.json")).unwrap();
    let mixture: serde_json::Value = serde_json::from_str(&written).unwrap();
    let domains = mixture["domains"].as_array().unwrap();
    let legal = domains
        .iter()
        .find(|domain| domain["name"] == "legal")
        .unwrap();
    assert_eq!(legal["limit"], "held");
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("--dead-domains hold --bootstrap 0"));
}

#[test]
fn a_train_split_with_too_few_runs_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("fit.yaml");
    let text = demo_config();
    copy_demo(folder.path());
    std::fs::write(&config, text.replace("seed: 0", "seed: 0, train_split: 5")).unwrap();
    let mut command = olmix();
    command
        .arg("fit")
        .arg("--config")
        .arg(&config)
        .arg("--output-dir")
        .arg(folder.path());
    let run = command.assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("regression.train_split: of 40 runs 5 are left"),
        "{message}"
    );
    assert!(message.contains("at least 7"), "{message}");
}

#[test]
fn a_saturating_law_goes_through_fit_sweep_and_predict() {
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

#[test]
fn the_config_json_of_a_fit_gives_the_same_fit_again() {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    let text = demo_config();
    let more = "filtering: {drop_metrics: [code_sql], obj_weights: {qa_history: 7/52.0}, directions: \
        {qa_science: min}}\n\
                diagnostics: {bootstrap: 10}\n";
    let text = text
        .replace("seed: 0", "seed: 3, ridge: 1e-5, train_split: 0.9")
        .replace(
            "repetition_factor: 4.0",
            "repetition_factor: 4.0, bounds: {math: {max: 0.1}}, groups: {web: {domains: [\"web:*\"], min: \
             0.2}}",
        );
    let config = folder.path().join("fit.yaml");
    std::fs::write(&config, text + more).unwrap();
    let fit = |config: &Path, out: &Path| {
        let mut command = olmix();
        command.args(["fit", "--quiet", "--config"]).arg(config);
        command.arg("--output-dir").arg(out).assert().success();
        let result = result_in(out);
        let weights = std::fs::read(result.join("opt_avg_all_metrics_log_linear_reg_optimal.json"));
        (result, weights.unwrap())
    };
    let (first, weights) = fit(&config, &folder.path().join("first"));
    let kept = folder.path().join("config.json");
    std::fs::copy(first.join("config.json"), &kept).unwrap();
    let (second, again) = fit(&kept, &folder.path().join("second"));
    assert_eq!(first.file_name(), second.file_name());
    assert!(weights == again);
}

#[test]
fn engine_settings_of_another_engine_are_noticed_before_a_launch() {
    let folder = tempfile::tempdir().unwrap();
    let variants = folder.path().join("launch");
    std::fs::create_dir(&variants).unwrap();
    let config = "name: a\ntraining: {seed: 1}\ntrainer: {command: \"true\"}\nmix: {x: 1}\n\
                  engine: {partition: gpu, qos: high, resources: {tpu: 1}}\n";
    std::fs::write(variants.join("a.yaml"), config).unwrap();
    let preview = |more: &[&str]| {
        let run = olmix()
            .current_dir(folder.path())
            .args(["launch", "preview", "--variants", "launch"])
            .args(more)
            .assert()
            .success();
        String::from_utf8_lossy(&run.get_output().stderr).into_owned()
    };
    let notices = preview(&[]);
    let slurm = "note: `engine.partition`, `engine.qos` have no effect: they are settings of slurm, and the \
        engine is local\n";
    assert!(notices.contains(slurm), "{notices}");
    let ray =
        "note: `engine.resources` has no effect: it is a setting of ray, and the engine is local\n";
    assert!(notices.contains(ray), "{notices}");
    assert!(!preview(&["--quiet"]).contains("no effect"));
}
