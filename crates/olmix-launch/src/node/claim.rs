//! The right to work in a run's folder.
//!
//! Two things guard it. A claim is made once for each ticket and never again: a job that an engine begins
//! late, after its launcher revoked the ticket, finds it used. A lock is held by every process of the run, by
//! inheritance: an attempt begins when the last process of the one before it is gone.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use olmix_ledger::FailureKind;

use crate::LaunchError;
use crate::host::clock::{now, utc};
use crate::host::process;
use crate::protocol::{
    EndRecord, JobSpec, Outcome, RecordStore, START_FILE, StartRecord, claim_file, end_file,
};
use crate::run::folder::RECORDS_FOLDER;
use crate::run::log;

/// The file in [`RECORDS_FOLDER`] that processes of the run hold a lock on.
const LOCK_FILE: &str = "lock";

/// How long processes of an earlier attempt may take to end.
const LOCK_TIMEOUT: Duration = Duration::from_mins(5);

/// A run that this process may work on, since it used the ticket.
pub struct RunClaim {
    folder: PathBuf,
    records: RecordStore,
    /// The [`StartRecord`] as it was written: while it stands, no other job has the run.
    pub start_record: Vec<u8>,
    lock_file: File,
    lock: RefCell<Option<Flock<File>>>,
    /// Whether the ticket was used for the first time.
    pub first_start: bool,
    /// How often the engine has begun the job again.
    pub restarts: u32,
}

/// What came of trying to use a ticket.
pub enum ClaimResult {
    /// The run is this process's.
    Claimed(RunClaim),
    /// The ticket was used before; by whom, in words that follow a comma.
    AlreadyUsed(String),
}

impl RunClaim {
    /// Uses the ticket of a spec for the engine's job `job`. A job that the engine begins again holds its
    /// ticket still.
    ///
    /// # Errors
    /// [`LaunchError`] for a folder or a store that can't be used; the ticket may then be used or not.
    pub fn acquire(
        spec: &JobSpec,
        records: RecordStore,
        job: &str,
    ) -> Result<ClaimResult, LaunchError> {
        let failed = |path: &Path, error: &io::Error| {
            let help = match &spec.storage {
                Some(_) => "engine.scratch must be a folder that nodes may write to",
                None => "the folder of runs must be writable from the nodes",
            };
            LaunchError::refused(format!("{}: {error}", path.display()), help)
        };
        let folder = spec.folder.join(RECORDS_FOLDER);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        let claim = claim_file(&spec.ticket);
        let record = format!("{RECORDS_FOLDER}/{START_FILE}");
        let mut start = StartRecord {
            ticket: spec.ticket.clone(),
            job: job.to_owned(),
            host: process::this().host,
            at: now(),
            restarts: 0,
        };
        let mut first_start =
            records.create(&claim, &serde_json::to_vec(&start).unwrap_or_default())?;
        if !first_start {
            let bytes = records.get(&claim)?.unwrap_or_default();
            match serde_json::from_slice::<StartRecord>(&bytes) {
                Ok(earlier) if earlier.job == job => {}
                Ok(earlier) if earlier.job.is_empty() => {
                    return Ok(ClaimResult::AlreadyUsed(
                        "its launcher has given the run away".into(),
                    ));
                }
                Ok(earlier) => {
                    let who = format!("job {} has begun it on {}", earlier.job, earlier.host);
                    return Ok(ClaimResult::AlreadyUsed(who));
                }
                Err(_) => {
                    let claim = records.path_of(&claim);
                    return Ok(ClaimResult::AlreadyUsed(format!(
                        "{} can't be read",
                        claim.display()
                    )));
                }
            }
            let known = records.get(&record).ok().flatten();
            let known = known.and_then(|bytes| serde_json::from_slice::<StartRecord>(&bytes).ok());
            let earlier = known.filter(|known| known.ticket == spec.ticket);
            // A store may have taken the claim, and its answer was lost: nothing has begun then.
            first_start = earlier.is_none() && matches!(records, RecordStore::Store(_));
            start.restarts =
                earlier.map_or(u32::from(!first_start), |earlier| earlier.restarts + 1);
        }
        let path = folder.join(LOCK_FILE);
        let lock_file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| failed(&path, &error))?;
        // What an earlier start said of its end does not hold any more.
        records.remove(&end_file(&spec.ticket))?;
        let text = serde_json::to_vec(&start).unwrap_or_default();
        records.put(&record, &text)?;
        Ok(ClaimResult::Claimed(Self {
            folder: spec.folder.clone(),
            records,
            start_record: text,
            lock_file,
            lock: RefCell::new(None),
            first_start,
            restarts: start.restarts,
        }))
    }

    /// Waits until nothing of an earlier attempt is at work. From then on every process that this one begins
    /// holds the lock.
    ///
    /// # Errors
    /// The outcome of the run: stopped when `give_up` says so, failed when the wait takes too long.
    pub fn lock_folder(&self, give_up: &mut dyn FnMut() -> bool) -> Result<(), Outcome> {
        let since = Instant::now();
        let mut file = match self.lock_file.try_clone() {
            Ok(file) => file,
            Err(error) => return Err(exited(format!("{LOCK_FILE}: {error}"))),
        };
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    // Children are to have it too.
                    let _ = fcntl(held.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()));
                    *self.lock.borrow_mut() = Some(held);
                    return Ok(());
                }
                Err((back, Errno::EWOULDBLOCK)) => file = back,
                Err((_, error)) => {
                    let title = format!(
                        "{}: this filesystem has no locks ({error}); the engine alone keeps attempts apart",
                        utc(now())
                    );
                    let _ = log::begin(&self.folder, &title);
                    return Ok(());
                }
            }
            if give_up() {
                return Err(Outcome::Stopped);
            }
            if since.elapsed() > LOCK_TIMEOUT {
                return Err(exited(format!(
                    "processes of an earlier attempt still work in {} after {} s",
                    self.folder.display(),
                    LOCK_TIMEOUT.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Records how the attempt ended.
    ///
    /// # Errors
    /// [`LaunchError`] when the record can't be written.
    pub fn record_end(&self, record: &EndRecord) -> Result<(), LaunchError> {
        let text = serde_json::to_vec(record).unwrap_or_default();
        self.records.put(&end_file(&record.ticket), &text)
    }
}

fn exited(cause: String) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Exited,
        cause,
    }
}
