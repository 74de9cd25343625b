//! Every format is counted right, and nothing that can't be counted is passed over.

#![allow(clippy::unwrap_used, clippy::panic)] // a failed step fails the test

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use olmix_data::{CountOptions, DataError, Format, Leaf, LeafCount, OnBadLine, Unit, count};
use tempfile::TempDir;

fn leaf(name: &str, paths: &[&str]) -> Leaf {
    Leaf {
        name: name.into(),
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        format: None,
    }
}

fn options(folder: &Path) -> CountOptions {
    CountOptions {
        width: 4,
        unit: Unit::Bytes,
        text_field: "text".into(),
        shared: false,
        folder: folder.to_owned(),
        cache: None,
        on_bad_line: OnBadLine::Stop,
    }
}

fn put(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn tokens(leaves: &[Leaf], options: &CountOptions) -> Vec<u64> {
    let counts = count(leaves, options, &|_, _| ()).unwrap();
    counts.into_iter().map(|leaf| leaf.tokens).collect()
}

fn npy(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut dict = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (9,), }}");
    dict += &" ".repeat(117 - dict.len());
    dict.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(dict.len()).unwrap().to_le_bytes());
    file.extend(dict.as_bytes());
    file.extend(bytes);
    file
}

/// A `.bin` of 10 tokens of two bytes, and its index.
fn megatron(folder: &TempDir, stem: &str) {
    put(folder, &format!("{stem}.bin"), &[0; 20]);
    let mut index = b"MMIDIDX\x00\x00".to_vec();
    index.extend(1_u64.to_le_bytes());
    index.push(8); // uint16
    index.extend(1_u64.to_le_bytes());
    index.extend(2_u64.to_le_bytes());
    index.extend(10_i32.to_le_bytes());
    index.extend([0_u64, 0, 1].map(u64::to_le_bytes).concat());
    put(folder, &format!("{stem}.idx"), &index);
}

const LINES: &str =
    "{\"id\": 1, \"text\": \"one two\"}\n\n{\"text\": \"tr\\u00eas\", \"more\": {\"text\": [1]}}\n";

#[test]
fn shards_of_every_format_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "raw/a.npy", &[0; 400]);
    put(&folder, "raw/deep/er/b.npy", &[0; 40]);
    put(&folder, "raw/c.bin", &[0; 4]);
    put(&folder, "headed/a.npy", &npy("<u2", &[0; 18]));
    megatron(&folder, "mega/wiki_text_document");
    put(&folder, "text/a.jsonl", LINES.as_bytes());
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(LINES.as_bytes()).unwrap();
    put(&folder, "text/b.jsonl.gz", &gz.finish().unwrap());
    put(
        &folder,
        "text/c.json.zst",
        &zstd::encode_all(LINES.as_bytes(), 1).unwrap(),
    );
    put(&folder, "text/d.txt", b"one two\ntr\xc3\xaas\n");
    fs::create_dir(folder.path().join("parquet")).unwrap();
    let texts = [Some("one two"), Some("three"), None];
    let more = [Some("four"), Some(""), None];
    crate::common::parquet(&folder.path().join("parquet/a.parquet"), &[&texts, &more]);
    let leaves = [
        leaf("raw", &["raw/**/*.npy", "raw/c.bin", "raw/a.npy"]),
        leaf("headed", &["headed/*"]),
        leaf("mega", &["mega/*"]),
        leaf("text", &["text/*"]),
        leaf("parquet", &["parquet/*.parquet"]),
    ];
    let options = options(folder.path());
    assert_eq!(tokens(&leaves, &options), [111, 9, 10, 3 * 12 + 14, 16]);
    let absolute = format!("{}/raw/**/*.npy", folder.path().display());
    let seen = AtomicU64::new(0);
    let counts = count(&[leaf("raw", &[&absolute])], &options, &|bytes, sum| {
        assert_eq!(sum, 440);
        seen.fetch_add(bytes, Ordering::Relaxed);
    });
    let expected = LeafCount {
        name: "raw".into(),
        tokens: 110,
        shards: 2,
        bytes: 440,
        text: false,
        skipped: Vec::new(),
    };
    assert_eq!(counts.unwrap(), [expected]);
    assert_eq!(seen.into_inner(), 440);
}

/// Splits at spaces and knows three words.
const TOKENIZER: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
 "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
 "model": {"type": "WordLevel", "vocab": {"one": 0, "two": 1, "[UNK]": 2}, "unk_token": "[UNK]"}}"#;

#[test]
fn texts_are_tokenized_with_a_tokenizer_json() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a.jsonl", LINES.as_bytes());
    let mut options = options(folder.path());
    options.unit = Unit::Tokenizer(put(&folder, "tokenizer.json", TOKENIZER.as_bytes()));
    assert_eq!(tokens(&[leaf("a", &["a.jsonl"])], &options), [3]);
    for bad in ["{}", "no json"] {
        options.unit = Unit::Tokenizer(put(&folder, "bad.json", bad.as_bytes()));
        let error = count(&[leaf("a", &["a.jsonl"])], &options, &|_, _| ()).unwrap_err();
        assert!(matches!(error, DataError::Tokenizer { .. }), "{error}");
    }
}

#[test]
fn count_lists_every_shard_that_can_not_be_counted_with_its_leaf() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a/odd.npy", &[0; 401]);
    put(&folder, "a/good.npy", &[0; 400]);
    put(&folder, "a/text.md", b"what is this");
    put(
        &folder,
        "b/broken.jsonl",
        b"{\"text\": \"fine\"}\n{\"text\": 3}\n",
    );
    put(&folder, "b/other.jsonl", b"{\"body\": \"fine\"}\n");
    put(&folder, "b/broken.jsonl.gz", b"\x1f\x8bnothing");
    put(&folder, "b/broken.parquet", b"PAR1");
    put(&folder, "c/x.bin", &[0; 20]);
    put(&folder, "c/x.idx", b"no index");
    let leaves = [
        leaf("a", &["a/*"]),
        leaf("b", &["b/*"]),
        leaf("c", &["c/*.bin"]),
    ];
    let error = count(&leaves, &options(folder.path()), &|_, _| ()).unwrap_err();
    let DataError::Shards(problems) = &error else {
        panic!("{error}");
    };
    let mut told: Vec<String> = problems
        .iter()
        .map(|p| {
            let shard = Path::new(&p.shard).file_name().unwrap().to_string_lossy();
            format!("{} {shard}: {}", p.leaf, p.problem)
        })
        .collect();
    told.sort();
    let begins = [
        "a odd.npy: 401 bytes are not a multiple of 4",
        "a text.md: its name does not say what it holds",
        "b broken.jsonl.gz: unexpected end of file",
        "b broken.jsonl: line 2: ",
        "b broken.parquet: ",
        "b other.jsonl: line 1: there is no field `text`",
        "c x.bin: its .idx file is not a Megatron index",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told}");
    }
}

#[test]
fn count_refuses_paths_that_name_nothing_with_their_leaf() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a/x.npy", &[]);
    for (path, says) in [
        ("a/*.bin", "`a/*.bin` matches nothing"),
        ("a/y.npy", "`a/y.npy` does not exist"),
        ("none/**/*.npy", "matches nothing"),
        ("a", "`a` is a folder"),
        ("a/x.npy", "has no tokens"),
        ("ftp://host/a", "`ftp://`"),
        ("http://localhost/*.npy", "don't list"),
    ] {
        let error = count(
            &[leaf("wiki", &[path])],
            &options(folder.path()),
            &|_, _| (),
        );
        let message = error.unwrap_err().to_string();
        assert!(
            message.starts_with("`wiki`: ") && message.contains(says),
            "{path}: {message}"
        );
        assert!(message.contains("\n  help: "), "{message}");
    }
}

#[test]
fn a_named_format_goes_before_the_extension_of_a_shard() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a/part-0", &[0; 8]);
    let mut named = leaf("a", &["a/*"]);
    named.format = Some(Format::Tokens);
    assert_eq!(tokens(&[named], &options(folder.path())), [2]);
}

#[test]
fn counted_texts_are_not_read_again_until_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(&folder, "a.jsonl", b"{\"text\": \"12345\"}\n");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut options = options(folder.path());
    options.cache = Some(folder.path().join("cache/counts.jsonl"));
    let leaves = [leaf("a", &["a.jsonl"])];
    assert_eq!(tokens(&leaves, &options), [5]);
    // As long and as old as before: nobody looks inside.
    fs::write(&path, b"{\"text\": \"1\"}    \n").unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(tokens(&leaves, &options), [5]);
    // A line that was cut short counts for nothing.
    let cache = options.cache.clone().unwrap();
    let text = fs::read_to_string(&cache).unwrap();
    fs::write(&cache, &text[..text.len() - 5]).unwrap();
    assert_eq!(tokens(&leaves, &options), [1]);
    assert_eq!(tokens(&leaves, &options), [1]);
    options.text_field = "body".into();
    assert!(count(&leaves, &options, &|_, _| ()).is_err());
    options.cache = None;
    options.text_field = "text".into();
    fs::write(&path, b"{\"text\": \"123\"}  \n").unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(tokens(&leaves, &options), [3]);
}

#[test]
fn compressed_files_that_need_other_options_say_which() {
    let folder = tempfile::tempdir().unwrap();
    // A frame with a window of 2^31 bytes, and an empty last block: `zstd --long=31` of a stream.
    let long = b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    put(&folder, "a.jsonl.zst", long);
    let marked = "\u{feff}{\"text\": \"x\"}\n";
    put(&folder, "b.jsonl", marked.repeat(2).as_bytes());
    put(&folder, "c.jsonl", b"\xff\xfe{\x00");
    let options = options(folder.path());
    let refused = |path: &str| {
        let error = count(&[leaf("web", &[path])], &options, &|_, _| ());
        error.unwrap_err().to_string()
    };
    let message = refused("a.jsonl.zst");
    assert!(
        message.contains("zstd -dc --long=31 FILE | zstd > NEW"),
        "{message}"
    );
    assert_eq!(tokens(&[leaf("web", &["b.jsonl"])], &options), [2]);
    let message = refused("c.jsonl");
    assert!(message.contains("is UTF-16; convert it"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_link_into_its_own_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a/x.npy", &[0; 8]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).unwrap();
    let error = count(
        &[leaf("web", &["**/*.npy"])],
        &options(folder.path()),
        &|_, _| (),
    );
    let message = error.unwrap_err().to_string();
    assert!(message.contains("a/again is a link to"), "{message}");
    assert!(message.ends_with("help: correct the path"), "{message}");
}

#[test]
fn a_path_that_exists_is_meant_though_it_has_characters_of_wildcards() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder, "a{x}/b[1].bin", &[0; 20]);
    put(&folder, "a{x}/{y,z}*.bin", &[0; 8]);
    // What the same words mean as patterns.
    put(&folder, "ax/b1.bin", &[0; 400]);
    put(&folder, "a{x}/y.bin", &[0; 4000]);
    let leaves = [
        leaf("file", &["a{x}/b[1].bin"]),
        leaf("stars", &["a{x}/{y,z}*.bin"]),
    ];
    assert_eq!(tokens(&leaves, &options(folder.path())), [5, 2]);
    // Where no file has the name, it is a pattern.
    let pattern = [leaf("pattern", &["a[x]/b{1,2}.bin"])];
    assert_eq!(tokens(&pattern, &options(folder.path())), [100]);
}
