//! Runs of the target are read as those of the swarm, or refused with one message.

use crate::common::{Case, METRICS, RATIOS};

const TARGET: &str = "target: {ratios: t-ratios.csv, metrics: t-metrics.csv}\n";
/// Other columns in another order, and a mixture that no proxy had.
const T_RATIOS: &str = "run,math,web,code\nbig-1,0.2,0.5,0.3\nbig-2,0.6,0.3,0.1\n";
const T_METRICS: &str = "run,m2,m3,m1\nbig-1,0.05,9,0.9\nbig-2,0.15,9,1.1\n";

fn case(ratios: &str, metrics: &str) -> Case {
    let case = Case::new();
    case.with(TARGET)
        .write("t-ratios.csv", ratios)
        .write("t-metrics.csv", metrics);
    case
}

#[test]
fn target_runs_have_the_domains_and_tasks_of_the_swarm_in_its_order() {
    let loaded = case(T_RATIOS, T_METRICS).load();
    let target = loaded.spec.target.as_ref().unwrap();
    assert_eq!(target.runs(), ["big-1", "big-2"]);
    assert_eq!(target.domains(), loaded.swarm.domains());
    assert_eq!(target.mixtures().row(1), [0.3, 0.1, 0.6]);
    assert_eq!(target.tasks(), loaded.swarm.tasks());
    assert_eq!(target.losses().row(1), [1.1, 0.15]);
    let roles: Vec<&str> = loaded
        .inputs
        .iter()
        .map(|input| input.role.as_str())
        .collect();
    assert_eq!(
        roles,
        [
            "config",
            "ratios",
            "metrics",
            "target ratios",
            "target metrics"
        ]
    );
    // Settings and data with and without them are not the same.
    let plain = Case::new().load();
    assert!(plain.spec.target.is_none());
    assert_ne!(plain.config_hash(), loaded.config_hash());
}

#[test]
fn scores_of_target_runs_are_turned_and_shifted_as_those_of_the_swarm() {
    let case = case(T_RATIOS, T_METRICS);
    case.with(&format!("{TARGET}filtering: {{directions: {{m1: max}}}}\n"));
    let loaded = case.load();
    let task = &loaded.swarm.tasks()[0];
    assert!(task.offset > 0.0);
    let target = loaded.spec.target.as_ref().unwrap();
    assert_eq!(target.losses().get(1, 0), task.loss_of(1.1));
}

#[test]
fn target_runs_that_calibrate_nothing_are_refused() {
    let refused = |ratios: &str, metrics: &str, expected: &str| {
        let message = case(ratios, metrics).refused();
        assert!(
            message.contains(expected),
            "expected {expected}, got {message}"
        );
        assert!(message.contains("\n  help: "), "{message}");
    };
    let one = |table: &str| table.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    refused(
        &one(T_RATIOS),
        &one(T_METRICS),
        "t-ratios.csv:1: there is 1 target run, which tells levels of losses but no amplitudes",
    );
    refused(
        "run,math,web,code\nbig-1,0.2,0.5,0.3\nbig-2,0.2,0.5,0.3\n",
        T_METRICS,
        "all 2 target runs have the same mixture",
    );
    refused(
        &T_RATIOS.replace("math", "maths"),
        T_METRICS,
        "t-ratios.csv:1: the target's runs have domains that the swarm does not have: `maths`",
    );
    refused(
        "run,web,code\nbig-1,0.7,0.3\nbig-2,0.9,0.1\n",
        T_METRICS,
        "the target's runs lack domains of the swarm: `math`",
    );
    refused(
        T_RATIOS,
        &T_METRICS.replace("m1", "m9"),
        "t-metrics.csv:1: tasks of the swarm were not measured at the target: `m1`",
    );
    refused(T_RATIOS, METRICS, "no run is in both files");
}

#[test]
fn a_target_where_no_law_is_fitted_and_a_domain_that_no_proxy_sampled_are_refused() {
    let case = case(T_RATIOS, T_METRICS);
    case.with(&format!("{TARGET}regression: {{type: search}}\n"));
    let message = case.refused();
    assert!(
        message.contains("`target` calibrates laws, and `regression.type: search` fits none"),
        "{message}"
    );
    case.with(&format!("{TARGET}regression: {{dead_domains: hold}}\n"));
    case.write(
        "ratios.csv",
        RATIOS
            .lines()
            .map(|row| {
                let mut cells: Vec<&str> = row.split(',').collect();
                if cells[0] != "run" {
                    let weights = if cells[0] == "r4" {
                        ["1", "0", "0"]
                    } else {
                        ["0.5", "0.5", "0"]
                    };
                    cells.splice(2.., weights);
                }
                cells.join(",") + "\n"
            })
            .collect::<String>(),
    );
    let message = case.refused();
    assert!(
        message.contains("target run `big-1` has weight in `math`, which no proxy run sampled"),
        "{message}"
    );
}
