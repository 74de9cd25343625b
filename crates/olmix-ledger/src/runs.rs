//! Claiming runs, and looking at them.

use rusqlite::{OptionalExtension as _, params};

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
        self.change(|transaction| {
            let sql = format!(
                "UPDATE runs SET state = 'running', stage = 'prepare', launcher = ?2,
                     attempt = attempt + 1, started = ?3, ended = NULL
                 WHERE id = (SELECT id FROM runs WHERE swarm = ?1 AND state = 'queued'
                             ORDER BY failures, id LIMIT 1) AND state = 'queued'
                 RETURNING {COLUMNS}"
            );
            transaction
                .query_row(&sql, params![swarm, launcher, now], read)
                .optional()
        })
    }

    /// Records the process that works on a run from now on. `false` when the launcher does not hold
    /// the run any more: the process must not go on.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn works(
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
    pub fn held(&self, launcher: &str) -> Result<Vec<(RunId, bool)>, LedgerError> {
        self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, cancel FROM runs WHERE launcher = ?1 AND state = 'running'",
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

    /// How many runs of a swarm are in each state, in the order of [`State::ALL`].
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn counts(&self, swarm: SwarmId) -> Result<[usize; 5], LedgerError> {
        let found: Vec<(State, i64)> = self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT state, count(*) FROM runs WHERE swarm = ?1 GROUP BY state",
            )?;
            query
                .query_map([swarm], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut counts = [0; 5];
        for (state, count) in found {
            let place = State::ALL.iter().position(|known| *known == state);
            if let Some(place) = place {
                counts[place] = count.unsigned_abs() as usize;
            }
        }
        Ok(counts)
    }
}
