//! What `olmix tokenize` promises, run as a user runs it.
#![allow(clippy::unwrap_used)] // a failed step fails the test

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{json, olmix, refused};

/// Lines of documents of many lengths; every tenth is the same in all files.
fn lines(file: usize, documents: usize) -> String {
    let line = |i: usize| {
        let text = match i % 10 {
            0 => format!("common {i}"),
            _ => format!("file {file}, document {i}, naïve 🎉 ").repeat(1 + i * 7 % 40),
        };
        serde_json::json!({"id": i, "text": text}).to_string() + "\n"
    };
    (0..documents).map(line).collect()
}

/// Files of a folder and their bytes, but for the journal.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != ".olmix-parts" {
            let inside = tree(&path).into_iter();
            files.extend(inside.map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else if path.is_file() {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// The tokens of a shard of two bytes each.
fn tokens(shard: &[u8]) -> Vec<u16> {
    let pairs = shard.chunks_exact(2);
    pairs
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// The documents of a shard of bytes.
fn documents(shard: &[u8]) -> Vec<String> {
    let tokens = tokens(shard);
    assert_eq!(tokens.last(), Some(&256));
    let texts = tokens[..tokens.len() - 1].split(|&token| token == 256);
    let text = |text: &[u16]| {
        text.iter()
            .map(|&token| u8::try_from(token).unwrap())
            .collect()
    };
    texts
        .map(|found| String::from_utf8(text(found)).unwrap())
        .collect()
}

#[test]
fn documents_of_every_format_keep_their_order_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(
        at.join("a.jsonl"),
        "{\"text\":\"one\"}\n{\"text\":\"\"}\n{\"text\":\"<|endoftext|>\"}\n",
    )
    .unwrap();
    fs::write(at.join("b c.txt"), "tr\u{ea}s\nbien\n").unwrap();
    let line =
        "tokenize --input *.jsonl *.txt --tokenizer bytes --output shards --validation 0 --json";
    let printed = json(at, line);
    let train = &printed["splits"]["train"];
    assert_eq!(
        (&train["documents"], &train["bytes"]),
        (&3.into(), &27.into())
    );
    assert_eq!(train["tokens"], 30);
    assert_eq!(printed["splits"]["validation"]["tokens"], 0);
    let files = tree(&at.join("shards"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "manifest.json",
        "tokenizer.json",
        "train/00000-a.bin",
        "train/00000-a.idx",
        "train/00001-b_c.bin",
        "train/00001-b_c.idx",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        documents(&files["train/00000-a.bin"]),
        ["one", "<|endoftext|>"]
    );
    assert_eq!(documents(&files["train/00001-b_c.bin"]), ["três\nbien\n"]);
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["tokenizer"]["end_of_text"], 256);
    assert_eq!(manifest["dtype"], "uint16");
    let part = serde_json::json!({
        "file": "train/00001-b_c.bin", "split": "train", "documents": 1, "tokens": 12, "bytes": 11
    });
    assert_eq!(manifest["parts"][1], part);
}

#[test]
fn shards_are_the_same_bytes_on_any_number_of_threads_and_duplicates_are_on_one_side() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (file, count) in [(0, 3000), (1, 40), (2, 900)] {
        fs::write(at.join(format!("{file}.jsonl")), lines(file, count)).unwrap();
    }
    let line = "tokenize --input *.jsonl --tokenizer bytes --validation 0.2 --quiet";
    for threads in [1, 3] {
        let line = format!("{line} --threads {threads} --output on-{threads}");
        olmix(at, &line).assert().success();
    }
    let files = tree(&at.join("on-1"));
    assert!(files == tree(&at.join("on-3")));
    let side = |split: &str| {
        let shards = files
            .iter()
            .filter(|(name, _)| name.starts_with(split) && name.ends_with("bin"));
        let texts = shards.flat_map(|(_, bytes)| documents(bytes));
        let common = texts.filter(|text| text.starts_with("common"));
        common.collect::<std::collections::BTreeSet<String>>()
    };
    let (train, held) = (side("train"), side("validation"));
    assert!(
        train.len() > 150 && held.len() > 30,
        "{} {}",
        train.len(),
        held.len()
    );
    assert_eq!(train.len() + held.len(), 300);
}

#[test]
#[cfg(unix)]
fn a_run_that_was_killed_goes_on_and_ends_in_the_same_bytes() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for file in [0, 1, 3, 4] {
        fs::write(at.join(format!("{file}.jsonl")), lines(file, 500)).unwrap();
    }
    // A pipe stands for a file that takes long to read: half of it comes, and then nothing.
    let (pipe, slow) = (at.join("2.jsonl"), lines(2, 4000));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let line = "tokenize --input *.jsonl --tokenizer bytes --validation 0.1 --threads 2 --output";
    let mut run = Command::new(env!("CARGO_BIN_EXE_olmix"))
        .args(line.split(' ').chain(["killed"]))
        .current_dir(at)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let half = slow.as_bytes()[..slow.len() / 2].to_vec();
    let mut end = fs::File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    std::thread::spawn(move || {
        let _ = end.write_all(&half);
        std::thread::sleep(Duration::from_mins(2));
    });
    let journal = at.join("killed/.olmix-parts");
    let count = |what: &dyn Fn(&str, u64) -> bool| {
        let entries = fs::read_dir(&journal).into_iter().flatten().flatten();
        let entries = entries.filter(|entry| {
            let size = entry.metadata().map_or(0, |found| found.len());
            what(&entry.file_name().to_string_lossy(), size)
        });
        entries.count()
    };
    let begin = Instant::now();
    while count(&|name, _| name.contains(".json")) < 4
        || count(&|name, size| name.starts_with(".olmix-") && size > 0) < 1
    {
        assert!(begin.elapsed() < Duration::from_mins(1), "nothing was done");
        std::thread::sleep(Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(!at.join("killed/manifest.json").exists());
    fs::remove_file(&pipe).unwrap();
    fs::write(&pipe, &slow).unwrap();
    let printed = json(at, &format!("{line} killed --json"));
    assert_eq!(
        (&printed["files"], &printed["reused"]),
        (&5.into(), &4.into())
    );
    assert_eq!(count(&|name, _| name.starts_with(".olmix-")), 0);
    olmix(at, &format!("{line} whole --quiet"))
        .assert()
        .success();
    assert!(tree(&at.join("killed")) == tree(&at.join("whole")));
}

#[test]
fn what_changed_is_made_anew_and_what_is_gone_leaves_no_shard() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for file in 0..3 {
        fs::write(at.join(format!("{file}.jsonl")), lines(file, 50)).unwrap();
    }
    let line = "tokenize --input *.jsonl --tokenizer bytes --validation 0.3 --json --output";
    let made = |out: &str| {
        json(at, &format!("{line} {out}"))["reused"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(made("out"), 0);
    assert_eq!(made("out"), 3);
    fs::write(at.join("1.jsonl"), lines(7, 60)).unwrap();
    assert_eq!(made("out"), 2);
    // A shard that was cut short is made again.
    fs::write(at.join("out/train/00000-0.bin"), "x").unwrap();
    assert_eq!(made("out"), 2);
    fs::remove_file(at.join("2.jsonl")).unwrap();
    assert_eq!(made("out"), 2);
    // Another call's texts take the place of these, and it says so.
    fs::write(at.join("other.txt"), "text").unwrap();
    let other = olmix(
        at,
        "tokenize --input other.txt --tokenizer bytes --output two",
    )
    .assert();
    other.success();
    let told = olmix(
        at,
        "tokenize --input 0.jsonl --tokenizer bytes --output two",
    )
    .assert();
    let told = String::from_utf8_lossy(&told.success().get_output().stderr).into_owned();
    assert!(told.contains("removed the shards of 00000-other"), "{told}");
    fs::remove_file(at.join("0.jsonl")).unwrap();
    assert_eq!(made("out"), 0, "its part has another number");
    assert_eq!(made("fresh"), 0);
    assert!(tree(&at.join("out")) == tree(&at.join("fresh")));
    // Other options are other shards.
    let line = line.replace("0.3", "0.5");
    assert_eq!(json(at, &format!("{line} out"))["reused"], 0);
}

/// Splits at spaces and knows three words.
const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
 "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
 "model": {"type": "WordLevel", "vocab": {"one": 0, "two": 70000, "[UNK]": 2, "stop": 3}, "unk_token": "[UNK]"}}"#;

#[test]
fn a_tokenizer_needs_an_end_of_text_and_a_folder_has_one_tokenizer() {
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
fn bad_texts_are_refused_with_file_and_line_and_the_others_are_done() {
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
        "broken.jsonl: line 3: no JSON object with text: EOF",
        "field.jsonl: line 3: there is no field `text`; there are: body, id",
        "latin.txt: line 2: no UTF-8 text",
        "number.jsonl: line 3: no JSON object with text: invalid type: integer `3`",
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
fn priors_count_the_tokens_of_shards() {
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
        .replace("\"shards/validation/*\"", "0.jsonl");
    fs::write(at.join("gen.yaml"), texts).unwrap();
    let counted = json(at, "priors compute --config gen.yaml --json --no-cache");
    // Texts are counted without their ends.
    assert_eq!(counted["leaves"]["train"]["tokens"], train + held - 500);
}

#[test]
fn what_was_made_is_told_in_a_table() {
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
