//! Files out: whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use tempfile::{Builder, NamedTempFile, TempDir};

use crate::IoError;

/// How the names of what is not finished begin.
const PREFIX: &str = ".olmix-";
const ABANDONED: Duration = Duration::from_hours(1);

/// Writes a file whole: after an error, or a crash at any moment, the file is what it was.
///
/// # Errors
/// [`IoError::Write`] with what the operating system said.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    StagedFile::new(path, bytes)?.commit()
}

/// A file that is written, but not yet in its place: several can be made first, so that a full disk
/// replaces none of them.
#[derive(Debug)]
pub struct StagedFile {
    target: PathBuf,
    file: NamedTempFile,
}

impl StagedFile {
    /// Writes the content beside the target, whose folder is made as needed.
    ///
    /// # Errors
    /// [`IoError::Write`] with what the operating system said.
    pub fn new(target: &Path, bytes: &[u8]) -> Result<Self, IoError> {
        // What a link names is replaced, not the link.
        let linked = fs::symlink_metadata(target).is_ok_and(|found| found.is_symlink());
        let real = if linked {
            fs::canonicalize(target).ok()
        } else {
            None
        };
        let target = real.as_deref().unwrap_or(target);
        let failed = |error| IoError::write(target, &error);
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = temporary_file(folder).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        if let Ok(found) = fs::metadata(target) {
            file.as_file()
                .set_permissions(found.permissions())
                .map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        Ok(Self {
            target: target.to_owned(),
            file,
        })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`IoError::Write`]; an earlier file is then as it was.
    pub fn commit(self) -> Result<(), IoError> {
        let Self { target, file } = self;
        let failed = |error| IoError::write(&target, &error);
        file.persist(&target).map_err(|error| failed(error.error))?;
        sync_folder(parent(&target)).map_err(failed)
    }
}

/// Finds out, without leaving a trace, whether a folder can be written to; to be asked before
/// long work.
///
/// The folder need not exist: then the nearest folder above it is tried.
///
/// # Errors
/// [`IoError::Write`] with what the operating system said.
pub fn check_writable(folder: &Path) -> Result<(), IoError> {
    let failed = |error| IoError::write(folder, &error);
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
    /// Opens a staging folder beside `target`, whose parents are made as needed.
    ///
    /// # Errors
    /// [`IoError::Write`] when that is impossible, or when `target` is not a folder.
    pub fn new(target: &Path) -> Result<Self, IoError> {
        let failed = |error| IoError::write(target, &error);
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
    /// [`IoError::Write`], naming the file as it would be called in the target.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), IoError> {
        let failed = |error| IoError::write(&self.target.join(name), &error);
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
    pub fn write_all(&self, files: &[(String, Vec<u8>)]) -> Result<(), IoError> {
        files
            .par_iter()
            .try_for_each(|(name, bytes)| self.write(name, bytes))
    }

    /// Puts the folder in place of the target. An earlier target is removed once the new one is
    /// there; if that fails half-way, it is put back.
    ///
    /// # Errors
    /// [`IoError::Write`]; the target is then as it was.
    pub fn commit(self) -> Result<(), IoError> {
        let Self { target, staging } = self;
        let failed = |error| IoError::write(&target, &error);
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
                let kept = aside.keep().join("earlier");
                return Err(IoError::write(&kept, &error));
            }
            return Err(failed(error));
        }
        // It is the target now; there is nothing left to clean up under its old name.
        let _ = staging.keep();
        sync_folder(folder).map_err(failed)
    }
}

/// Removes what runs that were killed an hour ago or earlier left in a folder. Nothing depends on
/// it, so what can't be removed stays.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().and_then(|found| found.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if !ours || age.is_none_or(|age| age < ABANDONED) {
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
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// A temporary folder with the permissions of an ordinary one.
fn temporary_folder(folder: &Path) -> io::Result<TempDir> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(folder)
}

/// The folder of a path; the working directory for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Makes new names in a folder survive a crash, where the system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(&folder.path().join("new")), ["a.txt"]);
    }

    #[test]
    fn the_folder_of_a_plain_file_name_is_the_working_directory() {
        assert!(check_writable(Path::new("")).is_ok());
    }

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
    fn what_a_killed_run_left_is_removed_by_a_later_one() {
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
    fn an_uncommitted_folder_leaves_the_target_as_it_was() {
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

    #[test]
    fn what_is_in_the_way_is_named() {
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
            assert!(error.help().contains("a file is in the way"), "{message}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"x");
    }

    #[test]
    fn asking_whether_a_folder_can_be_written_to_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(&folder.path().join("a/b/c")).unwrap();
        check_writable(folder.path()).unwrap();
        check_writable(Path::new("not/there")).unwrap();
        assert!(names(folder.path()).is_empty());
    }
}
