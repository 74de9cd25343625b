//! `olmix launch`.

mod cancel;
mod check;
mod display;
mod estimate;
mod logs;
mod preview;
mod run;
mod status;
mod work;
mod worth;

use std::path::PathBuf;

use olmix_io::EngineConfig;
use olmix_launch::{LEDGER, SwarmPaths, Variant, engine_settings, registry, resolve_path};
use olmix_ledger::{Ledger, Swarm};

use crate::args::{Command, LaunchCommand, LaunchRunArgs, SwarmArgs};
use crate::failure::Failure;
use crate::table::percent;

/// Runs it.
pub fn run(command: &LaunchCommand) -> Result<(), Failure> {
    match command {
        LaunchCommand::Run(args) => run::run(args),
        LaunchCommand::Preview(args) => preview::run(args),
        LaunchCommand::Status(args) => status::run(args),
        LaunchCommand::Cancel(args) => cancel::run(args),
        LaunchCommand::Logs(args) => logs::run(args),
        LaunchCommand::Work(args) => work::run(args),
    }
}

/// Whether a command shows what others do, at their pace, or does the work of a run, whose programs print.
pub fn waits_for_others(command: &Command) -> bool {
    matches!(
        command,
        Command::Launch {
            command: LaunchCommand::Logs(_) | LaunchCommand::Work(_)
        } | Command::Explore(_)
    )
}

/// Whether a command stops what it runs when it is asked to end, and says how to go on.
pub fn stops_by_itself(command: &Command) -> bool {
    matches!(
        command,
        Command::Launch {
            command: LaunchCommand::Run(_) | LaunchCommand::Work(_)
        } | Command::Explore(_)
    )
}

/// The greatest shares of a mixture, in a few words: `web 70 %, code 30 %`.
pub fn greatest_shares(mut parts: Vec<(f64, &str)>) -> String {
    const MOST: usize = 4;
    parts.retain(|(weight, _)| *weight > 0.0);
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let more = parts.len().saturating_sub(MOST);
    let named = parts.iter().take(MOST);
    let mut named: Vec<String> = named
        .map(|(weight, name)| format!("{name} {}", percent(*weight)))
        .collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

fn paths(args: &LaunchRunArgs) -> Result<SwarmPaths, Failure> {
    let paths = SwarmPaths::new(&args.variants, args.out.as_deref(), args.ledger.as_deref())?;
    Ok(paths)
}

/// How the engine of a swarm is set up: the options first, then the configs.
fn settings(
    args: &LaunchRunArgs,
    paths: &SwarmPaths,
    variants: &[Variant],
) -> Result<EngineConfig, Failure> {
    let jobs = args.jobs.map(u32::from);
    Ok(engine_settings(
        &paths.variants,
        variants,
        args.engine,
        jobs,
    )?)
}

/// How many of so many runs go at once, and how many threads each has.
fn shares(args: &LaunchRunArgs, settings: &EngineConfig, runs: usize) -> (usize, usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.common.threads.unwrap_or(cores).max(1);
    let jobs = settings.jobs.filter(|_| !registry::is_cluster(settings));
    let jobs = jobs.map_or(threads.min(runs.max(1)), |jobs| jobs as usize);
    (jobs, (threads / jobs).max(1))
}

/// The ledger of a swarm that was launched, and its swarms that are asked for.
fn find(args: &SwarmArgs) -> Result<(Ledger, Vec<Swarm>), Failure> {
    let out = match (&args.out, &args.variants) {
        (Some(out), _) => Some(resolve_path(out)?),
        (None, Some(variants)) if args.ledger.is_none() => {
            Some(SwarmPaths::new(variants, None, None)?.out)
        }
        _ => None,
    };
    let path: PathBuf = match (&args.ledger, &out) {
        (Some(ledger), _) => ledger.clone(),
        (None, Some(out)) => out.join(LEDGER),
        (None, None) => {
            return Err(Failure::usage(
                "which swarm?",
                "give --variants, --out or --ledger as to `olmix launch run`",
            ));
        }
    };
    let ledger = Ledger::open_to_read(&path)?;
    let mut swarms = ledger.swarms()?;
    if let Some(variants) = &args.variants {
        let variants = resolve_path(variants)?;
        swarms.retain(|swarm| swarm.variants == variants);
    }
    if args.ledger.is_some()
        && let Some(out) = &out
    {
        swarms.retain(|swarm| swarm.out == *out);
    }
    if swarms.is_empty() {
        return Err(Failure::usage(
            format!(
                "{}: no such swarm was launched with this ledger",
                path.display()
            ),
            "leave --variants and --out out to see all that were",
        ));
    }
    Ok((ledger, swarms))
}
