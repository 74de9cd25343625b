//! Makes a project with a long history, for `scripts/history_speed.py`: FOLDER VERSIONS RUNS.
//!
//! Each version adds or revises a domain, and has a measured swarm (kept as files, and its runs in the tables
//! of the launcher), a fit and a mixture.

use std::path::PathBuf;
use std::{env, fs};

use olmix_io::{ProjectChange, ProjectDomain};
use olmix_ledger::{
    Cost, Ledger, NewFile, NewRecord, NewRun, NewSwarm, Parent, RecordKind, RerunPolicy,
};
use olmix_project::{FitContent, Init, MixtureContent, Project, Provenance, SwarmContent};

const TASKS: usize = 52;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = env::args().collect();
    let [_, folder, versions, runs] = words.as_slice() else {
        return Err("give FOLDER VERSIONS RUNS".into());
    };
    let folder = PathBuf::from(folder);
    let (versions, runs): (usize, usize) = (versions.parse()?, runs.parse()?);
    let by = |now: i64| Provenance {
        command: "large_history".into(),
        now,
    };
    let domain = |j: usize| ProjectDomain {
        name: format!("source-{}:topic-{j}", j % 5),
        tokens: Some(1_000_000_000 + j as u64),
        paths: vec![format!("shards/{j}/*.npy")],
        ..ProjectDomain::default()
    };
    let init = Init {
        config: "name: long\nmax_tokens: 3000000000\nproxy_parameters: 30000000\n".into(),
        domains: (0..60).map(domain).collect(),
        title: "the first".into(),
    };
    fs::create_dir_all(&folder)?;
    let mut project = Project::init(&folder, &init, &by(0))?;
    for (now, version) in (0_i64..).zip(0..versions) {
        let now = now * 1000;
        if version > 0 {
            // The set stays about as large: one domain comes, one goes.
            let changes = [
                ProjectChange::Add(vec![domain(59 + version)]),
                ProjectChange::Remove(vec![domain(version - 1).name]),
            ];
            project.update(&changes, None, &by(now))?;
        }
        let (record, content) = project.version()?;
        let names: Vec<String> = content
            .domains
            .iter()
            .map(|domain| domain.name.clone())
            .collect();
        let each = runs / versions;
        let (ratios, metrics) = tables(&names, each, version);
        let swarm = NewRecord {
            files: vec![
                NewFile {
                    name: "ratios.csv".into(),
                    content: ratios,
                },
                NewFile {
                    name: "metrics.csv".into(),
                    content: metrics,
                },
            ],
            content: serde_json::to_value(SwarmContent::Measured { runs: each })?,
            cost: Cost {
                runs: each as u64,
                tokens: 3_000_000_000 * each as u64,
                flops: 5.4e17 * each as f64,
            },
            ..plain(RecordKind::Swarm, "swarm", vec![Parent::Known(record.id)])
        };
        let fit = NewRecord {
            content: serde_json::to_value(FitContent {
                config_hash: format!("{version:016x}"),
                law: "log_linear".into(),
                seed: 0,
                inputs: Vec::new(),
            })?,
            ..plain(RecordKind::Fit, "fit", vec![Parent::Added(0)])
        };
        let mixture = NewRecord {
            content: serde_json::to_value(MixtureContent {
                weights: names
                    .iter()
                    .map(|name| (name.clone(), 1.0 / names.len() as f64))
                    .collect(),
                origins: std::collections::BTreeMap::new(),
                method: "fit".into(),
                version: record.name(),
                target_tokens: Some(1e12),
                repetition_factor: Some(4.0),
                over: None,
            })?,
            gain: Some(0.1),
            ..plain(
                RecordKind::Mixture,
                "main",
                [Parent::Added(1), Parent::Known(record.id)]
                    .into_iter()
                    .chain(
                        project
                            .ledger
                            .newest("main")?
                            .map(|main| Parent::Known(main.id)),
                    )
                    .collect(),
            )
        };
        project.ledger.add_all(&[swarm, fit, mixture], now)?;
        launched(&mut project.ledger, &folder, version, each, now)?;
    }
    Ok(())
}

/// A record with nothing in it yet.
fn plain(kind: RecordKind, line: &str, parents: Vec<Parent>) -> NewRecord {
    NewRecord {
        kind,
        line: line.into(),
        title: format!("a {kind}"),
        number: None,
        parents,
        files: Vec::new(),
        content: serde_json::Value::Null,
        command: "large_history".into(),
        olmix: "0.1.0".into(),
        cost: Cost::default(),
        gain: None,
    }
}

/// Ratios and metrics of a swarm: numbers as long as measured ones.
fn tables(names: &[String], runs: usize, seed: usize) -> (Vec<u8>, Vec<u8>) {
    let mut state = seed as u64 + 1;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let tasks: Vec<String> = (0..TASKS).map(|task| format!("task-{task}")).collect();
    let mut ratios = format!("run,{}\n", names.join(","));
    let mut metrics = format!("run,{}\n", tasks.join(","));
    for run in 0..runs {
        let sizes: Vec<f64> = names.iter().map(|_| next().powi(8)).collect();
        let sum: f64 = sizes.iter().sum();
        let cells: Vec<String> = sizes.iter().map(|size| format!("{}", size / sum)).collect();
        ratios += &format!("run-{run},{}\n", cells.join(","));
        let cells: Vec<String> = tasks.iter().map(|_| format!("{}", 0.5 + next())).collect();
        metrics += &format!("run-{run},{}\n", cells.join(","));
    }
    (ratios.into_bytes(), metrics.into_bytes())
}

/// The same runs as a launcher knows them.
fn launched(
    ledger: &mut Ledger,
    folder: &std::path::Path,
    version: usize,
    runs: usize,
    now: i64,
) -> Result<(), Box<dyn std::error::Error>> {
    let place = folder.join(format!("swarm-{version}"));
    let swarm = ledger.swarm(
        &NewSwarm {
            name: format!("swarm-{version}"),
            variants: place.join("launch"),
            out: place.join("runs"),
        },
        now,
    )?;
    let runs: Vec<NewRun> = (0..runs)
        .map(|run| NewRun {
            name: format!("run-{run:04}"),
            config: format!("run-{run:04}.yaml"),
            config_sha256: format!("{run:064x}"),
            mixture: vec![("web".into(), 0.5), ("code".into(), 0.5)],
            phases: Vec::new(),
        })
        .collect();
    let rerun = RerunPolicy {
        retries: 0,
        all: false,
    };
    ledger.sync(swarm.id, &runs, rerun, now)?;
    Ok(())
}
