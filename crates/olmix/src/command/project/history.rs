//! `olmix verify` and `olmix history`.

use std::path::Path;

use olmix_launch::now;
use olmix_project::Project;
use serde_json::json;

use super::{open, open_to_read};
use crate::args::{HistoryCommand, ProjectArgs, VerifyArgs};
use crate::failure::Failure;
use crate::output;

/// `olmix verify`.
pub fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let project = open(&args.project)?;
    let flaws = project.ledger.verify(args.deep)?;
    let records = project.ledger.records()?.len();
    if common.json {
        output::print_json(&json!({"records": records, "flaws": flaws}).to_string())?;
    }
    if flaws.is_empty() {
        if common.json || common.quiet {
            return Ok(());
        }
        return output::print(format!("{records} records checked; all are unchanged."));
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
            "{}: the history differs from what was recorded{}{more}",
            project.ledger.path().display(),
            shown.concat()
        ),
        "restore a copy of the ledger, or import an export",
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
                return output::print_json(
                    &json!({"records": records, "project": folder}).to_string(),
                );
            }
            if common.quiet {
                return Ok(());
            }
            output::print(format!(
                "{records} records imported, with the hashes they had."
            ))
        }
    }
}

fn export(folder: &Path, args: &ProjectArgs) -> Result<(), Failure> {
    let project = open_to_read(args)?;
    let records = project.export(folder)?;
    if args.common.json {
        return output::print_json(&json!({"records": records, "folder": folder}).to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    output::print(format!("{records} records written to {}", folder.display()))
}
