//! One spelling of a path, however it was written.

use std::path::{Path, PathBuf};

/// An absolute path whose folder has no `..` and no links. The file's own name stays, even where it is a
/// link: the files beside a link may describe what it names.
///
/// A path whose folder does not exist is only made absolute.
#[must_use]
pub fn canonical_parent(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return absolute;
    };
    match folder.canonicalize() {
        Ok(folder) => folder.join(name),
        Err(_) => absolute,
    }
}

/// An absolute path, without `..` and links as far as it exists: the longest part of it that exists is
/// canonical, the rest is appended as it was written.
#[must_use]
pub fn canonical_prefix(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut existing = absolute.as_path();
    let mut rest = Vec::new();
    let canonical = loop {
        if let Ok(found) = existing.canonicalize() {
            break found;
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                existing = parent;
            }
            _ => break existing.to_owned(),
        }
    };
    rest.iter()
        .rev()
        .fold(canonical, |path, name| path.join(name))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// `real/file`, `link` → `real`, and `real/alias` → `file`; the folder without links in its own path.
    fn linked() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/file"), b"x").unwrap();
        symlink("real", root.join("link")).unwrap();
        symlink("file", root.join("real/alias")).unwrap();
        (folder, root)
    }

    #[test]
    fn canonical_parent_follows_links_of_folders_and_keeps_the_name_of_the_file() {
        let (_folder, root) = linked();
        let expected = root.join("real/alias");
        assert_eq!(canonical_parent(&root.join("link/alias")), expected);
        assert_eq!(
            canonical_parent(&root.join("link/../real/./alias")),
            expected
        );
        let missing = root.join("none/file");
        assert_eq!(canonical_parent(&missing), missing);
        assert_eq!(canonical_parent(Path::new("/")), Path::new("/"));
    }

    #[test]
    fn canonical_prefix_follows_all_links_and_keeps_what_does_not_exist() {
        let (_folder, root) = linked();
        assert_eq!(
            canonical_prefix(&root.join("link/alias")),
            root.join("real/file")
        );
        assert_eq!(
            canonical_prefix(&root.join("link/new/folder")),
            root.join("real/new/folder")
        );
        assert_eq!(canonical_prefix(Path::new("/")), Path::new("/"));
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert_eq!(
            canonical_prefix(Path::new("not/there")),
            here.join("not/there")
        );
    }
}
