//! `olmix log`, `show`, `diff`, `tag`, `verify` and `history`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use olmix_core::epochs;
use olmix_fs::{StagedFile, check_writable};
use olmix_launch::{now, utc};
use olmix_ledger::{Record, RecordKind};
use olmix_project::{DomainsContent, MixtureContent, Project};
use serde_json::{Value, json};

use super::graph::Graph;
use super::{open, open_to_read};
use crate::args::{
    DiffArgs, HistoryCommand, LogArgs, ProjectArgs, ShowRecordArgs, TagArgs, VerifyArgs,
};
use crate::bars::tokens_text;
use crate::command::mix::compare;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, percent, table_with_text};

/// `olmix log`.
pub fn log(args: &LogArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open_to_read(&args.project)?;
    let records = project.ledger.records()?;
    let tags = tags_by_record(&project)?;
    let most = if args.all { usize::MAX } else { args.limit };
    if common.json {
        let entry = |record: &Record| {
            let parents: Vec<String> = names_of(record, &records);
            json!({
                "name": record.name(), "kind": record.kind, "hash": record.hash, "title": record.title,
                "parents": parents, "created": utc(record.created), "command": record.command, "olmix": record.olmix,
                "cost": record.cost, "gain": record.gain, "tags": tags.get(&record.id.0),
            })
        };
        let shown: Vec<Value> = records.iter().rev().take(most).map(entry).collect();
        return output::print(&Value::from(shown).to_string());
    }
    if common.quiet {
        return Ok(());
    }
    let graph = Graph::new(&records);
    let width = graph.width();
    let mut text = format!("{}\n", graph.header());
    for record in records.iter().rev().take(most) {
        let _ = writeln!(
            text,
            "{:width$}  {}",
            graph.row(record),
            line(record, &tags)
        );
    }
    if records.len() > most {
        let _ = writeln!(text, " … and {} earlier (--all)", records.len() - most);
    }
    let runs: u64 = records.iter().map(|record| record.cost.runs).sum();
    if runs > 0 {
        let tokens: u64 = records.iter().map(|record| record.cost.tokens).sum();
        let flops: f64 = records.iter().map(|record| record.cost.flops).sum();
        let _ = writeln!(text, "In all {runs} runs{}", spent(tokens, flops));
    }
    output::print(&text)
}

/// A record in a line: name, tags, date, what it is, what it cost and gained.
fn line(record: &Record, tags: &BTreeMap<i64, Vec<String>>) -> String {
    let mut text = record.name();
    if let Some(tags) = tags.get(&record.id.0) {
        let _ = write!(text, " ({})", tags.join(", "));
    }
    let date = utc(record.created);
    let _ = write!(
        text,
        "  {}  {}",
        date.get(..10).unwrap_or(&date),
        record.title
    );
    if record.cost.runs > 0 {
        let _ = write!(
            text,
            "  [{} runs{}]",
            record.cost.runs,
            spent(record.cost.tokens, record.cost.flops)
        );
    }
    if let Some(gain) = record.gain {
        let _ = write!(text, "  {:+.2} %", 100.0 * gain);
    }
    text
}

fn spent(tokens: u64, flops: f64) -> String {
    let mut text = String::new();
    if tokens > 0 {
        let _ = write!(text, ", {} tokens", tokens_text(tokens));
    }
    if flops > 0.0 {
        let _ = write!(text, ", {flops:.1e} FLOPs");
    }
    text
}

fn tags_by_record(project: &Project) -> Result<BTreeMap<i64, Vec<String>>, Failure> {
    let mut tags: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (tag, record) in project.ledger.tags()? {
        tags.entry(record.0).or_default().push(tag);
    }
    Ok(tags)
}

fn names_of(record: &Record, records: &[Record]) -> Vec<String> {
    let name = |id| {
        let found = records.iter().find(|record| record.id == id);
        found.map_or_else(|| format!("#{}", id.0), Record::name)
    };
    record.parents.iter().map(|id| name(*id)).collect()
}

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
        let mut told = json!(record);
        told["name"] = json!(record.name());
        told["parents"] = json!(parents);
        return output::print(&told.to_string());
    }
    if common.quiet {
        return Ok(());
    }
    let mut text = format!("{}  {}\n", record.name(), record.title);
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
            "{:9} {} over the natural distribution, by its laws",
            "gain",
            percent(gain)
        );
    }
    for file in &record.files {
        let _ = writeln!(text, "{:9} {}  sha256 {}", "file", file.name, file.sha256);
    }
    text.push('\n');
    text += &match record.kind {
        RecordKind::Mixture => mixture(&project, &record)?,
        RecordKind::Domains => domains(&project, &record)?,
        RecordKind::Swarm | RecordKind::Fit => {
            serde_json::to_string_pretty(&record.content).unwrap_or_default() + "\n"
        }
    };
    output::print(&text)
}

/// Weights, and where each comes from.
fn mixture(project: &Project, record: &Record) -> Result<String, Failure> {
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
    Ok(format!(
        "{} over {}\n{}",
        content.method,
        content.version,
        table_with_text(&["domain", "weight", "epochs", "from"], &rows, &[0, 3])
    ))
}

fn domains(project: &Project, record: &Record) -> Result<String, Failure> {
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

/// `olmix diff`.
pub fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open_to_read(&args.project)?;
    let (a, b) = (
        project.ledger.record(&args.a)?,
        project.ledger.record(&args.b)?,
    );
    if a.kind != b.kind {
        return Err(Failure::usage(
            format!(
                "{} is a {} and {} a {}: they can't be compared",
                a.name(),
                a.kind,
                b.name(),
                b.kind
            ),
            "name two of a kind; `olmix log` lists them",
        ));
    }
    if a.kind == RecordKind::Mixture {
        let (from, to): (MixtureContent, MixtureContent) =
            (project.content(&a)?, project.content(&b)?);
        if !common.json && from.version != to.version {
            output::print(&format!("{} → {}\n", from.version, to.version))?;
        }
        return compare(&from.weights, &to.weights, args.top, common.json);
    }
    let changes = if a.kind == RecordKind::Domains {
        let (from, to): (DomainsContent, DomainsContent) =
            (project.content(&a)?, project.content(&b)?);
        domain_changes(&from, &to)
    } else {
        value_changes("", &a.content, &b.content)
    };
    if common.json {
        let told: Vec<Value> = changes
            .iter()
            .map(|(what, a, b)| json!({"what": what, "a": a, "b": b}))
            .collect();
        return output::print(&Value::from(told).to_string());
    }
    if changes.is_empty() {
        return output::print("No difference in what they say.");
    }
    let rows: Vec<Vec<String>> = changes
        .into_iter()
        .take(args.top)
        .map(|(what, a, b)| vec![what, a, b])
        .collect();
    output::print(&table_with_text(
        &["", &a.name(), &b.name()],
        &rows,
        &[0, 1, 2],
    ))
}

/// Domains that are only in one, and those whose tokens, sizes or paths differ.
fn domain_changes(from: &DomainsContent, to: &DomainsContent) -> Vec<(String, String, String)> {
    let told = |domain: &olmix_io::ProjectDomain| {
        let mut parts = vec![domain.tokens.map_or_else(
            || "tokens not known".into(),
            |tokens| format!("{} tokens", tokens_text(tokens)),
        )];
        parts.extend(domain.size.map(|size| format!("size {size}")));
        if !domain.paths.is_empty() {
            parts.push(domain.paths.join(" "));
        }
        parts.join(", ")
    };
    let mut changes = Vec::new();
    for old in &from.domains {
        match to.domains.iter().find(|new| new.name == old.name) {
            None => changes.push((old.name.clone(), told(old), "removed".to_owned())),
            Some(new) if new != old => changes.push((old.name.clone(), told(old), told(new))),
            Some(_) => {}
        }
    }
    for new in &to.domains {
        if !from.domains.iter().any(|old| old.name == new.name) {
            changes.push((new.name.clone(), "–".to_owned(), told(new)));
        }
    }
    changes
}

/// A value as it fits a table.
fn short(value: &Value) -> String {
    const MOST: usize = 48;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}

/// What differs between two values, by path.
fn value_changes(path: &str, a: &Value, b: &Value) -> Vec<(String, String, String)> {
    let (Value::Object(from), Value::Object(to)) = (a, b) else {
        return if a == b {
            Vec::new()
        } else {
            vec![(path.to_owned(), short(a), short(b))]
        };
    };
    let mut keys: Vec<&String> = from.keys().chain(to.keys()).collect();
    keys.sort();
    keys.dedup();
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    keys.into_iter()
        .flat_map(|key| {
            let (a, b) = (from.get(key), to.get(key));
            value_changes(
                &below(key),
                a.unwrap_or(&Value::Null),
                b.unwrap_or(&Value::Null),
            )
        })
        .collect()
}

/// `olmix tag`.
pub fn tag(args: &TagArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let mut project = open(&args.project)?;
    let Some(tag) = &args.tag else {
        let mut tags = BTreeMap::new();
        for (tag, id) in project.ledger.tags()? {
            let record = project.ledger.record_by_id(id)?;
            tags.insert(tag, record.map_or_else(String::new, |record| record.name()));
        }
        if common.json {
            return output::print(&json!(tags).to_string());
        }
        let rows: Vec<Vec<String>> = tags
            .into_iter()
            .map(|(tag, name)| vec![tag, name])
            .collect();
        return output::print(&table_with_text(&["tag", "record"], &rows, &[0, 1]));
    };
    let record = project.ledger.record(&args.name)?;
    project.ledger.tag(tag, record.id, now())?;
    if common.json {
        return output::print(&json!({"tag": tag, "record": record.name()}).to_string());
    }
    if common.quiet {
        return Ok(());
    }
    output::print(&format!("{tag} is {}", record.name()))
}

/// `olmix verify`.
pub fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open(&args.project)?;
    let flaws = project.ledger.verify(args.deep)?;
    let records = project.ledger.records()?.len();
    if common.json {
        output::print(&json!({"records": records, "flaws": flaws}).to_string())?;
    }
    if flaws.is_empty() {
        if common.json || common.quiet {
            return Ok(());
        }
        return output::print(&format!(
            "{records} records, every one of them what was recorded."
        ));
    }
    let shown: Vec<String> = flaws
        .iter()
        .take(10)
        .map(|flaw| format!("\n  {flaw}"))
        .collect();
    let more = flaws.len().saturating_sub(shown.len());
    let more = if more > 0 {
        format!("\n  and {more} more")
    } else {
        String::new()
    };
    Err(Failure::usage(
        format!(
            "{}: the history is not what was recorded{}{more}",
            project.ledger.path().display(),
            shown.concat()
        ),
        "put back a copy of the ledger, or import an export",
    ))
}

/// `olmix history`.
pub fn history(command: &HistoryCommand) -> Result<(), Failure> {
    match command {
        HistoryCommand::Export { folder, project } => export(folder, project),
        HistoryCommand::Import {
            export,
            folder,
            common,
        } => {
            let folder = std::path::absolute(folder)
                .map_err(|error| Failure::refused(format!("{}: {error}", folder.display())))?;
            let project = Project::import(export, &folder, now())?;
            let records = project.ledger.records()?.len();
            if common.json {
                return output::print(&json!({"records": records, "project": folder}).to_string());
            }
            if common.quiet {
                return Ok(());
            }
            output::print(&format!(
                "{records} records imported, with the hashes they had."
            ))
        }
    }
}

fn export(folder: &Path, args: &ProjectArgs) -> Result<(), Failure> {
    let project = open_to_read(args)?;
    let records = project.export(folder)?;
    if args.common.json {
        return output::print(&json!({"records": records, "folder": folder}).to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    output::print(&format!(
        "{records} records written to {}",
        folder.display()
    ))
}
