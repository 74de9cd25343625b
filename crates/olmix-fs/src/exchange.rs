//! Putting a folder in place of another.

use std::fs;
use std::io;
use std::path::Path;

use crate::abandoned::REPLACED;
use crate::temporary::{parent, temporary_folder};

/// Puts the folder `new` at `target`, in whose folder it is. What was there is at `new` afterwards, where the
/// file system can exchange names, and removed elsewhere.
///
/// A process that is killed leaves the target as it was or as it is to be; where names can't be exchanged, it
/// may be aside, and [`remove_abandoned`](crate::remove_abandoned) puts it back.
///
/// # Errors
/// What the operating system said; the target is then as it was, or aside as after a kill.
pub(crate) fn put_in_place(new: &Path, target: &Path) -> io::Result<()> {
    if fs::symlink_metadata(target).is_err() {
        return fs::rename(new, target);
    }
    match exchange(new, target) {
        Err(error) if is_unsupported(&error) => replace(new, target),
        other => other,
    }
}

/// Two renames, the earlier target in a folder of its own in between.
fn replace(new: &Path, target: &Path) -> io::Result<()> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let aside = temporary_folder(parent(target))?;
    let earlier = aside.path().join(REPLACED);
    fs::create_dir(&earlier)?;
    let earlier = earlier.join(name);
    fs::rename(target, &earlier)?;
    if let Err(error) = fs::rename(new, target) {
        if fs::rename(&earlier, target).is_err() {
            // Better a stray folder than a lost result: it is put back by the next command.
            aside.keep();
        }
        return Err(error);
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the kernel or the file system (NFS, for one) can't exchange names.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary::tests::names;

    /// Two folders, `new` and `target`, each with a file of its name.
    fn two() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new", "target"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(name), b"x").unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_takes_the_place_of_another_with_and_without_exchange() {
        for way in [put_in_place, replace] {
            let folder = two();
            let at = folder.path();
            way(&at.join("new"), &at.join("target")).unwrap();
            assert_eq!(names(&at.join("target")), ["new"]);
            let left = names(at);
            // Exchanged, the earlier one has the other name; replaced, it is gone.
            assert!(left == ["new", "target"] || left == ["target"], "{left:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_exchange_leaves_no_moment_without_a_target() {
        let folder = two();
        let at = folder.path();
        exchange(&at.join("new"), &at.join("target")).unwrap();
        assert_eq!(names(&at.join("target")), ["new"]);
        assert_eq!(names(&at.join("new")), ["target"]);
    }

    #[test]
    fn a_target_stays_where_the_new_folder_can_not_be_moved() {
        let folder = two();
        let at = folder.path();
        replace(&at.join("missing"), &at.join("target")).unwrap_err();
        assert_eq!(names(&at.join("target")), ["target"]);
        assert_eq!(names(at), ["new", "target"]);
    }
}
