//! One process at a time trains a run.

use std::path::Path;

use olmix_fs::FileLock;

use crate::ProxyError;

/// A run that this process alone may train, until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    _lock: FileLock,
}

impl RunLock {
    /// Takes a run's folder, which exists. On disks that know no locks everyone gets it.
    ///
    /// # Errors
    /// [`ProxyError::Input`] when another process has it; [`ProxyError::File`].
    pub fn take(run: &Path) -> Result<Self, ProxyError> {
        match FileLock::try_take(&run.join("train.lock"))? {
            Some(lock) => Ok(Self { _lock: lock }),
            None => Err(ProxyError::input(
                run,
                "another process is training this run",
                "wait for it, or end it first: two would mix their steps",
            )),
        }
    }
}
