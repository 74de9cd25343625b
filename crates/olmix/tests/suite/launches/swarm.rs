//! `olmix launch` from configs to tables, with a small trainer of the tests' own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::service::wait_until;
use crate::common::swarm::{
    COLLECT, RUN, config, held_by, release, runs, start, status, swarm, tables, trainer,
};
use crate::common::{json, olmix};

#[test]
fn launched_swarm_is_trained_collected_and_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 8, |_| trainer(0.05));
    let mut preview = olmix(
        folder,
        "launch preview --variants swarm/launch --jobs 2 --threads 4",
    );
    let preview = preview.unwrap();
    let preview = String::from_utf8(preview.stdout).unwrap();
    assert!(preview.contains("8 of 8 runs would be run, 2 at once with 2 threads each"));
    assert!(preview.contains("sh trainer.sh "), "{preview}");
    assert!(
        !folder.join("swarm/runs").exists(),
        "a preview writes nothing"
    );
    let run = olmix(folder, RUN).assert().success();
    let printed = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(printed.contains("finished  8"), "{printed}");
    let (ratios, metrics) = tables(folder);
    assert_eq!(ratios.lines().count(), 9);
    assert!(
        ratios.starts_with("run,a,b\nrun-00,0.1111,0.8889\n"),
        "{ratios}"
    );
    assert!(
        metrics.starts_with("run,eval/math,loss\nrun-00,1.8889,1.012343\n"),
        "{metrics}"
    );
    olmix(
        folder,
        "fit --config swarm/fit.yaml --output-dir first --quiet",
    )
    .assert()
    .success();
    // Again: nothing to do, and nothing is done.
    olmix(folder, RUN).assert().success();
    assert!(status(folder).iter().all(|run| run["attempt"] == 1));
    let run = olmix(folder, &format!("{COLLECT} --include *"))
        .assert()
        .success();
    let told = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(told.starts_with("8 runs, 2 domains, 3 metrics"), "{told}");
    let fit = "swarm: {ratios: swarm/ratios.csv, metrics: swarm/metrics.csv}\n\
               priors: {relative_sizes: {a: 0.5, b: 0.5}}\nfiltering: {drop_metrics: \
               [\"eval/math:accuracy\"]}\n";
    fs::write(folder.join("fit.yaml"), fit).unwrap();
    olmix(folder, "fit --config fit.yaml --output-dir out --quiet")
        .assert()
        .success();
}

#[test]
fn moved_swarm_resumes_in_its_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let old: PathBuf = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    swarm(&old, 3, |_| trainer(0.0));
    olmix(&old, RUN).assert().success();
    let new = folder.path().join("new");
    fs::rename(&old, &new).unwrap();
    config(&new, 3, 4, &trainer(0.0), "");
    olmix(&new, RUN).assert().success();
    let attempts: Vec<u64> = status(&new)
        .iter()
        .map(|run| run["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [1, 1, 1, 1]);
}

#[test]
fn custom_trainer_example_is_generated_and_previewed() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/custom-trainer");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in [
        "data.py",
        "train.py",
        "launch.yaml",
        "generate.yaml",
        "fit.yaml",
    ] {
        fs::copy(example.join(file), folder.join(file)).unwrap();
    }
    let line = "generate --config generate.yaml --base launch.yaml --output swarm --quiet";
    olmix(folder, line).assert().success();
    let told = json(
        folder,
        "launch preview --variants swarm/launch --threads 3 --jobs 1 --json",
    );
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 12);
    let out = folder.canonicalize().unwrap().join("swarm/runs");
    let out = out.join(runs[0]["name"].as_str().unwrap());
    let command = format!(
        "python3 train.py --mix {0}/mix.json --out {0} --seed 42 --threads 3",
        out.display()
    );
    assert_eq!(runs[0]["commands"], serde_json::json!([command]));
    // Trained for true where there is a Python with torch (OLMIX_PYTHON), in two runs of one hundred steps.
    let Some(python) = std::env::var_os("OLMIX_PYTHON") else {
        return;
    };
    for entry in fs::read_dir(folder.join("swarm/launch")).unwrap().skip(2) {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let text = fs::read_to_string(folder.join("train.py")).unwrap();
    let text = text.replace("STEPS = 8, 64, 256, 600", "STEPS = 8, 64, 256, 100");
    fs::write(folder.join("train.py"), text).unwrap();
    let done = Command::new(&python)
        .arg("data.py")
        .current_dir(folder)
        .status();
    assert!(done.unwrap().success());
    let bin = Path::new(&python).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut run = olmix(folder, RUN);
    run.env("PATH", path).assert().success();
    let metrics = tables(folder).1;
    assert!(
        metrics.starts_with("run,arithmetic,prose\ncustom-"),
        "{metrics}"
    );
}

#[test]
fn launch_status_watch_ends_with_the_last_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    swarm(folder, 3, |i| held_by(&format!("go-{i}")));
    let mut launcher = start(folder, "launch run --variants swarm/launch --jobs 1");
    wait_until("the ledger has runs", || !runs(folder).is_empty());
    let pages = folder.join("pages.txt");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(["launch", "status", "--variants", "swarm/launch", "--watch"])
        .current_dir(folder)
        .stdout(fs::File::create(&pages).unwrap())
        .spawn()
        .unwrap();
    let text = || fs::read_to_string(&pages).unwrap();
    for done in 0..3 {
        let page = format!("{done}/3 runs");
        wait_until(&page, || text().contains(&page));
        release(folder, &format!("go-{done}"));
    }
    assert!(watch.wait().unwrap().success());
    assert!(launcher.wait().unwrap().success());
    let text = text();
    assert!(text.contains("3/3 runs"), "{text}");
    // Where no terminal is, a page follows the other.
    assert!(!text.contains('\x1b'), "{text}");
}
