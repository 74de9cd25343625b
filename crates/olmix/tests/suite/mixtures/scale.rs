//! A mixture for a size that was not measured, run as a user runs it.

use std::fs;

use crate::common::{demo_config, json, newcomer, printed, refused, runs_of_three_sizes};

const FIT: &str = "fit --config examples/demo/fit.yaml --folds 0 --bootstrap 20";

#[test]
fn fit_at_a_size_says_what_is_best_at_every_size_and_checks_itself() {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    runs_of_three_sizes(&demo);
    let sized = demo_config() + "scale: {parameters: 400M, tokens: 40B}\n";
    fs::write(demo.join("fit.yaml"), sized).unwrap();
    let printed = printed(folder.path(), FIT);
    for part in [
        "40 of 160 runs",
        "best at",
        "50M, 5B",
        "200M, 20B",
        "400M, 40B",
        "loss of the proposal",
        "Losses are for 400M parameters, 40B tokens, by a joint law of 50M parameters to 5B tokens (40 mixtures)",
        "There the average loss is ",
        "Checked: of the 40 mixtures at 200M parameters, 20B tokens",
    ] {
        assert!(printed.contains(part), "{part} in\n{printed}");
    }
    let found = json(folder.path(), &format!("{FIT} --json"));
    let scale = &found["scale"];
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let predicted = number(&found["predicted"]);
    assert!(number(&scale["predicted_interval"]["low"]) < predicted);
    assert!(predicted < number(&scale["predicted_interval"]["high"]));
    let optima = scale["optima"].as_array().unwrap();
    assert_eq!(optima.len(), 4);
    // The proposal is the best mixture at the target.
    let target = &optima[3];
    assert!((number(&target["loss"]) - predicted).abs() < 1e-9);
    assert!((number(&target["loss_of_mixture"]) - predicted).abs() < 1e-9);
    // A larger model has a lower loss.
    assert!(number(&optima[0]["loss"]) > number(&optima[2]["loss"]));
}

#[test]
fn fit_at_a_size_without_sizes_is_refused() {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    let sized = demo_config() + "scale: {parameters: 400M, tokens: 40B}\n";
    fs::write(demo.join("fit.yaml"), sized).unwrap();
    let told = refused(folder.path(), FIT);
    assert!(told.contains("there is no column `parameters`"), "{told}");
    assert!(told.contains("`swarm.parameters`"), "{told}");
}
