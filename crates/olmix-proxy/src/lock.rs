//! One process at a time trains a run.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::ProxyError;

/// A run that this process alone may train, until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes a run's folder, which exists. On disks that know no locks everyone gets it.
    ///
    /// # Errors
    /// [`ProxyError::Input`] when another process has it; [`ProxyError::File`].
    pub fn take(run: &Path) -> Result<Self, ProxyError> {
        let path = run.join("train.lock");
        let file = File::create(&path).map_err(|error| ProxyError::unwritable(&path, &error))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(ProxyError::input(
                run,
                "another process is training this run",
                "wait for it, or end it first: two would mix their steps",
            )),
            Err(TryLockError::Error(_)) | Ok(()) => Ok(Self { _file: file }),
        }
    }
}
