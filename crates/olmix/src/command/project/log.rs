//! `olmix log` and `olmix tag`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use olmix_launch::{now, utc};
use olmix_ledger::{Record, RecordKind};
use olmix_project::{GainOver, MixtureContent, Project};
use serde_json::{Value, json};

use super::graph::Graph;
use super::{open, open_to_read};
use crate::args::{LogArgs, TagArgs};
use crate::bars::tokens_text;
use crate::failure::Failure;
use crate::output;
use crate::table::{signed_percent, table_with_text};

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
                "cost": record.cost, "gain": record.gain, "over": gain_over(&project, record),
                "tags": tags.get(&record.id.0),
            })
        };
        let shown: Vec<Value> = records.iter().rev().take(most).map(entry).collect();
        return output::print_json(&Value::from(shown).to_string());
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
            line(&project, record, &tags)
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

/// A record in a line: name, tags, date, title, cost and gain.
fn line(project: &Project, record: &Record, tags: &BTreeMap<i64, Vec<String>>) -> String {
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
    let against = |name: &str, gain: f64| format!("{} against {name}", signed_percent(-gain));
    let natural = record.gain.map(|gain| against("natural", gain));
    let over = gain_over(project, record).map(|over| against(&over.record, over.gain));
    let changes: Vec<String> = natural.into_iter().chain(over).collect();
    if !changes.is_empty() {
        let _ = write!(text, "  loss {}", changes.join(", "));
    }
    text
}

/// What a mixture gains over the one before it.
pub(super) fn gain_over(project: &Project, record: &Record) -> Option<GainOver> {
    if record.kind != RecordKind::Mixture {
        return None;
    }
    // Lists of records are read without their contents; one that was changed by hand is `olmix verify`'s to name.
    let record = project.ledger.record_by_id(record.id).ok()??;
    project.content::<MixtureContent>(&record).ok()?.over
}

/// Tokens and FLOPs, each behind a comma where it is known.
pub(super) fn spent(tokens: u64, flops: f64) -> String {
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
            return output::print_json(&json!(tags).to_string());
        }
        let rows: Vec<Vec<String>> = tags
            .into_iter()
            .map(|(tag, name)| vec![tag, name])
            .collect();
        return output::print(table_with_text(&["tag", "record"], &rows, &[0, 1]));
    };
    let record = project.ledger.record(&args.name)?;
    project.ledger.tag(tag, record.id, now())?;
    if common.json {
        return output::print_json(&json!({"tag": tag, "record": record.name()}).to_string());
    }
    if common.quiet {
        return Ok(());
    }
    output::print(format!("{tag} is {}", record.name()))
}
