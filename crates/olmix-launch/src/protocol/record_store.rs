//! Where the small files are that launcher and nodes exchange: in a folder that both see, or in an object
//! store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::create_once::create_once;
use crate::LaunchError;
use crate::object_store::Storage;

/// A folder of small files, each written whole or not at all.
#[derive(Debug, Clone)]
pub enum RecordStore {
    /// A folder on a filesystem that nodes share.
    Folder(PathBuf),
    /// A folder in an object store.
    Store(Storage),
}

impl RecordStore {
    /// What a file holds; `None` where there is none.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the system or the store said.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, LaunchError> {
        match self {
            Self::Folder(folder) => match fs::read(folder.join(name)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(&folder.join(name), &error)),
            },
            Self::Store(storage) => storage.get(name),
        }
    }

    /// Writes a file whole, whatever was there.
    ///
    /// # Errors
    /// [`LaunchError`] with what the system or the store said.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), LaunchError> {
        match self {
            Self::Folder(folder) => Ok(olmix_fs::write_whole(&folder.join(name), bytes)?),
            Self::Store(storage) => storage.put(name, bytes),
        }
    }

    /// Writes a file unless there is one: `false` then.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the system or the store said.
    pub fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, LaunchError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let made = fs::create_dir_all(path.parent().unwrap_or(folder))
                    .and_then(|()| create_once(&path, bytes));
                made.map_err(|error| failed(&path, &error))
            }
            Self::Store(storage) => storage.put_if_absent(name, bytes),
        }
    }

    /// Removes a file, if there is one.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said; on a filesystem it is tried.
    pub fn remove(&self, name: &str) -> Result<(), LaunchError> {
        match self {
            Self::Folder(folder) => {
                let _ = fs::remove_file(folder.join(name));
                Ok(())
            }
            Self::Store(storage) => storage.delete([name]),
        }
    }

    /// The path or URL of a file.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Store(storage) => PathBuf::from(storage.url_of(name)),
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> LaunchError {
    LaunchError::refused(
        format!("{}: {error}", path.display()),
        "the folder of runs must be writable from the nodes",
    )
}
