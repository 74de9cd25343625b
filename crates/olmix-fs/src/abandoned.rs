//! What killed processes left: told from what is being written by locks, removed or put back.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::temporary::PREFIX;
use crate::together;

/// On disks that know no locks, an unfinished file or folder that was not touched for this long belongs to no
/// running process.
const ABANDONED: Duration = Duration::from_hours(1);
/// Random characters behind the prefix of a temporary name.
pub(crate) const RANDOM: usize = 6;
/// The folder of a temporary folder in which an earlier result waits while another takes its place, under its
/// own name.
pub(crate) const REPLACED: &str = "replaced";

/// Removes the temporary files and folders in `folder` whose processes have ended without removing them: they
/// were killed. An earlier result that such a process had moved aside, and not replaced, is put back; a
/// [`StagedSet`](crate::StagedSet) that it had begun to put in place is finished.
///
/// Whoever writes a temporary file or folder holds a lock on it, which ends with the process. On a disk
/// without locks, those that were last changed an hour ago or earlier are removed. Nothing depends on it, so
/// what can't be removed stays.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(is_own_name) {
            continue;
        }
        let path = entry.path();
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        if !(found.is_dir() || found.is_file()) {
            continue;
        }
        let Ok(opened) = open(&path) else { continue };
        match opened.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(_)) => {
                let age = found.modified().ok().and_then(|time| time.elapsed().ok());
                if age.is_none_or(|age| age < ABANDONED) {
                    continue;
                }
            }
        }
        if found.is_dir() {
            settle(&path, folder);
        } else {
            let _ = fs::remove_file(&path);
        }
    }
}

/// [`remove_abandoned`], once per process and folder.
pub(crate) fn remove_abandoned_once(folder: &Path) {
    static DONE: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let path = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if done.get_or_insert_default().insert(path) {
        drop(done);
        remove_abandoned(folder);
    }
}

/// Removes a temporary folder; what was decided in it is finished, and what was moved aside is put back.
fn settle(abandoned: &Path, folder: &Path) {
    together::finish(abandoned, folder);
    put_back(abandoned, folder);
    let _ = fs::remove_dir_all(abandoned);
}

/// Puts a result back that was moved aside, where nothing has taken its place.
fn put_back(abandoned: &Path, folder: &Path) {
    let Ok(entries) = fs::read_dir(abandoned.join(REPLACED)) else {
        return;
    };
    for entry in entries.flatten() {
        let target = folder.join(entry.file_name());
        if fs::symlink_metadata(&target).is_err() {
            let _ = fs::rename(entry.path(), target);
        }
    }
}

/// Whether a name is one that is made here: other files may begin like it.
fn is_own_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Paths that are remembered before those that are gone are forgotten.
const MOST_MADE: usize = 1000;

/// Every temporary file and folder that this process made.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files and folders of this process: to be called before it ends early. Their owners find
/// them gone.
pub fn remove_unfinished() {
    // An interrupt may come while the list is being added to.
    let mut made = Vec::new();
    for _ in 0..100 {
        if let Ok(list) = MADE.try_lock() {
            made.clone_from(&list);
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    for path in made {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {
                settle(&path, crate::temporary::parent(&path));
            }
            Ok(_) => drop(fs::remove_file(&path)),
            Err(_) => {}
        }
    }
}

/// Locks a new temporary file or folder. `None` where someone who took it for abandoned was faster.
pub(crate) fn hold(path: &Path, opened: File) -> Option<File> {
    match opened.try_lock() {
        Err(TryLockError::WouldBlock) => return None,
        Ok(()) if !is_still(path, &opened) => return None,
        // On a disk without locks, it is told by its age.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that are finished are forgotten now and then.
    if made.len() >= MOST_MADE {
        made.retain(|path| fs::symlink_metadata(path).is_ok());
    }
    made.push(absolute);
    Some(opened)
}

#[cfg(unix)]
fn is_still(path: &Path, opened: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(there), Ok(held)) = (fs::symlink_metadata(path), opened.metadata()) else {
        return false;
    };
    (there.dev(), there.ino()) == (held.dev(), held.ino())
}

#[cfg(not(unix))]
fn is_still(path: &Path, _: &File) -> bool {
    path.exists()
}

/// Opens a file or folder to lock it; links are not followed and pipes not waited for.
#[cfg(unix)]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::temporary_folder;
    use crate::temporary::tests::names;
    use crate::{AtomicFile, StagedFile, StagedFolder};

    #[test]
    fn what_a_killed_process_left_is_removed_at_once_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        // Left: no one holds a lock on these.
        fs::create_dir(at.join(".olmix-aB3dE6")).unwrap();
        fs::write(at.join(".olmix-aB3dE6/half"), b"x").unwrap();
        fs::write(at.join(".olmix-000000"), b"half").unwrap();
        // Not ours: other names, though they begin alike.
        fs::write(at.join(".olmix-parts"), b"x").unwrap();
        fs::write(at.join(".olmix-notes.txt"), b"x").unwrap();
        let being_written = [
            StagedFolder::new(&at.join("result")).unwrap(),
            StagedFolder::new(&at.join("other")).unwrap(),
        ];
        let file = StagedFile::new(&at.join("file"), b"x").unwrap();
        let stream = AtomicFile::create_in(at).unwrap();
        remove_abandoned(at);
        let own = |names: Vec<String>| names.iter().filter(|name| is_own_name(name)).count();
        assert_eq!(own(names(at)), 4, "{:?}", names(at));
        drop((file, stream));
        for folder in being_written {
            folder.commit().unwrap();
        }
        assert_eq!(
            names(at),
            [".olmix-notes.txt", ".olmix-parts", "other", "result"]
        );
    }

    #[test]
    fn every_way_of_writing_removes_what_was_left_beside_it() {
        let write: [(&str, fn(&Path)); 3] = [
            ("file", |at| {
                crate::write_whole(&at.join("a"), b"x").unwrap();
            }),
            ("stream", |at| {
                AtomicFile::create_in(at)
                    .unwrap()
                    .commit(&at.join("a"))
                    .unwrap();
            }),
            ("folder", |at| {
                StagedFolder::new(&at.join("a")).unwrap().commit().unwrap();
            }),
        ];
        for (what, write) in write {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join(".olmix-aaaaaa")).unwrap();
            write(folder.path());
            assert_eq!(names(folder.path()), ["a"], "{what}");
        }
    }

    #[test]
    fn an_earlier_result_that_a_killed_process_had_moved_aside_is_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["gone", "there"] {
            let aside = at.join(".olmix-aaaaa").with_extension("");
            let aside = aside.with_file_name(format!(".olmix-aaaaa{}", &name[..1]));
            fs::create_dir_all(aside.join(REPLACED).join(name)).unwrap();
            fs::write(aside.join(REPLACED).join(name).join("earlier"), b"x").unwrap();
        }
        fs::create_dir(at.join("there")).unwrap();
        fs::write(at.join("there/later"), b"x").unwrap();
        remove_abandoned(at);
        assert_eq!(names(at), ["gone", "there"]);
        assert_eq!(names(&at.join("gone")), ["earlier"]);
        assert_eq!(names(&at.join("there")), ["later"]);
    }

    #[test]
    fn a_temporary_folder_that_is_being_written_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let held = temporary_folder(folder.path()).unwrap();
        remove_abandoned(folder.path());
        assert!(held.path().is_dir());
        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_with_a_temporary_name_is_neither_followed_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("mine")).unwrap();
        fs::write(at.join("mine/file"), b"x").unwrap();
        std::os::unix::fs::symlink("mine", at.join(".olmix-aaaaaa")).unwrap();
        remove_abandoned(at);
        assert_eq!(names(&at.join("mine")), ["file"]);
    }
}
