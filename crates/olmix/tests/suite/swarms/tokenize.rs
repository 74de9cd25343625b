//! Shards that `olmix tokenize` makes: order, determinism, and resuming.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{json, olmix};

/// Lines of documents of many lengths; every tenth is the same in all files.
pub fn lines(file: usize, documents: usize) -> String {
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
fn tokenize_keeps_order_and_ends_of_documents_of_every_format() {
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
        "checksums.sha256",
        "manifest.json",
        "tokenizer.json",
        "train/00000-a.bin",
        "train/00000-a.idx",
        "train/00000-a.sums",
        "train/00001-b_c.bin",
        "train/00001-b_c.idx",
        "train/00001-b_c.sums",
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
    let sum = |end: &str| olmix_io::sha256_hex(&files[&format!("train/00001-b_c.{end}")]);
    let checksums = ["bin", "idx", "sums"].map(|end| (end.to_owned(), sum(end).into()));
    let checksums: serde_json::Map<String, serde_json::Value> = checksums.into_iter().collect();
    let part = serde_json::json!({
        "file": "train/00001-b_c.bin", "split": "train", "documents": 1, "tokens": 12, "bytes": 11,
        "checksums": checksums
    });
    assert_eq!(manifest["parts"][1], part);
    let check = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "checksums.sha256"])
        .current_dir(at.join("shards"))
        .status();
    assert!(check.is_err() || check.unwrap().success());
}

#[test]
fn tokenize_writes_the_same_shards_on_any_threads_with_duplicates_in_one_split() {
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
fn tokenize_killed_half_way_resumes_to_the_same_bytes() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use crate::common::service::wait_until;

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
        // It stays open as long as tests run.
        loop {
            std::thread::park();
        }
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
    wait_until("four files and a part of the fifth are done", || {
        count(&|name, _| name.contains(".json")) >= 4
            && count(&|name, size| name.starts_with(".olmix-") && size > 0) >= 1
    });
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
fn tokenize_remakes_changed_files_and_removes_shards_of_deleted_ones() {
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
    // So is one of which a bit was flipped, in the tokens, the index or the checksums.
    for end in ["bin", "idx", "sums"] {
        let file = at.join(format!("out/train/00000-0.{end}"));
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 8;
        fs::write(&file, flipped).unwrap();
        assert_eq!(made("out"), 2, "{end}");
        assert!(fs::read(&file).unwrap() == whole, "{end}");
    }
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
