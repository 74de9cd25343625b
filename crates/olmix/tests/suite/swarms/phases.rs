//! Runs in phases, from a launch config to the tables of `olmix collect`.

use std::path::Path;
use std::time::Instant;

use super::proxy::{model, write};
use crate::common::tiny::{config, data};
use crate::common::{json, olmix, refused, start};

/// Phases of 39 steps: 27 and 12.
const PHASES: [&str; 2] = [
    "  - {name: pretraining, fraction: 0.7, mix: {prose: 0.6, clutter: 0.4}}\n",
    "  - {name: cooldown, fraction: 0.3, mix: {arithmetic: 0.75, prose: 0.25}}\n",
];

/// A config of a tiny run with these phases.
fn phased(name: &str, phases: &str, training: &str) -> String {
    let text = config(name, "MIX", training);
    text.replace("mix: MIX\n", &format!("phases:\n{phases}"))
}

/// Paths of a config in `launch/`, beside which there is nothing.
fn absolute(at: &Path, text: &str) -> String {
    text.replace("shards/", &format!("{}/shards/", at.display()))
        .replace("tasks/", &format!("{}/tasks/", at.display()))
}

#[test]
fn a_run_in_phases_killed_again_and_again_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &phased("run", &PHASES.concat(), ""));
    let begin = Instant::now();
    let told = olmix(
        at,
        "proxy train --config launch.yaml --out whole --threads 1",
    )
    .assert()
    .success();
    let whole = begin.elapsed();
    let told = String::from_utf8_lossy(&told.get_output().stdout).into_owned();
    for part in [
        "pretraining",
        "1 to 27",
        "cooldown",
        "28 to 39",
        "arithmetic 75",
    ] {
        assert!(told.contains(part), "{told}");
    }
    for round in 1..6 {
        let mut child = start(
            at,
            "proxy train --config launch.yaml --out killed --threads 2 --quiet",
        );
        std::thread::sleep(whole.mul_f64(0.17 * f64::from(round)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    olmix(at, "proxy train --config launch.yaml --out killed --quiet")
        .assert()
        .success();
    assert_eq!(model(&at.join("killed")), model(&at.join("whole")));
}

#[test]
fn a_swarm_in_phases_is_collected_with_a_row_for_each_phase_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    std::fs::create_dir(at.join("launch")).unwrap();
    let second = PHASES[1].replace("0.75", "0.5").replace("0.25", "0.5");
    for (name, phases) in [
        ("a", PHASES.concat()),
        ("b", PHASES[0].to_owned() + &second),
    ] {
        let text = absolute(at, &phased(name, &phases, "").replace("40_000", "16_000"));
        write(at, &format!("launch/{name}.yaml"), &text);
    }
    let preview = json(at, "launch preview --variants launch --json");
    assert_eq!(preview["runs"][0]["phases"][1]["mix"]["arithmetic"], 0.75);
    let shown = olmix(at, "launch preview --variants launch")
        .assert()
        .success();
    let shown = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(shown.contains("cooldown"), "{shown}");
    olmix(at, "launch run --variants launch --jobs 2 --quiet")
        .assert()
        .success();
    let told: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at.join("runs/b/mix.json")).unwrap()).unwrap();
    assert_eq!(told["phases"][1]["mix"]["prose"], 0.5);
    let ratios = "run,phase,arithmetic,clutter,prose\na,pretraining,0,0.4,0.6\na,cooldown,0.75,0,0.25\n\
                  b,pretraining,0,0.4,0.6\nb,cooldown,0.5,0,0.5\n";
    let remove = |file: &str| {
        for run in ["a", "b"] {
            std::fs::remove_file(at.join("runs").join(run).join(file)).unwrap();
        }
    };
    // By the ledger, by the folder of runs alone, by the plans of runs, and by the launch configs.
    for round in ["ledger", "folder", "plans", "variants"] {
        match round {
            "folder" => std::fs::remove_file(at.join("runs/ledger.sqlite")).unwrap(),
            "plans" => remove("mix.json"),
            "variants" => remove("run.json"),
            _ => {}
        }
        let given = if round == "variants" {
            "--variants launch "
        } else {
            ""
        };
        let line = format!("collect --swarm runs {given}--output {round} --quiet");
        olmix(at, &line).assert().success();
        let read = |name: &str| std::fs::read_to_string(at.join(round).join(name)).unwrap();
        assert_eq!(read("ratios.csv"), ratios, "{round}");
        assert_eq!(read("metrics.csv").lines().count(), 3);
        let meta: serde_json::Value = serde_json::from_str(&read("metrics.meta.json")).unwrap();
        assert_eq!(meta["phases"][1]["name"], "cooldown");
        assert_eq!(meta["phases"][1]["fraction"], 0.3);
    }
    // A run without phases does not go into the same table.
    std::fs::create_dir(at.join("runs/c")).unwrap();
    std::fs::copy(
        at.join("runs/a/metrics.json"),
        at.join("runs/c/metrics.json"),
    )
    .unwrap();
    write(at, "runs/c/mix.json", "{\"prose\": 1}");
    write(
        at,
        "launch/c.yaml",
        &absolute(at, &config("c", "{prose: 1}", "")),
    );
    let message = refused(at, "collect --swarm runs --variants launch --output mixed");
    let expected = "some runs have phases and others one mixture: a, b have phases, c have none";
    assert!(message.contains(expected), "{message}");
    assert!(!at.join("mixed").exists());
}

#[test]
fn phases_that_can_not_be_trained_are_refused_with_one_message_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    let capped = PHASES.concat().replace(
        "clutter: 0.4",
        "clutter: {weight: 0.4, repetition_factor: 0.3}",
    );
    for (phases, expected) in [
        (
            PHASES.concat().replace("0.3,", "0.2,"),
            "the fractions of `phases` sum to 0.8",
        ),
        (
            PHASES
                .concat()
                .replace("0.7,", "0.999,")
                .replace("0.3,", "0.001,"),
            "the phase `cooldown` has no tokens: 0.001 of 39 steps are 0 steps",
        ),
        (
            PHASES.concat().replace("0.7,", "1,").replace("0.3,", "0,"),
            "the phase `cooldown` has the fraction 0 of the run's tokens: 0 steps",
        ),
        (
            capped,
            "phases ask for 11008 in `pretraining` (11008 tokens in all)",
        ),
        (
            PHASES.concat() + "mix: {prose: 1}\n",
            "`mix` and `phases` are both there",
        ),
    ] {
        write(at, "launch.yaml", &phased("run", &phases, ""));
        let message = refused(at, "proxy prepare --config launch.yaml --out run");
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.matches("help: ").count(), 1, "{message}");
        assert!(!at.join("run").exists());
    }
}

#[test]
fn runs_that_simulate_repetition_tell_so_in_all_that_they_write_and_are_not_collected_with_others()
{
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    std::fs::create_dir(at.join("launch")).unwrap();
    let text = |name: &str, simulated: &str| {
        let text = config(name, "{prose: 0.6, clutter: 0.4}", "").replace("40_000", "16_000");
        let sources = format!("dtype: uint16\n{simulated}  sources:");
        absolute(at, &text.replace("dtype: uint16\n  sources:", &sources))
    };
    let target = "  simulate_target_tokens: 32K\n";
    for name in ["a", "b"] {
        write(at, &format!("launch/{name}.yaml"), &text(name, target));
    }
    let preview = json(at, "launch preview --variants launch --json");
    assert_eq!(preview["runs"][0]["simulate_target_tokens"], 32_000);
    olmix(at, "launch run --variants launch --jobs 2 --quiet")
        .assert()
        .success();
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(at.join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        read("runs/a/run.json")["data"]["simulate_target_tokens"],
        32_000
    );
    assert_eq!(
        read("runs/a/metrics.json")["simulate_target_tokens"],
        32_000
    );
    olmix(at, "collect --swarm runs --output tables --quiet")
        .assert()
        .success();
    assert_eq!(
        read("tables/metrics.meta.json")["simulate_target_tokens"],
        32_000
    );
    // One that sees all of its data is another experiment.
    write(at, "launch/c.yaml", &text("c", ""));
    olmix(at, "launch run --variants launch --quiet")
        .assert()
        .success();
    let message = refused(at, "collect --swarm runs --output mixed");
    for part in [
        "no other run: c",
        "a run of 32000 tokens: a, b",
        "collect them apart",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // What it asks for has to be there.
    for (tokens, expected) in [
        ("40M", "less than a sequence of 128"),
        ("1K", "is 1000, less than the 15360 tokens of the run"),
    ] {
        write(
            at,
            "launch/a.yaml",
            &text("a", &target.replace("32K", tokens)),
        );
        let message = refused(at, "proxy prepare --config launch/a.yaml --out other");
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.matches("help: ").count(), 1, "{message}");
    }
    let custom = text("a", target) + "trainer: {command: train}\n";
    write(at, "launch/a.yaml", &custom);
    let message = refused(at, "launch preview --variants launch");
    assert!(
        message.contains("is of no effect with a trainer of your own"),
        "{message}"
    );
}

#[test]
fn one_pretrained_proxy_serves_a_swarm_of_cooldowns_and_each_ends_as_if_trained_in_one_piece() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    let seconds = [
        "arithmetic: 0.75, prose: 0.25",
        "arithmetic: 0.1, prose: 0.9",
    ];
    let phases = |second: usize| PHASES.concat().replace(seconds[0], seconds[second]);
    let warm = ", warmup_fraction: 0.0513";
    // The first 27 of 39 steps, with the warmup of the whole and no decay.
    let first = config(
        "first",
        "{prose: 0.6, clutter: 0.4}",
        ", warmup_fraction: 0.0741, decay_fraction: 0",
    );
    write(at, "first.yaml", &first.replace("40_000", "27_648"));
    olmix(at, "proxy train --config first.yaml --out first --quiet")
        .assert()
        .success();
    std::fs::create_dir(at.join("launch")).unwrap();
    for second in 0..2 {
        let start = format!(
            "{warm}, start_from: {{checkpoint: {}/first, after: pretraining}}",
            at.display()
        );
        let name = format!("cooldown-{second}");
        let text = absolute(at, &phased(&name, &phases(second), &start));
        write(at, &format!("launch/{name}.yaml"), &text);
        write(at, "whole.yaml", &phased("whole", &phases(second), warm));
        let line = format!("proxy train --config whole.yaml --out whole-{second} --quiet");
        olmix(at, &line).assert().success();
    }
    let cost = json(at, "launch preview --variants launch --json");
    assert_eq!(cost["cost"]["tokens"], 2 * 12 * 1024);
    olmix(at, "launch run --variants launch --jobs 2 --quiet")
        .assert()
        .success();
    for second in 0..2 {
        let run = at.join(format!("runs/cooldown-{second}"));
        assert_eq!(model(&run), model(&at.join(format!("whole-{second}"))));
    }
    let status = json(at, "launch status --variants launch --json");
    assert_eq!(status["swarms"][0]["runs"][0]["tokens"], 12 * 1024);
    olmix(at, "collect --swarm runs --output tables --quiet")
        .assert()
        .success();
    let ratios = std::fs::read_to_string(at.join("tables/ratios.csv")).unwrap();
    assert_eq!(ratios.lines().count(), 5, "{ratios}");
    let shown = olmix(
        at,
        "proxy prepare --config launch/cooldown-0.yaml --out other",
    )
    .assert()
    .success();
    let shown = String::from_utf8_lossy(&shown.get_output().stdout).into_owned();
    assert!(
        shown.contains("begins after pretraining, 27 of 39 steps"),
        "{shown}"
    );
    // One that stands elsewhere is refused before any run is queued.
    let text = std::fs::read_to_string(at.join("launch/cooldown-0.yaml")).unwrap();
    let wrong = text
        .replace("/first,", "/whole-0,")
        .replace("cooldown-0", "another");
    write(at, "launch/another.yaml", &wrong);
    let message = refused(at, "launch run --variants launch --quiet");
    assert!(message.contains("further on than that"), "{message}");
}

#[test]
fn a_collected_swarm_in_phases_is_fitted_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let domains = ["code", "math", "web"];
    // Losses that fall with the code of the cooldown and with the math of the whole.
    for run in 0..24_u32 {
        let mixture = |salt: u32| {
            let raw: Vec<f64> = (0..3)
                .map(|j| 0.1 + f64::from((run * 37 + salt * 13 + j * 29) % 17) / 17.0)
                .collect();
            let sum: f64 = raw.iter().sum();
            raw.iter().map(|x| x / sum).collect::<Vec<f64>>()
        };
        let (first, second) = (mixture(1), mixture(5));
        let mix = |weights: &[f64]| -> serde_json::Value {
            let pairs = domains.iter().zip(weights);
            pairs
                .map(|(name, weight)| ((*name).to_owned(), (*weight).into()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let phases = serde_json::json!({"phases": [
            {"name": "pretraining", "fraction": 0.8, "mix": mix(&first)},
            {"name": "cooldown", "fraction": 0.2, "mix": mix(&second)},
        ]});
        let math = 0.8 * first[1] + 0.2 * second[1];
        let metrics = serde_json::json!({
            "humaneval": 1.0 + 0.5 * (-3.0 * second[0]).exp(), "gsm": 1.2 + 0.4 * (-2.0 * math).exp()
        });
        let name = format!("runs/r{run:02}");
        std::fs::create_dir_all(at.join(&name)).unwrap();
        write(at, &format!("{name}/mix.json"), &phases.to_string());
        write(at, &format!("{name}/metrics.json"), &metrics.to_string());
    }
    olmix(at, "collect --swarm runs --output tables --quiet")
        .assert()
        .success();
    let told = json(at, "fit --config tables/fit.yaml --output-dir fit --json");
    assert!(!told.is_null());
    let mixture: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at.join("fit/mixture.json")).unwrap()).unwrap();
    assert!(mixture.to_string().contains("cooldown"), "{mixture}");
    // What knows one mixture only says so.
    for (command, expected) in [
        ("explore fit --no-open", "this mixture is of several phases"),
        (
            "predict --mixture fit/mixture.json --ratios tables/ratios.csv",
            "`olmix predict` knows one mixture only",
        ),
        (
            "sweep --config tables/fit.yaml",
            "`olmix sweep` knows runs with one mixture only",
        ),
        (
            "next tables/fit.yaml --runs 3 --output more",
            "the runs are in phases",
        ),
        ("mix show fit/mixture.json", "this mixture is of 2 phases"),
    ] {
        let message = refused(at, command);
        assert!(message.contains(expected), "{command}: {message}");
    }
}
