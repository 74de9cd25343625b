//! `olmix diff`.

use olmix_io::{JsonDifference, ProjectDomain};
use olmix_project::{DomainDiff, RecordDiff};
use serde_json::{Value, json};

use super::open_to_read;
use crate::args::DiffArgs;
use crate::bars::tokens_text;
use crate::command::mix::compare;
use crate::failure::Failure;
use crate::output;
use crate::table::table_with_text;

/// `olmix diff`.
pub fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open_to_read(&args.project)?;
    let (a, b) = (
        project.ledger.record(&args.a)?,
        project.ledger.record(&args.b)?,
    );
    let rows: Vec<[String; 3]> = match project.diff(&a, &b)? {
        RecordDiff::Mixtures(from, to) => {
            if !common.json && from.version != to.version {
                output::print(format!("{} → {}\n", from.version, to.version))?;
            }
            return compare(&from.weights, &to.weights, args.top, common.json);
        }
        RecordDiff::Domains(domains) => domains.into_iter().map(domain_row).collect(),
        RecordDiff::Values(values) => values.iter().map(value_row).collect(),
    };
    if common.json {
        let entries = rows
            .iter()
            .map(|[what, a, b]| json!({"what": what, "a": a, "b": b}));
        return output::print_json(&entries.collect::<Value>().to_string());
    }
    if rows.is_empty() {
        return output::print("The records do not differ.");
    }
    let rows: Vec<Vec<String>> = rows.into_iter().take(args.top).map(Vec::from).collect();
    output::print(table_with_text(
        &["", &a.name(), &b.name()],
        &rows,
        &[0, 1, 2],
    ))
}

/// A domain's name, and what each version says of it.
fn domain_row(diff: DomainDiff) -> [String; 3] {
    let text = |domain: &ProjectDomain| {
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
    [
        diff.name,
        diff.before.as_ref().map_or_else(|| "–".into(), text),
        diff.after.as_ref().map_or_else(|| "removed".into(), text),
    ]
}

/// A value's path, and its two texts.
fn value_row(difference: &JsonDifference<'_>) -> [String; 3] {
    [
        difference.place(),
        short(difference.from),
        short(difference.to),
    ]
}

/// A value as text, cut to fit a table.
fn short(value: &Value) -> String {
    const MOST: usize = 48;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}
