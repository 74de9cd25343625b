//! `TensorBoard`, trackio and `SwanLab`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::made_by;
use crate::common::refused;
use crate::swarms::collect::{collect, read, write};

/// The runs, written once for all tests.
fn runs() -> Option<&'static Path> {
    static RUNS: OnceLock<Option<TempDir>> = OnceLock::new();
    let made = RUNS.get_or_init(|| made_by("make_small.py")).as_ref();
    made.map(TempDir::path)
}

/// Collects one of the folders and returns both tables and what is said.
fn collected(swarm: &Path, options: &str) -> (String, String, String) {
    let out = tempfile::tempdir().unwrap();
    let told = collect(
        out.path(),
        &format!("--swarm {} {options}", swarm.display()),
    );
    let table = |name: &str| read(out.path(), name);
    (table("out/ratios.csv"), table("out/metrics.csv"), told)
}

fn assert_told(told: &str, expected: &[&str]) {
    for expected in expected {
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[test]
fn collect_reads_scalars_tensors_and_hyperparameters_of_event_files() {
    let Some(runs) = runs() else { return };
    let (ratios, metrics, told) = collected(&runs.join("tb"), "--exclude m");
    // 1.6 is what it was, not 1.600000023841858 of 32 bits.
    assert_eq!(
        metrics,
        "run,eval/bpb,loss\nrun-a,1.1,2\nrun-b,1.6,3\nrun-c,2.1,4\n"
    );
    assert_eq!(
        ratios,
        "run,code,web\nrun-a,0.25,0.75\nrun-b,0.5,0.5\nrun-c,0.75,0.25\n"
    );
    let expected = [
        "run-n is left out: `eval/bpb` is not a finite number",
        "run-s is left out: it stopped short: `eval/bpb` was last measured at step 20, and in most runs at 40",
        "run-x is left out: events.out.tfevents.",
        "cut within a record, at byte ",
        "run-y is left out: events.out.tfevents.1.host: not an event file of TensorBoard",
        "run-t is left out: it has none of the metrics that most runs have",
        "event files do not say whether a run finished",
    ];
    assert_told(&told, &expected);
    // The folder below a run's tells tags apart, where it is not the time of a start.
    let (_, metrics, _) = collected(&runs.join("tb"), "--include train/* --exclude *m");
    assert_eq!(metrics, "run,train/eval/bpb,train/loss\nrun-t,2.6,5\n");
    // One run, whose folder is given.
    let out = tempfile::tempdir().unwrap();
    write(out.path(), "r.csv", "run,web\nrun-a,1\n");
    let line = format!(
        "--swarm {} --ratios r.csv --exclude m",
        runs.join("tb/run-a").display()
    );
    collect(out.path(), &line);
    assert_eq!(
        read(out.path(), "out/metrics.csv"),
        "run,eval/bpb,loss\nrun-a,1.1,2\n"
    );
}

#[test]
fn collect_reads_a_trackio_project_and_names_it_when_it_is_in_use_or_newer() {
    let Some(runs) = runs() else { return };
    let told = |told: &str| {
        let expected = [
            "run-n is left out: `eval/bpb` is not a finite number",
            "run-s is left out: it stopped short",
            "trackio does not record whether a run finished",
            "two\\nlines is left out: its name has a line break or control character: rename it in its tracker",
            "run-d is left out: its mixture is not known: its mixture has a domain `web\\u{2028}`, whose name",
            "metrics whose names have a line break or control character are left out: a\\tb",
        ];
        assert_told(told, &expected);
    };
    for swarm in ["trackio", "trackio/p.db"] {
        let (ratios, metrics, said) = collected(&runs.join(swarm), "");
        assert_eq!(metrics, "run,eval/bpb,loss\nrun-a,1,2\nrun-b,1.5,3\n");
        assert_eq!(ratios, "run,code,web\nrun-a,0.25,0.75\nrun-b,0.5,0.5\n");
        told(&said);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.db");
    fs::copy(runs.join("trackio/p.db"), &path).unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
        .unwrap();
    for swarm in ["p.db", "."] {
        let message = refused(
            folder.path(),
            &format!("collect --swarm {swarm} --output none"),
        );
        assert!(
            message.contains("p.db: the database is in use"),
            "{message}"
        );
    }
    database
        .execute_batch("ROLLBACK; ALTER TABLE metrics RENAME COLUMN step TO at")
        .unwrap();
    drop(database);
    let message = refused(folder.path(), "collect --swarm p.db --output none");
    assert!(
        message.contains(
            "of a version that this olmix does not know: its table `metrics` has no column `step`"
        ),
        "{message}"
    );
    assert!(!folder.path().join("none").exists());
}

#[test]
fn collect_reads_swanlab_runs_with_their_names_mixtures_and_states() {
    let Some(runs) = runs() else { return };
    let (ratios, metrics, told) = collected(&runs.join("swanlog"), "");
    assert_eq!(metrics, "run,eval/bpb,loss\nrun-a,1,2\nrun-b,1.5,3\n");
    assert_eq!(ratios, "run,code,web\nrun-a,0.25,0.75\nrun-b,0.5,0.5\n");
    let expected = [
        "`run-b`: run-",
        "is not counted: it crashed",
        "is left out: it did not finish: it runs, or was killed",
        "run-n is left out: `eval/bpb` is not a finite number",
        "run-s is left out: it stopped short",
    ];
    assert_told(&told, &expected);
}

#[test]
fn runs_of_several_or_unsupported_trackers_are_named_as_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let message = |swarm: &str| refused(folder, &format!("collect --swarm {swarm} --output none"));
    write(
        folder,
        "both/wandb/run-20260101_100000-x/files/wandb-summary.json",
        "{}",
    );
    write(
        folder,
        "both/swanlog/run-20260101_100000-x/files/swanlab-metadata.json",
        "{}",
    );
    let said = message("both");
    assert_told(
        &said,
        &[
            "both: holds runs of several trackers",
            "give --swarm one of: both/wandb (Weights & Biases), both/swanlog (SwanLab)",
        ],
    );
    for (name, tracker, command) in [
        (".aim", "Aim", "aim.Repo('.').iter_runs()"),
        (".neptune", "Neptune", "`neptune sync`"),
        (".cometml-runs", "Comet", "`comet upload"),
    ] {
        write(folder, &format!("{tracker}/{name}/file"), "");
        for swarm in [tracker.to_owned(), format!("{tracker}/{name}")] {
            let said = message(&swarm);
            let named = format!("holds runs of {tracker}, whose files olmix does not read");
            assert_told(&said, &[&named, command]);
            assert!(!said.contains("wait until"), "{said}");
        }
    }
}
