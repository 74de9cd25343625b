//! Updates: the next version of a project's domain set, recorded.

use std::collections::HashMap;

use olmix_core::reuse::Origin;
use olmix_io::{ProjectChange, ProjectDomain, Revision};
use olmix_ledger::{NewRecord, Parent, Record, RecordKind};

use crate::apply_changes::apply_changes;
use crate::content::DomainsContent;
use crate::domain_name::validate_domain_name;
use crate::project::{new_record, to_json};
use crate::{Project, ProjectError, Provenance};

/// The new version that an update recorded.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The record of the new version.
    pub record: Record,
    /// Number of domains before and after.
    pub domains: (usize, usize),
    /// Names of the domains that are new, parts of others, or revised.
    pub affected: Vec<String>,
    /// Notices for the user, a sentence each.
    pub notices: Vec<String>,
}

impl Project {
    /// Makes the next version of the domain set, and shows it in `olmix.yaml`.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for changes that can't be made, a removed domain that settings name, for the update
    /// that made the newest version, given once more (its command was killed, say, after it had recorded it), and when
    /// someone else made a version meanwhile; nothing is changed then.
    pub fn update(
        &mut self,
        changes: &[ProjectChange],
        title: Option<&str>,
        by: &Provenance,
    ) -> Result<Updated, ProjectError> {
        let (newest, content) = self.version()?;
        let path = self.config.path.clone();
        let unchanged = |what: String, help: &str| {
            ProjectError::refused(&path, what, format!("{help}; nothing was changed"))
        };
        let title = title.map_or_else(|| describe(changes), str::to_owned);
        if content.undoes.is_none() && content.changes == changes && newest.title == title {
            return Err(unchanged(
                format!("this update is recorded already, as {}", newest.name()),
                "where there is another change of the same kind, give it a message of its own (`--message`)",
            ));
        }
        for domain in changes.iter().flat_map(added) {
            if let Err(flaw) = validate_domain_name(&domain.name) {
                return Err(unchanged(
                    format!("{:?} can't be the name of a domain: {flaw}", domain.name),
                    "choose another",
                ));
            }
        }
        for change in changes {
            if let ProjectChange::Add(domains) = change
                && let Some(known) = domains
                    .iter()
                    .find(|new| content.domains.iter().any(|old| old.name == new.name))
            {
                return Err(unchanged(
                    format!("there is a domain {} already", known.quoted()),
                    "`olmix update revise` tells of other content, another name adds another domain",
                ));
            }
        }
        let version = apply_changes(&content.domains, changes).map_err(|error| {
            ProjectError::core(
                &path,
                &error,
                format!(
                    "correct the update; `olmix show {}` lists the domains, and nothing was changed",
                    newest.name()
                ),
            )
        })?;
        self.check_mentions(&content.domains, &version.domains)?;
        let counted = content.domains.iter().all(|domain| domain.tokens.is_some());
        if let Some(domain) = version
            .domains
            .iter()
            .find(|domain| counted && domain.tokens.is_none())
        {
            return Err(unchanged(
                format!("nothing says how many tokens {} holds", domain.quoted()),
                "write NAME=TOKENS, or give its files (`--path`, or `paths` in a file of changes), which are \
                 counted",
            ));
        }
        if let Some((a, b, file)) = shared_files(&version.domains) {
            return Err(unchanged(
                format!("`{a}` and `{b}` both have the files {file}: domains may not overlap"),
                "give each file to one domain",
            ));
        }
        let origins = version.lineage.origins.iter();
        let affected = origins
            .zip(version.lineage.new.names())
            .filter(|(origin, _)| !matches!(origin, Origin::Kept(_)))
            .map(|(_, name)| name.to_owned())
            .collect();
        let record = self.ledger.add(
            &NewRecord {
                number: Some(newest.number + 1),
                parents: vec![Parent::Known(newest.id)],
                content: to_json(&DomainsContent {
                    domains: version.domains.clone(),
                    changes: changes.to_vec(),
                    undoes: None,
                }),
                ..new_record(RecordKind::Domains, "domains", &title, by)
            },
            by.now,
        )?;
        self.show_domains(&version.domains, &record.name())?;
        Ok(Updated {
            domains: (content.domains.len(), version.domains.len()),
            record,
            affected,
            notices: version.notices,
        })
    }
}

impl Project {
    /// Refuses that domains go which settings name.
    pub(crate) fn check_mentions(
        &self,
        before: &[ProjectDomain],
        after: &[ProjectDomain],
    ) -> Result<(), ProjectError> {
        let removed = before
            .iter()
            .filter(|old| !after.iter().any(|new| new.name == old.name));
        for domain in removed {
            if let Some((place, keys)) = self.config.mention(&domain.name) {
                return Err(ProjectError::refused(
                    &self.config.path,
                    format!(
                        "`{keys}` ({place}) names {}, which would be gone",
                        domain.quoted()
                    ),
                    "take it out there first, or name what takes its place; nothing was changed",
                ));
            }
        }
        Ok(())
    }
}

/// Domains that a change gives a name to.
fn added(change: &ProjectChange) -> &[ProjectDomain] {
    match change {
        ProjectChange::Add(domains) | ProjectChange::Partition { parts: domains, .. } => domains,
        _ => &[],
    }
}

/// Two domains with the same path.
fn shared_files(domains: &[ProjectDomain]) -> Option<(&str, &str, &str)> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for domain in domains {
        for path in &domain.paths {
            match seen.insert(path, &domain.name) {
                Some(other) if other != domain.name => return Some((other, &domain.name, path)),
                _ => {}
            }
        }
    }
    None
}

/// A title for changes, such as `add code:rust; remove books`.
fn describe(changes: &[ProjectChange]) -> String {
    let some = |verb: &str, names: &[&str]| match names {
        [first, second, third, .., _] => {
            format!(
                "{verb} {first}, {second}, {third} and {} more",
                names.len() - 3
            )
        }
        few => format!("{verb} {}", few.join(", ")),
    };
    let one = |change: &ProjectChange| match change {
        ProjectChange::Add(domains) => {
            let names: Vec<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
            some("add", &names)
        }
        ProjectChange::Remove(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            some("remove", &names)
        }
        ProjectChange::Partition {
            domain,
            parts,
            rest,
        } => format!(
            "partition {domain} into {}",
            parts.len() + usize::from(rest.is_some())
        ),
        ProjectChange::Revise(Revision { domain, changed }) => match changed {
            Some(share) => {
                let percent = (1e5 * share).round() / 1e3;
                format!("revise {} ({percent} % of it)", domain.name)
            }
            None => format!("revise {}", domain.name),
        },
    };
    let all: Vec<String> = changes.iter().map(one).collect();
    all.join("; ")
}
