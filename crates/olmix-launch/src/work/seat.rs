//! The right to work in a run's folder.
//!
//! Two things guard it. A claim, which is made once for each ticket and never again: a job that an engine begins late, after its
//! launcher took the ticket back, finds it used. And a lock, which every process of the run holds by inheritance: an attempt
//! begins when the last process of the one before it is gone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use olmix_ledger::FailureKind;

use super::home::Home;
use super::order::{BEGUN, Begun, EndRecord, FOLDER, Order, claim_file, end_file};
use crate::clock::{now, utc};
use crate::engine::Outcome;
use crate::{LaunchError, log, process};

/// The lock's file.
const LOCK: &str = "lock";

/// How long the attempt before may take to end.
const PATIENCE: Duration = Duration::from_mins(5);

/// A place taken.
pub struct Seat {
    folder: std::path::PathBuf,
    /// Where its records are.
    home: Home,
    /// The record that says that the run is ours.
    pub begun: Vec<u8>,
    lock: File,
    held: std::cell::RefCell<Option<Flock<File>>>,
    /// Whether the ticket was used for the first time.
    pub first: bool,
    /// How often the engine has begun the job again.
    pub restarts: u32,
}

/// What came of trying to take a place.
pub enum Taken {
    /// It is ours.
    Ours(Seat),
    /// The ticket was used, as a sentence says.
    Used(String),
}

impl Seat {
    /// Takes the place of an order for the engine's job, if the ticket allows.
    pub fn take(order: &Order, home: Home, job: &str) -> Result<Taken, LaunchError> {
        let failed = |path: &Path, error: &io::Error| {
            let help = match &order.storage {
                Some(_) => "engine.scratch must be a folder that nodes may write to",
                None => "the folder of runs must be writable from the nodes",
            };
            LaunchError::refused(format!("{}: {error}", path.display()), help)
        };
        let place = order.folder.join(FOLDER);
        fs::create_dir_all(&place).map_err(|error| failed(&place, &error))?;
        let claim = claim_file(&order.ticket);
        let record = format!("{FOLDER}/{BEGUN}");
        let mut begun = Begun {
            ticket: order.ticket.clone(),
            job: job.to_owned(),
            host: process::this().host,
            at: now(),
            restarts: 0,
        };
        let mut first = home.create(&claim, &serde_json::to_vec(&begun).unwrap_or_default())?;
        if !first {
            let bytes = home.get(&claim)?.unwrap_or_default();
            match serde_json::from_slice::<Begun>(&bytes) {
                Ok(earlier) if earlier.job == job => {}
                Ok(earlier) if earlier.job.is_empty() => {
                    return Ok(Taken::Used("its launcher has given the run away".into()));
                }
                Ok(earlier) => {
                    let who = format!("job {} has begun it on {}", earlier.job, earlier.host);
                    return Ok(Taken::Used(who));
                }
                Err(_) => {
                    let claim = home.path_of(&claim);
                    return Ok(Taken::Used(format!("{} can't be read", claim.display())));
                }
            }
            let known = home.get(&record).ok().flatten();
            let known = known.and_then(|bytes| serde_json::from_slice::<Begun>(&bytes).ok());
            let earlier = known.filter(|known| known.ticket == order.ticket);
            // A store may have taken the claim, and its answer was lost: nothing has begun then.
            first = earlier.is_none() && matches!(home, Home::Store(_));
            begun.restarts = earlier.map_or(u32::from(!first), |earlier| earlier.restarts + 1);
        }
        let path = place.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| failed(&path, &error))?;
        // What an earlier start said of its end does not hold any more.
        home.remove(&format!("{FOLDER}/{}", end_file(&order.ticket)))?;
        let text = serde_json::to_vec(&begun).unwrap_or_default();
        home.put(&record, &text)?;
        Ok(Taken::Ours(Self {
            folder: order.folder.clone(),
            home,
            begun: text,
            lock,
            held: std::cell::RefCell::new(None),
            first,
            restarts: begun.restarts,
        }))
    }

    /// Waits until nothing of an earlier attempt is at work. From then on every process that is begun holds the lock.
    pub fn wait(&self, give_up: &mut dyn FnMut() -> bool) -> Result<(), Outcome> {
        let since = Instant::now();
        let mut file = match self.lock.try_clone() {
            Ok(file) => file,
            Err(error) => return Err(exited(format!("{LOCK}: {error}"))),
        };
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(held) => {
                    // Children are to have it too.
                    let _ = fcntl(held.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()));
                    *self.held.borrow_mut() = Some(held);
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
            if since.elapsed() > PATIENCE {
                return Err(exited(format!(
                    "processes of an earlier attempt still work in {} after {} s",
                    self.folder.display(),
                    PATIENCE.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Records how it ended.
    pub fn leave(&self, record: &EndRecord) -> Result<(), LaunchError> {
        let text = serde_json::to_vec(record).unwrap_or_default();
        let name = format!("{FOLDER}/{}", end_file(&record.ticket));
        self.home.put(&name, &text)
    }
}

fn exited(cause: String) -> Outcome {
    Outcome::Failed {
        kind: FailureKind::Exited,
        cause,
    }
}

/// Makes a file with all its content, unless there is one: `false` then.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let own = format!(".{name}.{}.{}", process::this().host, std::process::id());
    let half = path.with_file_name(own);
    let mut file = File::create(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let made = match fs::hard_link(&half, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // A filesystem without hard links: a reader may then see it before it has its content, and takes it for used.
        Err(_) => match File::create_new(path) {
            Ok(mut file) => file
                .write_all(bytes)
                .and_then(|()| file.sync_all())
                .map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    };
    let _ = fs::remove_file(&half);
    made
}
