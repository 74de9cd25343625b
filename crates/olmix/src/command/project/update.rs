//! `olmix update`.

use std::path::Path;

use olmix_io::project::{GenerationFile, read_changes};
use olmix_io::{GenerationConfig, ProjectChange, ProjectDomain, Revision};
use olmix_project::Project;
use serde_json::json;

use super::{open, provenance};
use crate::args::{ChangedArg, DomainArgs, UpdateArgs, UpdateCommand};
use crate::bars::tokens_text;
use crate::command::on_threads;
use crate::command::priors::count_leaves;
use crate::failure::Failure;
use crate::output;

/// `olmix update`: records the next version of the domain set.
pub fn update(args: &UpdateArgs) -> Result<(), Failure> {
    let common = args.project.common;
    on_threads(common, || {
        let mut project = open(&args.project)?;
        if matches!(args.command, UpdateCommand::Undo) {
            return undo(&mut project, args);
        }
        let mut changes = changes(&args.command)?;
        let from = match &args.command {
            UpdateCommand::Apply { file } => file.parent().unwrap_or(Path::new("")),
            _ => Path::new(""),
        };
        rebase_paths(&mut changes, from, &project.root);
        let quiet = common.quiet || common.json;
        let counted = count(&project, &mut changes, quiet)?;
        measure_change(&project, &args.command, &mut changes)?;
        let done = project.update(&changes, args.message.as_deref(), &provenance())?;
        if !common.quiet {
            output::notices(&done.notices);
        }
        if common.json {
            let json = json!({
                "version": done.record.name(), "hash": done.record.hash, "domains": done.domains.1,
                "before": done.domains.0, "affected": done.affected, "counted": counted.iter().cloned().collect::<serde_json::Map<_, _>>(),
            });
            return output::print_json(&json.to_string());
        }
        if common.quiet {
            return Ok(());
        }
        for (name, tokens) in &counted {
            let tokens = tokens.as_u64().unwrap_or(0);
            output::print(format!("{name}: {} tokens counted", tokens_text(tokens)))?;
        }
        let (before, after) = done.domains;
        output::print(format!(
            "Recorded as {}: {} ({before} before, {after} now)\nNext: `olmix plan` says what to recompute.",
            done.record.name(),
            done.record.title
        ))
    })
}

/// Takes back the last update.
fn undo(project: &mut Project, args: &UpdateArgs) -> Result<(), Failure> {
    let common = args.project.common;
    let done = project.undo(args.message.as_deref(), &provenance())?;
    let (before, after) = done.domains;
    if common.json {
        let json = json!({
            "version": done.record.name(), "hash": done.record.hash, "undone": done.undone.name(),
            "domains": after, "before": before,
        });
        return output::print_json(&json.to_string());
    }
    if common.quiet {
        return Ok(());
    }
    output::print(format!(
        "Recorded as {}: {} ({before} domains before, {after} now)",
        done.record.name(),
        done.record.title
    ))
}

fn changes(command: &UpdateCommand) -> Result<Vec<ProjectChange>, Failure> {
    let known = |domain: &ProjectDomain, known: &DomainArgs| ProjectDomain {
        size: known.size,
        paths: known.path.clone(),
        format: known.format.clone(),
        tasks: known.tasks.clone(),
        ..domain.clone()
    };
    if let UpdateCommand::Add { known, .. } | UpdateCommand::Revise { known, .. } = command
        && let Some(size) = known.size.filter(|s| !(s.is_finite() && *s > 0.0))
    {
        return Err(Failure::refused(format!(
            "--size {size}: give a number above 0"
        )));
    }
    Ok(match command {
        UpdateCommand::Add { domains, known: of } => {
            if domains.len() > 1 && (!of.path.is_empty() || of.size.is_some()) {
                return Err(Failure::usage(
                    "--path and --size speak of one domain, and several are named",
                    "add them one by one, or with \
                     `olmix update apply FILE`",
                ));
            }
            vec![ProjectChange::Add(
                domains.iter().map(|domain| known(domain, of)).collect(),
            )]
        }
        UpdateCommand::Remove { names } => vec![ProjectChange::Remove(names.clone())],
        UpdateCommand::Partition { domain, into, rest } => vec![ProjectChange::Partition {
            domain: domain.clone(),
            parts: into.clone(),
            rest: rest.clone(),
        }],
        UpdateCommand::Revise {
            domain,
            changed,
            known: of,
        } => vec![ProjectChange::Revise(Revision {
            domain: known(domain, of),
            changed: match changed {
                Some(ChangedArg::Share(share)) => Some(*share),
                _ => None,
            },
        })],
        UpdateCommand::Apply { file } => read_changes(file)?,
        UpdateCommand::Undo => Vec::new(),
    })
}

/// With `--changed tokens`, states the share by which a revised domain's tokens changed.
fn measure_change(
    project: &Project,
    command: &UpdateCommand,
    changes: &mut [ProjectChange],
) -> Result<(), Failure> {
    let UpdateCommand::Revise {
        changed: Some(ChangedArg::Tokens),
        ..
    } = command
    else {
        return Ok(());
    };
    let (_, content) = project.version()?;
    for change in changes {
        let ProjectChange::Revise(Revision { domain, changed }) = change else {
            continue;
        };
        let old = content.domains.iter().find(|old| old.name == domain.name);
        let before = old.and_then(|old| old.tokens);
        let share = before.zip(domain.tokens).map(|(before, now)| {
            let (before, now) = (before as f64, now as f64);
            (before - now).abs() / before.max(now)
        });
        *changed = share.filter(|share| *share > 0.0 && *share < 1.0);
        if changed.is_none() {
            return Err(Failure::usage(
                format!(
                    "--changed tokens: the tokens of {} before and now do not say how much changed",
                    domain.quoted()
                ),
                "give the share of its content that changed, such as --changed 0.05",
            ));
        }
    }
    Ok(())
}

/// Makes paths relative to the project's folder where they are in it, and absolute elsewhere. They are given relative to
/// `from`.
fn rebase_paths(changes: &mut [ProjectChange], from: &Path, root: &Path) {
    let rebase = |path: &mut String| {
        if path.contains("://") {
            return;
        }
        let Ok(absolute) = std::path::absolute(from.join(&*path)) else {
            return;
        };
        let inside = absolute.strip_prefix(root);
        *path = inside.unwrap_or(&absolute).display().to_string();
    };
    for change in changes {
        let domains = match change {
            ProjectChange::Add(domains) | ProjectChange::Partition { parts: domains, .. } => {
                domains.as_mut_slice()
            }
            ProjectChange::Revise(revision) => std::slice::from_mut(&mut revision.domain),
            ProjectChange::Remove(_) => &mut [],
        };
        domains
            .iter_mut()
            .flat_map(|domain| &mut domain.paths)
            .for_each(rebase);
    }
}

/// Counts the tokens of domains whose files are known and whose tokens are not given. A revised domain that has files
/// is counted again.
fn count(
    project: &Project,
    changes: &mut [ProjectChange],
    quiet: bool,
) -> Result<Vec<(String, serde_json::Value)>, Failure> {
    let (_, content) = project.version()?;
    let mut uncounted: Vec<&mut ProjectDomain> = Vec::new();
    for change in changes {
        match change {
            ProjectChange::Add(domains) | ProjectChange::Partition { parts: domains, .. } => {
                uncounted.extend(domains);
            }
            ProjectChange::Revise(Revision { domain, .. }) => {
                let old = content.domains.iter().find(|old| old.name == domain.name);
                if let Some(old) = old.filter(|_| domain.paths.is_empty()) {
                    domain.paths.clone_from(&old.paths);
                    domain.format = domain.format.take().or(old.format.clone());
                }
                let counted = old.is_some_and(|old| old.tokens.is_some());
                if counted && domain.tokens.is_none() && domain.paths.is_empty() {
                    return Err(Failure::usage(
                        format!(
                            "{}: its content changed, and nothing says how many tokens it has now",
                            domain.quoted()
                        ),
                        format!(
                            "write {}=TOKENS, or \
                         --path with its files, which are counted",
                            domain.name
                        ),
                    ));
                }
                uncounted.push(domain);
            }
            ProjectChange::Remove(_) => {}
        }
    }
    uncounted.retain(|domain| domain.tokens.is_none() && !domain.paths.is_empty());
    if uncounted.is_empty() {
        return Ok(Vec::new());
    }
    let domains: Vec<ProjectDomain> = uncounted.iter().map(|domain| (**domain).clone()).collect();
    let text = project.config.generation(&GenerationFile {
        name: &project.config.name,
        domains: &domains,
        virtuals: &[],
        new: &[],
        variants: 1,
        designed: false,
        existing: &[],
    });
    let file = project.config.path.display().to_string();
    let config = GenerationConfig::parse(&file, &text, &project.root)?;
    let (counts, _) = count_leaves(&config, false, olmix_data::OnBadLine::Stop, quiet)?;
    let mut counted = Vec::new();
    for domain in uncounted {
        let count = counts.iter().find(|leaf| leaf.name == domain.name);
        domain.tokens = count.map(|leaf| leaf.tokens);
        counted.push((domain.name.clone(), json!(domain.tokens)));
    }
    Ok(counted)
}
