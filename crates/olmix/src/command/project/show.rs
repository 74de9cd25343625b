//! `olmix show`.

use std::fmt::Write as _;
use std::path::Path;

use olmix_core::epochs;
use olmix_fs::{StagedFile, check_writable};
use olmix_launch::utc;
use olmix_ledger::{Record, RecordKind};
use olmix_project::{DomainsContent, MixtureContent, Project};
use serde_json::json;

use super::log::{gain_over, spent};
use super::open_to_read;
use crate::args::ShowRecordArgs;
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, percent, table_with_text};

/// Names of what a record was made of.
fn parents(project: &Project, record: &Record) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for id in &record.parents {
        let parent = project.ledger.record_by_id(*id)?;
        names.push(parent.map_or_else(|| format!("#{}", id.0), |parent| parent.name()));
    }
    Ok(names)
}

/// `olmix show`.
pub fn show(args: &ShowRecordArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open_to_read(&args.project)?;
    let record = project.ledger.record(&args.name)?;
    if let Some(folder) = &args.files {
        write_files(&project, &record, folder)?;
    }
    let parents = parents(&project, &record)?;
    if common.json {
        let mut shown = json!(record);
        shown["name"] = json!(record.name());
        shown["parents"] = json!(parents);
        return output::print_json(&shown.to_string());
    }
    if common.quiet {
        return Ok(());
    }
    let mut text = Page::from(format!("{}  {}\n", record.name(), record.title));
    for (what, value) in [
        ("hash", record.hash.clone()),
        ("recorded", utc(record.created)),
        ("made of", parents.join(", ")),
        ("command", record.command.clone()),
        ("olmix", record.olmix.clone()),
    ] {
        if !value.is_empty() {
            let _ = writeln!(text, "{what:9} {value}");
        }
    }
    if record.cost.runs > 0 {
        let cost = record.cost;
        let _ = writeln!(
            text,
            "{:9} {} runs{}",
            "cost",
            cost.runs,
            spent(cost.tokens, cost.flops)
        );
    }
    if let Some(gain) = record.gain {
        let _ = writeln!(
            text,
            "{:9} {} over the natural distribution, as its laws predict",
            "gain",
            percent(gain)
        );
    }
    if let Some(over) = gain_over(&project, &record) {
        let _ = writeln!(
            text,
            "{:9} {} over {}, as its laws predict",
            "gain",
            percent(over.gain),
            over.record
        );
    }
    for file in &record.files {
        let _ = writeln!(text, "{:9} {}  sha256 {}", "file", file.name, file.sha256);
    }
    text += "\n";
    text += match record.kind {
        RecordKind::Mixture => mixture(&project, &record)?,
        RecordKind::Domains => domains(&project, &record)?,
        RecordKind::Swarm | RecordKind::Fit => serde_json::to_string_pretty(&record.content)
            .unwrap_or_default()
            .into(),
    };
    output::print(text)
}

/// A table of a mixture: weights, epochs, and the fit that each weight comes from.
fn mixture(project: &Project, record: &Record) -> Result<Page, Failure> {
    let content: MixtureContent = project.content(record)?;
    let version = project.ledger.record(&content.version)?;
    let set: DomainsContent = project.content(&version)?;
    let tokens = |name: &str| {
        let found = set.domains.iter().find(|domain| domain.name == name);
        found.and_then(|domain| domain.tokens)
    };
    let mut weights = content.weights.clone();
    weights.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rows: Vec<Vec<String>> = weights
        .iter()
        .map(|(name, weight)| {
            let seen = tokens(name)
                .zip(content.target_tokens)
                .map(|(tokens, target)| epochs(*weight, target, tokens));
            let origin = content.origins.get(name);
            vec![
                name.clone(),
                percent(*weight),
                number(seen, 2),
                origin.map_or_else(String::new, |origin| {
                    let kept = if origin.kept { ", ratio kept" } else { "" };
                    format!("{}{kept}", origin.record)
                }),
            ]
        })
        .collect();
    let made = format!("{} over {}\n", content.method, content.version);
    let weights = table_with_text(&["domain", "weight", "epochs", "from"], &rows, &[0, 3]);
    Ok(Page::from(made) + weights)
}

fn domains(project: &Project, record: &Record) -> Result<Page, Failure> {
    let content: DomainsContent = project.content(record)?;
    let rows: Vec<Vec<String>> = content
        .domains
        .iter()
        .map(|domain| {
            vec![
                domain.name.clone(),
                domain.tokens.map_or_else(|| "–".into(), tokens_text),
                domain
                    .size
                    .map_or_else(|| "–".into(), |size| format!("{size}")),
                domain.paths.join(" "),
            ]
        })
        .collect();
    Ok(table_with_text(
        &["domain", "tokens", "size", "paths"],
        &rows,
        &[0, 3],
    ))
}

fn write_files(project: &Project, record: &Record, folder: &Path) -> Result<(), Failure> {
    check_writable(folder)?;
    let mut staged = Vec::new();
    for file in &record.files {
        let content = project.ledger.file(&file.sha256)?;
        let content = content.ok_or_else(|| {
            Failure::usage(
                format!(
                    "{}: {} is not there",
                    project.ledger.path().display(),
                    file.name
                ),
                "`olmix verify` says what is damaged",
            )
        })?;
        staged.push(StagedFile::new(&folder.join(&file.name), &content)?);
    }
    for file in staged {
        file.commit()?;
    }
    Ok(())
}
