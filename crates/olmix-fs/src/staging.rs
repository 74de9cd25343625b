//! Folders of files that are replaced by a rename.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;

use crate::WriteError;
use crate::exchange::put_in_place;
use crate::temporary::{TemporaryFolder, parent, sync_folder, temporary_folder};

/// A folder of results that appears whole or not at all.
///
/// Files are written to a hidden sibling, which takes the place of the target when
/// [`StagedFolder::commit`] is called. Dropped before that, it leaves the target as it was.
#[derive(Debug)]
pub struct StagedFolder {
    target: PathBuf,
    staging: TemporaryFolder,
    /// Whether others may not read the files.
    private: bool,
}

impl StagedFolder {
    /// Opens a staging folder beside `target`, whose parents are made as needed. What killed processes
    /// left there is removed.
    ///
    /// # Errors
    /// [`WriteError`] when that is impossible, or when `target` is not a folder.
    pub fn new(target: &Path) -> Result<Self, WriteError> {
        let failed = WriteError::at(target);
        if target.file_name().is_none() {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        }
        if fs::metadata(target).is_ok_and(|found| !found.is_dir()) {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(failed)?;
        let staging = temporary_folder(folder).map_err(failed)?;
        Ok(Self {
            target: target.to_owned(),
            staging,
            private: false,
        })
    }

    /// As [`StagedFolder::new`], for files that their owner alone may read and write (`0600`).
    ///
    /// # Errors
    /// As [`StagedFolder::new`].
    pub fn private(target: &Path) -> Result<Self, WriteError> {
        let staged = Self::new(target)?;
        Ok(Self {
            private: true,
            ..staged
        })
    }

    /// Writes a file; `name` is relative and may have folders.
    ///
    /// # Errors
    /// [`WriteError`], naming the file as it would be called in the target.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        write_file(self.staging.path(), &self.target, name, bytes, self.private)
    }

    /// Writes many files, in parallel.
    ///
    /// # Errors
    /// As [`StagedFolder::write`], for one of the files that failed.
    pub fn write_all(&self, files: &[(String, Vec<u8>)]) -> Result<(), WriteError> {
        write_files(self.staging.path(), &self.target, files, self.private)
    }

    /// Puts the folder in place of the target, in one step where the file system can exchange two names: then
    /// the target is there at every moment. Elsewhere a process that is killed between two renames leaves the
    /// earlier target aside, and the next one that writes here puts it back.
    ///
    /// # Errors
    /// [`WriteError`]; the target is then as it was.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self {
            target, staging, ..
        } = self;
        let failed = WriteError::at(&target);
        sync_folder(staging.path()).map_err(failed)?;
        put_in_place(staging.path(), &target).map_err(failed)?;
        // What is under the old name now, if anything, is the earlier target: dropped, it is removed.
        drop(staging);
        sync_folder(parent(&target)).map_err(failed)
    }
}

/// Writes files below `at`, in parallel; errors name them as they would be called in `target`.
pub(crate) fn write_files(
    at: &Path,
    target: &Path,
    files: &[(String, Vec<u8>)],
    private: bool,
) -> Result<(), WriteError> {
    fs::create_dir_all(at).map_err(WriteError::at(target))?;
    files
        .par_iter()
        .try_for_each(|(name, bytes)| write_file(at, target, name, bytes, private))
}

fn write_file(
    at: &Path,
    target: &Path,
    name: &str,
    bytes: &[u8],
    private: bool,
) -> Result<(), WriteError> {
    let shown = target.join(name);
    let failed = WriteError::at(&shown);
    let inside = |part| matches!(part, Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(inside) {
        return Err(failed(io::ErrorKind::InvalidFilename.into()));
    }
    let path = at.join(name);
    fs::create_dir_all(parent(&path)).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::tests::names;

    #[test]
    fn a_staged_folder_replaces_the_earlier_one_and_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out/result");
        for round in ["one", "two"] {
            let staged = StagedFolder::new(&target).unwrap();
            staged.write(&format!("{round}.txt"), b"x").unwrap();
            staged
                .write_all(&[("sub/a".into(), vec![1]), ("sub/b".into(), vec![2])])
                .unwrap();
            staged.commit().unwrap();
        }
        assert_eq!(names(&target), ["sub", "two.txt"]);
        assert_eq!(names(&target.join("sub")), ["a", "b"]);
        assert_eq!(names(&folder.path().join("out")), ["result"]);
    }

    #[test]
    fn a_staged_folder_that_is_dropped_leaves_the_target_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("result");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("old"), b"x").unwrap();
        let staged = StagedFolder::new(&target).unwrap();
        staged.write("new", b"y").unwrap();
        for name in ["../escape", "/absolute", "", "new"] {
            let message = staged.write(name, b"z").unwrap_err().to_string();
            assert!(message.contains("can't be written"), "{message}");
        }
        drop(staged);
        assert_eq!(names(folder.path()), ["result"]);
        assert_eq!(names(&target), ["old"]);
    }
}
