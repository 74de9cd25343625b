//! What runs cost and buy, told before anything is trained.

use std::path::Path;

use crate::common::tiny::{config, data};
use crate::common::{json, newcomer, olmix, printed, refused};
use serde_json::Value;

const GENERATE: &str =
    "generate --config examples/swarm/generate.yaml --base examples/swarm/launch.yaml";
const DEVICE: &str = "--device h100 --utilization 0.5 --price 2.5";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Launch configs of tiny runs over three domains.
fn tiny(folder: &Path, runs: std::ops::Range<usize>) {
    std::fs::create_dir_all(folder.join("launch")).unwrap();
    for run in runs {
        let a = 0.2 + 0.1 * run as f64;
        let mix = format!(
            "{{arithmetic: {a:.1}, prose: 0.1, clutter: {:.1}}}",
            0.9 - a
        );
        let text = config(&format!("run-{run}"), &mix, "")
            .replace("\"shards/", "\"../shards/")
            .replace(": shards/", ": ../shards/")
            .replace("tasks/", "../tasks/");
        std::fs::write(folder.join(format!("launch/run-{run}.yaml")), text).unwrap();
    }
}

const PREVIEW: &str = "launch preview --variants launch --json";

#[test]
fn cost_is_the_flops_over_the_speed_of_the_device_or_of_the_runs_that_finished() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    tiny(folder, 0..5);
    let cost = &json(folder, &format!("{PREVIEW} {DEVICE}"))["cost"];
    let (tokens, flops) = (number(&cost["tokens"]), number(&cost["flops"]));
    assert_eq!(
        (&cost["runs"], &cost["device_hours_from"]),
        (&5.into(), &"peak".into())
    );
    // 40,000 tokens asked for, in whole steps of 1024. Two layers: attention 4 · 32², SwiGLU 3 · 32 · 64,
    // and norms.
    assert_eq!(tokens % (5.0 * 1024.0), 0.0);
    assert!((195_000.0..=205_000.0).contains(&tokens), "{tokens}");
    let products = 2.0 * (4.0 * 32.0 * 32.0 + 3.0 * 32.0 * 64.0);
    let parameters = flops / tokens / 6.0;
    assert!(
        (products..1.05 * products).contains(&parameters),
        "{parameters}"
    );
    let hours = flops / (0.5 * 989e12) / 3600.0;
    assert!((number(&cost["device_hours"]) / hours - 1.0).abs() < 1e-12);
    assert!((number(&cost["money"]) / (2.5 * hours) - 1.0).abs() < 1e-12);
    // Without a device there are no hours, and nothing stands in for them.
    let plain = &json(folder, PREVIEW)["cost"];
    assert_eq!(
        (&plain["device_hours"], &plain["flops"]),
        (&Value::Null, &cost["flops"])
    );

    olmix(folder, "launch run --variants launch --quiet")
        .assert()
        .success();
    tiny(folder, 5..6);
    let cost = &json(folder, &format!("{PREVIEW} --price 3"))["cost"];
    assert_eq!(
        (&cost["runs"], &cost["device_hours_from"]),
        (&1.into(), &"measured".into())
    );
    let status = json(folder, "launch status --variants launch --json");
    let runs = status["swarms"]
        .as_array()
        .map_or(&status["runs"], |all| &all[0]["runs"]);
    let seconds: Vec<f64> = runs
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["seconds"].as_f64())
        .collect();
    let mean = seconds.iter().sum::<f64>() / 5.0 / 3600.0;
    assert!(
        (number(&cost["device_hours"]) / mean - 1.0).abs() < 1e-9,
        "{cost} {seconds:?}"
    );
    assert!((number(&cost["money"]) / (3.0 * mean) - 1.0).abs() < 1e-9);
}

#[test]
fn runs_are_told_what_more_and_fewer_of_them_would_buy() {
    let folder = newcomer();
    let generated = json(folder.path(), &format!("{GENERATE} --json"));
    let found = |told: &Value| -> Vec<(u64, f64)> {
        let expected = told["expected"].as_array().unwrap().iter();
        expected
            .map(|one| (one["runs"].as_u64().unwrap(), number(&one["regret"])))
            .collect()
    };
    let falls = |all: &[(u64, f64)]| all.windows(2).all(|two| two[0].1 > two[1].1);
    let expected = found(&generated);
    assert_eq!(
        expected.iter().map(|one| one.0).collect::<Vec<_>>(),
        [10, 21, 42]
    );
    assert!(falls(&expected) && expected[0].1 < 0.1, "{expected:?}");
    let shown = printed(folder.path(), GENERATE);
    for part in [
        "Cost: 21 runs, ",
        "21 runs: the mixture's loss is expected within ",
        "an assumption",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }

    let tinies = tempfile::tempdir().unwrap();
    data(tinies.path());
    tiny(tinies.path(), 0..6);
    let expected = found(&json(tinies.path(), PREVIEW));
    assert_eq!(
        expected.iter().map(|one| one.0).collect::<Vec<_>>(),
        [4, 6, 8]
    );
    assert!(expected[0].1 > expected[2].1, "{expected:?}");
}

#[test]
fn cost_options_that_can_not_be_honoured_are_refused_before_anything_is_written() {
    let folder = newcomer();
    let without_base = "generate --config examples/swarm/generate.yaml";
    for (line, said) in [
        (
            format!("{GENERATE} --device H1000"),
            "known are A10, A100, H100",
        ),
        (format!("{GENERATE} --device 989"), "989e12"),
        (format!("{GENERATE} --price 2"), "give --device"),
        (format!("{GENERATE} --utilization 0.3"), "--device"),
        (
            format!("{GENERATE} --device H100 --utilization 30"),
            "at most 1",
        ),
        (format!("{without_base} --device H100"), "without --base"),
    ] {
        let message = refused(folder.path(), &line);
        assert!(message.contains(said), "{line}\n{message}");
        assert!(!folder.path().join("swarm").exists(), "{line}");
    }
}

#[test]
fn plan_tells_what_its_runs_cost_and_buy_or_what_is_missing() {
    let folder = newcomer();
    let at = folder.path();
    printed(at, "init house --from examples/demo/fit.yaml");
    let message = refused(at, "plan --project house --device H100");
    assert!(message.contains("max_tokens"), "{message}");
    let file = at.join("house/olmix.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let sizes = "\nmax_tokens: 3000000000\nproxy_parameters: 30000000\n";
    std::fs::write(&file, text + sizes).unwrap();
    let plan = json(at, "plan --project house --device H100 --price 2 --json");
    let hours = 6.0 * 3e7 * 3e9 * 21.0 / (0.2 * 989e12) / 3600.0;
    assert!((number(&plan["cost"]["device_hours"]) / hours - 1.0).abs() < 1e-12);
    assert!((number(&plan["cost"]["money"]) / (2.0 * hours) - 1.0).abs() < 1e-12);
    let runs: Vec<&Value> = plan["expected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["runs"])
        .collect();
    assert_eq!(runs, [10, 21, 42]);
    let shown = printed(at, "plan --project house --device H100");
    assert!(shown.contains("an assumption (--utilization)"), "{shown}");
    assert!(
        shown.contains("21 runs: the mixture's loss is expected within "),
        "{shown}"
    );
}
