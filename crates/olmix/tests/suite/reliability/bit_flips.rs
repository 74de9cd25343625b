//! A bit that is flipped in any file of a pipeline is refused or told, or changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{olmix, result_in, tiny};

/// Flips of each kind of artefact in every check; `OLMIX_FLIPS` asks for another number in all (1,000 take some
/// three minutes).
fn flips(kind: &Artefact) -> usize {
    let asked = std::env::var("OLMIX_FLIPS").ok();
    let asked = asked.and_then(|text| text.parse::<usize>().ok());
    asked.map_or(kind.flips, |all| all.div_ceil(6))
}

/// Files of one kind, and the commands that read them.
struct Artefact {
    name: &'static str,
    /// A folder whose files are flipped, or a file.
    place: PathBuf,
    commands: Vec<String>,
    /// What the commands leave: files or folders, which are removed before.
    results: Vec<PathBuf>,
    flips: usize,
}

/// Tokens, a swarm of three runs, their tables, a fit. Returns the artefacts with what reads them.
fn pipeline(at: &Path) -> Vec<Artefact> {
    let ok = |line: &str| drop(olmix(at, line).assert().success());
    tiny::data(at);
    let config = tiny::config("base", "{}", "").replace("40_000", "16_000");
    let (training, data) = config.split_once("data:\n").unwrap();
    let (data, evaluation) = data.split_once("eval: ").unwrap();
    let evaluation = evaluation.split_once("\nmix").unwrap().0;
    // Paths of a launch config start at its folder.
    let evaluation = evaluation.replace("tasks: tasks/", "tasks: ../../tasks/");
    fs::write(
        at.join("base.yaml"),
        format!("{training}eval: {evaluation}\nmix: {{}}\n"),
    )
    .unwrap();
    let counts = "priors: {token_counts: {arithmetic: 9000, prose: 9000, clutter: 9000}}";
    let generate = format!(
        "name: small\ndata:\n{data}{counts}\nswarm: {{seed: 1, variants: 3, design: random, repetition_factor: \
         8.0}}\nmax_tokens: 16_000\n"
    );
    fs::write(at.join("generate.yaml"), generate).unwrap();
    ok("generate --config generate.yaml --base base.yaml --output drawn --quiet");
    ok("launch run --variants drawn/launch --out swarm --quiet --threads 1");
    ok("collect --swarm swarm --output collected --quiet");
    let fit = "fit --config collected/fit.yaml --output-dir out --bootstrap 0 --threads 1";
    ok(fit);
    let mixture = at.join("mixture.json");
    fs::copy(result_in(&at.join("out")).join("mixture.json"), &mixture).unwrap();
    let launch = first_in(&at.join("drawn/launch"), ".yaml");
    let run = first_in(&at.join("swarm"), "");
    let kind = |name, place: PathBuf, commands: &[String], results: &[&str], flips| Artefact {
        name,
        place,
        commands: commands.to_vec(),
        results: results.iter().map(|name| at.join(name)).collect(),
        flips,
    };
    let shown = |path: &Path| path.strip_prefix(at).unwrap().display().to_string();
    let train = format!(
        "proxy train --config {} --out fresh --quiet",
        shown(&launch)
    );
    let eval = "proxy eval --model fresh --quiet".to_owned();
    let models = ["fresh/model", "fresh/metrics.json", "fresh"];
    let prepare = format!("proxy prepare --config {} --out fresh", shown(&launch));
    let again = format!("proxy eval --model {} --output again.json", shown(&run));
    let collect = |more: &str| format!("collect --swarm swarm{more} --output new");
    let export = format!(
        "export --mixture {} --format csv -o blend.csv",
        shown(&mixture)
    );
    vec![
        kind("shards", at.join("shards"), &[train, eval], &models, 6),
        kind("launch configs", launch, &[prepare], &["fresh"], 12),
        kind("models", run.join("model"), &[again], &["again.json"], 6),
        kind(
            "ledger",
            at.join("swarm/ledger.sqlite"),
            &[collect("")],
            &["new"],
            40,
        ),
        kind("tables", at.join("collected"), &[fit.into()], &["out"], 40),
        kind("mixture", mixture, &[export], &["blend.csv"], 20),
    ]
}

/// The first file or folder of a folder whose name ends so, by name.
fn first_in(folder: &Path, end: &str) -> PathBuf {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(end) && !name.starts_with("ledger") && !name.starts_with('.')
    };
    entries.filter(fits).min().unwrap()
}

/// What commands that read an artefact come to.
#[derive(PartialEq)]
struct Outcome {
    ended_well: bool,
    said: String,
    results: BTreeMap<PathBuf, Vec<u8>>,
}

fn outcome(at: &Path, kind: &Artefact) -> Outcome {
    for result in &kind.results {
        let _ = fs::remove_dir_all(result);
        let _ = fs::remove_file(result);
    }
    let mut said = String::new();
    let mut ended_well = true;
    for line in &kind.commands {
        let done = olmix(at, line).output().unwrap();
        said += &String::from_utf8_lossy(&done.stderr);
        ended_well = done.status.success();
        if !ended_well {
            // An error is the user's to mend.
            assert_eq!(done.status.code(), Some(2), "{}: {line}: {said}", kind.name);
            break;
        }
    }
    let mut results = BTreeMap::new();
    for result in &kind.results {
        if result.is_dir() {
            results.extend(
                super::contents(result)
                    .into_iter()
                    .filter_map(|(name, bytes)| {
                        // Times of steps, and locks.
                        let left_out =
                            name.ends_with("metrics.jsonl") || name.contains("checkpoints");
                        (!left_out).then(|| (result.join(name), bytes))
                    }),
            );
        } else {
            results.insert(result.clone(), fs::read(result).unwrap_or_default());
        }
    }
    Outcome {
        ended_well,
        said,
        results,
    }
}

#[test]
fn a_flipped_bit_of_any_artefact_is_refused_or_told_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut random = 1_u64;
    let mut next = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((random >> 33) as usize) % below
    };
    for kind in pipeline(at) {
        let files: Vec<PathBuf> = if kind.place.is_dir() {
            let all = super::contents(&kind.place);
            let all = all.into_iter().map(|(name, _)| kind.place.join(name));
            // People write these, and change them.
            all.filter(|path| path.is_file() && !path.ends_with("fit.yaml"))
                .collect()
        } else {
            vec![kind.place.clone()]
        };
        let quiet = outcome(at, &kind);
        assert!(quiet.ended_well, "{}: {}", kind.name, quiet.said);
        let [mut refused, mut told, mut harmless] = [0; 3];
        for _ in 0..flips(&kind) {
            let file = &files[next(files.len())];
            let whole = fs::read(file).unwrap();
            if whole.is_empty() {
                continue;
            }
            let bit = next(8 * whole.len());
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(file, flipped).unwrap();
            let found = outcome(at, &kind);
            match () {
                () if !found.ended_well => refused += 1,
                () if found.said != quiet.said => told += 1,
                () => {
                    let same = found.results == quiet.results;
                    assert!(same, "{}: bit {bit} without a word", file.display());
                    harmless += 1;
                }
            }
            fs::write(file, whole).unwrap();
            for beside in ["-wal", "-shm"] {
                let _ = fs::remove_file(format!("{}{beside}", file.display()));
            }
        }
        println!(
            "{}: {refused} refused, {told} told, {harmless} harmless",
            kind.name
        );
        assert!(refused + told > 0, "{}: no flip was noticed", kind.name);
    }
}
