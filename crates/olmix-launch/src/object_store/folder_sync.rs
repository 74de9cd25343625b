//! Folders of runs, kept equal between a machine and an object store.
//!
//! A folder in the store is what it is on a shared filesystem. Which of its files belong together is said
//! by a list of its own, written once all of them are there: a folder that was uploaded in part is taken for
//! what it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::Storage;
use crate::LaunchError;
use crate::run::folder::{RECORDS_FOLDER, clear};
use crate::run::log;

/// The list of a folder's files, in [`RECORDS_FOLDER`].
const FILE_LIST: &str = "kept.json";

/// How often a folder is scanned anew because it changed during the upload.
const MAX_PASSES: usize = 5;

/// Files that mean something on their own machine alone.
const LOCKS: [&str; 1] = ["train.lock"];

/// Size in bytes and time of change of files, by their name from the folder.
type Stamps = BTreeMap<String, (u64, Option<SystemTime>)>;

/// The files that both sides have.
#[derive(Debug, Default)]
pub struct FileStamps {
    stamps: Stamps,
    /// Whether the list in the store names just these. It may not after an upload that failed half-way.
    listed: bool,
}

impl Storage {
    /// Makes the folder in the store equal to a folder of this machine. What changed since `stamps` were
    /// taken is written first, then the list of files, and only then is removed what is gone.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store said.
    pub fn upload_folder(&self, folder: &Path, synced: &mut FileStamps) -> Result<(), LaunchError> {
        let FileStamps { stamps, listed } = synced;
        for _ in 0..MAX_PASSES {
            let files = scan(folder);
            let mut whole = true;
            for (name, stamp) in &files {
                if stamps.get(name) == Some(stamp) {
                    continue;
                }
                if !self.upload(name, &folder.join(name))? {
                    whole = false;
                    break;
                }
                *listed &= stamps.insert(name.clone(), *stamp).is_some();
            }
            if !whole {
                continue;
            }
            let gone: Vec<String> = stamps
                .keys()
                .filter(|name| !files.contains_key(*name))
                .cloned()
                .collect();
            if !*listed || !gone.is_empty() {
                let names: Vec<&String> = files.keys().collect();
                let text = serde_json::to_vec(&names).unwrap_or_default();
                *listed = false;
                self.put(&format!("{RECORDS_FOLDER}/{FILE_LIST}"), &text)?;
                *listed = true;
            }
            self.delete(gone.iter().map(String::as_str))?;
            stamps.retain(|name, _| files.contains_key(name));
            return Ok(());
        }
        Ok(())
    }

    /// Makes a folder of this machine equal to the folder in the store, as it was when it was last uploaded
    /// whole. With `fresh`, the log alone stays in either place.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what the store or the operating system said.
    pub fn download_folder(&self, folder: &Path, fresh: bool) -> Result<FileStamps, LaunchError> {
        let failed = |error: io::Error| {
            LaunchError::refused(
                format!("{}: {error}", folder.display()),
                "engine.scratch must be a folder that nodes may write to, with room for a run",
            )
        };
        fs::create_dir_all(folder).map_err(failed)?;
        clear(folder, &[RECORDS_FOLDER]).map_err(failed)?;
        let list = format!("{RECORDS_FOLDER}/{FILE_LIST}");
        let mut listed_files: BTreeSet<String> = BTreeSet::new();
        if fresh {
            self.delete([list.as_str()])?;
        } else if let Some(bytes) = self.get(&list)? {
            listed_files = serde_json::from_slice(&bytes).unwrap_or_default();
        }
        listed_files.insert(log::FILE.to_owned());
        let inner = format!("{RECORDS_FOLDER}/");
        let listed = self.list()?;
        let (wanted, rest): (Vec<&String>, Vec<&String>) = listed
            .iter()
            .filter(|name| !name.starts_with(&inner))
            .partition(|name| listed_files.contains(*name) && is_synced(name));
        for name in wanted {
            self.download(name, &folder.join(name))?;
        }
        self.delete(rest.into_iter().map(String::as_str))?;
        Ok(FileStamps {
            stamps: scan(folder),
            listed: false,
        })
    }
}

/// Whether a file of a run goes to other machines: not hidden ones, nor locks.
fn is_synced(name: &str) -> bool {
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    let last = name.rsplit('/').next().unwrap_or(name);
    !hidden && !LOCKS.contains(&last)
}

/// The files of a folder that are synced, but for the records of its jobs, which are written one by one.
fn scan(folder: &Path) -> Stamps {
    let mut found = Stamps::new();
    let mut open = vec![String::new()];
    while let Some(inner) = open.pop() {
        // What goes away meanwhile is not there.
        let Ok(entries) = fs::read_dir(folder.join(&inner)) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let name = if inner.is_empty() {
                name
            } else {
                format!("{inner}/{name}")
            };
            if !is_synced(&name) || name == RECORDS_FOLDER {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(name);
            } else if let Ok(data) = fs::metadata(entry.path()).as_ref()
                && data.is_file()
            {
                found.insert(name, (data.len(), data.modified().ok()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_downloaded_folder_is_the_last_one_that_was_uploaded_whole() {
        let store = Storage::in_memory();
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, two) = (one.path(), two.path());
        for (name, text) in [
            ("log.txt", "log"),
            ("checkpoints/step-1/model", "1"),
            ("checkpoints/.half/model", "x"),
            ("train.lock", ""),
            ("job/lock", ""),
        ] {
            write(one, name, text);
        }
        let mut stamps = store.download_folder(&one.join("none"), false).unwrap();
        fs::remove_dir(one.join("none")).unwrap();
        store.upload_folder(one, &mut stamps).unwrap();
        let names = ["checkpoints/step-1/model", "job/kept.json", "log.txt"];
        assert_eq!(store.list().unwrap(), names);
        // The next checkpoint, and the first is gone.
        fs::remove_dir_all(one.join("checkpoints/step-1")).unwrap();
        write(one, "checkpoints/step-2/model", "22");
        write(one, "log.txt", "log and more");
        store.upload_folder(one, &mut stamps).unwrap();
        // One that is half on its way does not count.
        store.put("checkpoints/step-3/model", b"3").unwrap();
        write(two, "stale", "stale");
        let stamps = store.download_folder(two, false).unwrap();
        assert_eq!(
            stamps.stamps.keys().collect::<Vec<_>>(),
            ["checkpoints/step-2/model", "log.txt"]
        );
        assert_eq!(
            fs::read_to_string(two.join("log.txt")).unwrap(),
            "log and more"
        );
        assert!(!two.join("stale").exists());
        let names = ["checkpoints/step-2/model", "job/kept.json", "log.txt"];
        assert_eq!(store.list().unwrap(), names);
        store.download_folder(two, true).unwrap();
        assert_eq!(store.list().unwrap(), ["log.txt"]);
    }

    #[test]
    fn a_file_that_was_uploaded_before_an_upload_failed_is_in_the_next_list() {
        let store = Storage::in_memory();
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        write(here, "log.txt", "log");
        let mut stamps = FileStamps::default();
        store.upload_folder(here, &mut stamps).unwrap();
        // The store has no such name, as it would have no room: what comes before it is uploaded.
        write(here, "checkpoints/step-1/model", "1");
        let bad = "kept\u{1}";
        write(here, bad, "");
        store.upload_folder(here, &mut stamps).unwrap_err();
        fs::remove_file(here.join(bad)).unwrap();
        store.upload_folder(here, &mut stamps).unwrap();
        let list = store.get("job/kept.json").unwrap().unwrap();
        let list: Vec<String> = serde_json::from_slice(&list).unwrap();
        assert_eq!(list, ["checkpoints/step-1/model", "log.txt"]);
    }
}
