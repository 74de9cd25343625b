//! What `olmix export` and `olmix mix` promise, held against the packages that read their files.

use std::path::Path;

use crate::common::python::{python, script};
use crate::common::{olmix, printed};

const DATA: &str = "\
name: test
data:
  sources:
    - {name: \"web:news\", paths: [news/*.jsonl]}
    - {name: code, paths: [code/a.jsonl, code/b.jsonl]}
    - {name: math, paths: [math/a.jsonl]}
priors:
  token_counts: {\"web:news\": 700, code: 200, math: 100}
";

/// Thirds, which no decimal fraction adds up to, and a domain without weight.
const MIXTURE: &str = "{\"web:news\": 1.0, \"code\": 1.0, \"math\": 1.0, \"books\": 0.0}\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gen.yaml"), DATA).unwrap();
    std::fs::write(folder.path().join("mixture.json"), MIXTURE).unwrap();
    for (file, domain) in [
        ("news/a.jsonl", "web:news"),
        ("code/a.jsonl", "code"),
        ("code/b.jsonl", "code"),
        ("math/a.jsonl", "math"),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let line = format!("{{\"text\": \"some\", \"domain\": \"{domain}\"}}\n");
        std::fs::write(path, line.repeat(300)).unwrap();
    }
    folder
}

fn export(folder: &Path, format: &str) -> String {
    let line = format!("export --mixture mixture.json --data gen.yaml --quiet --format {format}");
    printed(folder, &line)
}

#[test]
fn every_export_format_is_printed() {
    let folder = folder();
    let run = "--target-tokens 600 --repetition-factor 2";
    let formats = [
        "olmo-core",
        "megatron",
        "huggingface",
        "litgpt",
        "streaming",
        "levanter",
        "mix",
        "csv",
        "json",
        "yaml",
    ];
    let all = formats.map(|format| {
        format!(
            "$ olmix export --format {format}\n{}",
            export(folder.path(), &format!("{format} {run}"))
        )
    });
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn export_refuses_a_repetition_factor_that_is_exceeded_and_writes_nothing() {
    let folder = folder();
    let line = "export --mixture mixture.json --data gen.yaml --format csv --target-tokens 900 \
                --repetition-factor 2 --output out.csv";
    let run = olmix(folder.path(), line).assert().code(2);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.contains("would see `math` 3.00 times, more than the repetition factor 2"),
        "{message}"
    );
    assert!(!folder.path().join("out.csv").exists());
}

#[test]
fn exported_mixture_reads_back_as_it_was() {
    let folder = folder();
    for format in ["mix", "csv", "json", "yaml"] {
        let end = if format == "mix" { "yaml" } else { format };
        std::fs::write(
            folder.path().join(format!("back.{end}")),
            export(folder.path(), format),
        )
        .unwrap();
        let line = format!("mix diff mixture.json back.{end} --json");
        let diff: serde_json::Value = serde_json::from_str(&printed(folder.path(), &line)).unwrap();
        assert!(
            diff["total_variation"].as_f64().unwrap() < 1e-8,
            "{format}: {diff}"
        );
    }
}

#[test]
fn mix_diff_gives_distances_and_moves() {
    let folder = folder();
    std::fs::write(folder.path().join("a.yaml"), "{x: 0.5, y: 0.5}").unwrap();
    std::fs::write(folder.path().join("b.yaml"), "{x: 0.75, z: 0.25}").unwrap();
    let diff: serde_json::Value =
        serde_json::from_str(&printed(folder.path(), "mix diff a.yaml b.yaml --json")).unwrap();
    assert_eq!(diff["total_variation"], 0.5);
    // What B has and A lacks is infinitely far away.
    assert!(diff["kl_b_from_a"].is_null() && diff["kl_a_from_b"].is_null());
    assert_eq!(diff["moves"][0]["domain"], "y");
    std::fs::write(folder.path().join("b.yaml"), "{x: 0.75, y: 0.25}").unwrap();
    let diff: serde_json::Value =
        serde_json::from_str(&printed(folder.path(), "mix diff a.yaml b.yaml --json")).unwrap();
    let expected = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
    assert!((diff["kl_b_from_a"].as_f64().unwrap() - expected).abs() < 1e-12);
}

#[test]
fn mix_show_refuses_files_without_weights() {
    let folder = folder();
    for (name, text) in [
        ("text.yaml", "just text"),
        ("other.yaml", "{name: x, list: [1]}"),
        ("negative.yaml", "{a: 1.0, b: -0.5}"),
        ("nothing.yaml", "{a: 0, b: 0}"),
        ("odd.csv", "domain,weight\na,much\n"),
        ("nested.yaml", "mix: {a: {weight: much}}"),
        ("no-priors.yaml", "priors: {}"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
        let run = olmix(folder.path(), &format!("mix show {name}"))
            .assert()
            .code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(message.starts_with(&format!("error: {name}")), "{message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
}

#[test]
fn huggingface_export_is_drawn_by_its_probabilities() {
    let Some(python) = python() else { return };
    let folder = folder();
    std::fs::write(
        folder.path().join("blend.py"),
        export(folder.path(), "huggingface"),
    )
    .unwrap();
    let counted = script(
        &python,
        "import collections, itertools\n\
         from blend import DOMAINS, load\n\
         assert abs(sum(weight for _, weight, _, _ in DOMAINS) - 1) < 1e-15\n\
         drawn = itertools.islice(load(seed=1), 600)\n\
         counts = collections.Counter(example['domain'] for example in drawn)\n\
         print(*(counts[name] for name, *_ in DOMAINS))",
        folder.path(),
    );
    let counts: Vec<f64> = counted
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    assert_eq!(counts.len(), 3);
    // 600 draws at a third each: a standard deviation of 11.5.
    assert!(
        counts.iter().all(|n| (n - 200.0).abs() < 46.0),
        "{counts:?}"
    );
}

#[test]
fn streaming_export_is_drawn_by_its_proportions() {
    // With its dependencies the package weighs gigabytes: it is used where someone has it.
    let python = std::env::var_os("OLMIX_STREAMING_PYTHON").map(std::path::PathBuf::from);
    let Some(python) = python else {
        eprintln!("skipped: OLMIX_STREAMING_PYTHON names no Python with mosaicml-streaming");
        return;
    };
    let folder = folder();
    let data = DATA
        .replace("news/*.jsonl", "mds/news")
        .replace("code/a.jsonl, code/b.jsonl", "mds/code")
        .replace("math/a.jsonl", "mds/math");
    std::fs::write(folder.path().join("gen.yaml"), data).unwrap();
    std::fs::write(
        folder.path().join("streams.yaml"),
        export(folder.path(), "streaming"),
    )
    .unwrap();
    let counted = script(
        &python,
        "import collections, yaml\n\
         from streaming import MDSWriter, Stream, StreamingDataset\n\
         for name in ('news', 'code', 'math'):\n\
         \x20   with MDSWriter(out=f'mds/{name}', columns={'domain': 'str'}) as out:\n\
         \x20       for _ in range(200): out.write({'domain': name})\n\
         described = yaml.safe_load(open('streams.yaml'))['streams']\n\
         streams = [Stream(**stream) for stream in described.values()]\n\
         data = StreamingDataset(streams=streams, epoch_size=600, batch_size=1, shuffle=False)\n\
         counts = collections.Counter(sample['domain'] for sample in data)\n\
         print(counts['news'], counts['code'], counts['math'])",
        folder.path(),
    );
    assert_eq!(counted.trim(), "200 200 200");
}
