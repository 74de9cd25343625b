//! What `olmix export` and `olmix mix` promise, held against the packages that read their files.

use std::path::Path;

use crate::common::python::{python, script};
use crate::common::{olmix, printed, refused};

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
    without_date(&printed(folder, &line))
}

/// What is printed of a mixture's file says when it was written.
fn without_date(text: &str) -> String {
    let Some(at) = text.find(" (sha256 ") else {
        return text.to_owned();
    };
    let (before, after) = text.split_at(at);
    let end = after.find(')').map_or("", |end| &after[end..]);
    format!("{before} (sha256 HASH, DATE{end}")
}

/// A data section with these files for each domain, which are made as `make` says; tokens are the domain's bytes.
fn data_of(folder: &Path, kind: &str) -> String {
    let mut sources = String::new();
    for (domain, files) in [
        ("web:news", &[700][..]),
        ("code", &[150, 50]),
        ("math", &[100]),
    ] {
        let mut paths = Vec::new();
        for (i, tokens) in files.iter().enumerate() {
            let path = format!("{kind}/{}-{i}", domain.replace(':', "-"));
            paths.push(shard(folder, &path, kind, *tokens));
        }
        sources += &format!("    - {{name: \"{domain}\", paths: {paths:?}}}\n");
    }
    format!("name: test\ndata:\n  sources:\n{sources}")
}

/// A file or folder of a kind with so many tokens; its path in a data section.
fn shard(folder: &Path, path: &str, kind: &str, tokens: u32) -> String {
    let at = folder.join(path);
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    match kind {
        "megatron" => {
            std::fs::write(at.with_extension("bin"), vec![1; 2 * tokens as usize]).unwrap();
            let mut index = b"MMIDIDX\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x08".to_vec();
            index.extend(1_u64.to_le_bytes());
            index.extend(2_u64.to_le_bytes());
            index.extend(tokens.to_le_bytes());
            index.extend(0_u64.to_le_bytes());
            index.extend([0_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat());
            std::fs::write(at.with_extension("idx"), index).unwrap();
            format!("{path}.bin")
        }
        "jsonl" => {
            let line = format!("{{\"text\": \"some\", \"file\": \"{path}\"}}\n");
            std::fs::write(at.with_extension("jsonl"), line.repeat(tokens as usize)).unwrap();
            format!("{path}.jsonl")
        }
        "tokens" => {
            std::fs::write(at.with_extension("npy"), vec![1; 2 * tokens as usize]).unwrap();
            format!("{path}.npy")
        }
        "npy" => {
            let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
            let header =
                format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({tokens},), }}");
            bytes.extend(format!("{header:<117}\n").bytes());
            bytes.extend(vec![1; 2 * tokens as usize]);
            std::fs::write(at.with_extension("npy"), bytes).unwrap();
            format!("{path}.npy")
        }
        "litdata" | "mds" => {
            std::fs::create_dir_all(&at).unwrap();
            let index = if kind == "mds" {
                let samples = tokens / 10;
                format!(
                    "{{\"version\": 2, \"shards\": [{{\"format\": \"mds\", \"samples\": {samples}}}]}}"
                )
            } else {
                format!(
                    "{{\"chunks\": [{{\"chunk_bytes\": 9, \"dim\": {tokens}, \"filename\": \"chunk-0-0.bin\"}}], \
                     \"config\": {{}}}}"
                )
            };
            std::fs::write(at.join("index.json"), index).unwrap();
            path.to_owned()
        }
        "datatrove" => {
            std::fs::create_dir_all(&at).unwrap();
            std::fs::write(at.join("0.ds"), vec![1; 2 * tokens as usize]).unwrap();
            format!("{path}/*.ds")
        }
        other => panic!("{other}"),
    }
}

/// The kind of data that a trainer's format reads, as `data_of` makes it.
const READS: [(&str, &str); 12] = [
    ("olmo-core", "tokens"),
    ("olmo-core-sources", "tokens"),
    ("megatron", "megatron"),
    ("megatron-bridge", "megatron"),
    ("huggingface", "jsonl"),
    ("litgpt", "litdata"),
    ("streaming", "mds"),
    ("llm-foundry", "mds"),
    ("torchtitan", "jsonl"),
    ("nanotron", "datatrove"),
    ("grain", "tokens"),
    ("fairseq2", "tokens"),
    // levanter: with the tables, below.
];

#[test]
fn every_export_format_is_printed() {
    let folder = folder();
    let folder = folder.path();
    let run = "--target-tokens 600 --repetition-factor 2 --sequence-length 10";
    let mut all = Vec::new();
    let mut print = |format: &str| {
        all.push(format!(
            "$ olmix export --format {format}\n{}",
            export(folder, &format!("{format} {run}"))
        ));
    };
    for format in ["mix", "csv", "json", "yaml", "levanter"] {
        print(format);
    }
    for (format, kind) in READS {
        let counts = "priors:\n  token_counts: {\"web:news\": 700, code: 200, math: 100}\n";
        std::fs::write(folder.join("gen.yaml"), data_of(folder, kind) + counts).unwrap();
        print(format);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn weights_of_a_domain_are_shared_out_over_its_files_by_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (path, tokens) in [("web/0", 270_000), ("tiny/0", 5_000), ("code/0", 40_000)] {
        shard(folder, path, "megatron", tokens);
    }
    let data = "name: t\ndata:\n  sources:\n    - {name: web, paths: [web/0.bin, tiny/0.bin]}\n    - {name: code, paths: [code/*.bin]}\n";
    std::fs::write(folder.join("gen.yaml"), data).unwrap();
    std::fs::write(folder.join("mixture.json"), "{web: 0.9, code: 0.1}").unwrap();
    let run = "--target-tokens 200000 --repetition-factor 1";
    let line = export(folder, &format!("megatron {run}"));
    assert_eq!(
        line,
        "0.016363636 tiny/0 0.883636364 web/0 0.100000000 code/0\n"
    );
    // Each file is seen as often as its domain, and the counts come from the files.
    let line = format!(
        "export --mixture mixture.json --format megatron --check gen.yaml --sequence-length 100 {run} --json"
    );
    let told: serde_json::Value = serde_json::from_str(&printed(folder, &line)).unwrap();
    let epochs = |path: serde_json::Value| {
        let rows = told["drawn"].as_array().unwrap().iter();
        rows.clone().find(|row| row["path"] == path).unwrap()["epochs"]
            .as_f64()
            .unwrap()
    };
    let (large, small) = (epochs("web/0.bin".into()), epochs("tiny/0.bin".into()));
    assert!(
        (large - 0.6545).abs() < 1e-3 && (large - small).abs() < 1e-6,
        "{large} {small}"
    );
    // Where a file can't be seen, weights are not guessed.
    std::fs::remove_file(folder.join("tiny/0.bin")).unwrap();
    let refused = refused(
        folder,
        "export --mixture mixture.json --format megatron --data gen.yaml",
    );
    assert!(
        refused.contains("megatron takes a weight for each of the 2 paths of `web`"),
        "{refused}"
    );
}

#[test]
fn exports_refuse_data_that_the_trainer_can_not_read_with_what_it_needs() {
    let folder = folder();
    let folder = folder.path();
    // The README's own example has .npy files.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/swarm/generate.yaml");
    let config = std::fs::read_to_string(&data).unwrap();
    std::fs::write(folder.join("npy.yaml"), &config).unwrap();
    let line = "priors show npy.yaml --json";
    let priors: serde_json::Value = serde_json::from_str(&printed(folder, line)).unwrap();
    std::fs::write(folder.join("natural.json"), priors["shares"].to_string()).unwrap();
    for (format, needs) in [
        ("levanter", "JSON Lines, JSON, Parquet or .txt files"),
        ("huggingface", "JSON Lines, Parquet, CSV or .txt files"),
        ("litgpt", "litdata.optimize"),
        ("megatron", ".bin files of Megatron"),
        ("streaming", "folders of MosaicML Streaming"),
    ] {
        let line = format!(
            "export --mixture npy.yaml --format {format} --data npy.yaml --target-tokens 1B --sequence-length 4096 --output x"
        );
        let message = refused(folder, &line);
        assert!(
            message.contains("holds plain tokens") && message.contains(needs),
            "{format}: {message}"
        );
        assert!(!folder.join("x").exists());
    }
}

#[test]
fn exports_refuse_what_a_trainer_would_read_otherwise() {
    let folder = folder();
    let folder = folder.path();
    let data = |sources: &str| {
        std::fs::write(
            folder.join("d.yaml"),
            format!("name: t\ndata:\n  sources:\n{sources}"),
        )
        .unwrap();
    };
    let refused = |line: &str| refused(folder, &format!("export --data d.yaml {line}"));
    let write = |text: &str| std::fs::write(folder.join("m.yaml"), text).unwrap();
    write("{web: 0.5, code: 0.5}");
    // Megatron splits its line at white space.
    data(
        "    - {name: web, paths: [/data/my corpus/web]}\n    - {name: code, paths: [/data/code]}\n",
    );
    let message = refused("--mixture m.yaml --format megatron");
    assert!(
        message.contains("`/data/my corpus/web` has white space"),
        "{message}"
    );
    // A path in two domains would be drawn for both.
    data("    - {name: web, paths: [/data/web]}\n    - {name: code, paths: [/data/web]}\n");
    let message = refused("--mixture m.yaml --format megatron");
    assert!(
        message.contains("`web` and `code` both list `/data/web`"),
        "{message}"
    );
    // OLMo-core raises where a source is too small, so epochs must be known.
    data(
        "    - {name: web, paths: [/data/web.npy]}\n    - {name: code, paths: [/data/code.npy]}\n",
    );
    let message = refused("--mixture m.yaml --format olmo-core");
    assert!(
        message.contains("olmo-core needs the tokens of the run"),
        "{message}"
    );
    let message = refused("--mixture m.yaml --format olmo-core --target-tokens 1B");
    assert!(
        message.contains("those of `web`, `code` are not known"),
        "{message}"
    );
    // A file of a name that begins like another format's is its own.
    data(
        "    - {name: web, paths: [my.csv.d/x.jsonl]}\n    - {name: code, paths: [code.parquet]}\n",
    );
    let text = printed(
        folder,
        "export --data d.yaml --mixture m.yaml --format huggingface --quiet",
    );
    assert!(text.contains("\"json\", [\"my.csv.d/x.jsonl\"]"), "{text}");
    assert!(text.contains("\"parquet\", [\"code.parquet\"]"), "{text}");
    // A domain that is not the data's, with the name that was meant.
    write("{web: 0.5, coed: 0.5}");
    let message = refused("--mixture m.yaml --format huggingface");
    assert!(
        message.contains("no leaf for the domain `coed`") && message.contains("`code`"),
        "{message}"
    );
    // A folder where a file is needed; one of datatrove's files is data for nanotron.
    write("{web: 0.5, code: 0.5}");
    shard(folder, "ds", "datatrove", 100);
    std::fs::create_dir(folder.join("empty")).unwrap();
    data("    - {name: web, paths: [ds]}\n    - {name: code, paths: [empty]}\n");
    let message = refused("--mixture m.yaml --format megatron");
    assert!(
        message.contains("`ds/0.ds` is a .ds file of datatrove"),
        "{message}"
    );
    let message = refused("--mixture m.yaml --format nanotron");
    assert!(message.contains("`empty` is a folder"), "{message}");
    // Below half a sequence of Levanter's largest block.
    data("    - {name: web, paths: [web.jsonl]}\n    - {name: code, paths: [code.jsonl]}\n");
    write("{web: 0.999999, code: 0.000001}");
    let message = refused("--mixture m.yaml --format levanter");
    assert!(
        message.contains("would draw nothing of `code`"),
        "{message}"
    );
    let message =
        refused("--mixture m.yaml --format huggingface --target-tokens 1000 --sequence-length 10");
    assert!(
        message.contains("would draw nothing of `code`"),
        "{message}"
    );
}

#[test]
fn names_with_line_breaks_are_refused_wherever_they_are_read() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(
        folder.join("m.json"),
        "{\"web\\nimport os\": 0.5, \"code\": 0.5}",
    )
    .unwrap();
    let message = refused(folder, "export --mixture m.json --format huggingface");
    assert!(
        message.contains("line break or control character"),
        "{message}"
    );
    std::fs::write(
        folder.join("m.csv"),
        "domain,weight\n\"web\n#\",0.5\ncode,0.5\n",
    )
    .unwrap();
    let message = refused(folder, "export --mixture m.csv --format yaml");
    assert!(
        message.contains("line break or control character"),
        "{message}"
    );
    let data = "name: t\ndata:\n  sources:\n    - {name: \"a\\rb\", paths: [x]}\n";
    std::fs::write(folder.join("d.yaml"), data).unwrap();
    let message = refused(folder, "generate --config d.yaml --output o");
    assert!(
        message.contains("d.yaml:4") && message.contains("line break or control character"),
        "{message}"
    );
    std::fs::write(folder.join("ratios.csv"), "run,\"a\nb\",c\nr1,0.5,0.5\n").unwrap();
    let message = refused(folder, "mix show ratios.csv#r1");
    assert!(
        message.contains("ratios.csv:1") && message.contains("line break or control character"),
        "{message}"
    );
}

#[test]
fn export_says_that_weights_were_rescaled() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("m.yaml"), "{web: 0.7, code: 0.2}").unwrap();
    let run = olmix(folder, "export --mixture m.yaml --format csv")
        .assert()
        .success();
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(said.contains("the weights of m.yaml sum to 0.9"), "{said}");
    std::fs::write(folder.join("m.yaml"), "{web: 70, code: 30}").unwrap();
    let run = olmix(folder, "export --mixture m.yaml --format csv")
        .assert()
        .success();
    assert!(!String::from_utf8_lossy(&run.get_output().stderr).contains("sum to"));
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
fn huggingface_export_is_drawn_as_the_mixture_in_both_modes() {
    let Some(python) = python() else { return };
    let folder = folder();
    // A row for every token of the counts.
    let counts = "priors:\n  token_counts: {\"web:news\": 700, code: 200, math: 100}\n";
    let data = data_of(folder.path(), "jsonl") + counts;
    std::fs::write(folder.path().join("gen.yaml"), data).unwrap();
    let text = export(folder.path(), "huggingface --target-tokens 600");
    std::fs::write(folder.path().join("blend.py"), text).unwrap();
    let counted = script(
        &python,
        "import collections\n\
         from blend import load\n\
         for streaming in (False, True):\n\
         \x20   counts = collections.Counter(row['file'] for row in load(600, seed=1, streaming=streaming))\n\
         \x20   print(*(counts[name] for name in sorted(counts)))",
        folder.path(),
    );
    // To the row and by file: code's two files have 150 and 50 rows, and math's 100 are read twice.
    assert_eq!(counted, "150 50 200 200\n150 50 200 200\n");
}

#[test]
fn export_refuses_a_run_that_ends_within_a_batch_and_a_batch_that_ends_within_a_sequence() {
    let folder = folder();
    let folder = folder.path();
    let export = |options: &str| {
        format!("export --mixture mixture.json --data gen.yaml --format mix {options}")
    };
    let message = refused(folder, &export("--target-tokens 600 --batch-tokens 250"));
    for part in [
        "mixture.json: a run of 600 tokens is 2.400 batches of 250 tokens, not whole ones",
        "use --target-tokens 500 or 750",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    let message = refused(folder, &export("--target-tokens 100 --batch-tokens 250"));
    assert!(
        message.contains("use --target-tokens 250 or 500"),
        "{message}"
    );
    let message = refused(
        folder,
        &export("--target-tokens 500 --batch-tokens 250 --sequence-length 100"),
    );
    assert!(
        message.contains("a batch of 250 tokens is not a whole number of sequences of 100"),
        "{message}"
    );
    let message = refused(folder, &export("--batch-tokens 250"));
    assert!(message.contains("give --target-tokens"), "{message}");
    let text = printed(folder, &export("--target-tokens 600 --batch-tokens 200"));
    assert!(
        text.contains("# For a run of 6e2 tokens (600, 3 batches of 200):"),
        "{text}"
    );
}
