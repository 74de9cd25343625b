//! Updates: the next version of a project's domain set, recorded.

use olmix_core::reuse::Origin;
use olmix_io::ProjectChange;
use olmix_ledger::{NewRecord, Parent, Record, RecordKind};

use crate::content::DomainsContent;
use crate::project::{json, new_record};
use crate::version::after;
use crate::{Project, ProjectError, Provenance};

/// What an update did.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The record of the new version.
    pub record: Record,
    /// Domains before and after.
    pub domains: (usize, usize),
    /// Domains that were not there, or are not what they were.
    pub affected: Vec<String>,
    /// What the user should know.
    pub notices: Vec<String>,
}

impl Project {
    /// Makes the next version of the domain set, and shows it in `olmix.yaml`.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for changes that can't be made, a removed domain that settings name, and when someone
    /// else made a version meanwhile; nothing is changed then.
    pub fn update(
        &mut self,
        changes: &[ProjectChange],
        title: Option<&str>,
        by: &Provenance,
    ) -> Result<Updated, ProjectError> {
        let (newest, content) = self.version()?;
        let path = self.config.path.clone();
        let version = after(&content.domains, changes).map_err(|error| {
            ProjectError::core(
                &path,
                &error,
                format!(
                    "correct the update; `olmix show {}` lists the domains, and nothing was changed",
                    newest.name()
                ),
            )
        })?;
        let gone = content
            .domains
            .iter()
            .filter(|old| !version.domains.iter().any(|new| new.name == old.name));
        for domain in gone {
            if let Some((place, keys)) = self.config.mention(&domain.name) {
                return Err(ProjectError::refused(
                    &path,
                    format!(
                        "`{keys}` ({place}) names {}, which would be gone",
                        domain.quoted()
                    ),
                    "take it out there first, or name what takes its place; nothing was changed",
                ));
            }
        }
        let (title, affected) = (
            title.map_or_else(|| describe(changes), str::to_owned),
            version
                .lineage
                .origins
                .iter()
                .zip(version.lineage.new.names())
                .filter(|(origin, _)| !matches!(origin, Origin::Kept(_)))
                .map(|(_, name)| name.to_owned())
                .collect(),
        );
        let record = self.ledger.add(
            &NewRecord {
                number: Some(newest.number + 1),
                parents: vec![Parent::Known(newest.id)],
                content: json(&DomainsContent {
                    domains: version.domains.clone(),
                    changes: changes.to_vec(),
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

/// What changes do, in a few words.
fn describe(changes: &[ProjectChange]) -> String {
    let some = |verb: &str, names: &[&str]| match names {
        [one] => format!("{verb} {one}"),
        [first, .., last] => format!("{verb} {} domains, {first} to {last}", names.len()),
        [] => verb.to_owned(),
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
        ProjectChange::Revise(domain) => format!("revise {}", domain.name),
    };
    let all: Vec<String> = changes.iter().map(one).collect();
    all.join("; ")
}
