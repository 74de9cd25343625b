//! A small swarm in a folder, and where the real ones are.

#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // as in any test

use std::fs;
use std::path::{Path, PathBuf};

use olmix_io::{LoadedFit, load_fit};
use tempfile::TempDir;

pub const CONFIG: &str = "\
swarm: {ratios: ratios.csv, metrics: metrics.csv}
priors:
  relative_sizes: {web: 0.5, code: 0.3, math: 0.2}
  token_counts: {web: 500_000, code: 300_000, math: 200_000}
";

pub const RATIOS: &str = "\
run,name,web,code,math
r1,n1,0.5,0.3,0.2
r2,n2,0.2,0.6,0.2
r3,n3,0.1,0.1,0.8
r4,n4,1,0,0
r5,n5,0,0.5,0.5
";

pub const METRICS: &str = "\
run,m1,m2
r5,1.5,0.5
r4,1.4,0.4
r3,1.3,0.3
r2,1.2,0.2
r1,1.1,0.1
";

/// A folder with a config and a swarm.
pub struct Case {
    folder: TempDir,
}

impl Case {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let case = Self { folder };
        case.write("fit.yaml", CONFIG)
            .write("ratios.csv", RATIOS)
            .write("metrics.csv", METRICS);
        case
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    /// The config with lines added.
    pub fn with(&self, lines: &str) -> &Self {
        self.write("fit.yaml", format!("{CONFIG}{lines}"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn load(&self) -> LoadedFit {
        load_fit(&self.path("fit.yaml")).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The message of the error, without the folder's name.
    pub fn refused(&self) -> String {
        match load_fit(&self.path("fit.yaml")) {
            Ok(_) => panic!("loaded"),
            Err(error) => self.shorten(&error.to_string()),
        }
    }

    pub fn shorten(&self, message: &str) -> String {
        message.replace(&format!("{}/", self.folder.path().display()), "")
    }

    pub fn notices(&self) -> Vec<String> {
        let loaded = self.load();
        loaded.notices.iter().map(|n| self.shorten(n)).collect()
    }
}

/// A folder of real data; `None`, with the reason printed, where it is not there.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OLMIX_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("olmix").join(name);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: {} is not there (set OLMIX_DATA)", path.display());
        None
    }
}
