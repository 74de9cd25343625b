//! What has become of the runs of a swarm, as values.

use olmix_ledger::{FailureKind, Ledger, Run, Stage, State, Swarm};
use serde_json::{Value, json};

use crate::LaunchError;
use crate::host::clock::now;
use crate::host::process::{Liveness, liveness};
use crate::run::progress::Snapshot;
use crate::swarm::run_folder;

/// A swarm with all that is told of it.
#[derive(Debug)]
pub struct SwarmReport<'r> {
    /// The swarm, as the ledger has it.
    pub swarm: &'r Swarm,
    /// Its runs, by name.
    pub runs: &'r [Run],
    /// How far it is.
    pub snapshot: Snapshot,
    /// Runs of this machine whose launcher is dead, so that no launcher follows them.
    pub orphans: usize,
    ledger: String,
}

impl<'r> SwarmReport<'r> {
    /// Looks at runs and launchers, and into the folders of runs that run.
    ///
    /// # Errors
    /// [`LaunchError`] for a ledger that can't be used.
    pub fn new(ledger: &Ledger, swarm: &'r Swarm, runs: &'r [Run]) -> Result<Self, LaunchError> {
        let launchers = ledger.launchers()?;
        let dead = launchers
            .iter()
            .filter(|launcher| liveness(&launcher.process) == Liveness::Dead);
        let dead: Vec<&str> = dead.map(|launcher| launcher.id.as_str()).collect();
        let orphan = |run: &&Run| {
            let launcher = run.launcher.as_deref();
            let here = run.state == State::Running && run.engine_job.is_none();
            here && launcher.is_some_and(|id| dead.contains(&id))
        };
        Ok(Self {
            swarm,
            runs,
            snapshot: Snapshot::take(swarm, runs, now()),
            orphans: runs.iter().filter(orphan).count(),
            ledger: ledger.path().display().to_string(),
        })
    }

    /// Runs that failed, by the kind of their failure, most first.
    #[must_use]
    pub fn failures_by_kind(&self) -> Vec<(FailureKind, Vec<&'r Run>)> {
        let mut kinds: Vec<(FailureKind, Vec<&Run>)> = Vec::new();
        for run in self.runs.iter().filter(|run| run.state == State::Failed) {
            let kind = run.failure.unwrap_or(FailureKind::Exited);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, runs)) => runs.push(run),
                None => kinds.push((kind, vec![run])),
            }
        }
        kinds.sort_by_key(|(_, runs)| std::cmp::Reverse(runs.len()));
        kinds
    }

    /// The report as `olmix launch status --json` prints it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let counts = State::ALL.iter().zip(self.snapshot.counts);
        let counts: serde_json::Map<String, Value> = counts
            .map(|(state, count)| (state.word().to_owned(), count.into()))
            .collect();
        let failures = self.failures_by_kind().into_iter();
        let failures: serde_json::Map<String, Value> = failures
            .map(|(kind, runs)| (kind.word().to_owned(), runs.len().into()))
            .collect();
        json!({
            "name": self.swarm.name,
            "variants": self.swarm.variants,
            "out": self.swarm.out,
            "ledger": self.ledger,
            "counts": counts,
            "without_launcher": self.orphans,
            "tokens_per_second": self.snapshot.tokens_per_second,
            "seconds_left": self.snapshot.left.map(|left| left.as_secs()),
            "runs_per_hour": self.snapshot.runs_per_hour,
            "gpu_hours": self.snapshot.gpu_hours,
            "gpu_hours_left": self.snapshot.gpu_hours_left,
            "failures_by_cause": failures,
            "runs": self.runs.iter().map(|run| self.run_to_json(run)).collect::<Vec<_>>(),
        })
    }

    fn run_to_json(&self, run: &Run) -> Value {
        let object = |pairs: &[(String, f64)]| {
            let pairs = pairs.iter().map(|(name, x)| (name.clone(), (*x).into()));
            Value::Object(pairs.collect())
        };
        let engine_job = run.engine_job.as_ref();
        json!({
            "name": run.name,
            "state": run.state.word(),
            "stage": run.stage.map(Stage::word),
            "attempt": run.attempt,
            "failures": run.failures,
            "losses": run.losses,
            "engine": engine_job.map(|engine_job| &engine_job.engine),
            "job": engine_job.and_then(|engine_job| engine_job.job.as_ref()),
            "host": run.process.as_ref().map(|process| &process.host),
            "pid": run.process.as_ref().map(|process| process.pid),
            "seconds": run.seconds,
            "gpu_hours": run.gpu_seconds / 3600.0,
            "tokens": run.tokens,
            "failure": run.failure.map(FailureKind::word),
            "cause": run.cause,
            "log_tail": run.log_tail,
            "folder": run_folder(self.swarm, run),
            "config": self.swarm.variants.join(&run.config),
            "mixture": object(&run.mixture),
            "phases": (!run.phases.is_empty()).then_some(&run.phases),
            "metrics": run.metrics.as_deref().map(object),
        })
    }
}
