//! What people read on the terminal, as it is.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

mod common;

use std::path::Path;

use assert_cmd::Command;
use common::newcomer;

/// What a command prints on standard output, run in a folder with the examples.
fn printed(folder: &Path, arguments: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("COLUMNS", "100")
        .assert()
        .success();
    let text = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    // The certificate's last digits are rounding.
    let at = text.find("duality gap ");
    at.map_or(text.clone(), |at| {
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        format!("{}duality gap …{}", &text[..at], &text[end..])
    })
}

#[test]
fn a_fit_prints_the_mixture_the_families_and_how_far_to_trust_them() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "fit --config examples/demo/fit.yaml"
    ));
}

#[test]
fn a_prediction_prints_the_scores_of_every_task() {
    let folder = newcomer();
    printed(folder.path(), "fit --config examples/demo/fit.yaml --quiet");
    insta::assert_snapshot!(printed(
        folder.path(),
        "predict --mixture out/mixture.json --ratios examples/demo/ratios.csv --metrics \
         examples/demo/metrics.csv"
    ));
}

#[test]
fn a_prediction_without_measurements_prints_every_run_by_family() {
    let folder = newcomer();
    printed(folder.path(), "fit --config examples/demo/fit.yaml --quiet");
    let ratios = folder.path().join("examples/demo/ratios.csv");
    let four: Vec<String> = std::fs::read_to_string(&ratios)
        .unwrap()
        .lines()
        .take(5)
        .map(String::from)
        .collect();
    std::fs::write(&ratios, four.join("\n")).unwrap();
    insta::assert_snapshot!(printed(
        folder.path(),
        "predict --mixture out/mixture.json --ratios examples/demo/ratios.csv"
    ));
    let csv = std::fs::read_to_string(folder.path().join("out/predictions.csv")).unwrap();
    assert!(csv.starts_with("run,average,math_algebra,"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
}

#[test]
fn a_sweep_prints_every_cell_and_why_some_have_no_mixture() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "sweep --config examples/demo/fit.yaml --target-tokens 1e10,4e10 --repetition 2,4 --kl 0,0.05"
    ));
}

#[test]
fn a_comparison_prints_mixtures_side_by_side_and_every_gain() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "compare --config examples/demo/fit.yaml --presets olmixbase,bimix,unimax,natural"
    ));
}

#[test]
fn a_study_prints_its_table() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "study granularity --config examples/demo/fit.yaml --seeds 2"
    ));
}

#[test]
fn a_swarm_is_printed_with_what_its_runs_buy() {
    let folder = newcomer();
    insta::assert_snapshot!(printed(
        folder.path(),
        "generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml"
    ));
}

#[test]
fn help_teaches() {
    let folder = newcomer();
    let pages = [
        "--help",
        "priors compute --help",
        "generate --help",
        "fit --help",
        "sweep --help",
        "predict --help",
        "compare --help",
        "study --help",
        "export --help",
        "mix diff --help",
    ];
    let all: Vec<String> = pages
        .iter()
        .map(|page| format!("$ olmix {page}\n{}", printed(folder.path(), page)))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_pipe_gets_no_colours_and_no_progress() {
    let folder = newcomer();
    let run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["fit", "--config", "examples/demo/fit.yaml"])
        .current_dir(folder.path())
        .assert()
        .success();
    let output = run.get_output();
    assert!(!output.stdout.contains(&0x1b));
    assert!(output.stderr.is_empty());
}
