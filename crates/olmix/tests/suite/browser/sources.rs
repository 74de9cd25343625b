//! The scripts in the binary are built from the sources in the repository: held without Node by a hash, and with
//! Node by building them again.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::web;
use crate::common::python;

/// The scripts that crates pack.
fn assets() -> Vec<std::path::PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all = [
        "olmix-report/assets/report.js",
        "olmix-explore/assets/explore.js",
    ];
    let there = all.iter().map(|asset| crates.join(asset));
    there.filter(|asset| asset.exists()).collect()
}

/// `/* olmix web HASH of FILE FILE … */`: what the script was built from.
fn header(asset: &Path) -> (String, Vec<String>) {
    let text = std::fs::read_to_string(asset).unwrap();
    let line = text.lines().next().unwrap();
    let inner = line
        .strip_prefix("/* olmix web ")
        .and_then(|line| line.strip_suffix(" */"))
        .unwrap_or_else(|| panic!("{}: no header: {line}", asset.display()));
    let (hash, files) = inner.split_once(" of ").unwrap();
    let files = files.split(' ').map(str::to_owned).collect();
    (hash.to_owned(), files)
}

#[test]
fn scripts_of_the_pages_belong_to_their_sources() {
    let assets = assets();
    assert!(!assets.is_empty());
    for asset in assets {
        let (expected, files) = header(&asset);
        assert!(files.len() > 3, "{files:?}");
        let mut hash = Sha256::new();
        for file in &files {
            let bytes = std::fs::read(web().join(file)).unwrap();
            hash.update(format!("{file}\0{}\0", bytes.len()));
            hash.update(&bytes);
        }
        let mut found = String::new();
        for byte in hash.finalize() {
            write!(found, "{byte:02x}").unwrap();
        }
        assert_eq!(
            found,
            expected,
            "{} is not built from these sources; run `npm ci && npm run build` in web/",
            asset.display()
        );
    }
}

#[test]
fn scripts_of_the_pages_are_typed_and_built_again_to_the_same_bytes() {
    let Some(node) = python::web_packages() else {
        return;
    };
    for words in [
        &["build.mjs", "--check"][..],
        &["node_modules/typescript/bin/tsc", "--noEmit"],
    ] {
        let done = Command::new(&node)
            .args(words)
            .current_dir(web())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&done.stdout);
        let complained = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {printed}{complained}");
    }
}
