//! Which definition of bits per byte tables were measured by.

use std::fs;
use std::path::Path;

use crate::common::{json, olmix, refused};

/// Runs as `olmix proxy eval` leaves them, by its present definition or by that of version 1.
fn runs(folder: &Path, count: usize, present: impl Fn(usize) -> bool) {
    for i in 0..count {
        let run = folder.join(format!("run-{i}"));
        fs::create_dir_all(&run).unwrap();
        let web = (i + 1) as f64 / (count + 1) as f64;
        let loss = 1.0 + (-2.0 * web).exp() + 0.3 * (web - 1.0).exp();
        let (version, named) = if present(i) {
            (2, "\"task_definition\": \"lm-evaluation-harness\", ")
        } else {
            (1, "")
        };
        let metrics = format!(
            "{{\"format\": \"olmix metrics\", \"version\": {version}, {named}\"metrics\": {{\"arc\": {loss}}}}}"
        );
        fs::write(run.join("metrics.json"), metrics).unwrap();
        let mix = format!("{{\"web\": {web}, \"code\": {}}}", 1.0 - web);
        fs::write(run.join("mix.json"), mix).unwrap();
    }
}

#[test]
fn runs_measured_by_two_definitions_are_not_collected_or_fitted_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    runs(&at.join("new/runs"), 8, |_| true);
    runs(&at.join("old/runs"), 8, |_| false);
    for swarm in ["new", "old"] {
        let line = format!("collect --swarm {swarm}/runs --output {swarm} --json");
        json(at, &line);
    }
    let meta = |swarm: &str| {
        let text = fs::read(at.join(swarm).join("metrics.meta.json")).unwrap();
        let meta: serde_json::Value = serde_json::from_slice(&text).unwrap();
        meta["task_definition"].as_str().unwrap().to_owned()
    };
    assert_eq!(meta("new"), "lm-evaluation-harness");
    assert!(meta("old").contains("tokenized apart"));
    let fit = |earlier: &str| {
        let config = format!(
            "swarm: {{ratios: new/ratios.csv, metrics: new/metrics.csv{earlier}}}\npriors: {{relative_sizes: {{web: \
             0.5, code: 0.5}}}}\nregression: {{type: log_linear}}\ndiagnostics: {{folds: 0, bootstrap: 0}}\n"
        );
        fs::write(at.join("fit.yaml"), config).unwrap();
        "fit --config fit.yaml --output-dir out --quiet"
    };
    let earlier = ", earlier: [{ratios: old/ratios.csv, metrics: old/metrics.csv}]";
    let message = refused(at, fit(earlier));
    for says in [
        "old/metrics.csv",
        "another definition of bits per byte",
        "olmix proxy eval",
    ] {
        assert!(message.contains(says), "{message}");
    }
    olmix(at, fit("")).assert().success();
    // Some runs of a swarm were measured again.
    runs(&at.join("old/runs"), 8, |i| i < 3);
    let message = refused(at, "collect --swarm old/runs --output mixed");
    for says in [
        "tokenized apart): run-3 and 4 more",
        "lm-evaluation-harness: run-0 and 2 more",
    ] {
        assert!(message.contains(says), "{message}");
    }
    assert!(!at.join("mixed").exists());
}
