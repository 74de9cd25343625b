//! `olmix launch preview`.

use std::path::Path;

use olmix_io::{EngineConfig, TrainerKind};
use olmix_launch::{
    RunProgress, SwarmPaths, Variant, cluster, commands, load_variants, registry, site, tools,
};
use olmix_ledger::{Ledger, Run, RunId, State, SwarmId};
use olmix_proxy::{ConfigCheck, ProxyError};
use serde_json::json;

use super::super::cost::{self, Work};
use super::{estimate, worth};
use crate::args::{LaunchPreviewArgs, LaunchRunArgs};
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::table::table;

/// Commands of how many runs are printed.
const MOST_PRINTED: usize = 3;

/// Shows what would be run.
pub fn run(preview: &LaunchPreviewArgs) -> Result<(), Failure> {
    let args = &preview.run;
    let paths = super::paths(args)?;
    let variants = load_variants(&paths.variants)?;
    let known = known(&paths)?;
    let (jobs, threads) = super::shares(args, variants.len());
    let settings = super::settings(args, &paths, &variants)?;
    if !args.common.quiet {
        output::notices(&settings.notices());
    }
    let local = !registry::is_cluster(&settings);
    let tools = tools(&settings, threads)?;
    // Nodes that see another file system find what this machine does not.
    if tools.scratch.is_none() {
        check(args, &variants, &known)?;
    }
    let mut rows = Vec::new();
    let mut values = Vec::new();
    let mut commands = String::new();
    let mut to_do = 0;
    let mut work = Work {
        runs: 0,
        tokens: Some(0),
        flops: Ok(0.0),
        measured: worth::measured(&variants, &known),
    };
    for variant in &variants {
        let config = &variant.config;
        let found = known.iter().find(|run| run.name == config.name);
        let run = found.cloned().unwrap_or_else(|| new_run(variant));
        let path = paths.variants.join(&variant.file);
        let folder = paths.out.join(&config.name);
        let job = commands::job_on_engine(&run, config, &path, &folder, &tools)?;
        let plan = RunProgress::read(&folder);
        let tokens = plan.tokens_in_all.or(config.training.tokens);
        let runs = would_run(args, &run, run.config_sha256 != variant.sha256);
        let shown: Vec<String> = job
            .steps
            .iter()
            .map(olmix_launch::Step::command_line)
            .collect();
        if runs {
            to_do += 1;
            worth::add(&mut work, config, plan.tokens_in_all);
            if to_do <= MOST_PRINTED {
                commands += &format!("\n{}:\n  {}\n", config.name, shown.join("\n  "));
            }
        }
        rows.push(vec![
            config.name.clone(),
            found.map_or("new", |run| run.state.word()).to_owned(),
            if runs { "yes" } else { "no" }.to_owned(),
            plan.steps_in_all
                .map_or("–".into(), |steps| steps.to_string()),
            tokens.map_or("–".into(), tokens_text),
        ]);
        values.push(json!({
            "name": config.name,
            "state": found.map(|run| run.state.word()),
            "would_run": runs,
            "steps": plan.steps_in_all,
            "tokens": tokens,
            "folder": folder,
            "commands": shown,
        }));
    }
    let cost = cost::cost(&preview.cost, work)?;
    let expected = worth::expected(&variants);
    let submission = if local || to_do == 0 {
        None
    } else {
        Some(submission(&settings, &variants, &paths.out, to_do)?)
    };
    let short = estimate::too_short(&settings, &variants, &known).filter(|_| !local);
    if let Some(line) = short.as_ref().filter(|_| !args.common.json) {
        output::eprint_line(&format!("warning: {line}"));
    }
    if args.common.json {
        let told = json!({
            "warning": short,
            "engine": settings.kind.word(),
            "jobs": jobs,
            "threads": threads,
            "ledger": paths.ledger,
            "submission": submission,
            "cost": cost.json(),
            "expected": cost::worth_json(&expected),
            "runs": values,
        });
        return output::print(&told.to_string());
    }
    let mut text = table(&["run", "state", "would run", "steps", "tokens"], &rows);
    let how = if local {
        format!("{jobs} at once with {threads} threads each")
    } else {
        format!("on {}", settings.kind.word())
    };
    text += &format!("{to_do} of {} runs would be run, {how}\n", variants.len());
    text += &cost.line();
    text += &cost::worth(&expected, variants.len());
    text += &shown_commands(submission, &commands, to_do);
    output::print(&text)
}

/// The submission, and the commands of the first runs.
fn shown_commands(submission: Option<String>, commands: &str, to_do: usize) -> String {
    let mut text = submission.map_or_else(String::new, |one| format!("\n{one}"));
    text += commands;
    if to_do > MOST_PRINTED {
        text += &format!(
            "\n… and {} more alike (--json lists all)\n",
            to_do - MOST_PRINTED
        );
    }
    text
}

/// Refuses configs of which the runs could not be planned. What a trainer of the user's own needs is not
/// known.
fn check(args: &LaunchRunArgs, variants: &[Variant], known: &[Run]) -> Result<(), Failure> {
    let mut check = ConfigCheck::default();
    let mut found: Vec<ProxyError> = Vec::new();
    for variant in variants {
        let config = &variant.config;
        let is_custom = matches!(config.trainer, TrainerKind::Command { .. });
        let run = known.iter().find(|run| run.name == config.name);
        let changed = |run: &Run| run.config_sha256 != variant.sha256;
        if !is_custom && run.is_none_or(|run| would_run(args, run, changed(run))) {
            found.extend(check.check(config).err());
        }
    }
    let runs = found.len();
    match found.into_iter().next() {
        None => Ok(()),
        Some(error) if runs == 1 => Err(error.into()),
        Some(error) => Err(Failure::refused(format!(
            "{runs} runs can't be planned; the first: {error}"
        ))),
    }
}

/// The runs that the ledger has of this swarm.
fn known(paths: &SwarmPaths) -> Result<Vec<Run>, Failure> {
    if !paths.ledger.exists() {
        return Ok(Vec::new());
    }
    let ledger = Ledger::open_to_read(&paths.ledger)?;
    let swarms = ledger.swarms()?;
    match swarms.iter().find(|swarm| swarm.out == paths.out) {
        Some(swarm) => Ok(ledger.runs(swarm.id)?),
        None => Ok(Vec::new()),
    }
}

/// What a cluster would be given.
fn submission(
    settings: &EngineConfig,
    variants: &[Variant],
    out: &Path,
    runs: usize,
) -> Result<String, Failure> {
    let name = variants.first().and_then(Variant::swarm_name);
    // Shown to whoever looks, and kept in files: without values that may be secrets.
    let settings = settings.masked();
    let site = site(&settings, &name.unwrap_or_default(), out)?;
    let mut cluster = registry::cluster_to_preview(&settings)?;
    let custom = |variant: &Variant| matches!(variant.config.trainer, TrainerKind::Command { .. });
    let apart = !variants.iter().any(custom);
    Ok(cluster::preview(cluster.as_mut(), &site, runs, apart))
}

/// A run as it would be recorded.
fn new_run(variant: &Variant) -> Run {
    Run {
        id: RunId(0),
        swarm: SwarmId(0),
        name: variant.config.name.clone(),
        config: variant.file.clone(),
        config_sha256: variant.sha256.clone(),
        mixture: variant.mixture(),
        state: State::Queued,
        stage: None,
        attempt: 0,
        failures: 0,
        losses: 0,
        fresh: false,
        cancel: false,
        launcher: None,
        process: None,
        engine_job: None,
        started: None,
        ended: None,
        failure: None,
        cause: None,
        log_tail: None,
        metrics: None,
        tokens: None,
        seconds: 0.0,
        gpu_seconds: 0.0,
    }
}

/// Whether a launch with these options would begin a run, whose launch config may have `changed` since it
/// was recorded.
fn would_run(args: &LaunchRunArgs, run: &Run, changed: bool) -> bool {
    match run.state {
        State::Queued => true,
        State::Submitted | State::Running | State::Finished => false,
        State::Cancelled => args.retry_failed,
        State::Failed => {
            let may_pass = run.failure.is_none_or(olmix_ledger::FailureKind::may_pass);
            args.retry_failed || changed || (may_pass && run.failures <= args.retries)
        }
    }
}
