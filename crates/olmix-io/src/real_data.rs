//! Published data for tests that can use it.

use std::path::{Path, PathBuf};

/// A file of the published data; `None`, with the reason printed, where it is not there.
pub(crate) fn read(name: &str) -> Option<String> {
    let root = std::env::var_os("OLMIX_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join("olmix").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: {} is not there (set OLMIX_DATA)", path.display());
    }
    text
}
