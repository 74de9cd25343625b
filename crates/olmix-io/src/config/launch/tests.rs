#![allow(clippy::unwrap_used)] // a failed step fails the test

use super::*;

const DATA: &str = "data: {dtype: uint16, sources: [{name: a, paths: [a.bin]}]}\n";

fn parse(text: &str) -> Result<LaunchConfig, IoError> {
    LaunchConfig::parse("launch.yaml", text, Path::new(""))
}

#[test]
fn a_nested_mix_multiplies_weights_and_inherits_factors() {
    let text = format!(
        "name: x\ntraining: {{proxy_model_id: olmo3_30m}}\n{DATA}mix:\n  dclm: {{weight: 0.8, \
         repetition_factor: 2, code: {{weight: 0.5}}, math: \
         {{weight: 0.5, repetition_factor: 3}}}}\n  wiki: 0.2\n"
    );
    let config = parse(&text).unwrap();
    let leaf = |name: &str, weight, repetition_factor| MixLeaf {
        name: name.into(),
        weight,
        repetition_factor,
    };
    assert_eq!(
        config.mix,
        [
            leaf("dclm:code", 0.4, Some(2.0)),
            leaf("dclm:math", 0.4, Some(3.0)),
            leaf("wiki", 0.2, None)
        ]
    );
    assert_eq!(config.training.size, "30m");
    assert_eq!(config.trainer, TrainerKind::Builtin);
}

#[test]
fn a_custom_trainer_needs_no_data_and_no_size() {
    let text = "name: x\ntraining: {seed: 7}\ntrainer: {command: \"train {mix_json}\", timeout: 60}\nmix: \
        {a: 1}\n";
    let config = parse(text).unwrap();
    assert_eq!(
        config.trainer,
        TrainerKind::Command {
            command: "train {mix_json}".into(),
            metrics: "{out}/metrics.json".into(),
            timeout: Some(60)
        }
    );
}

#[test]
fn a_launch_config_that_can_not_be_meant_is_refused_with_its_place() {
    for (text, expected) in [
        (
            "name: x\ntraining: {proxy_model_id: demo}\nmix: {a: 1}\n",
            "there is no `data`",
        ),
        (
            "name: x\ntraining: {proxy_model_id: demo, learning_rate: -1}\nDATAmix: {a: 1}\n",
            "launch.yaml:2:49: `training.learning_rate` must be a number above 0",
        ),
        (
            "name: x\ntraining: {proxy_model_id: demo}\nDATAmix: {a: 0.5, b: 0.4}\n",
            "sum to 0.9000",
        ),
        (
            "name: x\ntraining: {proxy_model_id: demo}\nDATAtrainer: torhc\nmix: {a: 1}\n",
            "did you mean `torch`",
        ),
        (
            "name: x\ntraining: {proxy_model_id: demo, model: {wdith: 64}}\nDATAmix: {a: 1}\n",
            "unknown key `wdith`",
        ),
    ] {
        let error = parse(&text.replace("DATA", DATA)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_section_that_nothing_reads_gets_a_notice() {
    let text = format!(
        "name: x\ninfra: {{gpus: 1}}\ntraining: {{proxy_model_id: olmo3_30m}}\n{DATA}mix: {{a: 1}}\n"
    );
    let notices = parse(&text).unwrap().notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("`infra` is not used"), "{notices:?}");
}
