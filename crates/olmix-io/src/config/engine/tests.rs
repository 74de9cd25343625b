#![allow(clippy::unwrap_used)] // a failed step fails the test

use super::*;

fn parse(text: &str) -> Result<EngineConfig, IoError> {
    let document = Document::parse("launch.yaml", text)?;
    let mut root = document.root().section()?;
    EngineConfig::read(&root.required("engine")?)
}

#[test]
fn an_engine_section_is_read_and_survives_its_record_in_json() {
    let config = parse(
        "engine:\n  type: slurm\n  partition: gpu\n  gres: gpu:a100:2\n  nodes: 2\n  time: 1-02:30:00\n  \
         jobs: 64\n  \
         setup: [module load cuda, \"export A='b c'\"]\n  env: {WANDB_MODE: offline}\n  runtime_env: {pip: \
         [torch], env_vars: {A: \"1\"}, n: 2}\n  \
         evaluation: {partition: cpu, gpus: 0, gres: none}\n",
    )
    .unwrap();
    assert_eq!(config.kind, EngineKind::Slurm);
    assert_eq!(config.gpus_of_run(), 4);
    assert_eq!(config.limit(), Some(Duration::from_mins(1590)));
    let evaluation = config.evaluation.as_ref().unwrap();
    assert_eq!(evaluation.partition.as_deref(), Some("cpu"));
    assert_eq!(evaluation.setup, config.setup);
    let expected = serde_json::json!({"pip": ["torch"], "env_vars": {"A": "1"}, "n": 2});
    assert_eq!(config.runtime_env, Some(expected));
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<EngineConfig>(&text).unwrap(), config);
    assert_eq!(parse("engine: ray\n").unwrap().kind, EngineKind::Ray);
}

#[test]
fn a_share_of_a_gpu_is_for_ray_and_memory_may_have_any_unit() {
    let ray = parse("engine: {type: ray, gpus: 0.5, memory: 32GB}\n").unwrap();
    assert_eq!((ray.gpu_fraction, ray.gpus_of_run()), (Some(0.5), 1));
    assert_eq!(ray.memory.as_deref(), Some("32G"));
    assert_eq!(ray.memory_bytes(), Some(32 << 30));
    let text = serde_json::to_string(&ray).unwrap();
    assert_eq!(serde_json::from_str::<EngineConfig>(&text).unwrap(), ray);
    let whole = parse("engine: {type: slurm, gpus: 2}\n").unwrap();
    assert_eq!((whole.gpu_fraction, whole.gpus), (None, Some(2)));
    for (section, expected) in [
        (
            "type: slurm, gpus: 0.5",
            "only Ray gives a run a share of a GPU",
        ),
        ("type: ray, gpus: 1.5", "a share of one GPU such as 0.5"),
        ("type: ray, memory: lots", "an amount of memory such as 32G"),
        (
            "type: slurm, time: 18446744073709551615",
            "`engine.time` must be a time",
        ),
    ] {
        let error = parse(&format!("engine: {{{section}}}\n")).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn an_engine_section_that_can_not_be_meant_is_refused_with_its_place() {
    for (text, expected) in [
        ("engine: {type: slrum}\n", "did you mean `slurm`"),
        (
            "engine: {type: slurm, partiton: gpu}\n",
            "unknown key `partiton`",
        ),
        (
            "engine: {type: slurm, time: 2h}\n",
            "`engine.time` must be a time such as",
        ),
        (
            "engine: {type: slurm, gpus: -1}\n",
            "`engine.gpus` must be a whole number",
        ),
        ("engine: {storage: /scratch/x}\n", "which is not a URL"),
        (
            "engine: {env: {\"A B\": c}}\n",
            "is not a valid variable name",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_without_an_engine_section_has_no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "name: x\n").unwrap();
    assert_eq!(EngineConfig::load(&file).unwrap(), None);
}

#[test]
fn settings_of_another_engine_are_noticed_and_those_of_all_engines_are_not() {
    let notices = |text: &str| parse(text).unwrap().notices();
    let shared = "jobs: 4, gpus: 1, cpus: 8, memory: 32G, setup: [x], env: {A: b}";
    for (kind, expected) in [("slurm", 0), ("ray", 0), ("local", 0)] {
        let found = notices(&format!("engine: {{type: {kind}, {shared}}}\n"));
        assert_eq!(found.len(), expected, "{found:?}");
    }
    let slurm = "partition: gpu, account: lab, qos: high, gres: gpu:1, time: 90, nodes: 2, options: \
        [--exclusive]";
    let ray = "address: http://head:8265, runtime_env: {pip: [torch]}, resources: {tpu: 1}";
    assert_eq!(
        notices(&format!("engine: {{type: ray, {slurm}, {ray}}}\n")),
        [
            "`engine.partition`, `engine.account`, `engine.qos`, `engine.gres`, `engine.time`, \
             `engine.nodes`, \
             `engine.options` have no effect: they are settings of slurm, and the engine is ray"
        ]
    );
    assert_eq!(
        notices(&format!("engine: {{type: slurm, {slurm}, {ray}}}\n")),
        [
            "`engine.address`, `engine.runtime_env`, `engine.resources` have no effect: they are settings \
             of ray, \
             and the engine is slurm"
        ]
    );
    // Without a type the engine is `local`, which takes neither.
    let found = notices(&format!("engine: {{{slurm}, {ray}}}\n"));
    assert!(
        found[0].contains("settings of slurm, and the engine is local"),
        "{found:?}"
    );
    assert!(
        found[1].contains("settings of ray, and the engine is local"),
        "{found:?}"
    );
    let evaluation = notices("engine: {type: ray, evaluation: {partition: cpu}}\n");
    assert!(
        evaluation[0].starts_with("`engine.evaluation.partition` has no effect"),
        "{evaluation:?}"
    );
}
