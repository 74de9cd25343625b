//! Single files that are replaced by a rename.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::WriteError;
use crate::special::{Target, write_into};
use crate::temporary::{parent, private_file, sync_folder, temporary_file};

/// Bytes that an [`AtomicFile`] gathers before it writes them.
const BUFFER: usize = 1 << 20;

/// Writes a file whole: after an error, or a crash at any moment, the file is what it was.
///
/// Missing folders are made. A link keeps naming what it names, which is replaced; a file that is
/// replaced keeps its permissions. A device, a pipe or a terminal is written into, and stays what it is.
///
/// # Errors
/// [`WriteError`] with what the operating system said.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    StagedFile::new(path, bytes)?.commit()
}

/// As [`write_whole`], for a file that its owner alone may read and write (`0600`), from the start.
///
/// # Errors
/// [`WriteError`] with what the operating system said.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    StagedFile::private(path, bytes)?.commit()
}

/// Removes a file; a missing file is not an error.
///
/// # Errors
/// [`WriteError`] with what the operating system said.
pub fn remove_if_exists(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(WriteError::new(path, error)),
        _ => Ok(()),
    }
}

/// A file that is written as a stream (it implements [`Write`], buffered) and appears whole.
///
/// Dropped before [`AtomicFile::commit`] it leaves no trace; a process that is killed leaves a file whose
/// name [`is_temporary`](crate::is_temporary).
#[derive(Debug)]
pub struct AtomicFile(BufWriter<NamedTempFile>);

impl AtomicFile {
    /// Opens a temporary file in a folder, which exists and is on the same disk as the target.
    ///
    /// # Errors
    /// [`WriteError`] that names the folder.
    pub fn create_in(folder: &Path) -> Result<Self, WriteError> {
        let file = temporary_file(folder).map_err(WriteError::at(folder))?;
        Ok(Self(BufWriter::with_capacity(BUFFER, file)))
    }

    /// Flushes the content to the disk and renames the file to `target`, whose folder is made as needed.
    /// The rename is atomic: readers see the earlier file or this one. It is on the disk when this returns.
    ///
    /// A link at `target` is itself replaced, and the file has the permissions of a new one.
    ///
    /// # Errors
    /// [`WriteError`] that names the target, which is then as it was; for a target that is a device, a pipe
    /// or a socket, too.
    pub fn commit(self, target: &Path) -> Result<(), WriteError> {
        let failed = WriteError::at(target);
        let special =
            |found: &fs::Metadata| !(found.is_file() || found.is_dir() || found.is_symlink());
        if fs::symlink_metadata(target).is_ok_and(|found| special(&found)) {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no plain file, and would be replaced by one",
            )));
        }
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(failed)?;
        let file = self
            .0
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(target).map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A file whose content is on the disk, but not yet under its name: several can be made first, so that a
/// full disk replaces none of them.
///
/// A target that is no plain file (a device, a pipe, `/dev/stdout`) is written into when it is committed, and
/// never replaced.
#[derive(Debug)]
pub struct StagedFile(Staged);

#[derive(Debug)]
enum Staged {
    Plain {
        target: PathBuf,
        file: NamedTempFile,
    },
    Stream {
        target: PathBuf,
        bytes: Vec<u8>,
    },
}

impl StagedFile {
    /// Writes the content beside the target, whose folder is made as needed. What a link names is the
    /// target, not the link. The permissions of an earlier file are kept.
    ///
    /// # Errors
    /// [`WriteError`] that names the target; for a folder, a socket and a disk, too.
    pub fn new(target: &Path, bytes: &[u8]) -> Result<Self, WriteError> {
        Self::staged(target, bytes, false)
    }

    /// As [`StagedFile::new`], for a file that its owner alone may read and write, whoever may read the
    /// earlier one.
    ///
    /// # Errors
    /// As [`StagedFile::new`].
    pub fn private(target: &Path, bytes: &[u8]) -> Result<Self, WriteError> {
        Self::staged(target, bytes, true)
    }

    fn staged(target: &Path, bytes: &[u8], private: bool) -> Result<Self, WriteError> {
        let target = match Target::of(target)? {
            Target::Plain(target) => target,
            Target::Stream(target) => {
                let bytes = bytes.to_vec();
                return Ok(Self(Staged::Stream { target, bytes }));
            }
        };
        let failed = WriteError::at(&target);
        let folder = parent(&target);
        fs::create_dir_all(folder).map_err(failed)?;
        let file = if private {
            private_file(folder)
        } else {
            temporary_file(folder)
        };
        let mut file = file.map_err(failed)?;
        if let Ok(found) = fs::metadata(&target)
            && !private
        {
            file.as_file()
                .set_permissions(found.permissions())
                .map_err(failed)?;
        }
        file.write_all(bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        Ok(Self(Staged::Plain { target, file }))
    }

    /// Renames the file to its target, atomically; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`WriteError`] that names the target, which is then as it was.
    pub fn commit(self) -> Result<(), WriteError> {
        match self.0 {
            Staged::Stream { target, bytes } => write_into(&target, &bytes),
            Staged::Plain { target, file } => {
                let failed = WriteError::at(&target);
                file.persist(&target).map_err(|error| failed(error.error))?;
                sync_folder(parent(&target)).map_err(failed)
            }
        }
    }

    /// As [`StagedFile::commit`], but never in the place of a file that is there: not even of one that came into
    /// being since.
    ///
    /// # Errors
    /// [`WriteError`] with [`io::ErrorKind::AlreadyExists`] where there is one, which is then as it was.
    pub fn commit_new(self) -> Result<(), WriteError> {
        match self.0 {
            Staged::Stream { target, .. } => Err(WriteError::new(
                &target,
                io::ErrorKind::AlreadyExists.into(),
            )),
            Staged::Plain { target, file } => {
                let failed = WriteError::at(&target);
                file.persist_noclobber(&target)
                    .map_err(|error| failed(error.error))?;
                sync_folder(parent(&target)).map_err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::tests::names;

    #[test]
    fn a_new_file_never_takes_the_place_of_one_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let one = StagedFile::new(&path, b"one").unwrap();
        let two = StagedFile::new(&path, b"two").unwrap();
        one.commit_new().unwrap();
        let error = two.commit_new().unwrap_err();
        assert_eq!(error.error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn write_whole_makes_folders_replaces_the_file_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(&folder.path().join("new")), ["a.txt"]);
    }

    #[test]
    fn an_atomic_file_has_its_target_name_only_after_commit() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("parts/a.bin");
        let mut file = AtomicFile::create_in(folder.path()).unwrap();
        let content = vec![7; 3 * BUFFER + 1];
        file.write_all(&content).unwrap();
        file.flush().unwrap();
        assert!(!target.exists());
        let waiting = names(folder.path());
        assert!(
            waiting.len() == 1 && crate::is_temporary(waiting[0].as_ref()),
            "{waiting:?}"
        );
        file.commit(&target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), content);
        assert_eq!(names(folder.path()), ["parts"]);
    }

    #[test]
    fn an_atomic_file_that_is_dropped_leaves_the_target_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.txt");
        fs::write(&target, b"earlier").unwrap();
        let mut file = AtomicFile::create_in(folder.path()).unwrap();
        file.write_all(b"later").unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"earlier");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn an_atomic_file_that_can_not_be_renamed_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        fs::create_dir_all(target.join("inside")).unwrap();
        let mut file = AtomicFile::create_in(folder.path()).unwrap();
        file.write_all(b"x").unwrap();
        let error = file.commit(&target).unwrap_err();
        assert_eq!(error.path, target);
        assert_eq!(names(folder.path()), ["a"]);
        assert!(target.join("inside").is_dir());
    }

    #[test]
    fn staged_files_replace_none_when_one_can_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let first = folder.path().join("first");
        fs::write(&first, b"earlier").unwrap();
        let staged = StagedFile::new(&first, b"later").unwrap();
        // A folder under a file can't be made.
        let error = StagedFile::new(&first.join("second"), b"x").unwrap_err();
        assert_eq!(error.path, first.join("second"));
        drop(staged);
        assert_eq!(fs::read(&first).unwrap(), b"earlier");
        assert_eq!(names(folder.path()), ["first"]);
    }

    #[test]
    fn a_staged_file_waits_in_the_folder_of_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let staged = StagedFile::new(&inner.join("a"), b"x").unwrap();
        assert_eq!(names(folder.path()), ["inner"]);
        assert_eq!(names(&inner).len(), 1);
        staged.commit().unwrap();
        assert_eq!(names(&inner), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn write_whole_keeps_the_permissions_of_the_file_that_it_replaces() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        write_whole(&path, b"one").unwrap();
        // Those of an ordinary new file: not those of a temporary one, 0o600.
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), mode(&ordinary));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o741)).unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(mode(&path), 0o741);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        // A private one is private, whatever was there.
        write_private(&path, b"three").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"three");
    }

    #[cfg(unix)]
    #[test]
    fn write_whole_replaces_what_a_link_names_and_keeps_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let (elsewhere, link) = (folder.path().join("b/real"), folder.path().join("link"));
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(&elsewhere, b"one").unwrap();
        std::os::unix::fs::symlink("b/real", &link).unwrap();
        write_whole(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&elsewhere).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["b", "link"]);
        // A link that names nothing gives way to the file.
        fs::remove_file(&elsewhere).unwrap();
        write_whole(&link, b"three").unwrap();
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn an_atomic_file_replaces_a_link_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, b"one").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        let mut file = AtomicFile::create_in(folder.path()).unwrap();
        file.write_all(b"two").unwrap();
        file.commit(&link).unwrap();
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"one");
        assert_eq!(fs::read(&link).unwrap(), b"two");
    }

    #[test]
    fn remove_if_exists_removes_files_and_refuses_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        remove_if_exists(&path).unwrap();
        fs::write(&path, b"x").unwrap();
        remove_if_exists(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(
            remove_if_exists(folder.path()).unwrap_err().path,
            folder.path()
        );
    }
}
