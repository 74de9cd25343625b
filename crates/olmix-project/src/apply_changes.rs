//! The next version of a domain set: changes applied to the domains of a project.

use olmix_core::reuse::{Change, Lineage};
use olmix_core::{CoreError, Domain};
use olmix_io::{ProjectChange, ProjectDomain, Revision};

use crate::project::domain_set;

/// The domains after changes, where each comes from, and notices for the user.
pub(crate) struct NextVersion {
    pub domains: Vec<ProjectDomain>,
    pub lineage: Lineage,
    pub notices: Vec<String>,
}

/// Applies changes in order. Parts and revised domains inherit what a change does not mention: a revised
/// domain keeps its files, and a part of a domain with a size of its own has a share of that size, by tokens.
pub(crate) fn apply_changes(
    old: &[ProjectDomain],
    changes: &[ProjectChange],
) -> Result<NextVersion, CoreError> {
    let method: Vec<Change> = changes.iter().map(change).collect();
    let lineage = Lineage::of(&domain_set(old)?, &method)?;
    let mut known: Vec<ProjectDomain> = old.to_vec();
    let mut notices = Vec::new();
    for change in changes {
        match change {
            ProjectChange::Add(new) => {
                for domain in new {
                    let sized = sized(domain, &known, &mut notices);
                    known.push(sized);
                }
            }
            ProjectChange::Remove(names) => {
                known.retain(|domain| !names.contains(&domain.name));
            }
            ProjectChange::Revise(Revision { domain: new, .. }) => {
                for domain in known.iter_mut().filter(|domain| domain.name == new.name) {
                    let now = revised(domain, new);
                    if now.size != domain.size && new.size.is_none() {
                        notices.push(format!(
                            "the size of {} in the prior changes with its tokens; give --size for another",
                            now.quoted()
                        ));
                    }
                    *domain = now;
                }
            }
            ProjectChange::Partition {
                domain,
                parts,
                rest,
            } => {
                let whole = known.iter().position(|other| other.name == *domain);
                let Some(whole) = whole.map(|at| known.remove(at)) else {
                    continue;
                };
                let counts = partition_tokens(&whole, parts, rest.as_deref());
                known.extend(
                    counts
                        .into_iter()
                        .map(|part| part_of(part, &whole, parts.len())),
                );
            }
        }
    }
    let domains = lineage
        .new
        .iter()
        .filter_map(|domain| {
            known
                .iter()
                .find(|other| other.name == domain.name)
                .cloned()
        })
        .collect();
    Ok(NextVersion {
        domains,
        lineage,
        notices,
    })
}

fn change(change: &ProjectChange) -> Change {
    let plain = |domain: &ProjectDomain| Domain {
        name: domain.name.clone(),
        tokens: domain.tokens,
    };
    match change {
        ProjectChange::Add(domains) => Change::Add(domains.iter().map(plain).collect()),
        ProjectChange::Remove(names) => Change::Remove(names.clone()),
        ProjectChange::Revise(Revision { domain, changed }) => Change::Revise {
            domain: domain.name.clone(),
            tokens: domain.tokens,
            changed: *changed,
        },
        ProjectChange::Partition {
            domain,
            parts,
            rest,
        } => Change::Partition {
            domain: domain.clone(),
            parts: parts.iter().map(plain).collect(),
            rest: rest.clone(),
        },
    }
}

/// Changes of several updates in order, as the method has them.
pub(crate) fn as_changes(changes: &[ProjectChange]) -> Vec<Change> {
    changes.iter().map(change).collect()
}

/// A new domain among others that all have sizes of their own gets one on their scale, by tokens.
fn sized(
    domain: &ProjectDomain,
    others: &[ProjectDomain],
    notices: &mut Vec<String>,
) -> ProjectDomain {
    let mut domain = domain.clone();
    let sizes: Option<Vec<(f64, u64)>> = others
        .iter()
        .map(|other| Some((other.size?, other.tokens?)))
        .collect();
    if let (None, Some(sizes), Some(tokens)) = (domain.size, sizes, domain.tokens) {
        let (size, all) = sizes.iter().fold((0.0, 0.0), |(s, n), (size, tokens)| {
            (s + size, n + *tokens as f64)
        });
        if all > 0.0 {
            domain.size = Some(size * tokens as f64 / all);
            notices.push(format!(
                "{} gets a size in the prior in proportion to its tokens; give --size for another",
                domain.quoted()
            ));
        }
    }
    domain
}

fn revised(old: &ProjectDomain, new: &ProjectDomain) -> ProjectDomain {
    let or = |new: &Vec<String>, old: &Vec<String>| {
        if new.is_empty() {
            old.clone()
        } else {
            new.clone()
        }
    };
    ProjectDomain {
        name: old.name.clone(),
        tokens: new.tokens,
        // In the same ratio to its tokens as before.
        size: new.size.or(match (old.size, old.tokens, new.tokens) {
            (Some(size), Some(before), Some(now)) if before > 0 && now > 0 => {
                Some(size * now as f64 / before as f64)
            }
            (size, ..) => size,
        }),
        paths: or(&new.paths, &old.paths),
        format: new.format.clone().or(old.format.clone()),
        tasks: or(&new.tasks, &old.tasks),
    }
}

/// The parts, and the rest of the whole where that is named.
fn partition_tokens(
    whole: &ProjectDomain,
    parts: &[ProjectDomain],
    rest: Option<&str>,
) -> Vec<ProjectDomain> {
    let mut parts = parts.to_vec();
    if let Some(rest) = rest {
        let sum: Option<u64> = parts.iter().map(|part| part.tokens).sum();
        let left = whole
            .tokens
            .zip(sum)
            .map(|(all, sum)| all.saturating_sub(sum));
        parts.push(ProjectDomain {
            name: rest.to_owned(),
            tokens: left,
            ..ProjectDomain::default()
        });
    }
    parts
}

/// A part with what it inherits from the whole.
fn part_of(part: ProjectDomain, whole: &ProjectDomain, parts: usize) -> ProjectDomain {
    let share = match (part.tokens, whole.tokens) {
        (Some(part), Some(whole)) if whole > 0 => part as f64 / whole as f64,
        _ => 1.0 / parts as f64,
    };
    ProjectDomain {
        size: part.size.or(whole
            .size
            .map(|size| size * share)
            .filter(|size| *size > 0.0)),
        tasks: if part.tasks.is_empty() {
            whole.tasks.clone()
        } else {
            part.tasks
        },
        format: part.format.or(whole.format.clone()),
        ..part
    }
}
