//! Runs of a ledger.

use std::path::Path;

use olmix_ledger::{Ledger, State};

use super::{MeasuredRun, SourceRuns};
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
            (State::Finished, Some(metrics)) => found.runs.push(MeasuredRun {
                name: run.name,
                mixture: Some(run.mixture),
                metrics,
                not_finite: Vec::new(),
            }),
            (state, _) => {
                let cause = run.cause.filter(|_| state == State::Failed);
                let cause = cause.and_then(|cause| cause.lines().next().map(str::to_owned));
                let why =
                    cause.map_or_else(|| state.to_string(), |cause| format!("{state}: {cause}"));
                found.left_out.push((run.name, why));
            }
        }
    }
    Ok(found)
}
