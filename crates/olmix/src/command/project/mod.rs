//! Projects: `olmix init`, `update`, `plan`, `commit`, and the history.

mod describe_plan;
mod diff;
mod graph;
mod history;
mod init;
mod log;
mod show;
mod update;
mod worth;

pub use diff::diff;
pub use history::{history, verify};
pub use init::init;
pub use log::{log, tag};
pub use show::show;
pub use update::update;

use std::path::{Path, PathBuf};

use olmix_launch::now;
use olmix_project::{NewMixture, PlanOptions, Project, Provenance};
use serde_json::json;

use super::cost::{self, Work};
use super::on_threads;
use crate::args::{CommitArgs, PlanArgs, ProjectArgs};
use crate::failure::Failure;
use crate::output;
use crate::table::percent;
use describe_plan::described;

/// Who makes records: this command, now.
fn provenance() -> Provenance {
    let quoted = |word: String| {
        let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| quoted(word.to_string_lossy().into_owned()));
    let words: Vec<String> = std::iter::once("olmix".to_owned()).chain(words).collect();
    Provenance {
        command: words.join(" "),
        now: now(),
    }
}

/// The project of the options.
fn open(args: &ProjectArgs) -> Result<Project, Failure> {
    Ok(Project::open(&folder(args)?)?)
}

/// The project of the options, to read its history.
fn open_to_read(args: &ProjectArgs) -> Result<Project, Failure> {
    Ok(Project::open_to_read(&folder(args)?)?)
}

fn folder(args: &ProjectArgs) -> Result<PathBuf, Failure> {
    std::path::absolute(&args.folder)
        .map_err(|error| Failure::refused(format!("--project {}: {error}", args.folder.display())))
}

/// `olmix plan`.
pub fn plan(args: &PlanArgs) -> Result<(), Failure> {
    if let (Some(count), Some(config)) = (args.calibrate, &args.config) {
        return super::calibrate::plan(args, count as usize, config);
    }
    let common = args.project.common;
    on_threads(common, || {
        let mut project = open(&args.project)?;
        let plan = project.plan(&PlanOptions {
            method: args.method.0,
            from: args.from.clone(),
            budget: args.budget.map(|runs| runs as usize),
            runs: args.runs.map(|runs| runs as usize),
            free: args.free.clone(),
            groups: args.freeze.clone(),
            old_runs: args.old_runs,
            collapsed_kl: args.collapsed_kl,
            pilot: args.pilot.clone(),
        })?;
        let cost = cost::cost(&args.cost, work(&project, &plan))?;
        let written = match &args.write {
            None => None,
            Some(folder) => Some((
                folder,
                project.write_plan(&plan, folder, &provenance())?.name(),
            )),
        };
        let without_paths: Vec<&str> = plan
            .domains
            .iter()
            .filter(|domain| domain.paths.is_empty())
            .map(|domain| domain.name.as_str())
            .collect();
        if let ([first, ..], true) = (without_paths.as_slice(), written.is_some() && !common.quiet)
        {
            output::notices(&[format!(
                "of {} domains, such as `{first}`, no paths are known: put theirs into generate.yaml",
                without_paths.len()
            )]);
        }
        if common.json {
            let mut json = plan.to_json();
            json["cost"] = cost.json();
            json["expected"] = json!(cost::worth_json(&worth::expected(&plan)));
            if let Some((_, record)) = &written {
                json["record"] = json!(record);
            }
            return output::print_json(&json.to_string());
        }
        if common.quiet {
            return Ok(());
        }
        let mut text = described(&project, &plan);
        if plan.cost.runs > 0 && cost.has_flops() {
            text += &cost.line();
        }
        text += &cost::worth(&worth::expected(&plan), plan.reuse.runs);
        output::print(text)?;
        match &written {
            Some((folder, record)) => output::print(steps(folder, record, &plan)),
            None => Ok(()),
        }
    })
}

/// What the runs of a plan compute, by the sizes that olmix.yaml gives.
fn work(project: &Project, plan: &olmix_project::Plan) -> Work {
    let sizes = project
        .config
        .max_tokens
        .zip(project.config.proxy_parameters);
    Work {
        runs: usize::try_from(plan.cost.runs).unwrap_or(usize::MAX),
        tokens: project.config.max_tokens.map(|_| plan.cost.tokens),
        flops: sizes
            .map(|_| plan.cost.flops)
            .ok_or("olmix.yaml does not set both max_tokens and proxy_parameters"),
        measured: None,
    }
}

/// The commands that follow a written plan.
fn steps(folder: &Path, record: &str, plan: &olmix_project::Plan) -> String {
    let at = folder.display();
    let mut files = format!("{at}/generate.yaml, {at}/fit.yaml");
    if !plan.earlier.is_empty() {
        files += &format!(", {at}/earlier/");
    }
    format!(
        "\nRecorded as {record}. Written: {files}\nNext:\n  olmix generate --config {at}/generate.yaml \
         --base \
         LAUNCH.yaml --output {at}\n  olmix launch run --variants {at}/launch\n  olmix collect --swarm \
         {at}/runs --output \
         {at}\n  olmix fit --config {at}/fit.yaml --output-dir {at}/out\n  olmix commit {at}/out/mixture.json"
    )
}

/// `olmix commit`.
pub fn commit(args: &CommitArgs) -> Result<(), Failure> {
    let common = args.project.common;
    on_threads(common, || {
        let mut project = open(&args.project)?;
        let new = NewMixture {
            file: args.file.as_deref(),
            line: &args.line,
            title: args.message.as_deref(),
            from: args.from.as_deref(),
            without_runs: args.without_runs,
        };
        let done = project.commit(&new, &provenance())?;
        let record = &done.mixture;
        if !common.quiet {
            output::notices(&done.notices);
        }
        if common.json {
            let name = |record: &Option<olmix_ledger::Record>| {
                record.as_ref().map(olmix_ledger::Record::name)
            };
            let json = json!({
                "mixture": record.name(), "hash": record.hash, "fit": name(&done.fit),
                "swarm": name(&done.swarm), "gain": record.gain, "over": log::gain_over(&project, record),
            });
            return output::print_json(&json.to_string());
        }
        if common.quiet {
            return Ok(());
        }
        let mut made = vec![];
        made.extend(done.swarm.as_ref().map(olmix_ledger::Record::name));
        made.extend(done.fit.as_ref().map(olmix_ledger::Record::name));
        let with = if made.is_empty() {
            String::new()
        } else {
            format!(", with {}", made.join(" and "))
        };
        let natural = ("the natural distribution".to_owned(), record.gain);
        let over = log::gain_over(&project, record).map(|over| (over.record, Some(over.gain)));
        let gains = std::iter::once(natural)
            .chain(over)
            .filter_map(|(name, gain)| {
                let gain = gain?;
                let word = if gain < 0.0 { "worse" } else { "better" };
                Some(format!("{} {word} than {name}", percent(gain.abs())))
            });
        let gains: Vec<String> = gains.collect();
        let gain = if gains.is_empty() {
            String::new()
        } else {
            format!(": {}, as its laws predict", gains.join(" and "))
        };
        output::print(format!("Recorded as {}{with}{gain}", record.name()))
    })
}
