//! Launchers: who runs what, and whether they are alive.

use rusqlite::{Row, params};

use crate::{Ledger, LedgerError, RunId, Time};

/// A process, so that another one that got the same number later is not taken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The machine it runs on.
    pub host: String,
    /// Its number there.
    pub pid: u32,
    /// When it began, in words of the operating system that only serve to be compared.
    pub started: String,
}

/// A launcher as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LauncherRecord {
    /// Host, process and time of the launch; no two launches share an id.
    pub id: String,
    /// The engine that it runs runs with.
    pub engine: String,
    /// The process of the launcher.
    pub process: Process,
    /// When it last said that it is alive.
    pub heartbeat: Time,
    /// How many runs it holds.
    pub running: usize,
}

impl Ledger {
    /// Records a launcher that begins.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn register(
        &self,
        id: &str,
        engine: &str,
        process: &Process,
        now: Time,
    ) -> Result<(), LedgerError> {
        self.with(|connection| {
            connection.execute(
                "INSERT INTO launchers (id, engine, host, pid, process_started, started, heartbeat)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![id, engine, process.host, process.pid, process.started, now],
            )
        })?;
        Ok(())
    }

    /// Records that a launcher is alive, even if it was taken for dead before.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn heartbeat(&self, launcher: &str, now: Time) -> Result<(), LedgerError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE launchers SET heartbeat = ?2, ended = NULL WHERE id = ?1",
                params![launcher, now],
            )
        })?;
        Ok(())
    }

    /// A launcher ends. Runs that it holds still, since they could not be recorded otherwise, are taken by
    /// [`Ledger::release_ended`] and [`Ledger::adopt`].
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn unregister(&self, launcher: &str, now: Time) -> Result<(), LedgerError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE launchers SET ended = ?2 WHERE id = ?1",
                params![launcher, now],
            )
        })?;
        Ok(())
    }

    /// Launchers that did not say that they ended.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn launchers(&self) -> Result<Vec<LauncherRecord>, LedgerError> {
        let record = |row: &Row<'_>| {
            Ok(LauncherRecord {
                id: row.get(0)?,
                engine: row.get(1)?,
                process: Process {
                    host: row.get(2)?,
                    pid: row.get(3)?,
                    started: row.get(4)?,
                },
                heartbeat: row.get(5)?,
                running: row.get::<_, i64>(6)?.unsigned_abs() as usize,
            })
        };
        self.with(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, engine, host, pid, process_started, heartbeat,
                        (SELECT count(*) FROM runs
                            WHERE launcher = launchers.id AND state IN ('submitted', 'running'))
                 FROM launchers WHERE ended IS NULL ORDER BY started, id",
            )?;
            query.query_map([], record)?.collect()
        })
    }

    /// Takes the runs of a dead launcher from it: they are queued again (or cancelled, where someone
    /// asked for that). Nothing happens when the launcher has had a heartbeat since `heartbeat`, and one
    /// of several that try at once succeeds. Runs that outlive their launcher stay as they are, to be
    /// taken by [`Ledger::adopt`]. Returns how many runs were taken.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn abandon(
        &mut self,
        launcher: &str,
        heartbeat: Time,
        now: Time,
    ) -> Result<usize, LedgerError> {
        self.change(|transaction| {
            let dead = transaction.execute(
                "UPDATE launchers SET ended = ?3
                 WHERE id = ?1 AND heartbeat = ?2 AND ended IS NULL",
                params![launcher, heartbeat, now],
            )?;
            if dead == 0 {
                return Ok(0);
            }
            // What it did after its last heartbeat is not known, and not counted.
            transaction.execute(
                "UPDATE runs SET state = iif(cancel, 'cancelled', 'queued'), launcher = NULL,
                     cause = 'its launcher was killed', queued = ?3,
                     ended = iif(cancel, ?3, NULL),
                     milliseconds = milliseconds + max(0, ?2 - coalesce(started, ?2))
                 WHERE launcher = ?1 AND state IN ('submitted', 'running') AND ticket IS NULL",
                params![launcher, heartbeat, now],
            )
        })
    }

    /// Queues the runs again (or cancels them, where someone asked for that) that are held by launchers which
    /// have ended, other than `own`: a launcher that ends by an error of the ledger, such as a full disk, can't
    /// give back what it holds. Runs that an engine has stay as they are, to be taken by [`Ledger::adopt`].
    /// Returns the runs that were taken, and which of them are cancelled.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn release_ended(
        &mut self,
        own: &str,
        now: Time,
    ) -> Result<Vec<(RunId, bool)>, LedgerError> {
        const HELD_BY_NOBODY: &str = "state IN ('submitted', 'running') AND ticket IS NULL
             AND launcher IS NOT ?1
             AND NOT EXISTS (SELECT 1 FROM launchers WHERE id = runs.launcher AND ended IS NULL)";
        let any: bool = self.with(|connection| {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM runs WHERE {HELD_BY_NOBODY})");
            connection
                .prepare_cached(&sql)?
                .query_row([own], |row| row.get(0))
        })?;
        // What is looked at twice a second takes no lock for nothing.
        if !any {
            return Ok(Vec::new());
        }
        self.change(|transaction| {
            let sql = format!(
                "UPDATE runs SET state = iif(cancel, 'cancelled', 'queued'), launcher = NULL,
                     cause = 'its launcher ended without it', queued = ?2, ended = iif(cancel, ?2, NULL)
                 WHERE {HELD_BY_NOBODY} RETURNING id, cancel"
            );
            transaction
                .prepare_cached(&sql)?
                .query_map(params![own, now], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }
}
