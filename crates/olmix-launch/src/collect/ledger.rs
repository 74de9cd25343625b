//! Runs of a ledger.

use std::path::Path;

use olmix_ledger::{Ledger, State};

use super::definition;
use super::run::{Cure, MeasuredRun, SourceRuns, Value};
use crate::LaunchError;
use crate::run::metrics;
use crate::swarm::{resolve_path, run_folder};

pub(super) fn read(path: &Path) -> Result<SourceRuns, LaunchError> {
    let ledger = Ledger::open_to_read(path)?;
    ledger.check_runs()?;
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
    let mut again = 0;
    for mut run in ledger.runs(swarm.id)? {
        let file = run_folder(swarm, &run).join("metrics.json");
        match (run.state, run.metrics.take()) {
            (State::Finished, Some(mut measured)) => {
                if let Some(newer) = definition::measured_again(&file, &measured) {
                    measured = newer;
                    again += 1;
                }
                // The ledger has names and numbers; what results of evaluation programs say of them is in the file.
                if let Ok(known) = metrics::read_all(&file) {
                    found.learn(&known);
                }
                let value = |(name, number)| (name, Value { number, step: None });
                found.runs.push(MeasuredRun {
                    name: run.name,
                    mixture: Some(run.mixture),
                    phases: run.phases,
                    values: measured.into_iter().map(value).collect(),
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
    if again > 0 {
        found.notices.push(format!(
            "{again} runs were measured again after they finished: their metrics.json counts, not the ledger"
        ));
    }
    let file = |run: &MeasuredRun| swarm.out.join(&run.name).join("metrics.json");
    found.definition = definition::check(&found, file)?;
    found.simulate_target_tokens = definition::check_simulation(&found, file)?;
    Ok(found)
}
