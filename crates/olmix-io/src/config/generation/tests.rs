#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::path::Path;

use super::*;
use crate::config::launch::{LaunchBase, Variant};
use crate::config::yaml::Yaml;
use crate::swarm::sampling_plan::SamplingPlan;

/// Topics whose names hold colons, sources pinned by hand, priors of every leaf: as in swarms that
/// were really launched.
const CONFIG: &str = "\
name: reuse
data:
  sources:
  - name: arxiv
    paths: [\"s3://bucket/arxiv/*.npy\"]
  - name: existing
    topics:
    - {name: \"dclm:health\", paths: [\"s3://bucket/health/*.npy\"], weight: 0.25}
    - {name: \"dclm:travel\", paths: [\"s3://bucket/travel/*.npy\"], weight: 0.75}
  - name: pdf
    topics:
    - name: law
      quality:
      - {name: high, paths: [\"s3://bucket/law/high/*.npy\"]}
      - {name: low, paths: [\"s3://bucket/law/low/*.npy\"]}
    - {name: medicine, paths: [\"s3://bucket/medicine/**/*.npy\"]}
priors:
  token_counts:
    arxiv: 20_000_000_000
    \"existing:dclm:health\": 57992322702
    \"existing:dclm:travel\": 8495229492
    \"pdf:law:high\": 1000000000
    \"pdf:law:low\": 3000000000
    \"pdf:medicine\": 9000000000
swarm:
  seed: 42
  variants: 16
  minimum_weight: 0.0001
  min_strength: 1
  max_strength: 20
  nonzero_weight: [arxiv, existing]
  manual_prior: {arxiv: 0.1, existing: 0.7, pdf: 0.2}
max_tokens: 2910233600
";

fn plan(text: &str) -> Result<SamplingPlan, IoError> {
    GenerationConfig::parse("gen.yaml", text, Path::new(""))?.plan()
}

/// The message for a config with one part replaced.
fn refused(from: &str, to: &str) -> String {
    assert!(CONFIG.contains(from), "{from}");
    let error = plan(&CONFIG.replace(from, to)).map(|_| ()).unwrap_err();
    error.to_string()
}

#[test]
fn a_config_of_the_reference_is_understood() {
    let plan = plan(CONFIG).unwrap();
    let names: Vec<&str> = plan.tree.domains().names().collect();
    assert_eq!(
        names[1..4],
        [
            "existing:dclm:health",
            "existing:dclm:travel",
            "pdf:law:high"
        ]
    );
    assert_eq!((plan.variants, plan.by_rule), (16, false));
    assert_eq!(plan.options.sources.strength, (1.0, 20.0));
    assert_eq!(plan.options.multiples_of, Some(0.0001));
    // All but the choice between health and travel is free.
    assert_eq!(plan.tree.free_leaves(), 6);
    let caps = plan.options.caps.unwrap();
    assert!((caps[3] - 1e9 / 2_910_233_600.0).abs() < 1e-15);
}

#[test]
fn levels_take_their_own_settings_then_their_preset_then_those_of_both() {
    let swarm = |settings: &str| {
        let text = CONFIG.replace("  minimum_weight: 0.0001\n", settings);
        plan(&text).unwrap().options
    };
    let options = swarm("  topic_preset: sparse\n  minimum_source_weight: 0.05\n");
    assert_eq!(
        (options.sources.minimum, options.topics.minimum),
        (0.05, 0.02)
    );
    assert_eq!(options.sources.strength, (1.0, 20.0));
    assert_eq!(options.topics.strength, (0.1, 5.0));
    assert_eq!(options.multiples_of, None);
    let options = swarm("  max_topic_strength: 40\n  source_mix_temperature: 0.5\n");
    assert_eq!(options.topics.strength, (1.0, 40.0));
    assert_eq!(
        (options.sources.temperature, options.topics.temperature),
        (0.5, 1.0)
    );
    assert_eq!(options.multiples_of, Some(0.002));
}

#[test]
fn partly_pinned_topics_are_noticed_with_their_sum() {
    let plan = plan(&CONFIG.replace(", weight: 0.75}", "}")).unwrap();
    let notice = plan.notices.join("\n");
    assert!(
        notice.contains("`existing`") && notice.contains("0.25"),
        "{notice}"
    );
}

#[test]
fn each_bad_config_gets_one_message_that_names_the_source() {
    let cases = [
        (", weight: 0.75}", ", weight: 0.85}", "existing"),
        (", weight: 0.75}", ", weight: 1.5}", "existing:dclm:travel"),
        (
            "  - name: pdf\n",
            "  - name: pdf\n    weight: 0.5\n",
            "arxiv",
        ),
        (
            "[\"s3://bucket/arxiv/*.npy\"]",
            "[\"s3://b/a.npy\", \"/data/a.npy\"]",
            "arxiv",
        ),
        ("[\"s3://bucket/arxiv/*.npy\"]", "[]", "arxiv"),
        (
            "  - name: pdf\n",
            "  - name: pdf\n    paths: [\"/x\"]\n",
            "pdf",
        ),
        ("    paths: [\"s3://bucket/arxiv/*.npy\"]\n", "", "arxiv"),
        ("    arxiv: 20_000_000_000\n", "", "arxiv"),
        ("    arxiv: 20_000_000_000\n", "    arxiv: 0\n", "arxiv"),
        (
            "    \"pdf:medicine\": 9000000000\n",
            "    \"pdf:medecine\": 9\n",
            "pdf:medicine",
        ),
        (
            "max_tokens: 2910233600",
            "max_tokens: 999_000_000_000",
            "44326972656",
        ),
        ("[arxiv, existing]", "[arxif]", "arxiv"),
        (
            "arxiv: 0.1, existing: 0.7, pdf: 0.2",
            "arxiv: 0.1, pdf: 0.2",
            "existing",
        ),
        ("min_strength: 1\n", "min_strength: 30\n", "30"),
        ("name: reuse\n", "name: ../reuse\n", "../reuse"),
        (
            "{name: \"dclm:travel\"",
            "{name: \"dclm:health\"",
            "dclm:health",
        ),
        ("  - name: arxiv\n", "  - name: run\n", "run"),
        ("variants: 16", "variants: 0", "variants"),
        ("variants: 16", "target_tokens: 1e15", "target_tokens"),
        ("variants: 16", "existing_mix_file: old.csv", "old.csv"),
    ];
    for (from, to, named) in cases {
        let message = refused(from, to);
        assert!(message.starts_with("gen.yaml"), "{message}");
        assert!(message.contains(named), "{to}: {message}");
        assert_eq!(message.lines().count(), 2, "{message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
}

#[test]
fn a_run_that_a_swarm_is_for_needs_token_counts() {
    let text = CONFIG
        .replace("token_counts", "relative_sizes")
        .replace("variants: 16", "target_tokens: 1e10");
    let message = plan(&text).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("`priors.token_counts`"), "{message}");
}

#[test]
fn a_launch_config_keeps_what_the_base_says_and_takes_the_rest_from_the_variant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("base.yaml");
    let base =
        "# all runs\nname: base\ntraining: {proxy_model_id: olmo3_30m, seed: 007}\nmix: {x: 1}\n";
    std::fs::write(&path, base).unwrap();
    let (base, _) = LaunchBase::read(&path).unwrap();
    let config = GenerationConfig::parse("gen.yaml", CONFIG, Path::new("")).unwrap();
    let mixture = [
        ("arxiv", 1.0 / 3.0, Some(2.5)),
        ("pdf:medicine", 2.0 / 3.0, Some(0.25)),
        ("pdf:law:low", 0.0, Some(0.0)),
    ];
    let variant = Variant {
        id: "reuse-abc-0001",
        group: "abc",
        mixture: &mixture,
        replicate: 0,
        phases: &[],
    };
    let again = base.variant(
        &config,
        &Variant {
            replicate: 2,
            ..variant.clone()
        },
    );
    assert!(again.contains("seed: 9\n"), "{again}");
    let text = base.variant(&config, &variant);
    let document = Document::parse("launch.yaml", &text).unwrap();
    let mut root = document.root().section().unwrap();
    assert_eq!(
        root.required("name").unwrap().text().unwrap(),
        "reuse-abc-0001"
    );
    assert_eq!(root.required("group_id").unwrap().text().unwrap(), "abc");
    let training = root.required("training").unwrap().to_yaml();
    assert!(
        Yaml::Map(vec![("training".into(), training)])
            .to_file()
            .contains("seed: 007")
    );
    assert_eq!(
        root.required("data").unwrap().to_yaml(),
        config.data.written
    );
    let mix = root.required("mix").unwrap();
    let mix: Vec<(&str, f64, f64)> = mix
        .entries()
        .unwrap()
        .into_iter()
        .map(|(name, value)| {
            let mut leaf = value.section().unwrap();
            let mut number = |key| leaf.required(key).unwrap().number().unwrap();
            (name, number("weight"), number("repetition_factor"))
        })
        .collect();
    assert_eq!(
        mix,
        [("arxiv", 1.0 / 3.0, 2.5), ("pdf:medicine", 2.0 / 3.0, 1.0)]
    );
}
