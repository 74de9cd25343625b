//! Where trainers find tokens, and what is refused before they read any.

#![allow(clippy::unwrap_used)] // a failed step fails the test

use std::fs;
use std::path::Path;

use olmix_data::{Dtype, Leaf, Manifest, ManifestTokenizer, Part, Split, TokenShard, locate};

fn leaf(name: &str, path: &str) -> Leaf {
    Leaf {
        name: name.into(),
        paths: vec![path.to_owned()],
        format: None,
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A Megatron index of one document.
fn index(code: u8, tokens: u32) -> Vec<u8> {
    let mut index = b"MMIDIDX\x00\x00".to_vec();
    index.extend(1_u64.to_le_bytes());
    index.push(code);
    index.extend([1_u64, 2].map(u64::to_le_bytes).concat());
    index.extend(tokens.to_le_bytes());
    index.extend([0_u64, 0, 1].map(u64::to_le_bytes).concat());
    index
}

fn tokenizer() -> ManifestTokenizer {
    ManifestTokenizer {
        name: "bytes".into(),
        vocab: 257,
        end_of_text: 256,
        sha256: String::new(),
    }
}

/// A folder of shards as `olmix tokenize` makes them: 100 tokens in `web/train/00000-a.bin`.
fn shards(folder: &Path) {
    put(folder, "web/train/00000-a.bin", &[0; 200]);
    put(folder, "web/train/00000-a.idx", &index(8, 100));
    let part = Part {
        file: "train/00000-a.bin".into(),
        split: Split::Train,
        documents: 10,
        tokens: 100,
        bytes: 90,
        checksums: None,
    };
    let manifest = Manifest::new(tokenizer(), Dtype::Uint16, vec![part]);
    let json = serde_json::to_vec(&manifest).unwrap();
    put(folder, "web/manifest.json", &json);
}

#[test]
fn shards_of_every_flat_format_are_located_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    put(at, "raw/b.npy", &[0; 8]);
    put(at, "raw/a.npy", &[0; 4]);
    let mut npy = b"\x93NUMPY\x01\x00\x3a\x00".to_vec();
    npy.extend(b"{'descr': '<u4', 'fortran_order': False, 'shape': (3,), }\n");
    npy.extend([0; 12]);
    put(at, "raw/c.npy", &npy);
    let leaves = [leaf("web", "web/train/*"), leaf("raw", "raw/**/*.npy")];
    let found = locate(&leaves, 2, at, false).unwrap();
    let shard = |name: &str, offset, width, tokens, bytes| TokenShard {
        path: at.join(name),
        offset,
        width,
        big_endian: false,
        tokens,
        bytes,
        // A manifest that says the bytes says the tokenizer.
        tokenizer: bytes.map(|_| tokenizer()),
        sums: None,
    };
    let web = [shard("web/train/00000-a.bin", 0, 2, 100, Some(90))];
    let raw = [
        shard("raw/a.npy", 0, 2, 2, None),
        shard("raw/b.npy", 0, 2, 4, None),
        shard("raw/c.npy", 68, 4, 3, None),
    ];
    assert_eq!(found, [web.to_vec(), raw.to_vec()]);
}

#[test]
fn locate_refuses_shards_that_can_not_be_trained_on_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    put(at, "a.jsonl", b"{}");
    put(at, "a.txt", b"x");
    put(at, "odd.bin", &[0; 3]);
    put(at, "empty.bin", &[]);
    put(at, "readme.md", b"x");
    put(at, "mega.bin", &[0; 8]);
    put(at, "mega.idx", &index(4, 2));
    for (path, says, help) in [
        ("a.jsonl", "holds text", "olmix tokenize"),
        ("a.txt", "holds text", "olmix tokenize"),
        ("odd.bin", "3 bytes are not a multiple of 2", "repair it"),
        ("empty.bin", "`web`: has no tokens", "fill"),
        ("readme.md", "does not say what it holds", "*.bin"),
        (
            "none/*.bin",
            "`none/*.bin` matches nothing",
            "correct the path",
        ),
        (
            "s3://bucket/*.npy",
            "is not on this machine",
            "copy it here first",
        ),
        (
            "mega.bin",
            "2 bytes a token, and its .idx file says 4",
            "set `data.dtype` to uint32",
        ),
    ] {
        let error = locate(&[leaf("web", path)], 2, at, false)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`web`"), "{error}");
        let (problem, helps) = error.split_once("\n  help: ").unwrap();
        assert!(problem.contains(says) && helps.contains(help), "{error}");
    }
}

#[test]
fn locate_refuses_a_shard_that_differs_from_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    let refusal = |width| {
        let leaves = [leaf("web", "web/train/*.bin")];
        locate(&leaves, width, at, false).unwrap_err().to_string()
    };
    let error = refusal(4);
    assert!(error.contains("set `data.dtype` to uint16"), "{error}");
    put(at, "web/train/00000-a.bin", &[0; 150]);
    let error = refusal(2);
    let says = "shrank since it was counted: it has 150 bytes, and its manifest says 200";
    assert!(error.contains(says), "{error}");
    fs::remove_file(at.join("web/train/00000-a.idx")).unwrap();
    put(at, "web/train/00000-a.bin", &[0; 200]);
    let error = refusal(4);
    assert!(
        error.contains("manifest.json of its folder says 2"),
        "{error}"
    );
    // Another program's manifest is none of ours; one of ours that is broken is told.
    put(at, "web/manifest.json", b"{\"name\": \"an extension\"}");
    let found = locate(&[leaf("web", "web/train/*.bin")], 2, at, false).unwrap();
    assert_eq!(found[0][0].bytes, None);
    put(
        at,
        "web/manifest.json",
        b"{\"format\": \"olmix shards\", \"version\": 2}",
    );
    assert!(refusal(2).contains("has version 2"));
    put(
        at,
        "web/manifest.json",
        b"{\"format\": \"olmix shards\", \"version\": 1}",
    );
    assert!(refusal(2).contains("is broken: missing field"));
}

#[test]
fn locate_passes_over_shards_that_are_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    shards(at);
    fs::remove_file(at.join("web/manifest.json")).unwrap();
    fs::create_dir(at.join("web/.olmix-parts")).unwrap();
    let error = locate(&[leaf("web", "web/train/*.bin")], 2, at, false).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("not finished") && error.contains("olmix tokenize"),
        "{error}"
    );
}
