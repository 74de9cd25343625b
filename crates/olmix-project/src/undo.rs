//! Taking back the last update: the domains before it become a new version, and the history keeps both.

use olmix_ledger::{NewRecord, Parent, Record, RecordKind};

use crate::content::DomainsContent;
use crate::project::{new_record, to_json};
use crate::{Project, ProjectError, Provenance};

/// The new version that took an update back.
#[derive(Debug, Clone)]
pub struct Undone {
    /// The record of the new version.
    pub record: Record,
    /// The version whose update was taken back.
    pub undone: Record,
    /// Number of domains before and after.
    pub domains: (usize, usize),
}

/// Records that a refusal names.
const NAMED: usize = 3;

impl Project {
    /// Takes back the last update that is in effect: records the domains before it as the next version, and
    /// shows them in `olmix.yaml`. Repeated, it takes back the update before that one.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] when there is no update, when a plan, a swarm, a fit or a mixture was made of
    /// a version that has it, and when settings name a domain that would be gone; nothing is changed then.
    pub fn undo(&mut self, title: Option<&str>, by: &Provenance) -> Result<Undone, ProjectError> {
        let (newest, content) = self.version()?;
        let Some(undone) = self.last_update(&newest)? else {
            return Err(ProjectError::refused(
                &self.config.path,
                format!("{} has no update that could be taken back", newest.name()),
                "`olmix log` lists the updates; nothing was changed",
            ));
        };
        self.check_nothing_depends(&undone)?;
        let before = self
            .ledger
            .record(&format!("domains@{}", undone.number - 1))?;
        let before: DomainsContent = self.content(&before)?;
        self.check_mentions(&content.domains, &before.domains)?;
        let title = title.map_or_else(
            || format!("take back {}: {}", undone.name(), undone.title),
            str::to_owned,
        );
        let record = self.ledger.add(
            &NewRecord {
                number: Some(newest.number + 1),
                parents: vec![Parent::Known(newest.id)],
                content: to_json(&DomainsContent {
                    domains: before.domains.clone(),
                    changes: Vec::new(),
                    undoes: Some(undone.name()),
                }),
                ..new_record(RecordKind::Domains, "domains", &title, by)
            },
            by.now,
        )?;
        self.show_domains(&before.domains, &record.name())?;
        Ok(Undone {
            record,
            undone,
            domains: (content.domains.len(), before.domains.len()),
        })
    }

    /// The last update in effect in a version: its own, or where it takes an update back, the last one before
    /// that.
    fn last_update(&self, version: &Record) -> Result<Option<Record>, ProjectError> {
        let mut version = version.clone();
        loop {
            let content: DomainsContent = self.content(&version)?;
            let Some(undone) = &content.undoes else {
                return Ok((version.number > 1).then_some(version));
            };
            let undone = self.ledger.record(undone)?;
            version = self
                .ledger
                .record(&format!("domains@{}", undone.number - 1))?;
        }
    }

    /// Refuses an update that something was made of.
    fn check_nothing_depends(&self, update: &Record) -> Result<(), ProjectError> {
        let records = self.ledger.records()?;
        let has_update =
            |record: &&Record| record.kind == RecordKind::Domains && record.number >= update.number;
        let versions: Vec<&Record> = records.iter().filter(has_update).collect();
        let of_it: Vec<String> = records
            .iter()
            .filter(|record| record.kind != RecordKind::Domains)
            .filter_map(|record| {
                let version = versions.iter().find(|v| record.parents.contains(&v.id))?;
                Some(format!("{} is of {}", record.name(), version.name()))
            })
            .collect();
        if of_it.is_empty() {
            return Ok(());
        }
        let more = match of_it.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        Err(ProjectError::refused(
            &self.config.path,
            format!(
                "the update of {} ({}) can't be taken back: {}{more}",
                update.name(),
                update.title,
                of_it[..of_it.len().min(NAMED)].join(", "),
            ),
            "make the opposite change with `olmix update`; nothing was changed",
        ))
    }
}
