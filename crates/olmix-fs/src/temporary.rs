//! Temporary files and folders: their names, permissions and removal.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::WriteError;
use crate::abandoned::{RANDOM, hold, open, remove_abandoned_once};
use crate::special::Target;

/// How the names of what is not finished begin.
pub(crate) const PREFIX: &str = ".olmix-";
/// Whether a file or folder of this name is one that is not finished.
#[must_use]
pub fn is_temporary(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Finds out, without leaving a trace, whether a folder can be written to; to be asked before
/// long work.
///
/// The folder need not exist: then the nearest folder above it is tried.
///
/// # Errors
/// [`WriteError`] that names `folder`.
pub fn check_writable(folder: &Path) -> Result<(), WriteError> {
    let failed = WriteError::at(folder);
    // The folder of a plain file name is the working directory.
    let here = folder.as_os_str().is_empty();
    let mut existing = if here { Path::new(".") } else { folder };
    while fs::symlink_metadata(existing).is_err() {
        existing = parent(existing);
        if existing == Path::new(".") {
            break;
        }
    }
    if !fs::metadata(existing).map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    temporary_file(existing).map_err(failed)?;
    Ok(())
}

/// Finds out whether a file can be written that is to be at `path`; as [`check_writable`] for its folder.
///
/// A device or a pipe is not opened: it need not be in a folder that can be written to.
///
/// # Errors
/// [`WriteError`] that names the file or its folder.
pub fn check_file(path: &Path) -> Result<(), WriteError> {
    match Target::of(path)? {
        Target::Plain(path) => check_writable(parent(&path)),
        Target::Stream(_) => Ok(()),
    }
}

/// Tries at a temporary name that nobody takes for abandoned before it is locked.
const TRIES: usize = 16;

/// A temporary file, locked while it is written, with the permissions of an ordinary one.
pub(crate) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    file_of_mode(folder, 0o666)
}

/// A temporary file that its owner alone may read.
pub(crate) fn private_file(folder: &Path) -> io::Result<NamedTempFile> {
    file_of_mode(folder, 0o600)
}

fn file_of_mode(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    remove_abandoned_once(folder);
    for _ in 0..TRIES {
        let file = named(mode).tempfile_in(folder)?;
        // The clone shares the lock, which is held as long as the file is open.
        if hold(file.path(), file.as_file().try_clone()?).is_some() {
            return Ok(file);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// A temporary folder that is locked while it is written; dropped, it is removed.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    folder: TempDir,
    _lock: File,
}

impl TemporaryFolder {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// It stays when this is dropped.
    pub fn keep(self) {
        let _ = self.folder.keep();
    }
}

/// A temporary folder with the permissions of an ordinary one.
pub(crate) fn temporary_folder(folder: &Path) -> io::Result<TemporaryFolder> {
    remove_abandoned_once(folder);
    for _ in 0..TRIES {
        let made = named(0o777).tempdir_in(folder)?;
        if let Some(lock) = hold(made.path(), open(made.path())?) {
            return Ok(TemporaryFolder {
                folder: made,
                _lock: lock,
            });
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// `mode` is cut by the process's umask, as for any new file.
fn named(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// The folder of a path; the working directory for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Makes new names in a folder survive a crash, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{StagedFolder, write_whole};

    /// The names in a folder, sorted.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn check_writable_takes_the_working_directory_for_the_folder_of_a_plain_file_name() {
        assert!(check_writable(Path::new("")).is_ok());
    }

    #[test]
    fn check_writable_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("a/b/c")).unwrap();
        check_writable(folder.path()).unwrap();
        check_writable(Path::new("not/there")).unwrap();
        check_file(&folder.path().join("a/file")).unwrap();
        check_file(folder.path()).unwrap_err();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn write_errors_name_the_file_that_is_in_the_way_of_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"x").unwrap();
        for error in [
            StagedFolder::new(&file).map(|_| ()).unwrap_err(),
            StagedFolder::new(&file.join("sub"))
                .map(|_| ())
                .unwrap_err(),
            check_writable(&file).unwrap_err(),
            check_writable(&file.join("sub/sub")).unwrap_err(),
            write_whole(&file.join("a"), b"x").unwrap_err(),
        ] {
            let message = error.to_string();
            assert!(message.contains("file"), "{message}");
            assert!(
                matches!(
                    error.error.kind(),
                    io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists
                ),
                "{message}"
            );
        }
        assert_eq!(fs::read(&file).unwrap(), b"x");
    }
}
