//! What trackers and evaluations leave of a run. The first byte chooses the tracker.
#![no_main]

use libfuzzer_sys::fuzz_target;
use olmix_launch::collect::{Columns, Query, Source, collect};

fuzz_target!(|data: &[u8]| {
    let names = [
        "run-a/events.out.tfevents.1.host",
        "wandb/offline-run-20260101_000000-abcd1234/run-abcd1234.wandb",
        "run-a/metrics.json",
        "run-a/results_2026-01-01T00-00-00.000000.json",
        "swanlog/run-20260101_000000-abcd/run-abcd.swanlab",
        "p.db",
        "mlflow.db",
        "runs.csv",
        "runs.jsonl",
        "runs.parquet",
        "runs.tsv",
    ];
    let Some((name, bytes)) = olmix_fuzz::choose(data, &names) else {
        return;
    };
    let folder = olmix_fuzz::fresh("collected");
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder for a run");
    std::fs::write(&path, bytes).expect("a file of a run");
    let ratios = olmix_fuzz::file(
        olmix_fuzz::folder(),
        "ratios.csv",
        b"run,web,code\nrun-a,0.5,0.5\na,0.5,0.5\n",
    );
    let swarm = if name.starts_with("run") && name.contains('/')
        || name.contains("wandb")
        || name.contains("swan")
    {
        folder
    } else {
        path
    };
    let Some(source) = olmix_fuzz::said(Source::of(&swarm.display().to_string())) else {
        return;
    };
    // Nothing of an input is an address.
    if matches!(source, Source::MlflowServer(_)) {
        return;
    }
    let query = Query {
        source,
        columns: Columns::default(),
        ratios: Some(&ratios),
        variants: None,
        experiment: None,
        include: &[],
        exclude: &[],
        include_short: false,
    };
    olmix_fuzz::said(collect(&query));
});
