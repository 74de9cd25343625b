//! Results of evaluation programs, where they write them.
//!
//! `lm_eval_results.json` is what lm-evaluation-harness 0.4.13 wrote with `--model dummy --tasks my_group,my_text`: two
//! multiple-choice tasks of a group and a rolling text of our own. The package brings 600 MB, too much for every test
//! run. The files of olmes are written here by hand, in the shape of its `run_eval.py`: it is on no package index.

use std::path::Path;

use crate::common::{olmix, refused};
use crate::swarms::collect::{RATIOS, collect, read, write};

const RESULTS: &str = include_str!("lm_eval_results.json");

/// Results with another value in place of the bits per byte and of the first accuracy.
fn results(bits: f64, accuracy: f64) -> String {
    let text = RESULTS.replace("0.02705813262116097", &bits.to_string());
    text.replacen("\"acc,none\": 0.5", &format!("\"acc,none\": {accuracy}"), 1)
}

/// Collects a folder with the mixtures of runs a to d.
fn collected(folder: &Path, options: &str) -> (String, String, String) {
    write(folder, "ratios.csv", RATIOS);
    let told = collect(folder, &format!("--swarm m --ratios ratios.csv {options}"));
    let file = |name: &str| read(folder, name);
    (file("out/metrics.csv"), file("out/metrics.meta.json"), told)
}

#[test]
fn harness_results_give_the_metrics_of_tasks_wherever_the_harness_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // With --output_path RUN, the later of two evaluations counts.
    let early = "m/a/model/results_2026-11-27T08-40-10.443018.json";
    write(folder, early, &results(9.0, 0.1));
    write(folder, &early.replace("T08", "T09"), &results(0.75, 0.25));
    // With --output_path RUN.json, and as a file that was copied.
    write(
        folder,
        "m/b_2026-11-27T08-40-10.443018.json",
        &results(0.5, 0.5),
    );
    write(folder, "m/c.json", &results(0.25, 0.75));
    let (metrics, meta, told) = collected(folder, "");
    assert_eq!(
        metrics,
        "run,my_text/bits_per_byte\na,0.75\nb,0.5\nc,0.25\n"
    );
    assert!(
        meta.contains("\"my_text/bits_per_byte\": {\n      \"direction\": \"min\""),
        "{meta}"
    );
    for expected in [
        "metrics of which more is better are left out (--include brings them): my_mc/acc, my_mc/acc_norm, \
         my_mc2/acc, my_mc2/acc_norm",
        "metrics that repeat others are left out (--include brings them): my_group/acc, \
         my_text/byte_perplexity, my_text/word_perplexity",
        "`a` is results_2026-11-27T09-40-10.443018.json",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    for gone in ["stderr", "sample_len", "config", "git_hash", "finite"] {
        assert!(!told.contains(gone), "{gone} in {told}");
    }
    let (metrics, meta, _) = collected(folder, "--include my_mc/*");
    assert!(
        metrics.starts_with("run,my_mc/acc,my_mc/acc_norm\na,0.25,0.5\n"),
        "{metrics}"
    );
    assert!(
        meta.contains("\"my_mc/acc\": {\n      \"direction\": \"max\""),
        "{meta}"
    );
    // Scores alone are the metrics, but for the mean of their group.
    let (metrics, _, told) = collected(folder, "--exclude my_text/*");
    assert!(
        metrics.starts_with("run,my_mc/acc,my_mc/acc_norm,my_mc2/acc,my_mc2/acc_norm\n"),
        "{metrics}"
    );
    assert!(
        told.contains(
            "metrics that repeat others are left out (--include brings them): my_group/acc"
        ),
        "{told}"
    );
}

#[test]
fn harness_results_of_two_checkpoints_of_a_run_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let time = "results_2026-11-27T08-40-10.443018.json";
    for model in ["step500", "step1000"] {
        write(folder, &format!("m/a/{model}/{time}"), &results(1.0, 0.5));
    }
    write(folder, &format!("m/b/step1000/{time}"), &results(1.0, 0.5));
    let (metrics, _, told) = collected(folder, "");
    assert_eq!(metrics, "run,my_text/bits_per_byte\nb,1\n");
    assert!(
        told.contains(
            "a is left out: it has results of several models or checkpoints for the same tasks"
        ),
        "{told}"
    );
    // The results of one model, whose folder is given.
    let line = format!("--swarm m/b/step1000 --ratios {}", "of-model.csv");
    write(folder, "of-model.csv", "run,web\nstep1000,1\n");
    collect(folder, &line);
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,my_text/bits_per_byte\nstep1000,1\n"
    );
}

#[test]
fn harness_results_that_a_trainer_left_keep_their_directions_through_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (run, bits) in [("a", 0.5), ("b", 0.75)] {
        write(folder, &format!("{run}.json"), &results(bits, 0.25));
        let source = folder.join(format!("{run}.json"));
        let config = format!(
            "name: {run}\ngroup_id: g\ntraining: {{seed: 0}}\ntrainer: {{command: \"cp {} {{out}}/metrics.json\"}}\nmix: {{web: 1}}\n",
            source.display()
        );
        write(folder, &format!("launch/{run}.yaml"), &config);
    }
    olmix(folder, "launch run --variants launch --out runs --quiet")
        .assert()
        .success();
    let told = collect(folder, "--swarm runs");
    assert_eq!(
        read(folder, "out/metrics.csv"),
        "run,my_text/bits_per_byte\na,0.5\nb,0.75\n"
    );
    assert!(
        told.contains("metrics of which more is better are left out"),
        "{told}"
    );
    collect(folder, "--swarm runs --include my_mc/acc");
    let meta = read(folder, "out/metrics.meta.json");
    assert!(
        meta.contains("\"my_mc/acc\": {\n      \"direction\": \"max\""),
        "{meta}"
    );
}

/// A task as olmes records it.
fn olmes_task(name: &str, bits: f64) -> (String, String) {
    let config = format!(
        r#""task_config": {{"primary_metric": "acc_raw", "metadata": {{"alias": "{name}:rc::olmes"}}}}"#
    );
    let values = format!(
        r#""acc_raw": 0.5, "acc_uncond": null, "bits_per_byte_corr": {bits}, "primary_score": 0.5"#
    );
    let simple = format!(r#"{{"task": "{name}", {values}, "num_instances": 10, {config}}}"#);
    let line = format!(
        r#"{{"task_name": "{name}", "task_idx": 0, "metrics": {{{values}}}, "num_instances": 10, {config}}}"#
    );
    (simple, line)
}

#[test]
fn olmes_results_give_the_bits_per_byte_of_every_task() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (one, other) = (olmes_task("arc_easy", 0.9), olmes_task("boolq", 1.25));
    let whole = format!(
        r#"{{"all_primary_scores": ["arc_easy: 0.5"], "metrics": [{}, {}], "model_config": {{"max_length": 2048}}}}"#,
        one.0, other.0
    );
    write(folder, "m/a/metrics.json", &whole);
    write(
        folder,
        "m/b/metrics-all.jsonl",
        &format!("{}\n{}\n", one.1, other.1),
    );
    let (metrics, meta, told) = collected(folder, "");
    assert_eq!(
        metrics,
        "run,arc_easy:rc::olmes/bits_per_byte_corr,boolq:rc::olmes/bits_per_byte_corr\na,0.9,1.25\nb,0.9,1.25\n"
    );
    assert!(!meta.contains("max"), "{meta}");
    assert!(!told.contains("max_length"), "{told}");
    let (metrics, meta, _) = collected(folder, "--include *primary_score");
    assert!(metrics.ends_with("\na,0.5,0.5\nb,0.5,0.5\n"), "{metrics}");
    assert!(meta.contains("\"direction\": \"max\""), "{meta}");
    write(
        folder,
        "m/b/metrics-all.jsonl",
        &format!("{}\n{{\"oom\": true}}\n", one.1),
    );
    let (_, _, told) = collected(folder, "");
    assert!(
        told.contains("b is left out: line 2: not a task with its metrics"),
        "{told}"
    );
}

#[test]
fn null_and_nan_count_only_where_other_runs_have_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(
        folder,
        "m/a.json",
        r#"{"eval": {"loss": 2, "note": null, "spoiled": NaN}}"#,
    );
    write(
        folder,
        "m/b.json",
        "\u{feff}{\"eval\": {\"loss\": 3, \"note\": null}}",
    );
    write(
        folder,
        "m/c.json",
        r#"{"eval": {"loss": null, "note": null}}"#,
    );
    let (metrics, _, told) = collected(folder, "");
    assert_eq!(metrics, "run,eval/loss\na,2\nb,3\n");
    for expected in [
        "c is left out: `eval/loss` is not a finite number",
        "metrics that are not a finite number in any run are left out: eval/note, eval/spoiled",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let message = refused(folder, "collect --swarm m --output none");
    assert!(
        message.contains("give the mixtures with --ratios or --variants"),
        "{message}"
    );
    assert!(!message.contains("wait until"), "{message}");
}
