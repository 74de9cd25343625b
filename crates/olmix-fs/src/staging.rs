//! Folders of files that are replaced by a rename.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;
use tempfile::TempDir;

use crate::WriteError;
use crate::temporary::{parent, remove_abandoned, sync_folder, temporary_folder};

/// A folder of results that appears whole or not at all.
///
/// Files are written to a hidden sibling, which takes the place of the target when
/// [`StagedFolder::commit`] is called. Dropped before that, it leaves the target as it was.
#[derive(Debug)]
pub struct StagedFolder {
    target: PathBuf,
    staging: TempDir,
}

impl StagedFolder {
    /// Opens a staging folder beside `target`, whose parents are made as needed. What killed processes
    /// left there an hour ago or earlier is removed.
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
        remove_abandoned(folder);
        let staging = temporary_folder(folder).map_err(failed)?;
        Ok(Self {
            target: target.to_owned(),
            staging,
        })
    }

    /// Writes a file; `name` is relative and may have folders.
    ///
    /// # Errors
    /// [`WriteError`], naming the file as it would be called in the target.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let shown = self.target.join(name);
        let failed = WriteError::at(&shown);
        let inside = |part| matches!(part, Component::Normal(_));
        if name.is_empty() || !Path::new(name).components().all(inside) {
            return Err(failed(io::ErrorKind::InvalidFilename.into()));
        }
        let path = self.staging.path().join(name);
        fs::create_dir_all(parent(&path)).map_err(failed)?;
        let mut file = File::create_new(&path).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// Writes many files, in parallel.
    ///
    /// # Errors
    /// As [`StagedFolder::write`], for one of the files that failed.
    pub fn write_all(&self, files: &[(String, Vec<u8>)]) -> Result<(), WriteError> {
        files
            .par_iter()
            .try_for_each(|(name, bytes)| self.write(name, bytes))
    }

    /// Puts the folder in place of the target. An earlier target is removed once the new one is
    /// there; if that fails half-way, it is put back.
    ///
    /// # Errors
    /// [`WriteError`]; the target is then as it was. Where not even that could be done, the error names the
    /// folder in which the earlier target is.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self { target, staging } = self;
        let failed = WriteError::at(&target);
        let folder = parent(&target);
        sync_folder(staging.path()).map_err(failed)?;
        // The earlier result waits in a folder of its own, which vanishes on every way out.
        let aside = temporary_folder(folder).map_err(failed)?;
        let earlier = aside.path().join("earlier");
        let replaces = fs::symlink_metadata(&target).is_ok();
        if replaces {
            fs::rename(&target, &earlier).map_err(failed)?;
        }
        if let Err(error) = fs::rename(staging.path(), &target) {
            if replaces && fs::rename(&earlier, &target).is_err() {
                // Better a stray folder than a lost result.
                return Err(WriteError::new(&aside.keep().join("earlier"), error));
            }
            return Err(failed(error));
        }
        // It is the target now; there is nothing left to clean up under its old name.
        let _ = staging.keep();
        sync_folder(folder).map_err(failed)
    }
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
