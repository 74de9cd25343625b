//! Uploads a run's folder to the object store while its commands work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::LaunchError;
use crate::host::clock::{now, utc};
use crate::object_store::{FileStamps, Storage};
use crate::protocol::START_FILE;
use crate::run::folder::RECORDS_FOLDER;
use crate::run::log;

/// How long after its start a folder is first uploaded. The time between uploads doubles up to the second
/// constant.
const FIRST_INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(30);

/// How often the last upload is tried, each time for a node's timeout.
const LAST_TRIES: usize = 5;

/// A thread that uploads what changed in a folder, while the run is this process's.
#[derive(Debug)]
pub struct FolderUploader {
    target: Target,
    superseded: Arc<AtomicBool>,
    end: Sender<()>,
    thread: JoinHandle<FileStamps>,
}

#[derive(Debug, Clone)]
struct Target {
    storage: Storage,
    folder: PathBuf,
    /// The record that says that the run is this process's.
    start_record: Vec<u8>,
}

impl Target {
    /// Uploads what changed; `false` when the run is another job's by now.
    fn upload(&self, stamps: &mut FileStamps) -> Result<bool, LaunchError> {
        let recorded = self
            .storage
            .get(&format!("{RECORDS_FOLDER}/{START_FILE}"))?;
        if recorded.is_none_or(|recorded| recorded != self.start_record) {
            return Ok(false);
        }
        self.storage.upload_folder(&self.folder, stamps)?;
        Ok(true)
    }
}

impl FolderUploader {
    /// Begins; `stamps` are of the files that the store has, and `start_record` says whose the run is.
    pub fn start(
        storage: &Storage,
        folder: &Path,
        mut stamps: FileStamps,
        start_record: Vec<u8>,
    ) -> Self {
        let target = Target {
            storage: storage.clone(),
            folder: folder.to_owned(),
            start_record,
        };
        let superseded = Arc::new(AtomicBool::new(false));
        let (end, ended) = mpsc::channel();
        let (own, flag) = (target.clone(), Arc::clone(&superseded));
        let thread = std::thread::spawn(move || {
            let mut pause = FIRST_INTERVAL;
            let mut failing = false;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = (pause * 2).min(MAX_INTERVAL);
                match own.upload(&mut stamps) {
                    Ok(true) => failing = false,
                    Ok(false) => {
                        flag.store(true, Ordering::Relaxed);
                        break;
                    }
                    Err(error) if !failing => {
                        failing = true;
                        let line = format!("{}: not kept yet, tried again: {error}", utc(now()));
                        let _ = log::begin(&own.folder, &line);
                    }
                    Err(_) => {}
                }
            }
            stamps
        });
        Self {
            target,
            superseded,
            end,
            thread,
        }
    }

    /// Whether the run is another job's by now.
    pub fn superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Uploads the rest, and ends the thread. `false` when the run is another job's by now.
    ///
    /// # Errors
    /// [`LaunchError`] when the store does not take it.
    pub fn finish(self) -> Result<bool, LaunchError> {
        let _ = self.end.send(());
        let mut stamps = self.thread.join().unwrap_or_default();
        let mut tries = 1;
        loop {
            match self.target.upload(&mut stamps) {
                Err(_) if tries < LAST_TRIES => tries += 1,
                done => return done,
            }
        }
    }
}
