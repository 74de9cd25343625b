//! Taking over from launchers that died.

use std::time::Duration;

use olmix_ledger::{LauncherRecord, Ledger, LedgerError, RunId, Time};

use crate::host::clock::Clock;
use crate::host::process::{self, Liveness};
use crate::swarm::run_folder;

/// How old the heartbeat of a launcher on another machine may be before it is taken for dead.
const STALE: Duration = Duration::from_mins(2);

/// How long a process that survived its launcher has to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// How often such a process is looked at.
const POLL: Duration = Duration::from_millis(25);

/// Takes the runs of launchers that died, and of those that ended without being able to give them back: they
/// are queued again, or cancelled where someone asked for that; those that an engine has stay with it, to be
/// adopted. Returns how many runs were taken, of each dead launcher that had any, and then of all that ended.
///
/// # Errors
/// [`LedgerError`] as for every use of the database.
pub fn recover_dead_launchers(
    ledger: &mut Ledger,
    own_id: &str,
    clock: &dyn Clock,
) -> Result<Vec<usize>, LedgerError> {
    let mut recovered = Vec::new();
    for other in ledger.launchers()? {
        if other.id == own_id || !is_dead(&other, clock.now()) {
            continue;
        }
        let held = ledger.held_runs(&other.id)?;
        let taken = ledger.abandon(&other.id, other.heartbeat, clock.now())?;
        if taken > 0 {
            // Those that are queued again are ended before they are begun; these never will be.
            let cancelled = held.into_iter().filter(|(_, cancel)| *cancel);
            let cancelled: Vec<RunId> = cancelled.map(|(run, _)| run).collect();
            end_survivors(ledger, &cancelled, clock)?;
            recovered.push(taken);
        }
    }
    let left = ledger.release_ended(own_id, clock.now())?;
    if !left.is_empty() {
        let cancelled = left.iter().filter(|(_, cancelled)| *cancelled);
        let cancelled: Vec<RunId> = cancelled.map(|(run, _)| *run).collect();
        end_survivors(ledger, &cancelled, clock)?;
        recovered.push(left.len());
    }
    Ok(recovered)
}

/// Whether a launcher is dead: its process is gone, or, where nobody here can tell, its heartbeat is old.
fn is_dead(launcher: &LauncherRecord, now: Time) -> bool {
    match process::liveness(&launcher.process) {
        Liveness::Alive => false,
        Liveness::Dead => true,
        Liveness::Unknown => {
            now - launcher.heartbeat > i64::try_from(STALE.as_millis()).unwrap_or(i64::MAX)
        }
    }
}

/// Ends processes that a dead launcher's cancelled runs left at work.
fn end_survivors(
    ledger: &Ledger,
    cancelled: &[RunId],
    clock: &dyn Clock,
) -> Result<(), LedgerError> {
    if cancelled.is_empty() {
        return Ok(());
    }
    // They may be of any swarm of the ledger.
    for swarm in ledger.swarms()? {
        let runs = ledger.runs(swarm.id)?;
        for run in runs.iter().filter(|run| cancelled.contains(&run.id)) {
            let (leader, folder) = (run.process.as_ref(), run_folder(&swarm, run));
            let asked = clock.elapsed();
            process::end_run(leader, &folder, false);
            while !process::of_run(leader, &folder).is_empty() && clock.elapsed() < asked + GRACE {
                clock.sleep(POLL);
            }
            process::end_run(leader, &folder, true);
        }
    }
    Ok(())
}
