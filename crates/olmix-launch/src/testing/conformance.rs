//! The suite that every engine passes: what the [contract](crate::engine::contract) says, from outside.
//!
//! A new engine is held to it by one test that opens the engine and calls [`check_all`].

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use olmix_ledger::{EngineJob, FailureKind, RunId, Stage};

use super::MemoryRecorder;
use crate::engine::contract::{Ended, Engine};
use crate::host::clock::Clock;
use crate::protocol::{Job, Outcome, Step};

/// An engine to be checked.
pub struct Subject<'s> {
    /// Opens the engine without runs of its own, as another launcher would.
    pub open: &'s dyn Fn() -> Box<dyn Engine>,
    /// The clock that the engine goes by.
    pub clock: &'s dyn Clock,
    /// A folder for runs, which the engine's nodes see.
    pub folder: &'s Path,
    /// How long a run that takes no time may take until its end is told.
    pub patience: Duration,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A check, and what it promises.
pub type Check = (&'static str, fn(&Subject<'_>));

/// Every check. Each opens the engine anew, and leaves no run behind.
pub const CHECKS: &[Check] = &[
    ("an engine without runs has capacity and does nothing", idle),
    ("every run ends once, as what became of it", outcomes),
    ("a run that is not ours never begins", not_ours),
    (
        "a run that is stopped before it begins never begins",
        stopped_early,
    ),
    ("capacity falls by each run that is started", capacity),
    ("a run survives its launcher, or can't be adopted", adoption),
    ("runs that were not submitted are withdrawn", withdrawal),
];

/// Runs every check.
///
/// # Panics
/// With the check that failed in the message.
pub fn check_all(subject: &Subject<'_>) {
    for (promise, check) in CHECKS {
        eprint_check(promise);
        check(subject);
    }
}

/// Names the check on standard error, which a test that passes does not show.
fn eprint_check(promise: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "conformance: {promise}");
}

/// How often the engine is polled.
const POLL: Duration = Duration::from_millis(25);

fn job(subject: &Subject<'_>, number: i64, command: &str) -> Job {
    shell_job(subject.folder, number, command)
}

/// A run of one shell command, whose folder is made in a folder of runs. It is called `run-NUMBER`; `METRICS`
/// in the command stands for the path of its metrics.
///
/// # Panics
/// When the folder can't be made.
#[must_use]
pub fn shell_job(folder: &Path, number: i64, command: &str) -> Job {
    let name = format!("run-{number}");
    let folder = folder.join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    let metrics = folder.join("metrics.json");
    let command = command.replace("METRICS", &metrics.to_string_lossy());
    let begun = folder.join("has-begun");
    Job {
        run: RunId(number),
        name,
        attempt: 1,
        folder,
        mixture: vec![("web".into(), 1.0)],
        phases: Vec::new(),
        steps: vec![Step {
            stage: Stage::Train,
            program: "sh".into(),
            arguments: vec!["-c".into(), format!("touch {}; {command}", begun.display())],
            environment: Vec::new(),
        }],
        timeout: None,
        metrics,
        previous_process: None,
        fresh: false,
        remote: None,
    }
}

const SUCCEEDS: &str = r#"echo '{"loss": 1}' > METRICS"#;
const GOES_ON: &str = "exec sleep 600";

fn has_begun(subject: &Subject<'_>, number: i64) -> bool {
    subject
        .folder
        .join(format!("run-{number}/has-begun"))
        .exists()
}

/// An engine and its recorder, polled until something holds.
struct Session<'s> {
    subject: &'s Subject<'s>,
    engine: Box<dyn Engine>,
    recorder: MemoryRecorder,
    ended: BTreeMap<RunId, Ended>,
}

impl<'s> Session<'s> {
    fn open(subject: &'s Subject<'s>) -> Self {
        Self {
            subject,
            engine: (subject.open)(),
            recorder: MemoryRecorder::default(),
            ended: BTreeMap::new(),
        }
    }

    fn poll(&mut self) {
        for ended in self.engine.poll(&mut self.recorder).unwrap() {
            let run = ended.job.run;
            assert!(
                self.ended.insert(run, ended).is_none(),
                "run {} ends a second time",
                run.0
            );
        }
    }

    fn poll_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let since = self.subject.clock.elapsed();
        while !holds(self) {
            let waited = self.subject.clock.elapsed().saturating_sub(since);
            assert!(
                waited < self.subject.patience,
                "{}: {what}: not after {waited:?}; ended: {:?}, notices: {:?}",
                self.engine.name(),
                self.ended,
                self.recorder.notices
            );
            self.poll();
            self.subject.clock.sleep(POLL);
        }
    }

    fn outcome(&self, run: i64) -> Option<&Outcome> {
        self.ended.get(&RunId(run)).map(|ended| &ended.outcome)
    }
}

fn idle(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    assert!(session.engine.capacity() > 0);
    session.poll();
    assert!(session.ended.is_empty() && session.engine.withdraw().is_empty());
    // Runs that it does not have are passed over.
    session.engine.stop(RunId(7), false);
    session.engine.stop(RunId(7), true);
    session.poll();
    assert!(session.ended.is_empty());
    assert!(!session.recorder.has_begun(RunId(7)));
    let survives = session.engine.survives_launcher();
    assert_eq!(session.engine.run_survives(RunId(7)), survives);
}

fn outcomes(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    let commands = [SUCCEEDS, "exit 1", "exit 2", "exit 3", GOES_ON, GOES_ON];
    for (number, command) in (1..).zip(commands) {
        session.engine.start(job(subject, number, command));
    }
    session.poll_until("all begin", |session| {
        let begun = |run| session.recorder.has_begun(RunId(run));
        (1..=6).all(begun)
    });
    session.engine.stop(RunId(5), false);
    session.engine.stop(RunId(6), true);
    session.poll_until("all end", |session| session.ended.len() == commands.len());
    assert_eq!(session.outcome(1), Some(&Outcome::Done));
    let metrics = &session.ended[&RunId(1)].job.metrics;
    assert!(metrics.is_file(), "what is done has left its metrics");
    let kinds = [
        (2, FailureKind::Exited),
        (3, FailureKind::Configuration),
        (4, FailureKind::Diverged),
    ];
    for (run, expected) in kinds {
        match session.outcome(run) {
            Some(Outcome::Failed { kind, cause }) => {
                assert_eq!(*kind, expected, "{cause}");
                assert!(!cause.is_empty());
            }
            other => unreachable!("run {run} failed, and is told as {other:?}"),
        }
    }
    assert_eq!(session.outcome(5), Some(&Outcome::Stopped));
    assert_eq!(session.outcome(6), Some(&Outcome::Stopped));
    for (run, ended) in &session.ended {
        assert_eq!(ended.job.name, format!("run-{}", run.0));
        assert_eq!(ended.job.attempt, 1);
    }
    // Nothing is told of them any more.
    session.poll();
    assert_eq!(session.ended.len(), commands.len());
}

fn not_ours(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    session.recorder.not_ours.insert(RunId(11));
    session.engine.start(job(subject, 11, SUCCEEDS));
    session.engine.start(job(subject, 12, SUCCEEDS));
    session.poll_until("both end", |session| session.ended.len() == 2);
    assert_eq!(session.outcome(11), Some(&Outcome::Stopped));
    assert_eq!(session.outcome(12), Some(&Outcome::Done));
    assert!(!session.recorder.has_begun(RunId(11)) && !has_begun(subject, 11));
}

fn stopped_early(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    session.engine.start(job(subject, 21, SUCCEEDS));
    session.engine.stop(RunId(21), false);
    session.poll_until("it ends", |session| session.ended.len() == 1);
    assert_eq!(session.outcome(21), Some(&Outcome::Stopped));
    assert!(!session.recorder.has_begun(RunId(21)) && !has_begun(subject, 21));
}

fn capacity(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    let before = session.engine.capacity();
    session.engine.start(job(subject, 31, SUCCEEDS));
    if before < usize::MAX {
        assert_eq!(session.engine.capacity(), before - 1);
    }
    session.engine.stop(RunId(31), true);
    session.poll_until("it ends", |session| session.ended.len() == 1);
    assert_eq!(session.engine.capacity(), before);
}

fn adoption(subject: &Subject<'_>) {
    let mut first = Session::open(subject);
    if !first.engine.survives_launcher() {
        let nowhere = EngineJob {
            engine: "elsewhere".into(),
            ticket: "a-1".into(),
            job: None,
            gpus: 0,
        };
        let job = job(subject, 41, SUCCEEDS);
        assert!(first.engine.adopt(job, &nowhere, false).is_err());
        return;
    }
    let run = RunId(41);
    first.engine.start(job(subject, 41, SUCCEEDS));
    first.poll_until("it is submitted", |session| session.engine.all_submitted());
    let engine_job = first.recorder.engine_jobs[&run].clone();
    assert_eq!(engine_job.engine, first.engine.name());
    assert!(
        engine_job.job.is_some(),
        "the engine's name for it is recorded"
    );
    let told = first.ended.len();
    drop(first);
    if told == 0 {
        let mut second = Session::open(subject);
        let again = job(subject, 41, SUCCEEDS);
        second.engine.adopt(again, &engine_job, false).unwrap();
        second.poll_until("it ends", |session| session.ended.len() == 1);
        assert_eq!(second.outcome(41), Some(&Outcome::Done));
    }
}

fn withdrawal(subject: &Subject<'_>) {
    let mut session = Session::open(subject);
    session.engine.start(job(subject, 51, SUCCEEDS));
    let withdrawn = session.engine.withdraw();
    if session.engine.survives_launcher() {
        let told: Vec<_> = withdrawn
            .iter()
            .map(|ended| (ended.job.run, &ended.outcome))
            .collect();
        assert_eq!(told, [(RunId(51), &Outcome::Stopped)]);
        session.poll();
        assert!(session.ended.is_empty() && !has_begun(subject, 51));
    } else {
        // It is not the queue's: the launcher stops it.
        assert!(withdrawn.is_empty());
        session.engine.stop(RunId(51), true);
        session.poll_until("it ends", |session| session.ended.len() == 1);
    }
}
