//! Claiming runs, and looking at them.

use rusqlite::params;

use crate::error::DAMAGED;
use crate::run::{COLUMNS, read};
use crate::{Ledger, LedgerError, Process, Run, RunId, Stage, State, SwarmId, Time};

impl Ledger {
    /// Takes the next queued run of a swarm, those that failed least first. The run still names the
    /// process of its last attempt, which may have survived its launcher: it must be gone before the
    /// run begins.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn claim(
        &mut self,
        swarm: SwarmId,
        launcher: &str,
        now: Time,
    ) -> Result<Option<Run>, LedgerError> {
        let taken = self.take(swarm, launcher, State::Running, 1, now)?;
        Ok(taken.into_iter().next())
    }

    /// As [`Ledger::claim`], at most so many, for an engine that begins them later: they are
    /// submitted.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn claim_to_submit(
        &mut self,
        swarm: SwarmId,
        launcher: &str,
        most: usize,
        now: Time,
    ) -> Result<Vec<Run>, LedgerError> {
        self.take(swarm, launcher, State::Submitted, most, now)
    }

    fn take(
        &mut self,
        swarm: SwarmId,
        launcher: &str,
        state: State,
        most: usize,
        now: Time,
    ) -> Result<Vec<Run>, LedgerError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.change(|transaction| {
            // Who takes a run is alive, also where it was taken for dead a moment ago: what it takes now must
            // not be taken for a run of a launcher that has ended.
            transaction
                .prepare_cached(
                    "UPDATE launchers SET ended = NULL, heartbeat = max(heartbeat, ?2) WHERE id = ?1",
                )?
                .execute(params![launcher, now])?;
            let sql = format!(
                "UPDATE runs SET state = ?4, stage = 'prepare', launcher = ?2,
                     attempt = attempt + 1, started = iif(?4 = 'running', ?3, NULL), ended = NULL,
                     engine = NULL, ticket = NULL, job = NULL, gpus = 0
                 WHERE id IN (SELECT id FROM runs WHERE swarm = ?1 AND state = 'queued'
                              ORDER BY failures, id LIMIT ?5) AND state = 'queued'
                 RETURNING {COLUMNS}"
            );
            let mut runs: Vec<Run> = transaction
                .prepare_cached(&sql)?
                .query_map(params![swarm, launcher, now, state, most], read)?
                .collect::<rusqlite::Result<_>>()?;
            runs.sort_by_key(|run| (run.failures, run.id));
            Ok(runs)
        })
    }

    /// Records the process that works on a run from now on. `false` when the launcher does not hold
    /// the run any more: the process must not go on.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn record_process(
        &self,
        run: RunId,
        launcher: &str,
        stage: Stage,
        process: &Process,
    ) -> Result<bool, LedgerError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE runs SET stage = ?3, host = ?4, pid = ?5, process_started = ?6, fresh = 0
                 WHERE id = ?1 AND launcher = ?2 AND state = 'running'",
                params![
                    run,
                    launcher,
                    stage,
                    process.host,
                    process.pid,
                    process.started
                ],
            )
        })
        .map(|changed| changed > 0)
    }

    /// The runs that a launcher holds, and which of them someone asked to cancel.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn held_runs(&self, launcher: &str) -> Result<Vec<(RunId, bool)>, LedgerError> {
        self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, cancel FROM runs WHERE launcher = ?1 AND state IN ('submitted', 'running')",
            )?;
            query
                .query_map([launcher], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// The runs of a swarm, by name.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn runs(&self, swarm: SwarmId) -> Result<Vec<Run>, LedgerError> {
        self.with(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM runs WHERE swarm = ?1 ORDER BY name");
            connection
                .prepare_cached(&sql)?
                .query_map([swarm], read)?
                .collect()
        })
    }

    /// Has the database check its tables of swarms and runs, with their indexes: a bit that was flipped in a run's
    /// state or number, or in what leads to its row, shows as a disagreement of the two. Milliseconds for a thousand
    /// runs.
    ///
    /// # Errors
    /// [`LedgerError::Database`] with the first thing that is wrong.
    pub fn check_runs(&self) -> Result<(), LedgerError> {
        let mut flaws: Vec<String> = Vec::new();
        self.with(|connection| {
            for table in ["swarms", "runs"] {
                connection.pragma(None, "integrity_check", table, |row| {
                    flaws.push(row.get(0)?);
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        match flaws.into_iter().find(|told| told != "ok") {
            None => Ok(()),
            Some(flaw) => Err(LedgerError::Database {
                file: self.path().to_owned(),
                what: format!("it is damaged: {flaw}"),
                help: DAMAGED,
            }),
        }
    }

    /// How many runs of a swarm are in each state, in the order of [`State::ALL`].
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn counts(&self, swarm: SwarmId) -> Result<[usize; 6], LedgerError> {
        let found: Vec<(State, i64)> = self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT state, count(*) FROM runs WHERE swarm = ?1 GROUP BY state",
            )?;
            query
                .query_map([swarm], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut counts = [0; 6];
        for (state, count) in found {
            let place = State::ALL.iter().position(|known| *known == state);
            if let Some(place) = place {
                counts[place] = count.unsigned_abs() as usize;
            }
        }
        Ok(counts)
    }
}
