//! What is in a folder.

use std::path::{Path, PathBuf};

use crate::LaunchError;

/// Names and paths in a folder, in order.
pub fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, LaunchError> {
    let unreadable = |error: std::io::Error| {
        LaunchError::refused(
            format!("{}: can't be read: {error}", folder.display()),
            "make the folder readable for you",
        )
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.path()));
    }
    found.sort();
    Ok(found)
}
