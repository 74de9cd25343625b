//! Which tokenizers and texts `olmix tokenize` takes, and what it prints.

use std::fs;

use super::tokenize::lines;
use crate::common::{json, olmix, refused};

/// Splits at spaces and knows three words.
const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
 "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
 "model": {"type": "WordLevel", "vocab": {"one": 0, "two": 70000, "[UNK]": 2, "stop": 3}, "unk_token": "[UNK]"}}"#;

#[test]
fn tokenize_needs_an_end_of_text_and_one_tokenizer_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("tokenizer.json"), TOKENIZER).unwrap();
    fs::write(at.join("a.txt"), "one two three").unwrap();
    let line = "tokenize --input a.txt --output out --validation 0 --tokenizer";
    let message = refused(at, &format!("{line} tokenizer.json"));
    assert!(
        message.contains("no end-of-text token") && message.contains("--end-of-text"),
        "{message}"
    );
    let message = refused(at, &format!("{line} tokenizer.json --end-of-text halt"));
    assert!(message.contains("has no token `halt`"), "{message}");
    assert!(!at.join("out").exists());
    olmix(at, &format!("{line} tokenizer.json --end-of-text stop"))
        .assert()
        .success();
    let shard = fs::read(at.join("out/train/00000-a.bin")).unwrap();
    let expected = [0_u32, 70_000, 2, 3].map(u32::to_le_bytes).concat();
    assert_eq!(shard, expected);
    assert_eq!(
        fs::read(at.join("out/train/00000-a.idx")).unwrap()[17],
        4,
        "int32"
    );
    let message = refused(at, &format!("{line} bytes"));
    assert!(
        message.contains("another tokenizer (`tokenizer.json`, 70001 tokens)"),
        "{message}"
    );
    assert!(message.contains("choose another --output"), "{message}");
    assert_eq!(fs::read(at.join("out/train/00000-a.bin")).unwrap(), shard);
}

#[test]
fn tokenize_refuses_bad_texts_with_file_and_line_and_does_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let good = "{\"text\": \"fine\"}\n";
    for (name, bad) in [
        ("broken", &b"{\"text\": \"x\"\n"[..]),
        ("field", b"{\"body\": \"x\", \"id\": 1}\n"),
        ("utf8", b"{\"text\": \"\xff\"}\n"),
        ("number", b"{\"text\": 3}\n"),
    ] {
        let lines = [good.as_bytes(), b"\n", bad].concat();
        fs::write(at.join(format!("{name}.jsonl")), lines).unwrap();
    }
    fs::write(at.join("good.jsonl"), good).unwrap();
    fs::write(at.join("latin.txt"), b"one\ncaf\xe9\n").unwrap();
    let line = "tokenize --tokenizer bytes --output out --validation 0 --input";
    let message = refused(at, &format!("{line} *.jsonl *.txt"));
    for says in [
        "5 files can't be tokenized:",
        "broken.jsonl: line 3: no JSON object with text: the line ends before",
        "field.jsonl: line 3: there is no field `text`; there are: body, id",
        "latin.txt: line 2: no UTF-8 text",
        "number.jsonl: line 3: `text` is 3, not text",
        "utf8.jsonl: line 3: no UTF-8 text at column 11",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert!(at.join("out/train/00002-good.bin").exists());
    assert!(!at.join("out/manifest.json").exists());
    for (input, says) in [
        ("none/*.jsonl", "none/*.jsonl: matches nothing"),
        ("none.jsonl", "none.jsonl: does not exist"),
        ("s3://bucket/a.jsonl", "copy it here first"),
        (".", "is a folder"),
        ("out/train/*.bin", "holds tokens by its name"),
        (
            "good.jsonl --validation 1",
            "give a share from 0 to below 1",
        ),
        ("good.jsonl --tokenizer none.json", "tokenizer `none.json`"),
    ] {
        let line = match input {
            _ if input.contains("--tokenizer") => "tokenize --output new --input",
            _ if input.contains("--validation") => {
                "tokenize --output new --tokenizer bytes --input"
            }
            _ => line,
        };
        let message = refused(at, &format!("{line} {input}"));
        assert!(message.contains(says), "{input}: {message}");
    }
    fs::write(at.join("empty.txt"), "").unwrap();
    let message = refused(
        at,
        "tokenize --tokenizer bytes --output empty --input empty.txt",
    );
    assert!(
        message.contains("no file has a document with text"),
        "{message}"
    );
}

#[test]
fn bad_lines_stop_a_file_or_are_skipped_counted_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // A byte order mark, numbers that are no JSON in fields nobody asks for, a null, half a surrogate pair.
    let lines = "\u{feff}{\"text\": \"ab\", \"score\": NaN}\n{\"text\": null}\n{\"text\": 12}\n\
                 {\"text\": \"c\\ud83dd\"}\nnothing\n{\"text\": \"e\"}\n";
    fs::write(at.join("a.jsonl"), lines).unwrap();
    fs::write(at.join("b.jsonl"), "{\"text\": \"f\"}\n{\"doc\": 1}\n").unwrap();
    fs::write(at.join("empty.jsonl.gz"), "").unwrap();
    fs::write(at.join("empty.jsonl.zst"), "").unwrap();
    let line = "tokenize --input *.jsonl *.jsonl.* --tokenizer bytes --validation 0 --output";
    let message = refused(at, &format!("{line} out"));
    for says in [
        "2 files can't be tokenized",
        "a.jsonl: line 3: `text` is 12, not text",
        "b.jsonl: line 2: there is no field `text`; there are: doc",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    let skip = format!("{line} out --on-bad-line skip");
    let run = olmix(at, &skip).assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    for says in [
        "note: 3 lines left out that are not documents",
        "a.jsonl: 2; line 3: `text` is 12, not text",
        "b.jsonl: 1; line 2: there is no field `text`",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let shard = fs::read(at.join("out/train/00000-a.bin")).unwrap();
    let text: String = shard
        .chunks_exact(2)
        .map(|pair| {
            if pair[1] == 1 {
                '|'
            } else {
                char::from(pair[0])
            }
        })
        .collect();
    // U+FFFD is three bytes.
    assert_eq!(text, "ab|c\u{ef}\u{bf}\u{bd}d|e|");
    // What was left out is told again of shards that were there, and they are not taken for whole ones.
    let again = json(at, &format!("{skip} --json"));
    assert_eq!(
        (&again["reused"], &again["skipped"][0]["lines"]),
        (&4.into(), &2.into())
    );
    assert!(refused(at, &format!("{line} out")).contains("2 files can't be tokenized"));
    let config = "name: test\ndata:\n  sources:\n  - {name: web, paths: [\"*.jsonl\"]}\n";
    fs::write(at.join("gen.yaml"), config).unwrap();
    let message = refused(at, "priors compute --config gen.yaml");
    assert!(message.contains("2 shards can't be counted"), "{message}");
    for _ in 0..2 {
        let counted = json(
            at,
            "priors compute --config gen.yaml --on-bad-line skip --json",
        );
        let web = &counted["leaves"]["web"];
        assert_eq!(
            (&web["tokens"], &web["skipped"][0]["lines"]),
            (&9.into(), &2.into())
        );
    }
}

#[test]
fn priors_compute_counts_the_tokens_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (file, count) in [(0, 400), (1, 100)] {
        fs::write(at.join(format!("{file}.jsonl")), lines(file, count)).unwrap();
    }
    let printed = json(
        at,
        "tokenize --input *.jsonl --tokenizer bytes --output shards --json",
    );
    let train = printed["splits"]["train"]["tokens"].as_u64().unwrap();
    let held = printed["splits"]["validation"]["tokens"].as_u64().unwrap();
    let config = "name: test\ndata:\n  dtype: uint16\n  sources:\n  \
                  - {name: train, paths: [shards/train/*.bin]}\n  \
                  - {name: held, paths: [\"shards/validation/*\"]}\n";
    fs::write(at.join("gen.yaml"), config).unwrap();
    let counted = json(at, "priors compute --config gen.yaml --json --no-cache");
    assert_eq!(counted["leaves"]["train"]["tokens"], train);
    assert_eq!(counted["leaves"]["held"]["tokens"], held);
    let texts = fs::read_to_string(at.join("gen.yaml")).unwrap();
    let texts = texts
        .replace("shards/train/*.bin", "\"*.jsonl\"")
        .replace("\"shards/validation/*\"", "0.jsonl")
        .replace("data:\n", "data:\n  allow_shared_files: true\n");
    fs::write(at.join("gen.yaml"), texts).unwrap();
    let counted = json(at, "priors compute --config gen.yaml --json --no-cache");
    // Texts are counted without their ends.
    assert_eq!(counted["leaves"]["train"]["tokens"], train + held - 500);
}

#[test]
fn tokenize_prints_a_table_of_its_splits() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.jsonl"), lines(0, 100)).unwrap();
    let run = olmix(
        at,
        "tokenize --input a.jsonl --tokenizer bytes --output out/ --validation 0.3",
    );
    let run = { run }.assert().success();
    let printed = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    for says in [
        "documents  tokens  bytes  bytes per token",
        "\n train",
        "\n validation",
        "1 file tokenized. Written: out\n",
        "paths: [out/train/*.bin], dtype: uint16",
    ] {
        assert!(printed.contains(says), "{says}:\n{printed}");
    }
    let run = olmix(
        at,
        "tokenize --input a.jsonl --tokenizer bytes --output few --validation 0.0000001",
    );
    let run = { run }.assert().success();
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        message.starts_with("note: no document was held out"),
        "{message}"
    );
}
