//! Texts of every format become the same shards, and two runs never share a folder.

#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use olmix_data::{Encoder, OnBadLine, TokenizeOptions, Tokenized, tokenize};

fn options(folder: &Path, input: &str, output: &str) -> TokenizeOptions {
    TokenizeOptions {
        inputs: vec![folder.join(input).display().to_string()],
        output: folder.join(output),
        text_field: "text".into(),
        validation: 0.3,
        on_bad_line: OnBadLine::Stop,
    }
}

fn made(options: &TokenizeOptions) -> Tokenized {
    tokenize(options, &Encoder::bytes(), &|_, _| {}).unwrap()
}

#[test]
fn tokenize_makes_the_same_shards_of_the_same_documents_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let texts: Vec<String> = (0..300)
        .map(|i| format!("naïve {i} ").repeat(i % 9))
        .collect();
    let line = |text: &String| serde_json::json!({ "text": text }).to_string() + "\n";
    let lines: String = texts.iter().map(line).collect();
    fs::write(at.join("a.jsonl"), &lines).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(lines.as_bytes()).unwrap();
    fs::write(at.join("a.jsonl.gz"), gz.finish().unwrap()).unwrap();
    let zst = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    fs::write(at.join("a.jsonl.zst"), zst).unwrap();
    let rows: Vec<Option<&str>> = texts.iter().map(|text| Some(text.as_str())).collect();
    crate::common::parquet(&at.join("a.parquet"), &[&rows[..100], &rows[100..]]);
    let shards = |input: &str| {
        let made = made(&options(at, input, &format!("shards-{input}")));
        let parts = made.manifest.parts.iter();
        let bytes = |file: &str| fs::read(at.join(format!("shards-{input}")).join(file)).unwrap();
        parts
            .map(|part| (part.documents, part.tokens, part.bytes, bytes(&part.file)))
            .collect::<Vec<_>>()
    };
    let plain = shards("a.jsonl");
    assert_eq!(plain.len(), 2, "one of training, one of validation");
    for input in ["a.jsonl.gz", "a.jsonl.zst", "a.parquet"] {
        assert!(shards(input) == plain, "{input}");
    }
}

#[test]
fn tokenize_refuses_a_folder_that_another_process_writes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("a.txt"), "one").unwrap();
    let options = options(at, "a.txt", "shards");
    made(&options);
    let lock = File::open(at.join("shards/.olmix-parts/lock")).unwrap();
    lock.lock().unwrap();
    fs::write(at.join("a.txt"), "another").unwrap();
    let message = tokenize(&options, &Encoder::bytes(), &|_, _| {})
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("another olmix tokenize is at work there"),
        "{message}"
    );
    lock.unlock().unwrap();
    assert_eq!(made(&options).reused, 0);
}
