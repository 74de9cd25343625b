//! Runs that are with an engine which goes on without a launcher, such as the scheduler of a cluster.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, params};

use crate::outcome::{ADD_TIME, HELD};
use crate::run::{COLUMNS, read};
use crate::{EngineJob, Ledger, LedgerError, Run, RunId, SwarmId, Time};

impl Ledger {
    /// Records the tickets of runs before they are submitted to an engine under them: should this launcher
    /// die, its successor can ask for them. Returns the runs that the launcher still holds; the others must
    /// not be submitted.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database; then nothing is recorded.
    pub fn record_tickets(
        &mut self,
        launcher: &str,
        engine: &str,
        gpus: u32,
        tickets: &[(RunId, String)],
    ) -> Result<Vec<RunId>, LedgerError> {
        self.change(|transaction| {
            let mut statement = transaction.prepare_cached(&format!(
                "UPDATE runs SET engine = ?3, ticket = ?4, gpus = ?5, job = NULL, host = NULL, pid = NULL,
                     process_started = NULL {HELD}"
            ))?;
            let mut held = Vec::new();
            for (run, ticket) in tickets {
                if statement.execute(params![run, launcher, engine, ticket, gpus])? > 0 {
                    held.push(*run);
                }
            }
            Ok(held)
        })
    }

    /// Records what the engine calls the jobs of runs.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database; then nothing is recorded.
    pub fn record_job_ids(
        &mut self,
        launcher: &str,
        jobs: &[(RunId, String)],
    ) -> Result<(), LedgerError> {
        self.change(|transaction| {
            let mut statement =
                transaction.prepare_cached(&format!("UPDATE runs SET job = ?3 {HELD}"))?;
            for (run, job) in jobs {
                statement.execute(params![run, launcher, job])?;
            }
            Ok(())
        })
    }

    /// Records that the engine has begun runs, and when.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database; then nothing is recorded.
    pub fn record_started(
        &mut self,
        launcher: &str,
        runs: &[(RunId, Time)],
    ) -> Result<(), LedgerError> {
        self.change(|transaction| {
            let mut statement = transaction.prepare_cached(&format!(
                "UPDATE runs SET state = 'running', stage = iif(stage = 'evaluate', stage, 'train'), \
                 started = ?3, fresh = 0 {HELD}"
            ))?;
            for (run, since) in runs {
                statement.execute(params![run, launcher, since])?;
            }
            Ok(())
        })
    }

    /// Records that the engine preempted a running run, and will begin it again by itself: it waits in the
    /// engine's queue, and counts a loss.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn record_requeued(
        &self,
        run: RunId,
        launcher: &str,
        cause: &str,
        now: Time,
    ) -> Result<(), LedgerError> {
        self.with(|connection| {
            let sql = format!(
                "UPDATE runs SET {ADD_TIME}, state = 'submitted', stage = 'prepare', attempt = attempt + 1,
                     losses = losses + 1, cause = ?4, started = NULL {HELD} AND state = 'running'"
            );
            connection.execute(&sql, params![run, launcher, now, cause])
        })?;
        Ok(())
    }

    /// Records that a run's training is over and its evaluation, a job of its own, has it from now on.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn record_evaluation_job(
        &self,
        run: RunId,
        launcher: &str,
        engine_job: &EngineJob,
        now: Time,
    ) -> Result<(), LedgerError> {
        self.with(|connection| {
            let sql = format!(
                "UPDATE runs SET {ADD_TIME}, state = 'submitted', stage = 'evaluate', ticket = ?4, job = ?5,
                     gpus = ?6, started = NULL {HELD}"
            );
            let EngineJob { ticket, job, gpus, .. } = engine_job;
            connection.execute(&sql, params![run, launcher, now, ticket, job, gpus])
        })?;
        Ok(())
    }

    /// Takes over the runs of a swarm whose launcher is gone while an engine has them.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn adopt(&mut self, swarm: SwarmId, launcher: &str) -> Result<Vec<Run>, LedgerError> {
        self.change(|transaction| {
            let sql = format!(
                "UPDATE runs SET launcher = ?2
                 WHERE swarm = ?1 AND state IN ('submitted', 'running') AND ticket IS NOT NULL
                     AND launcher IN (SELECT id FROM launchers WHERE ended IS NOT NULL AND id <> ?2)
                 RETURNING {COLUMNS}"
            );
            transaction
                .prepare_cached(&sql)?
                .query_map(params![swarm, launcher], read)?
                .collect()
        })
    }

    /// Records how the engine of a swarm is set up, as JSON, so that its runs can be asked for without the
    /// configs. An engine stays on record beside those that the swarm is given to later.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn remember_engine(
        &self,
        swarm: SwarmId,
        engine: &str,
        settings: &str,
    ) -> Result<(), LedgerError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE swarms SET engine = json_set(coalesce(engine, '{}'), '$.' || ?2, json(?3)) WHERE \
                 id = ?1",
                params![swarm, engine, settings],
            )
        })?;
        Ok(())
    }

    /// How the engines of a swarm are set up, by name, as JSON.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn engines(&self, swarm: SwarmId) -> Result<HashMap<String, String>, LedgerError> {
        self.with(|connection| {
            let found: Option<Option<String>> = connection
                .query_row("SELECT engine FROM swarms WHERE id = ?1", [swarm], |row| {
                    row.get(0)
                })
                .optional()?;
            let mut query =
                connection.prepare("SELECT key, json(value) FROM json_each(coalesce(?1, '{}'))")?;
            query
                .query_map([found.flatten()], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }
}
