//! Files and folders of one result, which appear together.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::exchange::put_in_place;
use crate::special::Target;
use crate::temporary::{TemporaryFolder, sync_folder, temporary_folder};
use crate::{StagedFile, WriteError};

/// In a temporary folder: what is to be put in place.
const NEW: &str = "new";
/// In a temporary folder: says that all in [`NEW`] is whole, and is to be put in place whatever happens.
const DECIDED: &str = "decided";

/// Files and folders beside each other that are one result: after a crash at any moment, all of them are what
/// they were, or all are what they are to be once the next process has written in their folder.
///
/// What is written waits in a temporary folder. A commit notes there that all is whole, then puts one after the
/// other in its place; a process that is killed in between leaves the rest to
/// [`remove_abandoned`](crate::remove_abandoned), which every write in the folder calls.
#[derive(Debug)]
pub struct StagedSet {
    folder: PathBuf,
    staging: TemporaryFolder,
    names: Vec<String>,
    /// Targets that are links, devices or pipes: written at the end, each by itself.
    apart: Vec<StagedFile>,
}

impl StagedSet {
    /// Begins a set in a folder, which is made as needed.
    ///
    /// # Errors
    /// [`WriteError`] that names the folder.
    pub fn new(folder: &Path) -> Result<Self, WriteError> {
        let failed = WriteError::at(folder);
        fs::create_dir_all(folder).map_err(failed)?;
        let staging = temporary_folder(folder).map_err(failed)?;
        fs::create_dir(staging.path().join(NEW)).map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            staging,
            names: Vec::new(),
            apart: Vec::new(),
        })
    }

    /// Adds a file of the folder; `name` has no folders. The permissions of an earlier file are kept.
    ///
    /// # Errors
    /// [`WriteError`] that names the target, which is then as it was, as are all others.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let target = self.folder.join(name);
        if Target::of(&target)? != Target::Plain(target.clone()) {
            self.apart.push(StagedFile::new(&target, bytes)?);
            return Ok(());
        }
        let path = self.staging.path().join(NEW).join(name);
        let write = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            if let Ok(earlier) = fs::metadata(&target) {
                file.set_permissions(earlier.permissions())?;
            }
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(WriteError::at(&target))?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Adds a folder of the folder with its files: names, which may have folders, and contents. With `private`,
    /// their owner alone may read and write them.
    ///
    /// # Errors
    /// As [`StagedSet::file`].
    pub fn folder(
        &mut self,
        name: &str,
        files: &[(String, Vec<u8>)],
        private: bool,
    ) -> Result<(), WriteError> {
        let target = self.folder.join(name);
        if fs::metadata(&target).is_ok_and(|found| !found.is_dir()) {
            return Err(WriteError::new(
                &target,
                io::ErrorKind::NotADirectory.into(),
            ));
        }
        let at = self.staging.path().join(NEW).join(name);
        crate::staging::write_files(&at, &target, files, private)?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Puts everything in place, in the order in which it was added.
    ///
    /// # Errors
    /// [`WriteError`] for what could not be put in place. What was decided is finished by the next process that
    /// writes in the folder.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self {
            folder,
            staging,
            names,
            apart,
        } = self;
        let failed = WriteError::at(&folder);
        let at = staging.path().to_owned();
        decide(&at, &names).map_err(failed)?;
        for name in &names {
            if let Err(error) = place(&at.join(NEW).join(name), &folder.join(name)) {
                staging.keep();
                return Err(WriteError::new(&folder.join(name), error));
            }
        }
        drop(staging);
        sync_folder(&folder).map_err(failed)?;
        apart.into_iter().try_for_each(StagedFile::commit)
    }
}

/// Notes what is to be put in place: a line for each, its number in the file system and its name. The number
/// tells what is new from an earlier folder that has changed places with it.
fn decide(staging: &Path, names: &[String]) -> io::Result<()> {
    sync_folder(&staging.join(NEW))?;
    let mut lines = String::new();
    for name in names {
        lines += &format!("{} {name}\n", number(&staging.join(NEW).join(name))?);
    }
    let half = staging.join("half");
    let mut note = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&half)?;
    note.write_all(lines.as_bytes())?;
    note.sync_all()?;
    fs::rename(half, staging.join(DECIDED))?;
    sync_folder(staging)
}

/// Finishes what a killed process had decided to put in place.
pub(crate) fn finish(abandoned: &Path, folder: &Path) {
    let Ok(lines) = fs::read_to_string(abandoned.join(DECIDED)) else {
        return;
    };
    for (expected, name) in lines.lines().filter_map(|line| line.split_once(' ')) {
        // A name is that of a file beside the folder, whoever wrote the line.
        let plain = Path::new(name).file_name() == Some(name.as_ref());
        let new = abandoned.join(NEW).join(name);
        if plain && number(&new).is_ok_and(|found| found.to_string() == expected) {
            let _ = place(&new, &folder.join(name));
        }
    }
    let _ = sync_folder(folder);
}

#[cfg(unix)]
fn number(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::symlink_metadata(path)?.ino())
}

#[cfg(not(unix))]
fn number(path: &Path) -> io::Result<u64> {
    fs::symlink_metadata(path).map(|_| 0)
}

fn place(new: &Path, target: &Path) -> io::Result<()> {
    if fs::symlink_metadata(new)?.is_dir() {
        put_in_place(new, target)
    } else {
        fs::rename(new, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remove_abandoned;
    use crate::temporary::tests::names;

    fn set(folder: &Path, content: &str) -> StagedSet {
        let mut set = StagedSet::new(folder).unwrap();
        let files = [(format!("{content}.yaml"), content.into())];
        set.folder("launch", &files, false).unwrap();
        set.file("ratios.csv", content.as_bytes()).unwrap();
        set
    }

    /// The one state that the folder is in.
    fn state(folder: &Path) -> String {
        assert_eq!(names(folder), ["launch", "ratios.csv"]);
        let content = fs::read_to_string(folder.join("ratios.csv")).unwrap();
        assert_eq!(names(&folder.join("launch")), [format!("{content}.yaml")]);
        content
    }

    #[test]
    fn files_and_folders_of_a_set_appear_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        for round in ["one", "two"] {
            set(&at, round).commit().unwrap();
            assert_eq!(state(&at), round);
        }
        drop(set(&at, "three"));
        assert_eq!(state(&at), "two");
    }

    #[test]
    fn a_set_that_was_decided_is_finished_and_one_that_was_not_is_gone() {
        for (placed, decided) in [(0, false), (0, true), (1, true), (2, true)] {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            set(at, "one").commit().unwrap();
            let half = set(at, "two");
            let staging = half.staging.path().to_owned();
            if decided {
                decide(&staging, &half.names).unwrap();
            }
            for name in half.names.iter().take(placed) {
                place(&staging.join(NEW).join(name), &at.join(name)).unwrap();
            }
            // As a kill leaves it: without its lock, and not removed.
            half.staging.keep();
            remove_abandoned(at);
            assert_eq!(state(at), if decided { "two" } else { "one" });
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_among_the_targets_of_a_set_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("out");
        fs::create_dir(&at).unwrap();
        fs::write(folder.path().join("real"), b"x").unwrap();
        std::os::unix::fs::symlink("../real", at.join("ratios.csv")).unwrap();
        set(&at, "one").commit().unwrap();
        assert!(
            fs::symlink_metadata(at.join("ratios.csv"))
                .unwrap()
                .is_symlink()
        );
        assert_eq!(fs::read(folder.path().join("real")).unwrap(), b"one");
        assert_eq!(state(&at), "one");
    }
}
