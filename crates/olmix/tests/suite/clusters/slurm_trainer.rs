//! The built-in trainer on a real Slurm, and the commands that the documents give for clusters.

use std::fs;
use std::path::Path;

use super::ON_SLURM;
use crate::acceptance::blocks;
use crate::common::slurm::Slurm;
use crate::common::swarm::{count, log, release, runs, tables};
use crate::common::{olmix, tiny};

/// Runs of the built-in trainer.
pub fn tiny_swarm(slurm: &Slurm, folder: &Path, runs: usize, training: &str, engine: &str) {
    tiny::data(folder);
    fs::create_dir_all(folder.join("swarm/launch")).unwrap();
    for i in 0..runs {
        let a = (i as f64 + 1.0) / (runs as f64 + 1.0);
        let mix = format!("{{arithmetic: {a:.3}, prose: {:.3}}}", 1.0 - a);
        let config = tiny::config(&format!("run-{i:02}"), &mix, training);
        let partition = slurm.partition("low");
        let text = format!(
            "group_id: group\nengine: {{type: slurm, cpus: 1, partition: {partition}{engine}}}\n{config}"
        );
        fs::write(folder.join(format!("swarm/launch/{i:02}.yaml")), text).unwrap();
    }
}

#[test]
fn slurm_trains_and_evaluates_in_separate_jobs() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Jobs of runs (the probe is one task) are held before their work, so that both kinds are seen.
    let engine = format!(
        ", setup: [\"test $SLURM_ARRAY_TASK_MAX -eq 1 || until test -e go; do sleep 0.05; done\"], \
         evaluation: {{partition: {}, time: 7}}",
        slurm.partition("high")
    );
    tiny_swarm(&slurm, folder, 4, "", &engine);
    let mut launcher = slurm.launch(folder, ON_SLURM);
    slurm.wait_for("evaluations wait", |slurm| {
        let partition = slurm.partition("high");
        slurm
            .ask("squeue", &["--noheader", "-p", &partition, "-o", "%E"])
            .contains("afterany:")
    });
    // Between the two, the launcher is another one.
    launcher.kill().unwrap();
    launcher.wait().unwrap();
    release(folder, "go");
    slurm.olmix(folder, ON_SLURM).assert().success();
    assert_eq!(count(folder, "finished"), 4);
    let through = tables(folder);
    for run in ["run-00", "run-03"] {
        let text = fs::read_to_string(folder.join(format!("swarm/runs/{run}/log.txt"))).unwrap();
        let of = |stage: &str| {
            text.lines()
                .filter(|line| line.contains(&format!(", {stage}, ")))
                .count()
        };
        assert_eq!((of("train"), of("evaluate")), (1, 1), "{text}");
    }
    olmix(
        folder,
        "launch run --variants swarm/launch --engine local --out here",
    )
    .assert()
    .success();
    olmix(folder, "collect --swarm here --output here")
        .assert()
        .success();
    let read = |name: &str| fs::read_to_string(folder.join("here").join(name)).unwrap();
    assert_eq!(through, (read("ratios.csv"), read("metrics.csv")));
}

#[test]
fn slurm_requeued_run_resumes_from_its_checkpoint() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Long enough to be caught half-way, however fast the machine.
    tiny_swarm(
        &slurm,
        folder,
        2,
        ", log_every: 1, learning_rate: 0.001",
        "",
    );
    for entry in fs::read_dir(folder.join("swarm/launch")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        fs::write(
            entry.path(),
            text.replace("tokens: 40_000", "tokens: 800_000"),
        )
        .unwrap();
    }
    let mut launcher = slurm.launch(folder, ON_SLURM);
    let run = folder.join("swarm/runs/run-00");
    let has_checkpoint =
        || fs::read_dir(run.join("checkpoints")).is_ok_and(|found| found.count() > 1);
    slurm.wait_for("a checkpoint", |_| {
        has_checkpoint() && count(folder, "running") == 2
    });
    let first = |run: &Path| {
        let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    let before = first(&run);
    for job in slurm.jobs("low", "R") {
        slurm.ask("scontrol", &["requeue", &job]);
    }
    slurm.wait_for("runs wait again", |_| {
        log(folder).matches("is queued again").count() == 2
    });
    slurm.begin_now();
    assert!(launcher.wait().unwrap().success(), "{}", log(folder));
    assert_eq!(
        first(&run),
        before,
        "what was trained before was not trained again"
    );
    let told = fs::read_to_string(run.join("log.txt")).unwrap();
    assert!(told.contains("begun again 1 times by its engine"), "{told}");
    assert!(
        runs(folder)
            .iter()
            .all(|run| run.failures == 0 && run.losses == 1 && run.attempt == 2)
    );
    // And it ends with the bits of one that was left alone.
    let line = "proxy train --config swarm/launch/00.yaml --out alone --threads 1 --quiet";
    olmix(folder, line).assert().success();
    let model = |run: &Path| fs::read(run.join("model/model.safetensors")).unwrap();
    assert_eq!(model(&run), model(&folder.join("alone")));
}

#[test]
fn cluster_commands_of_the_documents_run() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // In place of the demo's swarm one that takes seconds.
    tiny::data(folder);
    fs::create_dir(folder.join("olmix-demo")).unwrap();
    let launch = tiny::config("tiny", tiny::MIX, "");
    let (before, data) = launch.split_once("data:").unwrap();
    let (data, eval) = data.split_once("eval:").unwrap();
    let eval = eval.lines().next().unwrap();
    let text = format!(
        "{before}eval:{eval}\nengine: {{type: slurm, time: 10, jobs: 6, partition: {}}}\n",
        slurm.partition("low")
    );
    fs::write(folder.join("olmix-demo/launch.yaml"), text).unwrap();
    let text = format!(
        "name: tiny\ndata:{data}priors: {{token_counts: {{arithmetic: 9_000, prose: 9_000, clutter: \
         9_000}}}}\nswarm: {{repetition_factor: 20}}\nmax_tokens: 40_000\n"
    );
    fs::write(folder.join("olmix-demo/generate.yaml"), text).unwrap();
    let commands = |document: &str, language: &str| -> Vec<String> {
        let blocks = blocks(document, language);
        blocks
            .iter()
            .flat_map(|block| block.lines().map(str::to_owned))
            .collect()
    };
    let readme = commands("README.md", "bash");
    assert!(
        readme
            .iter()
            .any(|line| line.starts_with("olmix launch run ")),
        "{readme:?}"
    );
    let page = commands("docs/engines.md", "sh");
    let generate = readme[0].replace("third", "second");
    for line in readme.into_iter().chain([generate]).chain(page) {
        let line = line.strip_prefix("olmix ").unwrap();
        slurm.olmix(folder, line).assert().success();
    }
    for swarm in ["second", "third"] {
        let table = fs::read_to_string(folder.join(swarm).join("metrics.csv")).unwrap();
        assert_eq!(table.lines().count(), 7, "{table}");
    }
}
