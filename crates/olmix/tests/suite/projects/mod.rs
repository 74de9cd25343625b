//! Projects: versions of the data, plans, mixtures and their history, run as a user runs them.

mod bounds;
mod history;
mod killed;
mod more_runs;
mod refusals;
mod reuse;
mod revision;
mod undo;
mod update5;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{copy_demo, printed as ok};

/// A project of the demo's domains, with a first mixture from its measured swarm.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("first")).unwrap();
    copy_demo(&at.join("first"));
    ok(
        at,
        "init --from first/fit.yaml --name house --proxy-parameters 1000000",
    );
    ok(
        at,
        "fit --config first/fit.yaml --output-dir first/out --ridge 1e-5 --folds 3 --bootstrap 0 --quiet",
    );
    ok(at, "commit first/out/mixture.json");
    folder
}

/// The demo's domains.
const DOMAINS: [&str; 6] = [
    "web:general",
    "web:science",
    "code",
    "math",
    "books",
    "wikipedia",
];

/// A project of the demo's six domains, with a mixture of these weights by hand.
fn by_hand(weights: [f64; 6]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    copy_demo(at);
    ok(at, "init --from fit.yaml --name house");
    let mixture: BTreeMap<&str, f64> = DOMAINS.into_iter().zip(weights).collect();
    fs::write(
        at.join("first.json"),
        serde_json::to_string(&mixture).unwrap(),
    )
    .unwrap();
    ok(at, "commit first.json");
    folder
}

/// Stands in for training: metrics of every mixture of a ratios.csv, by laws in which some domains help
/// some tasks, a little worse than the demo's runs.
fn measure(swarm: &Path) {
    let text = fs::read_to_string(swarm.join("ratios.csv")).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines
        .next()
        .unwrap()
        .split(',')
        .skip(1)
        .map(str::to_owned)
        .collect();
    let tasks = [
        "math_algebra",
        "math_geometry",
        "math_word_problems",
        "code_python",
        "code_shell",
        "code_sql",
        "qa_science",
        "qa_history",
        "qa_commonsense",
    ];
    let mut out = format!("run,{}\n", tasks.join(","));
    for line in lines {
        let mut cells = line.split(',');
        let run = cells.next().unwrap();
        let weights: Vec<f64> = cells.map(|cell| cell.parse().unwrap()).collect();
        let losses: Vec<String> = tasks
            .iter()
            .enumerate()
            .map(|(i, task)| {
                let helps = |name: &str| {
                    let family = task.split('_').next().unwrap();
                    let own =
                        name.starts_with(family) || (family == "qa" && name.starts_with("web"));
                    if own { 1.6 + 0.1 * i as f64 } else { 0.2 }
                };
                let exponent: f64 = names
                    .iter()
                    .zip(&weights)
                    .map(|(name, w)| helps(name) * w)
                    .sum();
                format!("{:.5}", 0.9 + 1.3 * (0.2 - exponent).exp())
            })
            .collect();
        out += &format!("{run},{}\n", losses.join(","));
    }
    fs::write(swarm.join("metrics.csv"), out).unwrap();
}

/// Draws the runs of a plan and stands in for their training.
fn train(at: &Path, swarm: &str) {
    ok(
        at,
        &format!("generate --config {swarm}/generate.yaml --output {swarm} --quiet"),
    );
    measure(&at.join(swarm));
}
