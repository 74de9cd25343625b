//! Repetition that is measured, from a config and from flags.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::common::{json, printed, refused};

const CONFIG: &str = "\
swarm: {ratios: ratios.csv, metrics: metrics.csv, simulate_target_tokens: 1B}
priors: {token_counts: {web: 10B, code: 1B, math: 40M, wiki: 20M}}
constraints: {target_tokens: 1B}
regression: {type: saturating}
proposer: {kl_reg: 0}
diagnostics: {bootstrap: 10}
";
/// Epochs at the weight 1.
const EPOCHS: [f64; 4] = [0.1, 1.0, 25.0, 50.0];

/// Forty runs of two tasks by saturating laws, with the value of repeats at r* = 4.
fn planted(folder: &Path) {
    let rates = [[0.4, 0.9, 1.2, 0.8], [0.9, 0.3, 0.9, 1.3]];
    let mut state = 7u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let (mut ratios, mut metrics) = (
        "run,web,code,math,wiki\n".to_owned(),
        "run,m1_bpb,m2_bpb\n".to_owned(),
    );
    for run in 0..40 {
        let draw: Vec<f64> = [1.0, 1.0, 0.5, 0.5]
            .iter()
            .map(|w| -w * next().ln())
            .collect();
        let sum: f64 = draw.iter().sum();
        let p: Vec<f64> = draw.iter().map(|x| x / sum).collect();
        let effective = |(p, epochs): (&f64, f64)| {
            let repeats = (p * epochs - 1.0).max(0.0);
            if repeats > 0.0 {
                (1.0 + 4.0 * (1.0 - (-repeats / 4.0).exp())) / epochs
            } else {
                *p
            }
        };
        let z: Vec<f64> = p.iter().zip(EPOCHS).map(effective).collect();
        let loss = |rates: [f64; 4], noise: f64| {
            let terms = z.iter().zip(rates).map(|(z, rate)| rate * z.powf(0.6));
            0.5 + (0.4 - terms.sum::<f64>()).exp() + 0.004 * (noise - 0.5)
        };
        let losses = [loss(rates[0], next()), loss(rates[1], next())];
        writeln!(
            ratios,
            "r{run},{:.9},{:.9},{:.9},{:.9}",
            p[0], p[1], p[2], p[3]
        )
        .unwrap();
        writeln!(metrics, "r{run},{:.6},{:.6}", losses[0], losses[1]).unwrap();
    }
    std::fs::write(folder.join("ratios.csv"), ratios).unwrap();
    std::fs::write(folder.join("metrics.csv"), metrics).unwrap();
    std::fs::write(folder.join("fit.yaml"), CONFIG).unwrap();
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn fit_measures_the_value_of_repeats_and_says_what_a_cap_costs() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let text = printed(folder.path(), "fit --config fit.yaml --repetition measured");
    assert!(text.contains("Repeats are worth less: r* = "), "{text}");
    assert!(text.contains("Epochs at the mixture: "), "{text}");
    assert!(text.contains("A cap of 4 epochs would "), "{text}");
    let read = std::fs::read(folder.path().join("out/mixture.json")).unwrap();
    let file: Value = serde_json::from_slice(&read).unwrap();
    let repetition = &file["repetition"];
    let r_star = number(&repetition["r_star"]);
    assert!((2.5..6.5).contains(&r_star), "{r_star}");
    assert!(number(&repetition["low"]) <= r_star && r_star <= number(&repetition["high"]));
    assert!(number(&repetition["error_ratio"]) < 1.0);
    assert!(number(&file["optimizer"]["duality_gap"]) < 1e-8);
    assert_eq!(file["repetition_factor"], Value::Null);
    let law = &file["law"]["tasks"][0]["law"];
    assert_eq!(law["type"], "repeated");
    assert_eq!(law["repeats"]["epochs"][3], 50.0);
    let capped = number(&repetition["capped"]["predicted"]);
    assert!(capped >= number(&file["predicted"]) - 1e-9);
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("Repeats are worth less: r* = "));
    // The file's laws predict with it.
    printed(
        folder.path(),
        "predict --mixture out/mixture.json --ratios ratios.csv --metrics metrics.csv",
    );
    // A cap that is given holds as well.
    let line =
        "fit --config fit.yaml --repetition measured --set constraints.repetition_factor=1 --json";
    let capped = json(folder.path(), line);
    assert!(number(&capped["domains"][3]["epochs"]) <= 1.0 + 1e-6);
    assert_eq!(capped["repetition"]["capped"], Value::Null);
}

#[test]
fn commands_that_know_no_value_of_repeats_refuse_it() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let measured = CONFIG.replace("1B}\nreg", "1B, repetition: measured}\nreg");
    std::fs::write(folder.path().join("fit.yaml"), measured).unwrap();
    for line in [
        "sweep --config fit.yaml",
        "sweep --config fit.yaml --objective m1_bpb,m2_bpb",
        "next fit.yaml",
        "study laws --config fit.yaml",
    ] {
        let message = refused(folder.path(), line);
        assert!(
            message.contains("`constraints.repetition` is measured") && message.contains("help: "),
            "{line}: {message}"
        );
    }
}
