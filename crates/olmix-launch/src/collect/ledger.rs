//! Runs of a ledger.

use std::path::Path;

use olmix_ledger::{Ledger, State};

use super::run::{Cure, MeasuredRun, SourceRuns, Value};
use crate::LaunchError;
use crate::swarm::resolve_path;

pub(super) fn read(path: &Path) -> Result<SourceRuns, LaunchError> {
    let ledger = Ledger::open_existing(path)?;
    let mut swarms = ledger.swarms()?;
    if swarms.len() > 1 {
        // The ledger in a swarm's own folder of runs speaks of that swarm.
        let folder = resolve_path(path)?;
        swarms.retain(|swarm| Some(swarm.out.as_path()) == folder.parent());
    }
    let Some(swarm) = swarms.first() else {
        return Err(LaunchError::refused(
            format!("{}: which swarm of this ledger?", path.display()),
            "name the folder of its runs, with the ledger in it",
        ));
    };
    let mut found = SourceRuns::default();
    for run in ledger.runs(swarm.id)? {
        match (run.state, run.metrics) {
            (State::Finished, Some(metrics)) => {
                let value = |(name, number)| (name, Value { number, step: None });
                found.runs.push(MeasuredRun {
                    name: run.name,
                    mixture: Some(run.mixture),
                    values: metrics.into_iter().map(value).collect(),
                    ..MeasuredRun::default()
                });
            }
            (state, _) => {
                let cause = run.cause.filter(|_| state == State::Failed);
                let cause = cause.and_then(|cause| cause.lines().next().map(str::to_owned));
                let why =
                    cause.map_or_else(|| state.to_string(), |cause| format!("{state}: {cause}"));
                found.leave_out(run.name, why, Cure::Finish);
            }
        }
    }
    Ok(found)
}
