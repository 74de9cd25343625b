//! What a fit says of runs of one mixture.

use std::path::Path;

use crate::common::{copy_demo, json, olmix, printed};

/// The demo's swarm with more runs of its first mixture, whose losses differ by these from those of the first run.
fn with_replicates(folder: &Path, differences: &[f64]) {
    copy_demo(folder);
    for (name, add) in [("ratios.csv", false), ("metrics.csv", true)] {
        let path = folder.join(name);
        let mut text = std::fs::read_to_string(&path).unwrap();
        let first = text.lines().nth(1).unwrap().to_owned();
        for (k, difference) in differences.iter().enumerate() {
            let (_, cells) = first.split_once(',').unwrap();
            let cell = |cell: &str| match cell.parse::<f64>() {
                Ok(value) if add => (value + difference).to_string(),
                _ => cell.to_owned(),
            };
            let cells: Vec<String> = cells.split(',').map(cell).collect();
            text += &format!("again-{k},{}\n", cells.join(","));
        }
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn noise_of_replicates_is_in_the_file_the_statistics_and_the_report() {
    let folder = tempfile::tempdir().unwrap();
    with_replicates(folder.path(), &[0.01, -0.01]);
    let file = json(
        folder.path(),
        "fit --config fit.yaml --output-dir out --json",
    );
    let noise = &file["noise"];
    assert_eq!(
        (
            &noise["mixtures"],
            &noise["runs"],
            &noise["degrees_of_freedom"]
        ),
        (&1.into(), &3.into(), &2.into())
    );
    // Losses y, y + 0.01 and y − 0.01: s² = 0.0002 / 2.
    let sd = noise["average"]["sd"].as_f64().unwrap();
    assert!((sd - 0.01).abs() < 1e-9, "{sd}");
    assert_eq!(
        noise["tasks"].as_array().unwrap().len(),
        file["law"]["tasks"].as_array().unwrap().len()
    );
    let text = printed(
        folder.path(),
        "fit --config fit.yaml --output-dir out --verbose",
    );
    assert!(
        text.contains("The noise of a run is 0.0100 of the average loss"),
        "{text}"
    );
    assert!(text.contains("signal to noise"), "{text}");
    assert!(text.contains("The proposed mixture is"), "{text}");
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("Noise of every task"));
    assert!(report.contains("The noise of a run is 0.0100 of the average loss"));
}

#[test]
fn a_task_that_is_mostly_noise_and_a_copied_run_are_named() {
    let folder = tempfile::tempdir().unwrap();
    // The second one is a copy: it says nothing of noise.
    with_replicates(folder.path(), &[3.0, 3.0]);
    let run = olmix(folder.path(), "fit --config fit.yaml --output-dir out")
        .assert()
        .success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        told.contains("less over mixtures than over runs of one mixture (1 degree of freedom)"),
        "{told}"
    );
    assert!(told.contains("1 run is a copy of another, with its mixture and all its losses: `again-1` of `again-0`"), "{told}");
}
