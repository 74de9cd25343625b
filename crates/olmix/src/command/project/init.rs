//! `olmix init`.

use std::path::Path;

use olmix_io::{NewProject, new_project};
use olmix_project::{Init, Project};
use serde_json::json;

use super::provenance;
use crate::args::InitArgs;
use crate::failure::Failure;
use crate::output;

/// Makes a project.
pub fn init(args: &InitArgs) -> Result<(), Failure> {
    for (option, value) in [
        ("--target-tokens", args.target_tokens),
        ("--repetition", args.repetition),
    ] {
        if let Some(bad) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
            return Err(Failure::refused(format!(
                "{option} {bad}: give a number above 0"
            )));
        }
    }
    let folder = std::path::absolute(&args.folder)
        .map_err(|error| Failure::refused(format!("{}: {error}", args.folder.display())))?;
    let of_folder = folder
        .file_name()
        .map_or("project".into(), |name| name.to_string_lossy());
    let name = args.name.as_deref().unwrap_or(&of_folder);
    let files: Vec<&Path> = args.from.iter().map(AsRef::as_ref).collect();
    let (config, domains) = new_project(
        &files,
        &NewProject {
            name,
            target_tokens: args.target_tokens,
            repetition_factor: args.repetition,
            proxy_parameters: args.proxy_parameters,
        },
    )?;
    let names: Vec<String> = args
        .from
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let init = Init {
        config,
        domains,
        title: format!("from {}", names.join(", ")),
    };
    let project = Project::init(&folder, &init, &provenance())?;
    let count = project.config.domains.len();
    if args.common.json {
        let json = json!({"project": folder, "name": project.config.name, "version": "domains@1", "domains": count});
        return output::print_json(&json.to_string());
    }
    if args.common.quiet {
        return Ok(());
    }
    let place = args.folder.display();
    output::print(format!(
        "A project of {count} domains, recorded as domains@1.\nWritten: {place}/olmix.yaml, \
         {place}/.olmix/ledger.sqlite\n\
         Next: `olmix commit` a mixture you have, or `olmix plan` the first swarm."
    ))
}
