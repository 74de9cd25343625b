//! A run on a node of a cluster: the work of `olmix launch work`, which a job of the engine is.
//!
//! It begins only with a ticket that nobody has used, and only once nothing of an earlier attempt is at work in the run's
//! folder; what it leaves says how it ended, whatever the engine remembers.

mod home;
mod keeper;
mod order;
mod seat;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use olmix_ledger::FailureKind;

pub use home::Home;
use keeper::Keeper;
pub use order::{
    BEGUN, Begun, ENDED, EVALUATION, EndRecord, FOLDER, Order, OrderedStep, PROBE, Probed,
    claim_file, end_file, evaluates, evaluation_ticket,
};
use seat::{Seat, Taken};

use crate::clock::{now, utc};
use crate::engine::Outcome;
use crate::interrupt::Interrupts;
use crate::job::{Job, empty, prepare};
use crate::judge::{judge, timed_out};
use crate::process::MARK;
use crate::storage::{self, Storage};
use crate::{LaunchError, Wish, log, process};

/// How long a command has to end when it is asked to. Slurm gives 30 seconds by default.
const GRACE: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(50);

/// How long a signal takes to be heard of.
const SIGNAL: Duration = Duration::from_millis(200);

/// Reads the order of a task, the first of which is 1, from the file of a submission.
///
/// # Errors
/// [`LaunchError::Refused`] for a file that can't be read or has no such task.
pub fn read_order(file: &Path, task: usize) -> Result<Order, LaunchError> {
    let refused = |what: String| {
        LaunchError::refused(
            format!("{}: {what}", file.display()),
            "the folder of runs must be on a filesystem that the nodes share with the launcher",
        )
    };
    let text = match file.to_str().and_then(|url| url.rsplit_once('/')) {
        Some((folder, name)) if folder.contains("://") => {
            let storage = Storage::open(folder, storage::NODE)?;
            let found = storage.get(name)?.map(String::from_utf8);
            let found = found.and_then(Result::ok);
            found.ok_or_else(|| refused("there is no such object".into()))?
        }
        _ => fs::read_to_string(file).map_err(|error| refused(error.to_string()))?,
    };
    let line = task.checked_sub(1).and_then(|line| text.lines().nth(line));
    let line = line.ok_or_else(|| refused(format!("there is no task {task}")))?;
    serde_json::from_str(line).map_err(|error| refused(format!("task {task}: {error}")))
}

/// Does the work of an order as the engine's job `job`, and returns the exit code of the process: 0 also for a ticket that
/// was used already, since nothing is wrong with that.
///
/// # Errors
/// [`LaunchError`] for a folder that can't be used. What goes wrong with the run itself is recorded there.
pub fn work(order: &Order, job: &str) -> Result<u8, LaunchError> {
    if order.ticket.is_empty() {
        return answer(order).map(|()| 0);
    }
    let storage = order.storage.as_deref();
    let storage = storage.map(|url| Storage::open(url, storage::NODE));
    let storage = storage.transpose()?;
    let home = match &storage {
        Some(storage) => Home::Store(storage.clone()),
        None => Home::Folder(order.folder.clone()),
    };
    if let Some(before) = &order.after
        && !is_done(&home, before)?
    {
        let title = format!("{}: not evaluated, {before} did not finish", utc(now()));
        let _ = log::begin(&order.folder, &title);
        return Ok(0);
    }
    let mut wishes = Wishes {
        interrupts: Interrupts::watch()?,
        keeper: None,
    };
    let began = now();
    let seat = match Seat::take(order, home, job)? {
        Taken::Ours(seat) => seat,
        Taken::Used(who) => {
            let title = format!("{}, {}: not begun, {who}", order.ticket, utc(now()));
            let _ = log::begin(&order.folder, &title);
            return Ok(0);
        }
    };
    let outcome = match seat.wait(&mut || wishes.stop()) {
        Ok(()) => attempt(order, &seat, storage.as_ref(), &mut wishes),
        Err(outcome) => outcome,
    };
    let (word, kind, cause, code) = match outcome {
        Outcome::Done => ("done", None, None, 0),
        Outcome::Failed { kind, cause } => ("failed", Some(kind.word().to_owned()), Some(cause), 1),
        Outcome::Stopped | Outcome::Unwanted(_) => (
            "stopped",
            None,
            None,
            wishes.interrupts.code().unwrap_or(130),
        ),
    };
    if let Some(keeper) = wishes.keeper.take() {
        if !keeper.finish()? {
            // Another job works on it, from what the store has.
            return Ok(0);
        }
        // What the store has is not needed here any more.
        let _ = empty(&order.folder, &[FOLDER]);
    }
    seat.leave(&EndRecord {
        ticket: order.ticket.clone(),
        outcome: word.to_owned(),
        kind,
        cause,
        host: process::this().host,
        began,
        ended: now(),
    })?;
    Ok(code)
}

/// Whether the job with a ticket has done its work.
fn is_done(home: &Home, ticket: &str) -> Result<bool, LaunchError> {
    let record = home.get(&format!("{FOLDER}/{}", end_file(ticket)))?;
    let record = record.and_then(|bytes| serde_json::from_slice::<EndRecord>(&bytes).ok());
    Ok(record.is_some_and(|record| record.ticket == ticket && record.outcome() == Outcome::Done))
}

/// What may end a run early.
struct Wishes {
    interrupts: Interrupts,
    /// What keeps the run's folder in its store.
    keeper: Option<Keeper>,
}

impl Wishes {
    /// Whether the run is to end.
    fn stop(&mut self) -> bool {
        self.interrupts.wish() != Wish::GoOn || self.keeper.as_ref().is_some_and(Keeper::lost)
    }
}

/// Runs the commands, one after another.
fn attempt(order: &Order, seat: &Seat, storage: Option<&Storage>, wishes: &mut Wishes) -> Outcome {
    let failed = |kind, cause| Outcome::Failed { kind, cause };
    let fresh = order.fresh && seat.first;
    if let Some(storage) = storage {
        match storage.down(&order.folder, fresh) {
            Ok(known) => {
                let keeper = Keeper::start(storage, &order.folder, known, seat.begun.clone());
                wishes.keeper = Some(keeper);
            }
            Err(error) => return failed(FailureKind::Lost, error.to_string()),
        }
    }
    if let Err(cause) = prepare(&order.folder, fresh, &order.metrics, &order.mixture) {
        return failed(FailureKind::Exited, cause);
    }
    for (file, text) in &order.files {
        if let Err(error) = olmix_fs::write_whole(file, text.as_bytes()) {
            return failed(FailureKind::Exited, error.to_string());
        }
    }
    let begun = Instant::now();
    for step in &order.steps {
        let stage = step.stage();
        let again = match seat.restarts {
            0 => String::new(),
            times => format!(", begun again {times} times by its engine"),
        };
        let title = format!(
            "attempt {}{again}, {stage}, {} on {}: {}",
            order.attempt,
            utc(now()),
            process::this().host,
            step.command
        );
        let child = log::begin(&order.folder, &title).and_then(|log| {
            Command::new("sh")
                .args(["-c", &step.command])
                .env(MARK, &order.folder)
                .envs(step.environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .process_group(0)
                .spawn()
        });
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                let cause = format!("it could not be started: {error}");
                return failed(FailureKind::NotStarted, cause);
            }
        };
        if let Some(outcome) = follow(order, stage, child, begun, wishes) {
            return outcome;
        }
    }
    Outcome::Done
}

/// Waits for a command, ends it when that is asked for or it is late, and ends what it left at work.
fn follow(
    order: &Order,
    stage: olmix_ledger::Stage,
    mut child: Child,
    begun: Instant,
    wishes: &mut Wishes,
) -> Option<Outcome> {
    let most = order.timeout.map(Duration::from_secs);
    let leader = process::of_pid(child.id());
    let signal = |hard: bool| process::signal_group(&leader, hard);
    let mut stopping: Option<(Instant, Outcome)> = None;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Err(error) => break Err(error),
            Ok(None) => {}
        }
        match &stopping {
            Some((since, _)) if since.elapsed() > GRACE => signal(true),
            Some(_) => {}
            None => {
                let late = most.filter(|most| begun.elapsed() > *most);
                let wished = wishes.stop();
                let why = match late {
                    _ if wished => Some(Outcome::Stopped),
                    Some(most) => Some(timed_out(most.as_secs())),
                    None => None,
                };
                if let Some(why) = why {
                    signal(false);
                    stopping = Some((Instant::now(), why));
                }
            }
        }
        std::thread::sleep(POLL);
    };
    process::end_run(Some(&leader), &order.folder, true);
    match (stopping, status) {
        (Some((_, why)), _) => Some(why),
        (None, Ok(status)) => {
            let outcome = judge(stage, &order.folder, status)?;
            // Engines signal all processes of a job at once: what ended the command may be on its way to us.
            std::thread::sleep(SIGNAL);
            if wishes.stop() {
                Some(Outcome::Stopped)
            } else {
                Some(outcome)
            }
        }
        (None, Err(error)) => Some(Outcome::Failed {
            kind: FailureKind::Exited,
            cause: format!("its process can't be followed: {error}"),
        }),
    }
}

/// Answers a probe.
fn answer(order: &Order) -> Result<(), LaunchError> {
    let probed = Probed {
        host: process::this().host,
        olmix: env!("CARGO_PKG_VERSION").to_owned(),
        at: now(),
    };
    let text = serde_json::to_vec(&probed).unwrap_or_default();
    let home = match &order.storage {
        Some(url) => {
            let failed = |error: std::io::Error| {
                LaunchError::refused(
                    format!("{}: {error}", order.folder.display()),
                    "engine.scratch must be a folder that nodes may write to",
                )
            };
            fs::create_dir_all(&order.folder).map_err(failed)?;
            tempfile::tempfile_in(&order.folder).map_err(failed)?;
            Home::Store(Storage::open(url, storage::LAUNCHER)?)
        }
        None => Home::Folder(order.folder.clone()),
    };
    home.put(PROBE, &text)
}

/// Takes a ticket back, so that no job begins with it any more, nor begins again.
///
/// # Errors
/// [`LaunchError`] with what the system or the store said.
pub fn take_back(home: &Home, ticket: &str) -> Result<(), LaunchError> {
    let claim = claim_file(ticket);
    let nobody = Begun {
        ticket: ticket.to_owned(),
        job: String::new(),
        host: process::this().host,
        at: now(),
        restarts: 0,
    };
    let text = serde_json::to_vec(&nobody).unwrap_or_default();
    if !home.create(&claim, &text)? {
        home.put(&claim, &text)?;
    }
    Ok(())
}

/// The order of a job that a node needs.
#[must_use]
pub fn order(job: &Job, ticket: &str, container: Option<&str>) -> Order {
    Order::new(job, ticket, container)
}
