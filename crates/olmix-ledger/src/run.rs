//! A run as it is recorded.

use std::fmt;

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::phases::Phases;
use crate::record::sha256;
use crate::{FailureKind, PhaseMixture, Process, SwarmId, Time};

/// A run's number in its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub i64);

impl FromSql for RunId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// Words of the database for the values of an enum: `ALL`, `word`, `Display`, and both ways of SQL.
macro_rules! words {
    ($name:ident, $($value:ident = $word:literal),+) => {
        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The word that the database and the output of commands have for it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                let word = value.as_str()?;
                let found = Self::ALL.iter().find(|value| value.word() == word);
                found.copied().ok_or_else(|| {
                    rusqlite::types::FromSqlError::Other(
                        format!("`{word}` is no {}", stringify!($name)).into(),
                    )
                })
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.word().into())
            }
        }
    };
}
pub(crate) use words;

/// What has become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for a launcher.
    Queued,
    /// The engine of a cluster has it, and has not begun it.
    Submitted,
    /// It is at work.
    Running,
    /// Its metrics are recorded.
    Finished,
    /// It ended without, and is not tried again by itself.
    Failed,
    /// Someone did not want it.
    Cancelled,
}

words!(
    State,
    Queued = "queued",
    Submitted = "submitted",
    Running = "running",
    Finished = "finished",
    Failed = "failed",
    Cancelled = "cancelled"
);

/// What a run is at; of one that failed, where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Its folder is made.
    Prepare,
    /// Its training commands run.
    Train,
    /// Its evaluation commands run.
    Evaluate,
    /// Its metrics are read.
    Record,
}

words!(
    Stage,
    Prepare = "prepare",
    Train = "train",
    Evaluate = "evaluate",
    Record = "record"
);

/// A run of a swarm, as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The number of the run in its ledger.
    pub id: RunId,
    /// The swarm it belongs to.
    pub swarm: SwarmId,
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
    /// What has become of it.
    pub state: State,
    /// What it is at.
    pub stage: Option<Stage>,
    /// How often it was begun.
    pub attempt: u32,
    /// How often it failed by itself since it was last queued by hand.
    pub failures: u32,
    /// How often its engine took it away or lost it since it was last queued by hand.
    pub losses: u32,
    /// Whether what is in its folder is of another config.
    pub fresh: bool,
    /// Whether someone asked to cancel it.
    pub cancel: bool,
    /// The launcher that holds or held it.
    pub launcher: Option<String>,
    /// The process of the latest attempt.
    pub process: Option<Process>,
    /// Where an engine has it, or had it last, that goes on without a launcher.
    pub engine_job: Option<EngineJob>,
    /// When the latest attempt began.
    pub started: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// The kind of the latest failure.
    pub failure: Option<FailureKind>,
    /// Why it failed, was cancelled or put back, in a sentence.
    pub cause: Option<String>,
    /// The last lines of its log, when it failed.
    pub log_tail: Option<String>,
    /// What was measured, by name.
    pub metrics: Option<Vec<(String, f64)>>,
    /// Tokens it was trained on, where known.
    pub tokens: Option<u64>,
    /// Seconds that its attempts took together.
    pub seconds: f64,
    /// The same times the GPUs that each had.
    pub gpu_seconds: f64,
}

/// Where a run is that survives its launcher: the job of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineJob {
    /// The engine, by its name.
    pub engine: String,
    /// What this attempt is called towards the engine.
    pub ticket: String,
    /// What the engine calls it, once that is known.
    pub job: Option<String>,
    /// GPUs that it has.
    pub gpus: u32,
}

/// The columns that [`read`] reads.
pub const COLUMNS: &str = "id, swarm, name, config, config_sha256, mixture, state, stage, \
     attempt, failures, losses, fresh, cancel, launcher, host, pid, process_started, engine, ticket, job, \
     gpus, started, ended, failure, cause, log_tail, metrics, tokens, milliseconds, gpu_milliseconds, \
     mixture_sha256, metrics_sha256, phases";

/// The checksum of a mixture and of phases as they are stored, with what they belong to.
pub fn sum_of_mixture(
    name: &str,
    config_sha256: &str,
    mixture: &str,
    phases: Option<&str>,
) -> String {
    let mut text = format!("{name}\n{config_sha256}\n{mixture}");
    if let Some(phases) = phases {
        text += "\n";
        text += phases;
    }
    sha256(text.as_bytes())
}

/// What a row of runs has that is not what was recorded.
#[derive(Debug, thiserror::Error)]
#[error("it is damaged: the {what} of the run `{run}` is not what was recorded")]
pub struct DamagedRun {
    run: String,
    what: &'static str,
}

/// Numbers of a column, whose checksum, where there is one, must be that of `content` of them.
fn checked(
    row: &Row<'_>,
    columns: [&'static str; 2],
    run: &str,
    content: impl Fn(&str) -> String,
) -> rusqlite::Result<Option<Vec<(String, f64)>>> {
    let [column, sum] = columns;
    let Some(text) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    let sum: Option<String> = row.get(sum)?;
    if sum.is_some_and(|sum| sum != content(&text)) {
        let damaged = DamagedRun {
            run: run.to_owned(),
            what: column,
        };
        return Err(rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            Box::new(damaged),
        ));
    }
    row.get::<_, Option<Numbers>>(column)
        .map(|found| found.map(|Numbers(numbers)| numbers))
}

/// A row of [`COLUMNS`] as a run.
pub fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let host: Option<String> = row.get("host")?;
    let pid: Option<u32> = row.get("pid")?;
    let started: Option<String> = row.get("process_started")?;
    let process = host
        .zip(pid)
        .zip(started)
        .map(|((host, pid), started)| Process { host, pid, started });
    let engine: Option<String> = row.get("engine")?;
    let ticket: Option<String> = row.get("ticket")?;
    let (job, gpus) = (row.get("job")?, row.get("gpus")?);
    let engine_job = engine.zip(ticket).map(|(engine, ticket)| EngineJob {
        engine,
        ticket,
        job,
        gpus,
    });
    let (name, config_sha256): (String, String) = (row.get("name")?, row.get("config_sha256")?);
    let phases: Option<String> = row.get("phases")?;
    let mixture = checked(row, ["mixture", "mixture_sha256"], &name, |text| {
        sum_of_mixture(&name, &config_sha256, text, phases.as_deref())
    })?;
    let metrics = checked(row, ["metrics", "metrics_sha256"], &name, |text| {
        sha256(text.as_bytes())
    })?;
    Ok(Run {
        id: row.get("id")?,
        swarm: row.get("swarm")?,
        name,
        config: row.get("config")?,
        config_sha256,
        mixture: mixture.unwrap_or_default(),
        phases: row
            .get::<_, Option<Phases>>("phases")?
            .map_or_else(Vec::new, |Phases(phases)| phases),
        state: row.get("state")?,
        stage: row.get("stage")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        losses: row.get("losses")?,
        fresh: row.get("fresh")?,
        cancel: row.get("cancel")?,
        launcher: row.get("launcher")?,
        process,
        engine_job,
        started: row.get("started")?,
        ended: row.get("ended")?,
        failure: row.get("failure")?,
        cause: row.get("cause")?,
        log_tail: row.get("log_tail")?,
        metrics,
        tokens: row.get::<_, Option<i64>>("tokens")?.map(i64::unsigned_abs),
        seconds: row.get::<_, i64>("milliseconds")? as f64 / 1000.0,
        gpu_seconds: row.get::<_, i64>("gpu_milliseconds")? as f64 / 1000.0,
    })
}

/// Names and numbers, as a JSON object in the database.
#[derive(Debug)]
pub struct Numbers(pub Vec<(String, f64)>);

impl FromSql for Numbers {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let other = |error: String| FromSqlError::Other(error.into());
        let map: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(value.as_str()?).map_err(|error| other(error.to_string()))?;
        let number = |(name, value): (String, serde_json::Value)| match value.as_f64() {
            Some(number) => Ok((name, number)),
            None => Err(other(format!("`{name}` is {value}, not a number"))),
        };
        map.into_iter()
            .map(number)
            .collect::<FromSqlResult<_>>()
            .map(Self)
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |(name, number): &(String, f64)| (name.clone(), (*number).into());
        let map: serde_json::Map<String, serde_json::Value> = self.0.iter().map(pair).collect();
        serde_json::Value::Object(map).fmt(f)
    }
}
