//! Runs of Weights & Biases: everything stands in `run-ID.wandb`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::made_by;
use crate::common::refused;
use crate::swarms::collect::{collect, read, write};

/// The runs, written once for all tests.
fn runs() -> Option<&'static Path> {
    static RUNS: OnceLock<Option<TempDir>> = OnceLock::new();
    let made = RUNS.get_or_init(|| made_by("make_wandb.py")).as_ref();
    made.map(TempDir::path)
}

/// Collects one of the folders and returns both tables and what is said.
fn collected(folder: &str, options: &str) -> Option<(String, String, String)> {
    let runs = runs()?;
    let out = tempfile::tempdir().unwrap();
    let swarm = runs.join(folder);
    let told = collect(
        out.path(),
        &format!("--swarm {} {options}", swarm.display()),
    );
    let table = |name: &str| read(out.path(), name);
    Some((table("out/ratios.csv"), table("out/metrics.csv"), told))
}

#[test]
fn collect_reads_offline_wandb_runs_with_their_names_mixtures_and_exit_codes() {
    let Some((ratios, metrics, told)) = collected("runs", "") else {
        return;
    };
    // The parts of a run are merged, and nothing of a crashed, shorter or killed one replaces what was finished.
    assert_eq!(
        metrics,
        "run,eval/arc easy:bpb,final,loss\nrun-a,1,1.5,2\nrun-b,1.5,2.5,3\nrun-c,2,3.5,4\n\
         run-f,2.5,4.5,5\nrun-r,3,5.5,6\n"
    );
    assert_eq!(
        ratios,
        "run,code,web\nrun-a,0.25,0.75\nrun-b,0.5,0.5\nrun-c,0.75,0.25\nrun-f,0,1\nrun-r,0.8,0.2\n"
    );
    for expected in [
        "runs that were recorded in several parts are merged",
        "`run-c` has 2 metrics of offline-run-",
        ", 1 metric of offline-run-",
        "stopped at step 2, and replaces nothing that was measured later in training (step 9)",
        "is not counted: it failed (exit code 1)",
        "is left out: it did not finish: it runs, or was killed",
        "run-e is left out: it failed (exit code 3)",
        "run-s is left out: it stopped short: `eval/arc easy:bpb` was last measured at step 4, and in most runs \
         at 9 (--include-short keeps it)",
        "metrics that few runs have are left out (--include brings them): early (1 of 5 runs)",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[test]
fn collect_reads_online_wandb_runs_from_the_same_file() {
    let Some((ratios, metrics, told)) = collected("online", "") else {
        return;
    };
    let rows: Vec<&str> = metrics.lines().collect();
    assert_eq!(rows.len(), 3, "{told}");
    assert_eq!(rows[0], "run,eval/arc easy:bpb,loss");
    assert!(rows.contains(&"run-a,1,2"), "{metrics}");
    // A name that the service gave is not in the file: the run goes by its id.
    let other = rows.iter().find(|row| row.ends_with(",1.5,3")).unwrap();
    let id = other.split(',').next().unwrap();
    assert!(ratios.contains(&format!("{id},0.25,0.75\n")), "{ratios}");
    assert!(ratios.contains("run-a,0.5,0.5\n"), "{ratios}");
}

#[test]
fn collect_keeps_short_runs_when_asked_and_names_them() {
    let Some((_, metrics, told)) = collected("runs", "--include-short") else {
        return;
    };
    assert!(metrics.ends_with("run-s,3.5,0.5,7\n"), "{metrics}");
    assert!(
        told.contains("runs that stopped short are kept: run-s (step 4 of 9)"),
        "{told}"
    );
}

#[test]
fn mixtures_that_are_given_count_before_those_of_wandb_configs() {
    let Some(runs) = runs() else { return };
    let out = tempfile::tempdir().unwrap();
    write(
        out.path(),
        "ratios.csv",
        "run,web,code\nrun-a,0.75,0.25\nresumed,0.125,0.875\nrun-b,0.25,0.75\n",
    );
    let line = format!(
        "--swarm {} --ratios ratios.csv",
        runs.join("runs").display()
    );
    let told = collect(out.path(), &line);
    // A run goes by its id, too.
    assert_eq!(
        read(out.path(), "out/ratios.csv"),
        "run,web,code\nresumed,0.125,0.875\nrun-a,0.75,0.25\nrun-b,0.25,0.75\n"
    );
    for expected in [
        "runs whose own config has another mixture than the one that is given, which counts: resumed, run-b",
        "run-c is left out: its mixture is not known: none is given under its name",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    write(out.path(), "other.csv", "run,web,code\nA,0.75,0.25\n");
    let line = line.replace("ratios.csv", "other.csv");
    let message = refused(out.path(), &format!("collect --output other {line}"));
    assert!(
        message.contains("has to name the runs as their source does; it has: A"),
        "{message}"
    );
}

#[test]
fn defined_summaries_nested_metrics_and_removed_keys_have_their_right_values() {
    let Some((ratios, metrics, told)) = collected("shapes", "--exclude spoiled") else {
        return;
    };
    assert_eq!(metrics, "run,best,loss\nlast,4,8\nnested,2,8\n");
    assert_eq!(ratios, "run,code,web\nlast,0,1\nnested,0.5,0.5\n");
    for expected in [
        "metrics that repeat others are left out (--include brings them): best/min, loss/max, loss/min",
        "undecided is left out: its mixture is not known: its config has two mixtures, `mixture` and `data.mix`, \
         which differ",
        "metrics/grad_norm (1 of 2 runs)",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // `gone` was taken out of the summary.
    assert!(!told.contains("gone"), "{told}");
    let (_, metrics, _) = collected(
        "shapes",
        "--include loss* --include metrics/* --include spoiled --include stale",
    )
    .unwrap();
    assert_eq!(
        metrics,
        "run,loss,loss/max,loss/min,spoiled,stale\nlast,8,9,5,1,8\n"
    );
    let (_, metrics, told) = collected("shapes", "--include metrics/* --include loss").unwrap();
    assert_eq!(metrics, "run,loss,metrics/grad_norm\nlast,8,\nnested,8,1\n");
    assert!(!told.contains("spoiled"), "{told}");
}

#[test]
fn wandb_folders_of_every_run_are_found_below_its_own_and_named_by_it() {
    let Some(log) = long_log() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for run in ["a", "b"] {
        let of_run = folder.join(format!(
            "outputs/{run}/wandb/offline-run-20260101_000000-{run}1"
        ));
        fs::create_dir_all(&of_run).unwrap();
        fs::write(of_run.join(format!("run-{run}1.wandb")), &log).unwrap();
    }
    write(folder, "ratios.csv", "run,web\na,1\n");
    collect(
        folder,
        "--swarm outputs --ratios ratios.csv --include task?0/bpb",
    );
    // Both files hold the same run, whose id they share.
    let expected = format!("run,task 0/bpb\na,{}\n", 1.0 / 120.0);
    assert_eq!(read(folder, "out/metrics.csv"), expected);
}

/// The log of the run with records beyond one block.
fn long_log() -> Option<Vec<u8>> {
    let folder = fs::read_dir(runs()?.join("large/wandb")).unwrap().flatten();
    let folder: Vec<PathBuf> = folder.map(|entry| entry.path()).collect();
    let folder = folder
        .iter()
        .find(|path| path.to_string_lossy().contains("offline-run-"));
    let log = fs::read_dir(folder.unwrap())
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let log: Vec<PathBuf> = log
        .filter(|path| path.extension().is_some_and(|end| end == "wandb"))
        .collect();
    Some(fs::read(&log[0]).unwrap())
}

#[test]
fn a_wandb_file_that_is_cut_or_damaged_anywhere_is_an_unfinished_run() {
    let Some(log) = long_log() else { return };
    assert!(
        log.len() > 3 << 15,
        "{} bytes are too few to split records",
        log.len()
    );
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let put = |id: &str, bytes: &[u8]| {
        let run = folder.join(format!("wandb/offline-run-20260101_000000-{id}"));
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(format!("run-{id}.wandb")), bytes).unwrap();
    };
    put("whole", &log);
    let mut ratios = "run,web\nwhole,1\n".to_owned();
    // Around the beginning, the ends of blocks and the end, and evenly in between.
    let near = |place: usize| place.saturating_sub(9)..(place + 9).min(log.len());
    let places = [0, 1 << 15, 2 << 15, log.len()].into_iter().flat_map(near);
    let places: Vec<usize> = places
        .chain((100..log.len()).step_by(log.len() / 60))
        .collect();
    for &place in &places {
        put(&format!("cut{place}"), &log[..place]);
        let mut damaged = log.clone();
        damaged[place] ^= 0x40;
        put(&format!("damaged{place}"), &damaged);
        ratios += &format!("cut{place},1\ndamaged{place},1\n");
    }
    write(folder, "ratios.csv", &ratios);
    let told = collect(
        folder,
        "--swarm . --ratios ratios.csv --json --include task?0/bpb",
    );
    assert_eq!(read(folder, "out/metrics.csv").lines().count(), 2, "{told}");
    // A newer format and another file are told by what they are.
    let mut newer = log.clone();
    newer[6] = 1;
    fs::remove_dir_all(folder.join("wandb")).unwrap();
    put("newer", &newer);
    put("other", b"PK\x03\x04 an archive");
    let refusal = || refused(folder, "collect --output none --swarm .");
    let message = refusal();
    for expected in [
        "newer (run-newer.wandb: has version 1 of the format, and this olmix reads version 0)",
        "other (run-other.wandb: not a file of Weights & Biases)",
        "help: correct what is said of each run",
    ] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
    put("cut", &log[..1 << 15]);
    let message = refusal();
    assert!(
        message.contains("its file is cut within a record, at byte "),
        "{message}"
    );
    put(
        "damaged",
        &[&log[..1 << 15], &[1; 100], &log[1 << 15..]].concat(),
    );
    let message = refusal();
    assert!(
        message.contains("its file is damaged from byte "),
        "{message}"
    );
    assert!(!folder.join("none").exists());
}
