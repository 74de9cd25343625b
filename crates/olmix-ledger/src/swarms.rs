//! Swarms, and bringing the ledger in line with a folder of launch configs.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Transaction, params};

use crate::phases::{PhaseMixture, stored};
use crate::run::{COLUMNS, Numbers, read, sum_of_mixture};
use crate::{FailureKind, Ledger, LedgerError, Run, State, Time};

/// A swarm's number in its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SwarmId(pub i64);

impl FromSql for SwarmId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

impl ToSql for SwarmId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// A swarm to be recorded. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSwarm {
    /// Its name, for people.
    pub name: String,
    /// The folder of launch configs.
    pub variants: PathBuf,
    /// The folder of runs; one swarm has it.
    pub out: PathBuf,
}

/// A swarm as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swarm {
    /// The number of the swarm in its ledger.
    pub id: SwarmId,
    /// Its name, for people.
    pub name: String,
    /// The folder of launch configs.
    pub variants: PathBuf,
    /// The folder of runs.
    pub out: PathBuf,
}

/// A run to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its name, unique in the swarm.
    pub name: String,
    /// The file of its launch config in the swarm's folder of variants.
    pub config: String,
    /// SHA-256 of the launch config, 64 hex digits.
    pub config_sha256: String,
    /// Leaves and their weights. With phases, the mean of theirs by their tokens.
    pub mixture: Vec<(String, f64)>,
    /// Its phases, in order; none where it has one mixture.
    pub phases: Vec<PhaseMixture>,
}

/// Which runs that ended are run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RerunPolicy {
    /// How often a run may fail and be tried again.
    pub retries: u32,
    /// Whether runs that failed or were cancelled are tried again whatever they failed of.
    pub all: bool,
}

/// What [`Ledger::sync`] found and did, by names of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncSummary {
    /// Runs that are new.
    pub added: Vec<String>,
    /// Runs that failed or were cancelled, and are queued again.
    pub again: Vec<String>,
    /// Runs that finished under another config than the present one; they stay.
    pub finished_otherwise: Vec<String>,
    /// Runs that are running under another config than the present one; they go on.
    pub running_otherwise: Vec<String>,
    /// Runs without a config any more. Those that were queued are cancelled.
    pub gone: Vec<String>,
    /// Runs that stay failed.
    pub failed: Vec<String>,
    /// Runs that stay cancelled.
    pub cancelled: Vec<String>,
}

impl Ledger {
    /// The swarm of a folder of runs, which is recorded as needed. One that is recorded stays as it is.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn swarm(&mut self, swarm: &NewSwarm, now: Time) -> Result<Swarm, LedgerError> {
        let folder = self.folder();
        let (variants, out) = (
            relative(&folder, &swarm.variants),
            relative(&folder, &swarm.out),
        );
        self.change(|transaction| {
            transaction.execute(
                "INSERT INTO swarms (name, variants, out, created) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (out) DO NOTHING",
                params![swarm.name, variants, out, now],
            )?;
            let sql = format!("{SWARMS} WHERE out = ?1");
            transaction.query_row(&sql, [out], |row| read_swarm(row, &folder))
        })
    }

    /// Gives a swarm another folder of launch configs: the earlier one was moved.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn move_variants(&self, swarm: SwarmId, variants: &Path) -> Result<(), LedgerError> {
        let variants = relative(&self.folder(), variants);
        self.with(|connection| {
            connection.execute(
                "UPDATE swarms SET variants = ?2 WHERE id = ?1",
                params![swarm, variants],
            )
        })?;
        Ok(())
    }

    /// All swarms, in the order they were recorded.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database.
    pub fn swarms(&self) -> Result<Vec<Swarm>, LedgerError> {
        let folder = self.folder();
        self.with(|connection| {
            connection
                .prepare(&format!("{SWARMS} ORDER BY id"))?
                .query_map([], |row| read_swarm(row, &folder))?
                .collect()
        })
    }

    /// The folder that recorded paths are relative to.
    fn folder(&self) -> PathBuf {
        let absolute = std::path::absolute(self.path()).unwrap_or_else(|_| self.path().to_owned());
        let folder = absolute.parent().unwrap_or(&absolute);
        folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
    }

    /// Records the runs of a swarm, and queues those that are to run: new ones, and of those that ended
    /// without metrics the ones that `rerun` asks for or whose config changed. What finished stays.
    ///
    /// # Errors
    /// [`LedgerError`] as for every use of the database; then nothing is changed.
    pub fn sync(
        &mut self,
        swarm: SwarmId,
        runs: &[NewRun],
        rerun: RerunPolicy,
        now: Time,
    ) -> Result<SyncSummary, LedgerError> {
        self.change(|transaction| {
            let mut synced = SyncSummary::default();
            let mut known: HashMap<String, Run> = transaction
                .prepare(&format!("SELECT {COLUMNS} FROM runs WHERE swarm = ?1"))?
                .query_map([swarm], read)?
                .map(|run| run.map(|run| (run.name.clone(), run)))
                .collect::<rusqlite::Result<_>>()?;
            for new in runs {
                match known.remove(&new.name) {
                    None => {
                        insert(transaction, swarm, new, now)?;
                        synced.added.push(new.name.clone());
                    }
                    Some(old) => update(transaction, &old, new, rerun, now, &mut synced)?,
                }
            }
            let mut gone: Vec<Run> = known.into_values().collect();
            gone.sort_by(|a, b| a.name.cmp(&b.name));
            for run in gone {
                transaction.execute(
                    "UPDATE runs SET state = 'cancelled', failure = ?2, ended = ?3,
                         cause = 'its launch config is gone' WHERE id = ?1 AND state = 'queued'",
                    params![run.id, FailureKind::Gone, now],
                )?;
                synced.gone.push(run.name);
            }
            Ok(synced)
        })
    }
}

fn insert(
    transaction: &Transaction<'_>,
    swarm: SwarmId,
    new: &NewRun,
    now: Time,
) -> rusqlite::Result<()> {
    let mixture = Numbers(new.mixture.clone()).to_string();
    let phases = stored(&new.phases);
    transaction
        .prepare_cached(
            "INSERT INTO runs (swarm, name, config, config_sha256, mixture, state, queued, mixture_sha256, phases)
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8)",
        )?
        .execute(params![
            swarm,
            new.name,
            new.config,
            new.config_sha256,
            mixture,
            now,
            sum_of_mixture(&new.name, &new.config_sha256, &mixture, phases.as_deref()),
            phases
        ])
        .map(|_| ())
}

fn update(
    transaction: &Transaction<'_>,
    old: &Run,
    new: &NewRun,
    rerun: RerunPolicy,
    now: Time,
    synced: &mut SyncSummary,
) -> rusqlite::Result<()> {
    let changed = old.config_sha256 != new.config_sha256;
    let name = || new.name.clone();
    let again = match old.state {
        State::Finished => {
            if changed {
                synced.finished_otherwise.push(name());
            }
            return Ok(());
        }
        State::Submitted | State::Running => {
            if changed {
                synced.running_otherwise.push(name());
            }
            return Ok(());
        }
        State::Queued => false,
        State::Cancelled => rerun.all || old.failure == Some(FailureKind::Gone),
        State::Failed => {
            let may_pass = old.failure.is_none_or(FailureKind::may_pass);
            rerun.all || changed || (may_pass && old.failures <= rerun.retries)
        }
    };
    match old.state {
        _ if again => synced.again.push(name()),
        State::Failed => synced.failed.push(name()),
        State::Cancelled => synced.cancelled.push(name()),
        _ => {}
    }
    let forgiven = again && (rerun.all || changed);
    let mixture = Numbers(new.mixture.clone()).to_string();
    let phases = stored(&new.phases);
    // Two launchers may look at once: what another one has claimed by now can't be, as this is one
    // transaction.
    transaction
        .prepare_cached(
            "UPDATE runs SET config = ?2, config_sha256 = ?3, mixture = ?4,
                 fresh = fresh OR (?5 AND attempt > 0),
                 state = iif(?6, 'queued', state), cancel = iif(?6, 0, cancel),
                 queued = iif(?6, ?8, queued), ended = iif(?6, NULL, ended),
                 failures = iif(?7, 0, failures), losses = iif(?7, 0, losses),
                 failure = iif(?6, NULL, failure), mixture_sha256 = ?9, phases = ?10
             WHERE id = ?1",
        )?
        .execute(params![
            old.id,
            new.config,
            new.config_sha256,
            mixture,
            changed,
            again,
            forgiven,
            now,
            sum_of_mixture(&old.name, &new.config_sha256, &mixture, phases.as_deref()),
            phases
        ])
        .map(|_| ())
}

const SWARMS: &str = "SELECT id, name, variants, out FROM swarms";

fn read_swarm(row: &Row<'_>, folder: &Path) -> rusqlite::Result<Swarm> {
    Ok(Swarm {
        id: row.get(0)?,
        name: row.get(1)?,
        variants: joined(folder, &row.get::<_, String>(2)?),
        out: joined(folder, &row.get::<_, String>(3)?),
    })
}

/// The way from a folder to a path, both absolute; `.` for the folder itself.
fn relative(folder: &Path, path: &Path) -> String {
    let mut from = folder.components().peekable();
    let mut to = path.components().peekable();
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to).collect();
    if way.as_os_str().is_empty() {
        return ".".into();
    }
    // Paths that are not UTF-8 are refused before they come here.
    way.to_string_lossy().into_owned()
}

/// The path at the end of a way that [`relative`] found.
fn joined(folder: &Path, way: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for component in Path::new(way).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_folders_lead_back() {
        for (folder, path, way) in [
            ("/a/runs", "/a/runs", "."),
            ("/a/runs", "/a/launch", "../launch"),
            ("/a/runs", "/a/runs/b", "b"),
            ("/x/y", "/a/b", "../../a/b"),
        ] {
            let (folder, path) = (Path::new(folder), Path::new(path));
            assert_eq!(relative(folder, path), way);
            assert_eq!(joined(folder, way), path);
        }
    }
}
