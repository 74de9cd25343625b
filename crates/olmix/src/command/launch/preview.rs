//! `olmix launch preview`.

use std::collections::BTreeSet;
use std::path::Path;

use olmix_io::{EngineConfig, TrainerKind};
use olmix_launch::{RunProgress, Variant, cluster, commands, load_variants, registry, site, tools};
use olmix_ledger::{Run, RunId, State, SwarmId};
use serde_json::json;

use super::super::cost::{self, Work};
use super::check::{check, known, would_run};
use super::{estimate, worth};
use crate::args::LaunchPreviewArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{percent, table};

/// Commands of how many runs are printed.
const MOST_PRINTED: usize = 3;

/// Shows what would be run.
pub fn run(preview: &LaunchPreviewArgs) -> Result<(), Failure> {
    let args = &preview.run;
    let paths = super::paths(args)?;
    let variants = load_variants(&paths.variants)?;
    let known = known(&paths)?;
    let settings = super::settings(args, &paths, &variants)?;
    let (jobs, threads) = super::shares(args, &settings, variants.len());
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
            "phases": (!run.phases.is_empty()).then_some(&run.phases),
            "simulate_target_tokens": simulated(variant),
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
        return output::print_json(&told.to_string());
    }
    let mut text = table(&["run", "state", "would run", "steps", "tokens"], &rows);
    let how = how(local.then_some((jobs, threads)), &settings);
    text += &format!("{to_do} of {} runs would be run, {how}\n", variants.len());
    text += phases(&variants);
    text += &repeating(&variants);
    text += &cost.line();
    text += &cost::worth(&expected, variants.len());
    text.verbatim(shown_commands(submission, &commands, to_do));
    output::print(text)
}

/// How the runs would be run; `shares` are runs at once and threads of each, on this machine.
fn how(shares: Option<(usize, usize)>, settings: &EngineConfig) -> String {
    match shares {
        Some((jobs, threads)) => format!("{jobs} at once with {threads} threads each"),
        None => format!("on {}", settings.kind.word()),
    }
}

/// Tokens of the run whose repetition a run simulates.
fn simulated(variant: &Variant) -> Option<u64> {
    let data = variant.config.data.as_ref()?;
    Some(data.simulate_target_tokens.as_ref()?.value)
}

/// Whose repetition the runs simulate, in a line.
fn repeating(variants: &[Variant]) -> String {
    let targets: BTreeSet<Option<u64>> = variants.iter().map(simulated).collect();
    let told = targets.iter().map(|target| {
        target.map_or_else(
            || "none".to_owned(),
            |target| tokens_text(target) + " tokens",
        )
    });
    match told.collect::<Vec<_>>() {
        told if targets.iter().any(Option::is_some) => {
            format!(
                "Repetition is simulated as of a run of: {}\n",
                told.join(", ")
            )
        }
        _ => String::new(),
    }
}

/// The phases of the runs, as those of the first runs: a line for each.
fn phases(variants: &[Variant]) -> Page {
    let with: Vec<&Variant> = variants
        .iter()
        .filter(|variant| !variant.config.phases.is_empty())
        .collect();
    if with.is_empty() {
        return Page::default();
    }
    let mut rows = Vec::new();
    for variant in with.iter().take(MOST_PRINTED) {
        for phase in &variant.config.phases {
            let parts = phase.mix.iter();
            let parts = parts
                .map(|leaf| (leaf.weight, leaf.name.as_str()))
                .collect();
            rows.push(vec![
                variant.config.name.clone(),
                phase.name.clone(),
                percent(phase.fraction),
                super::greatest_shares(parts),
            ]);
        }
    }
    let mut text = table(&["run", "phase", "share", "mixture"], &rows);
    if with.len() > MOST_PRINTED {
        text += &format!(
            " … and {} more (--json lists all)\n",
            with.len() - MOST_PRINTED
        );
    }
    text
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
        phases: variant.phases(),
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
