//! Temporary files and folders: their names, permissions and removal.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::WriteError;

/// How the names of what is not finished begin.
const PREFIX: &str = ".olmix-";
/// An unfinished file or folder that was not touched for this long belongs to no running process.
const ABANDONED: Duration = Duration::from_hours(1);

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

/// Removes the temporary files and folders in `folder` that were last changed an hour ago or earlier:
/// their processes were killed. Nothing depends on it, so what can't be removed stays.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|found| found.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if !is_temporary(&entry.file_name()) || age.is_none_or(|age| age < ABANDONED) {
            continue;
        }
        let path = entry.path();
        let _ = if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        };
    }
}

/// A temporary file with the permissions of an ordinary one.
pub(crate) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    named(0o666).tempfile_in(folder)
}

/// A temporary folder with the permissions of an ordinary one.
pub(crate) fn temporary_folder(folder: &Path) -> io::Result<TempDir> {
    named(0o777).tempdir_in(folder)
}

/// `mode` is cut by the process's umask, as for any new file.
fn named(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
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
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_staged_folder_removes_what_a_process_killed_hours_ago_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let abandoned = folder.path().join(".olmix-old");
        fs::create_dir(&abandoned).unwrap();
        let hours_ago = std::time::SystemTime::now() - 2 * ABANDONED;
        File::open(&abandoned)
            .unwrap()
            .set_modified(hours_ago)
            .unwrap();
        fs::create_dir(folder.path().join(".olmix-running")).unwrap();
        fs::create_dir(folder.path().join("mine")).unwrap();
        let staged = StagedFolder::new(&folder.path().join("result")).unwrap();
        staged.commit().unwrap();
        assert_eq!(names(folder.path()), [".olmix-running", "mine", "result"]);
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
