//! Keeps a run's folder in the object store while its commands work.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::order::{BEGUN, FOLDER};
use crate::clock::{now, utc};
use crate::storage::{Known, Storage};
use crate::{LaunchError, log};

/// How long after it began a folder is first brought to the store, and how often later; the time between doubles.
const FIRST: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(30);

/// How often the last of it is tried, each time for as long as a node is patient.
const TRIES: usize = 5;

/// It at work.
#[derive(Debug)]
pub struct Keeper {
    place: Place,
    lost: Arc<AtomicBool>,
    end: Sender<()>,
    thread: JoinHandle<Known>,
}

#[derive(Debug, Clone)]
struct Place {
    storage: Storage,
    folder: PathBuf,
    /// The record that says that the run is this process's.
    begun: Vec<u8>,
}

impl Place {
    /// `false` when the run is another job's by now.
    fn keep(&self, known: &mut Known) -> Result<bool, LaunchError> {
        let begun = self.storage.get(&format!("{FOLDER}/{BEGUN}"))?;
        if begun.is_none_or(|begun| begun != self.begun) {
            return Ok(false);
        }
        self.storage.up(&self.folder, known)?;
        Ok(true)
    }
}

impl Keeper {
    /// Begins; `known` is what the store has, and `begun` the record of who works on the run.
    pub fn start(storage: &Storage, folder: &Path, mut known: Known, begun: Vec<u8>) -> Self {
        let place = Place {
            storage: storage.clone(),
            folder: folder.to_owned(),
            begun,
        };
        let lost = Arc::new(AtomicBool::new(false));
        let (end, ended) = mpsc::channel();
        let (own, told) = (place.clone(), Arc::clone(&lost));
        let thread = std::thread::spawn(move || {
            let mut pause = FIRST;
            let mut trouble = false;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = (pause * 2).min(LATER);
                match own.keep(&mut known) {
                    Ok(true) => trouble = false,
                    Ok(false) => {
                        told.store(true, Ordering::Relaxed);
                        break;
                    }
                    Err(error) if !trouble => {
                        trouble = true;
                        let line = format!("{}: not kept yet, tried again: {error}", utc(now()));
                        let _ = log::begin(&own.folder, &line);
                    }
                    Err(_) => {}
                }
            }
            known
        });
        Self {
            place,
            lost,
            end,
            thread,
        }
    }

    /// Whether the run is another job's by now.
    pub fn lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Brings the rest to the store. `false` when the run is another job's by now.
    ///
    /// # Errors
    /// [`LaunchError`] when the store does not take it.
    pub fn finish(self) -> Result<bool, LaunchError> {
        let _ = self.end.send(());
        let mut known = self.thread.join().unwrap_or_default();
        let mut tries = 1;
        loop {
            match self.place.keep(&mut known) {
                Err(_) if tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }
}
