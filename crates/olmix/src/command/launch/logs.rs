//! `olmix launch logs`.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use olmix_io::EngineConfig;
use olmix_launch::{RUN_LOG, Storage, cluster, run_folder};
use olmix_ledger::{Ledger, Run, State, Swarm};

use crate::args::LaunchLogsArgs;
use crate::failure::Failure;

/// How often `--follow` looks.
const RENEW: Duration = Duration::from_millis(500);

/// The same for a log that is kept in a store.
const RENEW_STORE: Duration = Duration::from_secs(5);

/// Prints the log of a run.
pub fn run(args: &LaunchLogsArgs) -> Result<(), Failure> {
    let (ledger, swarms) = super::find(&args.swarm)?;
    let mut found: Option<(Swarm, Run)> = None;
    for swarm in swarms {
        let runs = ledger.runs(swarm.id)?;
        if let Some(run) = runs.into_iter().find(|run| run.name == args.run) {
            if found.is_some() {
                return Err(Failure::usage(
                    format!("several swarms of this ledger have a run {}", args.run),
                    "give --out, the folder of runs, too",
                ));
            }
            found = Some((swarm, run));
        }
    }
    let Some((swarm, run)) = found else {
        return Err(Failure::usage(
            format!("no such run: {}", args.run),
            "`olmix launch status --json` lists all",
        ));
    };
    let path = run_folder(&swarm, &run).join(RUN_LOG);
    let storage = storage(&ledger, &swarm, &run)?;
    let open = |state: State| !matches!(state, State::Queued | State::Submitted | State::Running);
    let mut from = 0;
    loop {
        let ended = ledger
            .runs(swarm.id)?
            .iter()
            .find(|other| other.id == run.id)
            .is_none_or(|run| open(run.state));
        let mut bytes = Vec::new();
        let away = match &storage {
            Some(storage) if !ended => storage.get(RUN_LOG)?,
            _ => None,
        };
        if let Some(away) = away {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            bytes = away.get(from..).unwrap_or_default().to_vec();
        } else if let Ok(mut file) = File::open(&path) {
            let _ = file.seek(SeekFrom::Start(from));
            let _ = file.read_to_end(&mut bytes);
        } else if !args.follow {
            return Err(Failure::refused(format!(
                "{}: this run has no log yet; it is {}{}",
                run.name,
                run.state,
                run.cause
                    .as_ref()
                    .map_or_else(String::new, |cause| format!(" ({cause})"))
            )));
        }
        if from == 0 && args.tail > 0 {
            let whole = String::from_utf8_lossy(&bytes).into_owned();
            let lines: Vec<&str> = whole.lines().collect();
            let last = &lines[lines.len().saturating_sub(args.tail)..];
            from = bytes.len() as u64;
            bytes = (last.join("\n") + "\n").into_bytes();
        } else {
            from += bytes.len() as u64;
        }
        let mut out = std::io::stdout().lock();
        // A reader that has gone away has seen enough.
        if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
        drop(out);
        if !args.follow || ended {
            return Ok(());
        }
        std::thread::sleep(if storage.is_some() {
            RENEW_STORE
        } else {
            RENEW
        });
    }
}

/// The run's folder in a store, where it is with an engine that keeps it in one.
fn storage(ledger: &Ledger, swarm: &Swarm, run: &Run) -> Result<Option<Storage>, Failure> {
    let Some(engine_job) = &run.engine_job else {
        return Ok(None);
    };
    let engines = ledger.engines(swarm.id)?;
    let settings = engines.get(&engine_job.engine);
    let settings = settings.and_then(|text| serde_json::from_str::<EngineConfig>(text).ok());
    let storage = settings.map(|settings| cluster::storage(&settings));
    let storage = storage.transpose()?.flatten();
    Ok(storage.map(|storage| storage.subfolder(&run.name)))
}
