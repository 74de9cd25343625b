//! The history of a project as a page shows it. It is read anew for each request, and never written.

use std::collections::BTreeMap;
use std::path::Path;

use olmix_launch::utc;
use olmix_ledger::{Record, RecordId, RecordKind};
use olmix_project::{MixtureContent, Plan, PlanOptions, Project, ProjectError, ReuseMethod, Risk};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::explorer::Explorer;

impl From<ProjectError> for ApiError {
    fn from(error: ProjectError) -> Self {
        let text = error.to_string();
        let (message, help) = text.split_once("\n  help: ").unwrap_or((text.as_str(), ""));
        Self::conflict(message, help)
    }
}

fn open(explorer: &Explorer) -> Result<Project, ApiError> {
    let root = explorer.source.project.as_deref().ok_or_else(|| {
        ApiError::conflict(
            "this is not a project: there is no olmix.yaml here or above",
            "create one with `olmix init`",
        )
    })?;
    if !root.join("olmix.yaml").is_file() {
        return Err(moved(root));
    }
    Ok(Project::open_to_read(root)?)
}

fn moved(root: &Path) -> ApiError {
    ApiError::conflict(
        format!("{}: the project is not there any more", root.display()),
        "it was moved or removed: put it back, or start olmix explore in its new folder",
    )
}

/// All records, newest first, with their parents, costs and gains.
///
/// # Errors
/// [`ApiError`] for a project that is not there, or whose ledger can't be read.
pub fn records(explorer: &Explorer) -> Result<Value, ApiError> {
    let project = open(explorer)?;
    let records = project.ledger.records().map_err(ProjectError::from)?;
    let tags = project.ledger.tags().map_err(ProjectError::from)?;
    let names: BTreeMap<RecordId, String> = records
        .iter()
        .map(|record| (record.id, record.name()))
        .collect();
    let entry = |record: &Record| {
        let parents: Vec<&String> = record
            .parents
            .iter()
            .filter_map(|id| names.get(id))
            .collect();
        let over = (record.kind == RecordKind::Mixture)
            .then(|| content(&project, record).ok()?.over)
            .flatten();
        let tags: Vec<&String> = tags
            .iter()
            .filter(|(_, id)| *id == record.id)
            .map(|(tag, _)| tag)
            .collect();
        json!({
            "id": record.name(), "kind": record.kind.word(), "line": record.line, "number": record.number,
            "label": record.name(), "summary": record.title, "parents": parents, "date": utc(record.created),
            "command": record.command, "hash": record.hash, "cost": record.cost, "gain": record.gain,
            "over": over, "tags": tags, "mixture": record.kind == RecordKind::Mixture,
        })
    };
    let newest = |kind: RecordKind, line: Option<&str>| {
        let found = records
            .iter()
            .rev()
            .find(|record| record.kind == kind && line.is_none_or(|line| record.line == line));
        found.map(Record::name)
    };
    let runs: u64 = records.iter().map(|record| record.cost.runs).sum();
    let tokens: u64 = records.iter().map(|record| record.cost.tokens).sum();
    let flops: f64 = records.iter().map(|record| record.cost.flops).sum();
    Ok(json!({
        "root": project.root, "records": records.iter().rev().map(entry).collect::<Vec<_>>(),
        "head": newest(RecordKind::Mixture, Some("main")).or_else(|| newest(RecordKind::Mixture, None)),
        "domains": newest(RecordKind::Domains, None),
        "cost": {"runs": runs, "tokens": tokens, "flops": flops},
    }))
}

/// The content of a mixture's record, which lists leave out.
fn content(project: &Project, record: &Record) -> Result<MixtureContent, ApiError> {
    let whole = project
        .ledger
        .record_by_id(record.id)
        .map_err(ProjectError::from)?;
    let whole = whole.ok_or_else(|| ApiError::conflict("the record is gone", ""))?;
    Ok(project.content(&whole)?)
}

/// A mixture by its name or tag: its domains with weights and where they come from.
///
/// # Errors
/// As [`records`], and for a name that is no mixture's.
pub fn mixture(explorer: &Explorer, name: &str) -> Result<Value, ApiError> {
    let project = open(explorer)?;
    let record = project.mixture(name)?;
    let content = content(&project, &record)?;
    let domain = |(name, weight): &(String, f64)| {
        let origin = content.origins.get(name);
        json!({"name": name, "weight": weight, "origin": origin})
    };
    Ok(json!({
        "id": record.name(), "summary": record.title, "date": utc(record.created), "gain": record.gain,
        "over": content.over, "method": content.method, "version": content.version,
        "target_tokens": content.target_tokens, "repetition_factor": content.repetition_factor,
        "domains": content.weights.iter().map(domain).collect::<Vec<_>>(),
    }))
}

/// The plan that `olmix plan` makes, and those of the other methods, with costs and risks. A method that can't be
/// planned says why.
///
/// # Errors
/// As [`records`].
pub fn plans(explorer: &Explorer) -> Result<Value, ApiError> {
    let project = open(explorer)?;
    let plan = |method: Option<ReuseMethod>| {
        project.plan(&PlanOptions {
            method,
            ..PlanOptions::default()
        })
    };
    let chosen = plan(None)?;
    let own = chosen.method();
    let mut plans = vec![entry(own.name(), true, Ok(chosen))];
    for (name, method) in ReuseMethod::ALL {
        if method != own {
            plans.push(entry(name, false, plan(Some(method))));
        }
    }
    Ok(json!({"plans": plans}))
}

/// A plan in a few words, and all that it says.
fn entry(method: &str, chosen: bool, plan: Result<Plan, ProjectError>) -> Value {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            let error = ApiError::from(error);
            return json!({
                "method": method, "chosen": chosen, "why": error.message, "plan": null,
                "error": {"message": error.message, "help": error.help},
            });
        }
    };
    let mut cost = format!("{} runs", plan.cost.runs);
    if plan.cost.tokens > 0 {
        cost += &format!(", {:.2e} tokens", plan.cost.tokens as f64);
    }
    if plan.cost.flops > 0.0 {
        cost += &format!(", {:.2e} FLOPs", plan.cost.flops);
    }
    let free: Vec<&String> = plan.reuse.free.iter().map(|free| &free.domain).collect();
    json!({
        "method": method, "chosen": chosen, "runs": plan.reuse.runs, "cost": cost,
        "expected_loss": plan.expected.plan.as_ref().ok(), "risk": plan.risk.as_ref().map(risk),
        "why": plan.reasons.join(". "), "free": free, "plan": plan.to_json(), "error": null,
    })
}

/// What keeping ratios costs, by laws of an earlier fit.
fn risk(risk: &Risk) -> String {
    let found = &risk.analysis;
    let coupling = format!("coupling κ = {:.2}", found.coupling.kappa);
    match &found.reused {
        Ok(reused) => format!(
            "By the laws of {}, the least loss with the old ratios is {:.2} % above the least of all; {coupling}",
            risk.fit,
            100.0 * (reused.loss / found.optimum_loss - 1.0)
        ),
        Err(error) => format!(
            "By the laws of {}, the old ratios can't be kept: {error}; {coupling}",
            risk.fit
        ),
    }
}
