//! What differs between two records of a kind.

use olmix_io::{ArrayDifference, JsonDifference, ProjectDomain, json_differences};
use olmix_ledger::{Record, RecordKind};

use crate::content::{DomainsContent, MixtureContent};
use crate::{Project, ProjectError};

/// The difference of two records.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordDiff<'a> {
    /// Of two mixtures: both, whole.
    Mixtures(Box<MixtureContent>, Box<MixtureContent>),
    /// Of two versions of the domain set: the domains that differ.
    Domains(Vec<DomainDiff>),
    /// Of two swarms or two fits: the values that differ.
    Values(Vec<JsonDifference<'a>>),
}

/// A domain that is in one version only, or not the same in both.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainDiff {
    /// The full name of the domain.
    pub name: String,
    /// The domain in the first version, if it is there.
    pub before: Option<ProjectDomain>,
    /// The domain in the second version, if it is there.
    pub after: Option<ProjectDomain>,
}

impl Project {
    /// Compares two records of the same kind.
    ///
    /// # Errors
    /// [`ProjectError::Incomparable`] for records of different kinds, and those of reading them.
    pub fn diff<'a>(&self, a: &'a Record, b: &'a Record) -> Result<RecordDiff<'a>, ProjectError> {
        if a.kind != b.kind {
            return Err(ProjectError::Incomparable(format!(
                "{} is a {} and {} a {}",
                a.name(),
                a.kind,
                b.name(),
                b.kind
            )));
        }
        Ok(match a.kind {
            RecordKind::Mixture => {
                RecordDiff::Mixtures(Box::new(self.content(a)?), Box::new(self.content(b)?))
            }
            RecordKind::Domains => {
                RecordDiff::Domains(domain_diff(&self.content(a)?, &self.content(b)?))
            }
            RecordKind::Swarm | RecordKind::Fit => {
                let mut values = json_differences(&a.content, &b.content, ArrayDifference::Whole);
                values.sort_by(|one, other| one.path.cmp(&other.path));
                RecordDiff::Values(values)
            }
        })
    }
}

/// Domains that differ: those of the first version in its order, then those that only the second has.
fn domain_diff(from: &DomainsContent, to: &DomainsContent) -> Vec<DomainDiff> {
    let find = |domains: &[ProjectDomain], name: &str| {
        domains.iter().find(|domain| domain.name == name).cloned()
    };
    let old = from.domains.iter().map(|domain| &domain.name);
    let new = to.domains.iter().map(|domain| &domain.name);
    let new = new.filter(|name| find(&from.domains, name).is_none());
    old.chain(new)
        .map(|name| DomainDiff {
            name: name.clone(),
            before: find(&from.domains, name),
            after: find(&to.domains, name),
        })
        .filter(|diff| diff.before != diff.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(domains: &[(&str, u64)]) -> DomainsContent {
        let domain = |(name, tokens): &(&str, u64)| ProjectDomain {
            name: (*name).to_owned(),
            tokens: Some(*tokens),
            ..ProjectDomain::default()
        };
        DomainsContent {
            domains: domains.iter().map(domain).collect(),
            changes: Vec::new(),
            undoes: None,
        }
    }

    #[test]
    fn domain_diff_lists_changed_and_removed_domains_in_order_then_new_ones() {
        let from = version(&[("web", 1), ("books", 2), ("wiki", 3)]);
        let to = version(&[("poems", 5), ("web", 1), ("wiki", 4)]);
        let found = domain_diff(&from, &to);
        let tokens = |domain: &Option<ProjectDomain>| domain.as_ref().and_then(|d| d.tokens);
        let rows: Vec<(&str, Option<u64>, Option<u64>)> = found
            .iter()
            .map(|diff| {
                (
                    diff.name.as_str(),
                    tokens(&diff.before),
                    tokens(&diff.after),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("books", Some(2), None),
                ("wiki", Some(3), Some(4)),
                ("poems", None, Some(5))
            ]
        );
        assert_eq!(domain_diff(&from, &from), []);
    }
}
