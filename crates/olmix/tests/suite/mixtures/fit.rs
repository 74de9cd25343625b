//! What `olmix fit` promises, run as a user runs it.

use std::path::{Path, PathBuf};

use crate::common::{copy_demo, demo, demo_config, result_in};
use assert_cmd::Command;

pub fn olmix() -> Command {
    Command::new(env!("CARGO_BIN_EXE_olmix"))
}

pub fn fit(out: &Path, more: &[&str]) -> Command {
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
        "predicted average loss",
        "Trust: good.",
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
fn fit_writes_the_same_bytes_on_one_thread_and_on_three() {
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
fn fit_json_prints_one_json_value_and_quiet_prints_nothing() {
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
fn fit_reports_a_bad_config_once_with_exit_code_2_and_writes_nothing() {
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
#[cfg(target_os = "linux")]
fn fit_fails_when_standard_output_can_not_be_written() {
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
fn fit_refuses_options_out_of_range() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value, said) in [
        ("--threads", "0", "from 1 to"),
        ("--threads", "100000", "from 1 to"),
        ("--folds", "1", "0 (none) or a whole number from 2"),
        ("--bootstrap", "3", "0 (none) or a whole number from 10"),
        ("--ridge", "-1", "not negative"),
        ("--dead-domains", "drop", "[possible values: error, hold]"),
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
fn fit_holds_an_unsampled_domain_with_a_warning_or_refuses_it_on_request() {
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
    let refused = run(&["--dead-domains", "error"]).assert().code(2);
    let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        message.contains("`legal`") && message.contains("--dead-domains hold"),
        "{message}"
    );
    let held = run(&[]).assert().success();
    let warned = String::from_utf8_lossy(&held.get_output().stderr).into_owned();
    assert!(
        warned.contains("no run sampled this domain, which is held at its share of the prior")
            && warned.contains("`legal`"),
        "{warned}"
    );
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
    run(&["--dead-domains", "hold"]).assert().success();
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("--dead-domains hold --bootstrap 0"));
}

#[test]
fn fit_names_a_train_split_that_leaves_too_few_runs() {
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
fn fit_repeats_its_result_from_the_config_it_kept() {
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

#[test]
fn fit_options_put_settings_into_the_config_and_the_report_repeats_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let more = [
        "--target-tokens",
        "20B",
        "--repetition",
        "3",
        "--bound",
        "math=0.02:0.05",
        "--drop",
        "qa_*",
        "--set",
        "regression.seed=7",
        "--bootstrap",
        "0",
    ];
    fit(out, &more).assert().success();
    let written = std::fs::read_to_string(out.join("mixture.json")).unwrap();
    let mixture: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(mixture["target_tokens"], 20e9);
    assert_eq!(mixture["repetition_factor"], 3.0);
    assert_eq!(mixture["seed"], 7);
    let domains = mixture["domains"].as_array().unwrap();
    let math = domains.iter().find(|domain| domain["name"] == "math");
    let math = math.unwrap();
    assert_eq!((&math["min"], &math["max"]), (&0.02.into(), &0.05.into()));
    let tasks = mixture["law"]["tasks"].as_array().unwrap();
    assert!(
        tasks
            .iter()
            .all(|task| !task["name"].as_str().unwrap().starts_with("qa_"))
    );
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    let command =
        "--set regression.seed=7 --target-tokens 20B --repetition 3 --bound math=0.02:0.05 --drop";
    assert!(report.contains(command), "{report}");
    // What can't be set is named as it was given, and an unknown key with the nearest known one.
    for (option, value, expected) in [
        ("--bound", "maths=0.1:", "no domain is `maths`"),
        ("--bound", "math=0.1", "write DOMAIN=MIN:MAX"),
        (
            "--drop",
            "zz*",
            "filtering.drop_metrics: the pattern `zz*` matches no metric",
        ),
        (
            "--direction",
            "qa_history=up",
            "write METRIC=max or METRIC=min",
        ),
        (
            "--set",
            "regresion.seed=1",
            "--set regresion.seed=1: unknown key `regresion`",
        ),
        (
            "--target-tokens",
            "many",
            "it must be a number of tokens above 0",
        ),
    ] {
        let refused = fit(out, &[option, value]).assert().code(2);
        let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn fit_chooses_the_law_by_cross_validation_where_the_config_names_none() {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    let config = folder.path().join("fit.yaml");
    let text = demo_config();
    assert!(text.contains("type: log_linear"), "{text}");
    std::fs::write(&config, text.replace("type: log_linear", "n_test: 0")).unwrap();
    let mut command = olmix();
    let run = command
        .args(["fit", "--bootstrap", "0", "--verbose", "--config"])
        .arg(&config)
        .arg("--output-dir")
        .arg(folder.path().join("out"))
        .assert()
        .success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(
        printed.contains("laws, chosen by cross-validation"),
        "{printed}"
    );
    assert!(printed.contains("law tried"), "{printed}");
}
