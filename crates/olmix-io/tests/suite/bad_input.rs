//! Every kind of bad input that loading can see gets one message: file, place, what was found,
//! what to do.

use std::fs;

use crate::common::{CONFIG, Case, METRICS, RATIOS};

/// Asserts that the swarm with one file changed is refused with this message.
fn refused(file: &str, content: impl AsRef<[u8]>, expected: &str) {
    let case = Case::new();
    case.write(file, content);
    let message = case.refused();
    assert!(
        message.contains(expected),
        "expected {expected}, got {message}"
    );
    assert!(message.contains("\n  help: "), "{message}");
}

#[test]
fn a_missing_config_is_named() {
    let case = Case::new();
    fs::remove_file(case.path("fit.yaml")).unwrap();
    let message = case.refused();
    assert!(
        message.starts_with("fit.yaml: can't be read: "),
        "{message}"
    );
    assert!(message.contains("there is no such file"), "{message}");
}

#[test]
fn a_missing_swarm_file_is_named_at_the_line_that_names_it() {
    let case = Case::new();
    fs::remove_file(case.path("metrics.csv")).unwrap();
    let message = case.refused();
    let expected = "fit.yaml:1:38: `swarm.metrics` names a file that does not exist";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn files_that_are_no_tables_are_refused() {
    refused(
        "ratios.csv",
        b"PK\x03\x04\0\0",
        "ratios.csv:1: not a text file",
    );
    refused(
        "ratios.csv",
        b"run,web\nr1,\xff\n",
        "ratios.csv:2: not a text file",
    );
    refused("metrics.csv", "", "metrics.csv:1: the file is empty");
    refused(
        "metrics.csv",
        "run,m1\n",
        "metrics.csv:1: the file has a header but no row",
    );
    refused(
        "metrics.csv",
        "{\"a\": 1}\n",
        "metrics.csv:1: there is no column of run ids",
    );
    refused(
        "ratios.csv",
        RATIOS.replace("0.1,0.1,0.8", "0.1,0.9"),
        "ratios.csv:4: the row has 4 cells, the header 5 columns",
    );
}

#[test]
fn tables_need_an_id_column_and_unique_ids_and_columns() {
    refused(
        "ratios.csv",
        RATIOS.replace("r4", "r1"),
        "ratios.csv:5: run `r1` occurs twice, first on line 2",
    );
    refused(
        "metrics.csv",
        METRICS.replace("m2", "m1"),
        "metrics.csv:1: column `m1` occurs twice",
    );
    refused(
        "metrics.csv",
        METRICS.replace("run,", "id,"),
        "metrics.csv:1: there is no column of run ids; found the columns `id`, `m1`, `m2`",
    );
    refused(
        "metrics.csv",
        METRICS.replace('r', "s").replace("sun", "run"),
        "metrics.csv:1: no run is in both files",
    );
}

#[test]
fn ratios_must_be_shares() {
    refused(
        "ratios.csv",
        RATIOS.replace("0.1,0.1,0.8", "-0.1,0.3,0.8"),
        "ratios.csv:4: run `r3` has the negative ratio -0.1 in column `web`",
    );
    refused(
        "ratios.csv",
        RATIOS.replace("0.1,0.1,0.8", "0.1,abc,0.8"),
        "ratios.csv:4: run `r3` has `abc` in column `code`, which is not a number",
    );
    refused(
        "ratios.csv",
        RATIOS
            .replace("0.1,0.1,0.8", "0.1,0.1,0.7")
            .replace("1,0,0", "2,0,0"),
        "ratios.csv:4: the ratios of 2 runs do not sum to 1: `r3` (line 4) to 0.9000, \
         `r4` (line 5) to 2.0000",
    );
}

#[test]
fn a_domain_needs_a_prior_and_for_caps_a_token_count() {
    refused(
        "fit.yaml",
        CONFIG.replace("math: 0.2", "maths: 0.2"),
        "ratios.csv:1: column `math` has no prior in fit.yaml\n  help: is it the domain `maths`",
    );
    let capped = "constraints: {enabled: true, target_tokens: 1e6}\n";
    refused(
        "fit.yaml",
        format!("{}{capped}", CONFIG.replace(", math: 200_000", "")),
        "fit.yaml: priors.token_counts: domain `math` of ratios.csv has no token count",
    );
    refused(
        "fit.yaml",
        CONFIG.replace("math: 0.2", "math: 0"),
        "fit.yaml:3:47: `priors.relative_sizes.math` must be a number above 0",
    );
    refused(
        "fit.yaml",
        CONFIG.replace("math: 0.2", "math: -0.2"),
        "fit.yaml:3:47: `priors.relative_sizes.math` must be a number above 0",
    );
    refused(
        "fit.yaml",
        CONFIG
            .replace("math: 0.2", "math: 1e-320")
            .replace("web: 0.5", "web: 1e300"),
        "the prior of domain `math` vanishes beside the others",
    );
}

#[test]
fn settings_that_do_not_fit_the_swarm_are_refused() {
    for (lines, expected) in [
        (
            "regression: {n_test: 5}\n",
            "regression.n_test: 5 runs are to be set aside, but there are 5",
        ),
        (
            "regression: {n_test: 2, train_split: 4}\n",
            "regression.train_split: 4 runs are to be fitted to, of 3 there are",
        ),
        (
            "regression: {train_split: 0.1}\n",
            "regression.train_split: 0 runs are to be fitted to",
        ),
        (
            "filtering: {drop_metrics: [m1, m2]}\n",
            "metrics.csv:1: no metric is left",
        ),
        (
            "filtering: {obj_weights: {m1: 0, m2: 0}}\n",
            "fit.yaml:5:31: filtering.obj_weights sum to 0",
        ),
        (
            "eval: {tasks: {f: [m3]}}\n",
            "fit.yaml:5:20: eval.tasks lists the metric `m3`, which metrics.csv does not have\n  help: did \
             you mean `m1`?",
        ),
        (
            "constraints: {bounds: {webb: {max: 0.5}}}\n",
            "fit.yaml:5:30: constraints.bounds: no domain is `webb`\n  help: did you mean `web`?",
        ),
        (
            "constraints: {groups: {g: {domains: ['stack:*'], max: 0.5}}}\n",
            "constraints.groups.g: no domain is `stack:*`\n  help: the domains are `web`, `code`, `math`",
        ),
        (
            "regression: {aggregate_task_families: true}\neval: {tasks: {f: [m1], g: [x]}}\n",
            "no metric of family `g` is left",
        ),
    ] {
        refused("fit.yaml", format!("{CONFIG}{lines}"), expected);
    }
}

#[test]
fn a_constant_metric_is_named_with_what_to_do() {
    let constant = "run,m1,m2\nr1,0.7,1\nr2,0.7,2\nr3,0.7,3\n";
    refused(
        "metrics.csv",
        constant,
        "metrics.csv:1: metric `m1` has the same value in all 3 runs: there is nothing to fit\n  \
         help: add `drop_metrics: [\"m1\"]` to `filtering`",
    );
}

#[test]
fn a_swarm_of_crashed_runs_only_is_refused() {
    let crashed = "run,m1,m2\nr1,,1\nr2,nan,2\nr3,inf,3\n";
    refused("metrics.csv", crashed, "metrics.csv:1: no run is left");
}

#[test]
fn caps_and_bounds_that_leave_no_mixture_are_explained_with_numbers() {
    let case = Case::new();
    case.with("constraints: {enabled: true, target_tokens: 8e6}\n");
    let message = case.load().check_constraints().unwrap_err().to_string();
    assert!(
        message.contains("fit.yaml:5:14: the data is too small for the run"),
        "{message}"
    );
    assert!(message.contains("k ΣN / R = 0.5 < 1"), "{message}");
    case.with("constraints: {bounds: {web: {min: 0.7}, code: {min: 0.7}}}\n");
    let message = case.load().check_constraints().unwrap_err().to_string();
    assert!(
        message.contains("lower bounds of the domains sum to 1.4"),
        "{message}"
    );
}
