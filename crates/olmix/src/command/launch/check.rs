//! What would keep runs from being planned, found before any run is queued.

use olmix_io::TrainerKind;
use olmix_launch::{SwarmPaths, Variant};
use olmix_ledger::{Ledger, Run, State};
use olmix_proxy::{ConfigCheck, ProxyError};

use crate::args::LaunchRunArgs;
use crate::failure::Failure;

/// Refuses configs of which the runs could not be planned. What a trainer of the user's own needs is not
/// known.
pub fn check(args: &LaunchRunArgs, variants: &[Variant], known: &[Run]) -> Result<(), Failure> {
    let mut check = ConfigCheck::default();
    let mut found: Vec<ProxyError> = Vec::new();
    for variant in variants {
        let config = &variant.config;
        let is_custom = matches!(config.trainer, TrainerKind::Command { .. });
        let run = known.iter().find(|run| run.name == config.name);
        let changed = |run: &Run| run.config_sha256 != variant.sha256;
        if !is_custom && run.is_none_or(|run| would_run(args, run, changed(run))) {
            found.extend(check.check(config).err());
        }
    }
    let runs = found.len();
    match found.into_iter().next() {
        None => Ok(()),
        Some(error) if runs == 1 => Err(error.into()),
        Some(error) => Err(Failure::refused(format!(
            "{runs} runs can't be planned; the first: {error}"
        ))),
    }
}

/// The runs that the ledger has of this swarm.
pub fn known(paths: &SwarmPaths) -> Result<Vec<Run>, Failure> {
    if !paths.ledger.exists() {
        return Ok(Vec::new());
    }
    let ledger = Ledger::open_to_read(&paths.ledger)?;
    let swarms = ledger.swarms()?;
    match swarms.iter().find(|swarm| swarm.out == paths.out) {
        Some(swarm) => Ok(ledger.runs(swarm.id)?),
        None => Ok(Vec::new()),
    }
}

/// Whether a launch with these options would begin a run, whose launch config may have `changed` since it
/// was recorded.
pub fn would_run(args: &LaunchRunArgs, run: &Run, changed: bool) -> bool {
    match run.state {
        State::Queued => true,
        State::Submitted | State::Running | State::Finished => false,
        State::Cancelled => args.retry_failed,
        State::Failed => {
            let may_pass = run.failure.is_none_or(olmix_ledger::FailureKind::may_pass);
            args.retry_failed || changed || (may_pass && run.failures <= args.retries)
        }
    }
}
