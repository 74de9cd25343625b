//! Work that one process at a time may do.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{WriteError, abandoned};

/// An exclusive, advisory lock on a file. It is held until this is dropped or the process ends, however it
/// ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock without waiting; the file is made, and emptied. `None` where another process, or
    /// another `FileLock` of this one, holds it.
    ///
    /// Some network disks know no locks: there everyone gets it.
    ///
    /// # Errors
    /// [`WriteError`] when the file can't be made.
    pub fn try_take(path: &Path) -> Result<Option<Self>, WriteError> {
        let file = File::create(path).map_err(WriteError::at(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Some(Self { _file: file })),
        }
    }

    /// As [`FileLock::try_take`], on a folder that is there: nothing is made, and nothing is left.
    ///
    /// # Errors
    /// [`WriteError`] when the folder can't be opened.
    pub fn try_take_folder(path: &Path) -> Result<Option<Self>, WriteError> {
        let file = abandoned::open(path).map_err(WriteError::at(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Some(Self { _file: file })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lock_is_held_by_one_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::try_take(&path).unwrap().unwrap();
        assert!(FileLock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_take(&path).unwrap().is_some());
        let held = FileLock::try_take_folder(folder.path()).unwrap().unwrap();
        assert!(FileLock::try_take_folder(folder.path()).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_take_folder(folder.path()).unwrap().is_some());
        let error = FileLock::try_take(&folder.path().join("none/lock")).unwrap_err();
        assert_eq!(error.path, folder.path().join("none/lock"));
    }
}
