//! Whether the files behind a view have changed: looked at once a second, while someone listens.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A version that counts the changes of files.
#[derive(Debug)]
pub struct Watch {
    files: Vec<PathBuf>,
    /// The folders of runs, whose progress is in a file of each.
    runs: Option<PathBuf>,
    seen: Mutex<(u64, u64)>,
}

impl Watch {
    /// Watches files, which need not be there yet, and the progress of the runs in a folder. The first version is 1.
    #[must_use]
    pub fn new(files: Vec<PathBuf>, runs: Option<PathBuf>) -> Self {
        let watch = Self {
            files,
            runs,
            seen: Mutex::new((0, 1)),
        };
        let mark = watch.mark();
        watch.seen.lock().unwrap_or_else(PoisonError::into_inner).0 = mark;
        watch
    }

    /// The version now: the last one, or the next where a file has changed since.
    pub fn version(&self) -> u64 {
        let mark = self.mark();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != mark {
            *seen = (mark, seen.1 + 1);
        }
        seen.1
    }

    /// A number that is another one whenever a file has another time or size.
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut look = |file: &PathBuf| {
            if let Ok(found) = fs::metadata(file) {
                (file, found.len(), found.modified().ok()).hash(&mut hasher);
            }
        };
        self.files.iter().for_each(&mut look);
        let folders = self
            .runs
            .as_ref()
            .and_then(|folder| fs::read_dir(folder).ok());
        let mut progress: Vec<PathBuf> = folders
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("metrics.jsonl")))
            .collect();
        progress.sort();
        progress.iter().for_each(&mut look);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_counts_changes_of_files_and_of_runs_progress() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let watch = Watch::new(vec![at.join("a.csv")], Some(at.join("runs")));
        assert_eq!((watch.version(), watch.version()), (1, 1));
        fs::write(at.join("a.csv"), "x").unwrap();
        assert_eq!((watch.version(), watch.version()), (2, 2));
        fs::create_dir_all(at.join("runs/one")).unwrap();
        assert_eq!(watch.version(), 2, "a run without progress is none");
        fs::write(at.join("runs/one/metrics.jsonl"), "{}\n").unwrap();
        assert_eq!(watch.version(), 3);
        fs::remove_file(at.join("a.csv")).unwrap();
        assert_eq!(watch.version(), 4);
    }
}
