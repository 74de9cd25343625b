//! `olmix launch run`.

use olmix_io::{EngineConfig, EngineKind};
use olmix_launch::{
    Event, Interrupts, LaunchEnd, Launcher, OpenedEngine, StopRequest, SwarmReport, SystemClock,
    Until, Variant, Watcher, load_variants, registry, tools,
};
use olmix_ledger::{FailureKind, Ledger, RerunPolicy, Run, State, Swarm, SyncSummary};

use super::check::{check, known};
use super::display::Display;
use super::estimate;
use super::status::{as_json, summary};
use crate::args::LaunchRunArgs;
use crate::failure::Failure;
use crate::output;

/// Runs what is queued.
pub fn run(args: &LaunchRunArgs) -> Result<(), Failure> {
    let paths = super::paths(args)?;
    let variants = load_variants(&paths.variants)?;
    let settings = super::settings(args, &paths, &variants)?;
    let local = !registry::is_cluster(&settings);
    if local && args.detach {
        return Err(Failure::usage(
            "--detach is for clusters: processes of this machine end with their launcher",
            "leave it out, or give --engine slurm or ray",
        ));
    }
    // What keeps runs from being planned, and what is missing on this machine, is told before anything is
    // made. Nodes that see another file system find what this machine does not.
    if settings.storage.is_none() || local {
        check(args, &variants, &known(&paths)?)?;
    }
    let opened = OpenedEngine::open(&settings)?;
    // It keeps the settings of the engine, so that runs can be asked for without the configs.
    let mut ledger = if settings.has_secrets() {
        Ledger::open_private(&paths.ledger)?
    } else {
        Ledger::open(&paths.ledger)?
    };
    let rerun = RerunPolicy {
        retries: args.retries,
        all: args.retry_failed,
    };
    let (swarm, synced) = paths.register(&mut ledger, &variants, rerun)?;
    let runs = ledger.runs(swarm.id)?;
    opened.check_storage_is_own(&runs)?;
    let quiet = args.common.quiet || args.common.json;
    if !quiet
        && !local
        && let Some(line) = estimate::too_short(&settings, &variants, &runs)
    {
        output::eprint_line(&format!("warning: {line}"));
    }
    if !quiet {
        output::notices(&of_configs(&variants));
        output::notices(&settings.notices());
        output::notices(&notices(&synced));
    }
    let (jobs, threads) = super::shares(args, &settings, variants.len());
    let clock = SystemClock::shared();
    let mut engine = opened.for_swarm(jobs, &ledger, &swarm, &clock)?;
    let mut watch = Watch {
        interrupts: Interrupts::watch()?,
        display: Display::new(quiet, variants.len()),
        swarm: &swarm,
        stopping: false,
        local,
    };
    let jobs = if local { Some((jobs, threads)) } else { None };
    let counts = ledger.counts(swarm.id)?;
    watch
        .display
        .say(&opening(&swarm, counts, variants.len(), &settings, jobs));
    let mut launcher = Launcher {
        ledger: &mut ledger,
        swarm: &swarm,
        tools: tools(&settings, threads)?,
        retries: args.retries,
        until: if args.detach {
            Until::Submitted
        } else {
            Until::Complete
        },
        clock,
    };
    let end = launcher.run(&mut engine, &mut watch)?;
    let code = watch.interrupts.exit_code();
    drop(watch);
    if let LaunchEnd::Stopped(released) = end {
        return Err(Failure::Ended(
            code.unwrap_or(130),
            format!(
                "stopped; {released} running runs are queued again\n  help: the same command resumes"
            ),
        ));
    }
    if let LaunchEnd::Detached(left) = end {
        return leave(args, left, code, settings.kind);
    }
    ended(args, &ledger, &swarm)
}

/// What a launch begins with; `shares` are runs at once and threads of each, on this machine.
fn opening(
    swarm: &Swarm,
    counts: [usize; 6],
    runs: usize,
    settings: &EngineConfig,
    shares: Option<(usize, usize)>,
) -> String {
    let how = match (shares, settings.jobs) {
        (Some((jobs, threads)), _) => format!(
            "{jobs} at once with {threads} thread{} each",
            if threads == 1 { "" } else { "s" }
        ),
        (None, Some(jobs)) => format!("on {}, {jobs} at once", settings.kind.word()),
        (None, None) => format!("on {}", settings.kind.word()),
    };
    let [queued, submitted, at_work, ..] = counts;
    let elsewhere = match submitted + at_work {
        0 => String::new(),
        runs => format!(", {runs} on their way"),
    };
    format!(
        "{}: {queued} of {runs} runs to do{elsewhere}, {how}; {}",
        swarm.name,
        swarm.out.display()
    )
}

/// The summary of a swarm of which nothing waits or runs any more.
fn ended(args: &LaunchRunArgs, ledger: &Ledger, swarm: &Swarm) -> Result<(), Failure> {
    let runs = ledger.runs(swarm.id)?;
    let report = SwarmReport::new(ledger, swarm, &runs)?;
    if args.common.json {
        output::print_json(&as_json(&[report]).to_string())?;
    } else if !args.common.quiet {
        output::print(summary(&report))?;
    }
    let of = |state| runs.iter().filter(|run| run.state == state).count();
    let (finished, failed) = (of(State::Finished), of(State::Failed));
    // Runs whose configs are gone are not of this swarm any more.
    let gone = |run: &&Run| run.failure == Some(FailureKind::Gone);
    let cancelled = of(State::Cancelled) - runs.iter().filter(gone).count();
    if failed + cancelled > 0 {
        return Err(Failure::Ended(
            1,
            format!(
                "{finished} of {} runs finished, {failed} failed, {cancelled} were cancelled\n  help: \
                 correct the causes (logs are in {}/RUN/log.txt), then run them again with --retry-failed",
                runs.len(),
                swarm.out.display()
            ),
        ));
    }
    Ok(())
}

/// Says that runs go on without this process.
fn leave(
    args: &LaunchRunArgs,
    left: usize,
    code: Option<u8>,
    engine: EngineKind,
) -> Result<(), Failure> {
    let line = format!(
        "{left} runs continue on {}\n  help: the same command follows them, `olmix launch status` tells how \
         far they are, \
         `olmix launch cancel --all` ends them",
        engine.word()
    );
    match code {
        Some(code) => Err(Failure::Ended(code, format!("stopped; {line}"))),
        None if args.common.json => output::print_json(
            &serde_json::json!({"submitted": left, "engine": engine.word()}).to_string(),
        ),
        None if args.common.quiet => Ok(()),
        None => output::print(&(line + "\n")),
    }
}

/// Shows a launch, and ends it on Ctrl-C.
struct Watch<'w> {
    interrupts: Interrupts,
    display: Display,
    swarm: &'w Swarm,
    stopping: bool,
    local: bool,
}

impl Watcher for Watch<'_> {
    fn event(&mut self, event: &Event) {
        self.display.event(event);
    }

    fn stop_request(&mut self, ledger: &Ledger) -> StopRequest {
        let request = self.interrupts.stop_request();
        if request != StopRequest::None && !self.stopping && self.local {
            self.stopping = true;
            let line = "stopping: runs are being ended; once more to end them at once";
            self.display.say(line);
        }
        self.display.look(ledger, self.swarm);
        request
    }
}

/// What the launch configs are told of. All have most in common, so that one line stands for many.
fn of_configs(variants: &[Variant]) -> Vec<String> {
    const MOST: usize = 3;
    let all = variants.iter().flat_map(|variant| &variant.config.notices);
    let mut notices: Vec<String> = all.cloned().collect();
    let more = notices.len().saturating_sub(MOST);
    notices.truncate(MOST);
    if more > 0 {
        notices.push(format!("and {more} more like these"));
    }
    notices
}

/// What there is to say before a launch.
pub fn notices(synced: &SyncSummary) -> Vec<String> {
    let mut notices = Vec::new();
    let mut say = |names: &[String], what: &str| {
        if !names.is_empty() {
            let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
            let more = match names.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            notices.push(format!("{what}: {}{more}", shown.join(", ")));
        }
    };
    say(&synced.again, "run again after they failed");
    say(
        &synced.finished_otherwise,
        "finished under an earlier version of their launch configs, and kept so (give another --out to \
         run the new ones)",
    );
    say(
        &synced.running_otherwise,
        "running under an earlier version of their launch configs",
    );
    say(&synced.gone, "recorded, but their launch configs are gone");
    say(
        &synced.failed,
        "failed and not run again without --retry-failed or another config",
    );
    say(
        &synced.cancelled,
        "cancelled and not run again without --retry-failed",
    );
    notices
}
