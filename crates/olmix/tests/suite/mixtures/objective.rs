//! Guardrails, and the largest loss in place of the average, from a config and from flags.

use crate::common::{copy_demo, demo_config, olmix, printed};
use serde_json::Value;

const CHECKS: &str = "diagnostics: {folds: 0, bootstrap: 0}\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_demo(folder.path());
    std::fs::write(folder.path().join("fit.yaml"), demo_config() + CHECKS).unwrap();
    folder
}

fn fitted(folder: &std::path::Path, flags: &str) -> Value {
    let line = format!("fit --config fit.yaml --output-dir out --json {flags}");
    serde_json::from_str(&printed(folder, &line)).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// `predicted / baseline_loss − 1` of an entry.
fn increase(entry: &Value) -> f64 {
    number(&entry["predicted"]) / number(&entry["baseline_loss"]) - 1.0
}

/// How far the family's loss is from the prior's, at a mixture without guardrails.
fn plain_increases(folder: &std::path::Path) -> Vec<(String, f64)> {
    let watched = fitted(folder, "--guardrail *=9");
    let all = watched["objective"]["guardrails"].as_array().unwrap();
    all.iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), increase(one)))
        .collect()
}

#[test]
fn fit_keeps_guardrails_and_prints_what_they_cost() {
    let folder = folder();
    let plain = fitted(folder.path(), "");
    assert!(plain.get("objective").is_none());
    let increases = plain_increases(folder.path());
    assert!(increases.len() > 1);
    // The family that gains most is to gain still more.
    let (family, now) = increases.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let most = now - 0.005;
    let flag = format!("--guardrail {family}={most}");
    let kept = fitted(folder.path(), &flag);
    let one = &kept["objective"]["guardrails"][0];
    assert!((increase(one) - most).abs() < 1e-6, "{one}");
    assert_eq!(one["binding"], true);
    assert!(number(&one["multiplier"]) > 0.0);
    assert!(number(&kept["optimizer"]["duality_gap"]) < 1e-8);
    let objective = |fit: &Value| number(&fit["optimizer"]["objective"]);
    assert!(objective(&kept) > objective(&plain));
    let line = format!("fit --config fit.yaml --output-dir out {flag}");
    let text = printed(folder.path(), &line);
    assert!(text.contains("Guardrails: 1 of 1 binds: "), "{text}");
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("Guardrails: 1 of 1 binds: "));
}

#[test]
fn fit_compares_losses_with_a_mixture_in_use() {
    let folder = folder();
    let uniform = "baseline.csv";
    let plain = fitted(folder.path(), "");
    let names = plain["domains"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|one| one["name"].as_str().unwrap()).collect();
    let rows = names.join(",1\n") + ",1\n";
    std::fs::write(
        folder.path().join(uniform),
        format!("domain,weight\n{rows}"),
    )
    .unwrap();
    let config = demo_config()
        + CHECKS
        + "objective: {guardrails: [{max_increase: 0, baseline: baseline.csv}]}\n";
    std::fs::write(folder.path().join("fit.yaml"), config).unwrap();
    let kept = fitted(folder.path(), "");
    for one in kept["objective"]["guardrails"].as_array().unwrap() {
        assert_eq!(one["baseline"], uniform);
        assert!(increase(one) <= 1e-8, "{one}");
    }
    // The effective config has the weights, and is a config.
    let written = folder
        .path()
        .join("out")
        .join(kept["config_hash"].as_str().unwrap());
    let written = std::fs::read_to_string(written.join("config.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    let weights = &written["objective"]["guardrails"][0]["baseline"];
    assert!((number(&weights[names[0]]) - 1.0 / names.len() as f64).abs() < 1e-12);
    std::fs::write(folder.path().join("fit.yaml"), written.to_string()).unwrap();
    let again = fitted(folder.path(), "");
    assert_eq!(again["domains"], kept["domains"]);
}

#[test]
fn fit_minimizes_the_largest_loss() {
    let folder = folder();
    let found = fitted(
        folder.path(),
        "--minimize worst_family --set proposer.kl_reg=0",
    );
    let compared = found["objective"]["compared"].as_array().unwrap();
    let plain = plain_increases(folder.path());
    let most = compared
        .iter()
        .map(increase)
        .fold(f64::NEG_INFINITY, f64::max);
    let before = plain
        .iter()
        .map(|one| one.1)
        .fold(f64::NEG_INFINITY, f64::max);
    assert!(most < before, "{most} {before}");
    for one in compared {
        assert!(
            one["largest"] == false || (increase(one) - most).abs() < 1e-7,
            "{one}"
        );
    }
}

#[test]
fn sweep_traces_the_front_of_two_families() {
    let folder = folder();
    let line = "sweep --config fit.yaml --output-dir out --json --objective code,qa --points 5";
    let found: Value = serde_json::from_str(&printed(folder.path(), line)).unwrap();
    let points = found["points"].as_array().unwrap();
    assert_eq!(points.len() as u64 + found["left_out"].as_u64().unwrap(), 5);
    assert!(points.len() >= 3, "{found}");
    let loss = |point: &Value, name: &str| number(&point["losses"][name]);
    for pair in points.windows(2) {
        assert!(loss(&pair[0], "code") > loss(&pair[1], "code"));
        assert!(loss(&pair[0], "qa") < loss(&pair[1], "qa"));
    }
    let csv = std::fs::read_to_string(folder.path().join("out/front.csv")).unwrap();
    assert!(
        csv.starts_with("weight code,weight qa,loss code,loss qa,kl_reg,predicted,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1 + points.len());
    assert!(folder.path().join("out/front.svg").is_file());
    // The weights are those of the tasks: a fit with them finds the same mixture.
    let config = demo_config()
        + CHECKS
        + "filtering: {obj_weights: {\"math_*\": 0, \"code_*\": 1, \"qa_*\": 3}}\n";
    std::fs::write(folder.path().join("fit.yaml"), config).unwrap();
    let fitted = fitted(folder.path(), "--set proposer.kl_reg=0");
    let quarter = points
        .iter()
        .find(|one| one["weights"]["code"] == 0.25)
        .unwrap();
    for domain in fitted["domains"].as_array().unwrap() {
        let weight = &quarter["mixture"][domain["name"].as_str().unwrap()];
        assert!((number(weight) - number(&domain["weight"])).abs() < 1e-6);
    }
    for (flags, expected) in [
        ("--objective math", "a front takes at least two"),
        ("--objective math,codes", "no family and no task is `codes`"),
        ("--objective math,math", "`math` is given twice"),
        (
            "--objective math,code --kl 0.1,0.2",
            "a front is traced for one λ",
        ),
        (
            "--objective math,code --repetition 3",
            "cannot be used with",
        ),
    ] {
        let run = olmix(folder.path(), &format!("sweep --config fit.yaml {flags}"));
        assert!(run_text(run).contains(expected), "{flags}");
    }
}

#[test]
fn guardrails_that_cannot_be_honoured_are_refused() {
    let folder = folder();
    for (flags, expected) in [
        ("--guardrail *=-0.9", "no mixture keeps th"),
        ("--guardrail nothing=0.1", "no family is `nothing`"),
        (
            "--guardrail *=0.1 --set proposer.type=local",
            "`objective` needs the proposer `exact`, looking for the best mixture, but proposer.type is `local`",
        ),
        (
            "--minimize worst_task --set proposer.make_worst_mix=true",
            "`objective` needs the proposer `exact`, looking for the best mixture, but `proposer.make_worst_mix` is set",
        ),
        (
            "--set objective.compare=ratio",
            "`objective.compare` is given, but the average loss is minimized",
        ),
    ] {
        let line = format!("fit --config fit.yaml --output-dir out {flags}");
        let run = olmix(folder.path(), &line).assert().code(2);
        let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expected), "{flags}: {told}");
    }
    let config = demo_config() + CHECKS + "objective: {guardrails: [{max_increase: 0.1}]}\n";
    std::fs::write(folder.path().join("fit.yaml"), config).unwrap();
    for line in [
        "next fit.yaml --runs 2 --output next",
        "study solver --config fit.yaml --output-dir study",
        "study proxy-size --config fit.yaml --output-dir study",
    ] {
        let told = run_text(olmix(folder.path(), line));
        assert!(told.contains("`objective`"), "{line}: {told}");
    }
    let run = olmix(
        folder.path(),
        "fit --config fit.yaml --guardrail *=-0.9 --output-dir out",
    );
    let run = run_text(run);
    assert!(run.contains("percentage points"), "{run}");
}

fn run_text(mut command: assert_cmd::Command) -> String {
    let run = command.assert().code(2);
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}
