//! `constraints.repetition: measured`: what it needs is read, or refused with one message.

use crate::common::{CONFIG, Case};

/// As `CONFIG`, with more keys of `swarm`, and other lines at the end.
fn case(swarm: &str, lines: &str) -> Case {
    let case = Case::new();
    let config = CONFIG.replace("metrics.csv}", &format!("metrics.csv{swarm}}}"));
    case.write("fit.yaml", config + lines);
    case
}

const MEASURED: &str =
    "constraints: {target_tokens: 2M, repetition: measured}\nregression: {type: saturating}\n";

#[test]
fn measured_repetition_knows_the_epochs_of_runs_and_target_and_has_no_caps() {
    let loaded = case(", run_tokens: 1M", MEASURED).load();
    let repetition = loaded.spec.repetition.as_ref().unwrap();
    let epochs = |tokens: f64| [tokens / 5e5, tokens / 3e5, tokens / 2e5];
    assert_eq!(repetition.runs, epochs(1e6));
    assert_eq!(repetition.target, epochs(2e6));
    assert_eq!(repetition.compared_cap, 4.0);
    assert_eq!(loaded.spec.constraints.caps, None);
    // Other epochs are another fit, though tables and sections are the same.
    let simulated = case(", simulate_target_tokens: 2M", MEASURED).load();
    let of_simulated = simulated.spec.repetition.as_ref().unwrap();
    assert_eq!(of_simulated.runs, of_simulated.target);
    assert_ne!(loaded.config_hash(), simulated.config_hash());
    // A factor that is given caps, too.
    let capped = MEASURED.replace("measured}", "measured, repetition_factor: 3}");
    let capped = case(", run_tokens: 1M", &capped).load();
    assert_eq!(capped.spec.constraints.caps, Some(vec![0.75, 0.45, 0.3]));
}

#[test]
fn measured_repetition_takes_the_simulated_tokens_of_the_metrics_metadata() {
    let case = case("", MEASURED);
    let meta = r#"{"format": "olmix-metrics-1", "simulate_target_tokens": 3000000}"#;
    case.write("metrics.meta.json", meta);
    let loaded = case.load();
    assert_eq!(loaded.spec.repetition.unwrap().runs, [6.0, 10.0, 15.0]);
    case.write(
        "fit.yaml",
        CONFIG.replace("metrics.csv}", "metrics.csv, run_tokens: 1M}") + MEASURED,
    );
    let message = case.refused();
    assert!(
        message.contains("`swarm.run_tokens` is 1000000, but by metrics.meta.json")
            && message.contains("a run of 3000000 tokens")
            && message.contains("help: remove swarm.run_tokens"),
        "{message}"
    );
}

#[test]
fn measured_repetition_is_refused_where_something_that_it_needs_is_missing() {
    let refused = |swarm: &str, lines: &str, expected: &str| {
        let message = case(swarm, lines).refused();
        assert!(
            message.contains(expected),
            "expected {expected}, got {message}"
        );
        assert!(message.contains("\n  help: "), "{message}");
    };
    let run = ", run_tokens: 1M";
    refused(
        "",
        MEASURED,
        "how often the runs of the swarm see their domains is not known",
    );
    refused(
        ", run_tokens: 1M, simulate_target_tokens: 1M",
        MEASURED,
        "`swarm.run_tokens` and `swarm.simulate_target_tokens` are both given",
    );
    refused(
        ", run_tokens: 1K",
        MEASURED,
        "no run of the swarm sees a domain more than once, so that nothing is known of repeats: of 5 runs, the most is \
         0.004 epochs of `math`",
    );
    refused(
        run,
        "constraints: {repetition: measured}\n",
        "`constraints.target_tokens` is missing",
    );
    refused(
        run,
        &MEASURED.replace("saturating", "log_linear"),
        "the law log_linear can't be one of effective weights",
    );
    refused(
        run,
        &format!("{MEASURED}proposer: {{type: search}}\n").replace("saturating", "search"),
        "the law search can't be one of effective weights",
    );
    let frozen = MEASURED.replace("measured}", "measured, frozen: {v: {web: 1, code: 1}}}");
    refused(run, &frozen, "domains that keep their ratios");
    refused(
        run,
        &MEASURED.replace("measured", "mesured"),
        "constraints.repetition",
    );
    let case = case(run, MEASURED);
    let without = CONFIG.replace(", math: 200_000", "");
    let without = without.replace("metrics.csv}", "metrics.csv, run_tokens: 1M}");
    case.write("fit.yaml", without + MEASURED);
    let message = case.refused();
    assert!(
        message.contains("1 of 3 domains have no token count: `math`"),
        "{message}"
    );
}

#[test]
fn epochs_of_runs_have_no_effect_without_measured_repetition_and_that_is_noticed() {
    let case = case(", run_tokens: 1M", "");
    let expected = "swarm.run_tokens has no effect: constraints.repetition is not measured";
    assert!(case.notices().iter().any(|notice| notice == expected));
    assert!(case.load().spec.repetition.is_none());
}
