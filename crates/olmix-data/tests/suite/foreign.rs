//! Shards that other programs wrote: counted by their own rules, or refused by name.
//!
//! The files in tests/files are small outputs of the packages that their folders' README names.

#![allow(clippy::unwrap_used, clippy::panic)] // a failed step fails the test

use std::fs;
use std::path::{Path, PathBuf};

use olmix_data::{CountOptions, Format, Leaf, OnBadLine, Unit, count, locate};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn leaf(path: &str, format: Option<Format>) -> Leaf {
    Leaf {
        name: "web".into(),
        paths: vec![path.to_owned()],
        format,
    }
}

fn counted(leaves: &[Leaf], folder: &Path, shared: bool) -> Result<Vec<u64>, String> {
    let options = CountOptions {
        width: 2,
        unit: Unit::Bytes,
        text_field: "input_ids".into(),
        shared,
        folder: folder.to_owned(),
        cache: None,
        on_bad_line: OnBadLine::Stop,
    };
    let counts = count(leaves, &options, &|_, _| ()).map_err(|error| error.to_string())?;
    Ok(counts.into_iter().map(|leaf| leaf.tokens).collect())
}

fn tokens(path: &str, format: Option<Format>, folder: &Path) -> Result<u64, String> {
    counted(&[leaf(path, format)], folder, false).map(|counts| counts[0])
}

/// A folder of the real files, of which a test may spoil some.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(files().join(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn cut(path: &Path, bytes: usize) {
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..bytes]).unwrap();
}

#[test]
fn shards_of_other_programs_are_counted_by_their_own_rules() {
    for (path, format, expected) in [
        ("numpy/*.npy", None, 5 * 12),
        ("megatron/text.bin", None, 10),
        ("megatron/text.*", None, 10),
        ("litdata/chunk-*.bin", None, 250),
        ("litdata/*", None, 250),
        ("litdata/*.bin", Some(Format::Tokens), 250),
        ("datatrove/*.ds", None, 33),
        ("datatrove/*", None, 33),
        ("datatrove/*", Some(Format::Tokens), 33),
        ("parquet/input_ids.parquet", None, 5),
    ] {
        assert_eq!(
            tokens(path, format, &files()),
            Ok(expected),
            "{path} {format:?}"
        );
    }
}

#[test]
fn shards_that_were_cut_short_are_refused_with_both_sizes() {
    for (name, shard, bytes, says) in [
        (
            "numpy",
            "big_endian.npy",
            150,
            "22 bytes of tokens, and its NPY header says 24",
        ),
        (
            "megatron",
            "text.bin",
            12,
            "12 bytes of tokens, and its .idx file says 20",
        ),
        ("megatron", "text.idx", 60, "its .idx file was cut short"),
        (
            "litdata",
            "chunk-0-0.bin",
            400,
            "the index.json of its folder says 664",
        ),
        (
            "datatrove",
            "00000_00000_doc_shuffled.ds",
            60,
            ".metadata file says 33 tokens",
        ),
    ] {
        let folder = copy(name);
        cut(&folder.path().join(shard), bytes);
        let message = tokens("*", None, folder.path()).unwrap_err();
        assert!(message.contains(says), "{name}: {message}");
    }
    let folder = copy("numpy");
    let longer = [
        fs::read(files().join("numpy/little_endian.npy")).unwrap(),
        vec![0; 2],
    ]
    .concat();
    fs::write(folder.path().join("little_endian.npy"), longer).unwrap();
    let message = tokens("*", None, folder.path()).unwrap_err();
    assert!(message.contains("it has grown"), "{message}");
    let folder = copy("datatrove");
    let metadata = folder.path().join("00000_00000_doc_shuffled.ds.metadata");
    fs::write(&metadata, "tokenizer.json|2\n0\n0.00 T").unwrap();
    let message = tokens("*", None, folder.path()).unwrap_err();
    assert!(
        message.contains("says 0 tokens, which are not its 66 bytes"),
        "{message}"
    );
    fs::remove_file(&metadata).unwrap();
    assert_eq!(tokens("*", None, folder.path()), Ok(33), "by its .index");
    // Without their index chunks are known by their content.
    let folder = copy("litdata");
    fs::remove_file(folder.path().join("index.json")).unwrap();
    let message = tokens("*", None, folder.path()).unwrap_err();
    assert!(
        message.contains("is a chunk of litdata, and its index.json is not there"),
        "{message}"
    );
}

#[test]
fn shards_whose_headers_would_count_as_tokens_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, says) in [
        ("shard.00000.mds", "MosaicML Streaming (MDS)"),
        ("shard.00000.mds.zstd", "MosaicML Streaming (MDS)"),
        ("input_ids/data/c/0", "Levanter cache"),
        ("input_ids/zarr.json", "Levanter cache"),
        ("shard_ledger.json", "Levanter cache"),
        ("data-00000-of-00001.arrow", "Hugging Face datasets"),
        ("00000.ds.index", "belongs to a .ds file of datatrove"),
        ("text.idx", "is an index and not a shard"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [0; 8]).unwrap();
        let message = tokens(name, Some(Format::Tokens), folder.path()).unwrap_err();
        assert!(message.contains(says), "{name}: {message}");
    }
}

#[test]
fn locate_says_byte_order_and_refuses_what_is_not_read_in_order() {
    let located = |path: &str| locate(&[leaf(path, None)], 2, &files(), false);
    let order = |path: &str| located(path).unwrap()[0][0].big_endian;
    assert!(order("numpy/big_endian.npy"));
    assert!(!order("numpy/little_endian.npy"));
    for (path, says) in [
        ("numpy/fortran.npy", "is stored column by column"),
        ("litdata/*.bin", "is a chunk of litdata"),
    ] {
        let message = located(path).unwrap_err().to_string();
        assert!(
            message.contains(says) && message.contains("\n  help: "),
            "{message}"
        );
    }
    let datatrove = located("datatrove/*").unwrap();
    assert_eq!((datatrove[0][0].width, datatrove[0][0].tokens), (2, 33));
}

#[test]
fn a_file_in_two_leaves_is_refused_unless_allowed() {
    let leaves = |second: &str| {
        [
            leaf("numpy/little_endian.npy", None),
            Leaf {
                name: "code".into(),
                ..leaf(second, None)
            },
        ]
    };
    for second in ["numpy/*.npy", "./numpy//little_endian.npy"] {
        let message = counted(&leaves(second), &files(), false).unwrap_err();
        for says in [
            "`code`: ",
            "little_endian.npy is also of `web`",
            "data.allow_shared_files: true",
        ] {
            assert!(message.contains(says), "{message}");
        }
        assert!(counted(&leaves(second), &files(), true).is_ok());
    }
}

#[test]
fn lists_of_texts_and_other_columns_of_parquet_are_refused_or_read() {
    let text = |field: &str, file: &str| {
        let options = CountOptions {
            width: 2,
            unit: Unit::Bytes,
            text_field: field.into(),
            shared: false,
            folder: files(),
            cache: None,
            on_bad_line: OnBadLine::Stop,
        };
        let counts = count(&[leaf(file, None)], &options, &|_, _| ());
        counts
            .map(|counts| counts[0].tokens)
            .map_err(|error| error.to_string())
    };
    for field in ["messages", "messages.list.element.content"] {
        let message = text(field, "parquet/chats.parquet").unwrap_err();
        assert!(message.contains("has a list in each row"), "{message}");
    }
    assert_eq!(text("fixed", "parquet/chats.parquet"), Ok(6));
    assert_eq!(text("doc.text", "parquet/chats.parquet"), Ok(3));
}
