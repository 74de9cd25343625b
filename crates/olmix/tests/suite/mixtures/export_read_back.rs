//! Exports with names of every kind, read back by the parsers of those who read them.

use std::fmt::Write as _;

use olmix_io::DomainWeights;
use olmix_io::export::{Blend, BlendDomain, BlendPath, Format, Inputs, Run};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::json;

use crate::common::python::{python, script};

/// Pieces of names that mean something to one of the languages.
const PIECES: [&str; 42] = [
    "web",
    "2024",
    "null",
    "yes",
    "1e3",
    "~",
    "-",
    "- ",
    "!",
    "&a",
    "*",
    "#",
    " #",
    ":",
    ": ",
    "?",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "\\",
    "\\n",
    "\\x41",
    "\\N{DASH}",
    "%s",
    "%",
    "$HOME",
    "${x}",
    "`id`",
    "@",
    "|",
    ">",
    "<<",
    "=",
    "ü",
    "日本",
    "\u{1f600}",
];

/// A name without control characters, of pieces at random.
fn name(random: &mut ChaCha8Rng, i: usize) -> String {
    let mut name = String::new();
    for _ in 0..random.random_range(1..5) {
        name += PIECES[random.random_range(0..PIECES.len())];
    }
    // Unique, at either end.
    if random.random_bool(0.5) {
        format!("{i}{name}")
    } else {
        format!("{name}{i}")
    }
}

/// A blend of up to eight domains with up to three files each, as a format takes it.
fn blend(random: &mut ChaCha8Rng, format: &Format) -> Blend {
    let domains = random.random_range(1..9);
    let mut weights: Vec<(String, f64)> = Vec::new();
    for i in 0..domains {
        weights.push((name(random, i), random.random_range(0.01..1.0)));
    }
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights.iter_mut().for_each(|(_, weight)| *weight /= sum);
    let run = Run {
        target_tokens: Some(1e6),
        repetition_factor: None,
        batch_tokens: None,
        sequence_length: Some(100),
    };
    let counts: Vec<(String, u64)> = weights
        .iter()
        .map(|(name, _)| (name.clone(), 400_000))
        .collect();
    let inputs = Inputs {
        file: "m.yaml",
        run,
        token_counts: counts.iter().map(|(name, n)| (name.as_str(), *n)).collect(),
        ..Inputs::default()
    };
    let mut blend = Blend::new(format, &DomainWeights::of(weights), &inputs).unwrap();
    for (i, domain) in blend.domains.iter_mut().enumerate() {
        paths(random, format, domain, i);
    }
    blend
}

/// Gives a domain paths of its own.
fn paths(random: &mut ChaCha8Rng, format: &Format, domain: &mut BlendDomain, i: usize) {
    if !format.names_files() {
        return;
    }
    let end = match format.name() {
        "huggingface" | "torchtitan" | "levanter" => ".jsonl",
        "olmo-core" | "olmo-core-sources" | "grain" | "fairseq2" => ".npy",
        _ => "",
    };
    let n: u64 = random.random_range(1..4);
    domain.paths = (0..n)
        .map(|k| {
            let mut path = format!("data/{}/{i}-{k}{end}", name(random, i));
            if format.name() == "megatron" {
                path = path.replace(' ', "_");
            }
            // A chain of URLs for datasets, and refused.
            path = path.replace("::", ":");
            let first = if k == 0 { domain.billionths % n } else { 0 };
            BlendPath {
                path,
                billionths: domain.billionths / n + first,
                tokens: None,
            }
        })
        .collect();
}

/// Reads each export as its trainer does, and compares weights and files with what was asked.
const READ: &str = r#"
import ast, csv, glob, io, json, yaml

def constant(text, name):
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise KeyError(name)

def by_domain(rows):
    found = {}
    for name, weight, paths in rows:
        before = found.setdefault(name, [0.0, []])
        before[0] += weight
        before[1] += paths
    return found

def by_path(pairs):
    return [(None, weight, [path]) for path, weight in pairs]

def streams(streams, path=lambda path: path):
    samples = sum(s["choose"] for s in streams.values())
    return by_path((path(s.get("local", s.get("remote"))), s["choose"] / samples) for s in streams.values())

# In OmegaConf `${` begins the name of another value, and `\\${` is itself.
def interpolated(path):
    assert "${" not in path.replace("\\${", "")
    return path.replace("\\${", "${")

READERS = {
    "olmo-core": lambda t: [(s["source_name"], s["target_ratio"], s["paths"]) for s in yaml.safe_load(t)["sources"]],
    "levanter": lambda t: [
        (name, data["train_weights"][name], part["source"]["train_urls"])
        for data in [yaml.safe_load(t)["data"]] for name, part in data["components"].items()
    ],
    "olmo-core-sources": lambda t: [(name, ratio, files) for name, ratio, _, files in constant(t, "DOMAINS")],
    "streaming": lambda t: streams(yaml.safe_load(t)["streams"]),
    "llm-foundry": lambda t: streams(yaml.safe_load(t)["train_loader"]["dataset"]["streams"], interpolated),
    "megatron": lambda t: by_path(zip(t.split()[1::2], map(float, t.split()[0::2]))),
    "megatron-bridge": lambda t: by_path(zip(constant(t, "PREFIXES"), constant(t, "WEIGHTS"))),
    "huggingface": lambda t: [(name, share, files) for name, share, _, _, files in constant(t, "PARTS")],
    "torchtitan": lambda t: [(name, share, files) for name, share, _, files in constant(t, "PARTS")],
    "grain": lambda t: [(name, share, [file]) for name, share, _, file in constant(t, "FILES")],
    "fairseq2": lambda t: [(name, share, [file]) for name, share, _, file in constant(t, "FILES")],
    "nanotron": lambda t: [
        (None, weight, [folder])
        for data in [yaml.safe_load(t)["data_stages"][0]["data"]["dataset"]]
        for folder, weight in zip(data["dataset_folder"], data["dataset_weights"])
    ],
    "litgpt": lambda t: [(name, share, [folder]) for name, share, folder in constant(t, "FOLDERS")],
    "mix": lambda t: [(name, leaf["weight"], []) for name, leaf in yaml.safe_load(t)["mix"].items()],
    "yaml": lambda t: [(name, weight, []) for name, weight in yaml.safe_load(t).items()],
    "json": lambda t: [(row["domain"], row["weight"], []) for row in json.loads(t)],
    "csv": lambda t: [(row["domain"], float(row["weight"]), []) for row in csv.DictReader(io.StringIO(t))],
}

checked = 0
for line in open("exports.jsonl", encoding="utf-8"):
    case = json.loads(line)
    read = by_domain(READERS[case["format"]](case["text"]))
    asked = by_domain((d["name"], d["weight"], d["paths"]) for d in case["domains"])
    if None in read:
        asked = by_domain((None, weight, paths) for weight, paths in asked.values())
    assert read.keys() == asked.keys(), (case["format"], read.keys(), asked.keys())
    for name, (weight, paths) in asked.items():
        # Levanter is given whole sequences of its block, here 10,000.
        # And Streaming, of the run.
        whole = case["format"] in ("levanter", "streaming", "llm-foundry")
        within = 4e-4 if whole else 2e-9
        assert abs(read[name][0] - weight) < within, (case["format"], name, read[name], weight)
        if case["format"] in ("huggingface", "torchtitan"):
            paths = [glob.escape(path) for path in paths]
        assert read[name][1] == paths, (case["format"], name, read[name][1], paths)
    checked += 1
print(checked)
"#;

#[test]
fn every_format_is_read_back_as_the_same_mixture_whatever_its_names() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut lines = String::new();
    let mut written = 0;
    for _ in 0..200 {
        for format in Format::ALL {
            let blend = blend(&mut random, format);
            // What a format can't hold is refused, and is not written.
            let Ok(text) = format.text(&blend) else {
                continue;
            };
            let domain = |domain: &BlendDomain| {
                let paths: Vec<&str> = domain.paths.iter().map(|path| path.path.as_str()).collect();
                json!({ "name": domain.name, "weight": domain.share(), "paths": paths })
            };
            let domains: Vec<serde_json::Value> = blend.domains.iter().map(domain).collect();
            let case = json!({ "format": format.name(), "text": text, "domains": domains });
            writeln!(lines, "{case}").unwrap();
            written += 1;
        }
    }
    std::fs::write(folder.path().join("exports.jsonl"), lines).unwrap();
    assert_eq!(
        script(&python, READ, folder.path()).trim(),
        written.to_string()
    );
    assert!(written > 180 * Format::ALL.len(), "{written}");
}
