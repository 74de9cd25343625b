//! A run on a node of a cluster: what `olmix launch work`, the program of every job, does.
//!
//! A run begins only with a ticket that nobody has used, and only once nothing of an earlier attempt is at
//! work in the run's folder. The record that it leaves says how it ended, whatever the engine remembers.

mod claim;
pub(crate) mod exit_status;
mod uploader;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use olmix_ledger::{FailureKind, Stage};

use claim::{ClaimResult, RunClaim};
use exit_status::{classify_exit, timed_out};
use uploader::FolderUploader;

use crate::LaunchError;
use crate::engine::cluster::make_scratch;
use crate::host::clock::{now, utc};
use crate::host::interrupt::{Interrupts, StopRequest};
use crate::host::process::{self, MARK};
use crate::object_store::{self, Storage};
use crate::protocol::{
    EndRecord, JobSpec, Outcome, PROBE_ANSWER_FILE, ProbeAnswer, RecordStore, end_file,
};
use crate::run::folder::{RECORDS_FOLDER, clear, prepare};
use crate::run::log;

/// How long a command has to end when it is asked to. Slurm gives 30 seconds by default.
const GRACE: Duration = Duration::from_secs(20);

/// How often a command and the signals are looked at.
const POLL: Duration = Duration::from_millis(50);

/// How long a signal may take to arrive after the command that it ended.
const SIGNAL_DELAY: Duration = Duration::from_millis(200);

/// Reads the spec of a task, the first of which is 1, from the file of a submission: a path, or a URL of
/// an object.
///
/// # Errors
/// [`LaunchError::Refused`] for a file that can't be read or has no such task.
pub fn read_job_spec(file: &Path, task: usize) -> Result<JobSpec, LaunchError> {
    let refused = |what: String| {
        LaunchError::refused(
            format!("{}: {what}", file.display()),
            "the folder of runs must be on a filesystem that the nodes share with the launcher",
        )
    };
    let text = match file.to_str().and_then(|url| url.rsplit_once('/')) {
        Some((folder, name)) if folder.contains("://") => {
            let storage = Storage::open(folder, object_store::NODE_TIMEOUT)?;
            let found = storage.get(name)?.map(String::from_utf8);
            let found = found.and_then(Result::ok);
            found.ok_or_else(|| refused("there is no such object".into()))?
        }
        _ => fs::read_to_string(file).map_err(|error| refused(error.to_string()))?,
    };
    let line = task.checked_sub(1).and_then(|line| text.lines().nth(line));
    let line = line.ok_or_else(|| refused(format!("there is no task {task}")))?;
    JobSpec::from_line(line).map_err(|error| refused(format!("task {task}: {error}")))
}

/// Runs the commands of a spec as the engine's job `job`, and returns the exit code of the process: 0 also
/// for a ticket that was used already, since nothing is wrong with that.
///
/// # Errors
/// [`LaunchError`] for a folder that can't be used. What goes wrong with the run itself is recorded there.
pub fn run_job(spec: &JobSpec, job: &str) -> Result<u8, LaunchError> {
    if spec.ticket.is_empty() {
        return answer_probe(spec).map(|()| 0);
    }
    let storage = spec.storage.as_deref();
    let storage = storage.map(|url| Storage::open(url, object_store::NODE_TIMEOUT));
    let storage = storage.transpose()?;
    let records = match &storage {
        Some(storage) => RecordStore::Store(storage.clone()),
        None => RecordStore::Folder(spec.folder.clone()),
    };
    if let Some(before) = &spec.after
        && !is_done(&records, before)?
    {
        let title = format!("{}: not evaluated, {before} did not finish", utc(now()));
        let _ = log::begin(&spec.folder, &title);
        return Ok(0);
    }
    if storage.is_some() {
        make_scratch(&spec.folder)?;
    }
    let mut signals = StopSignals {
        interrupts: Interrupts::watch()?,
        uploader: None,
    };
    let began = now();
    let claim = match RunClaim::acquire(spec, records, job)? {
        ClaimResult::Claimed(claim) => claim,
        ClaimResult::AlreadyUsed(who) => {
            let title = format!("{}, {}: not begun, {who}", spec.ticket, utc(now()));
            let _ = log::begin(&spec.folder, &title);
            return Ok(0);
        }
    };
    let outcome = match claim.lock_folder(&mut || signals.requested()) {
        Ok(()) => run_commands(spec, &claim, storage.as_ref(), &mut signals),
        Err(outcome) => outcome,
    };
    let (word, kind, cause, code) = match outcome {
        Outcome::Done => ("done", None, None, 0),
        Outcome::Failed { kind, cause } => ("failed", Some(kind.word().to_owned()), Some(cause), 1),
        Outcome::Stopped | Outcome::CancelledExternally(_) => (
            "stopped",
            None,
            None,
            signals.interrupts.exit_code().unwrap_or(130),
        ),
    };
    if let Some(uploader) = signals.uploader.take() {
        if !uploader.finish()? {
            // Another job works on it, from what the store has.
            return Ok(0);
        }
        // What the store has is not needed here any more.
        let _ = clear(&spec.folder, &[RECORDS_FOLDER]);
    }
    claim.record_end(&EndRecord {
        ticket: spec.ticket.clone(),
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
fn is_done(records: &RecordStore, ticket: &str) -> Result<bool, LaunchError> {
    let record = records.get(&end_file(ticket))?;
    let record = record.and_then(|bytes| serde_json::from_slice::<EndRecord>(&bytes).ok());
    Ok(record.is_some_and(|record| record.ticket == ticket && record.outcome() == Outcome::Done))
}

/// What may end a run early.
struct StopSignals {
    interrupts: Interrupts,
    /// What uploads the run's folder to its store; `None` on a shared filesystem.
    uploader: Option<FolderUploader>,
}

impl StopSignals {
    /// Whether the run is to end.
    fn requested(&mut self) -> bool {
        let superseded = self
            .uploader
            .as_ref()
            .is_some_and(FolderUploader::superseded);
        self.interrupts.stop_request() != StopRequest::None || superseded
    }
}

/// Runs the commands, one after another.
fn run_commands(
    spec: &JobSpec,
    claim: &RunClaim,
    storage: Option<&Storage>,
    signals: &mut StopSignals,
) -> Outcome {
    let failed = |kind, cause| Outcome::Failed { kind, cause };
    let fresh = spec.fresh && claim.first_start;
    if let Some(storage) = storage {
        match storage.download_folder(&spec.folder, fresh) {
            Ok(stamps) => {
                let start_record = claim.start_record.clone();
                let uploader = FolderUploader::start(storage, &spec.folder, stamps, start_record);
                signals.uploader = Some(uploader);
            }
            Err(error) => return failed(FailureKind::Lost, error.to_string()),
        }
    }
    if let Err(cause) = prepare(
        &spec.folder,
        fresh,
        &spec.metrics,
        &spec.mixture,
        &spec.phases,
    ) {
        return failed(FailureKind::Exited, cause);
    }
    for (file, text) in &spec.files {
        if let Err(error) = olmix_fs::write_whole(file, text.as_bytes()) {
            return failed(FailureKind::Exited, error.to_string());
        }
    }
    let begun = Instant::now();
    for step in &spec.steps {
        let stage = step.stage();
        let again = match claim.restarts {
            0 => String::new(),
            times => format!(", begun again {times} times by its engine"),
        };
        let title = format!(
            "attempt {}{again}, {stage}, {} on {}: {}",
            spec.attempt,
            utc(now()),
            process::this().host,
            step.command
        );
        let child = log::begin(&spec.folder, &title).and_then(|log| {
            Command::new("sh")
                .args(["-c", &step.command])
                .env(MARK, &spec.folder)
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
        if let Some(outcome) = wait_for_command(spec, stage, child, begun, signals) {
            return outcome;
        }
    }
    Outcome::Done
}

/// Waits for a command, ends it on request or at the timeout, and kills what it left at work. `None` where
/// the run goes on.
fn wait_for_command(
    spec: &JobSpec,
    stage: Stage,
    mut child: Child,
    begun: Instant,
    signals: &mut StopSignals,
) -> Option<Outcome> {
    let most = spec.timeout.map(Duration::from_secs);
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
                let requested = signals.requested();
                let why = match late {
                    _ if requested => Some(Outcome::Stopped),
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
    process::end_run(Some(&leader), &spec.folder, true);
    match (stopping, status) {
        (Some((_, why)), _) => Some(why),
        (None, Ok(status)) => {
            let outcome = classify_exit(stage, &spec.folder, status);
            // Engines signal all processes of a job at once: what ended the command may be on its way to us.
            // A shell whose command was ended may go on and exit with 0: that is no end of its own either.
            std::thread::sleep(SIGNAL_DELAY);
            if signals.requested() {
                Some(Outcome::Stopped)
            } else {
                outcome
            }
        }
        (None, Err(error)) => Some(Outcome::Failed {
            kind: FailureKind::Exited,
            cause: format!("its process can't be followed: {error}"),
        }),
    }
}

/// Answers a probe: that this node can start this program, and can write where runs work.
fn answer_probe(spec: &JobSpec) -> Result<(), LaunchError> {
    let answer = ProbeAnswer {
        host: process::this().host,
        olmix: env!("CARGO_PKG_VERSION").to_owned(),
        at: now(),
    };
    let text = serde_json::to_vec(&answer).unwrap_or_default();
    let records = match &spec.storage {
        Some(url) => {
            let failed = |error: std::io::Error| {
                LaunchError::refused(
                    format!("{}: {error}", spec.folder.display()),
                    "engine.scratch must be a folder that nodes may write to",
                )
            };
            make_scratch(&spec.folder)?;
            fs::create_dir_all(&spec.folder).map_err(failed)?;
            tempfile::tempfile_in(&spec.folder).map_err(failed)?;
            RecordStore::Store(Storage::open(url, object_store::LAUNCHER_TIMEOUT)?)
        }
        None => RecordStore::Folder(spec.folder.clone()),
    };
    records.put(PROBE_ANSWER_FILE, &text)
}
