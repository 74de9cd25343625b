//! Where a project stands before a plan: its data now, the mixture it has, and what lies between.

use std::path::Path;

use olmix_core::reuse::{Change, Lineage, Origin};
use olmix_core::{Constraints, CoreError, DomainSet, Mixture};
use olmix_io::ProjectDomain;
use olmix_ledger::Record;

use crate::apply_changes::as_changes;
use crate::content::{DomainsContent, MixtureContent};
use crate::project::domain_set;
use crate::{PlanOptions, Project, ProjectError};

/// Where the project stands, before a method is chosen.
#[derive(Debug, Clone)]
pub(crate) struct PlanningContext {
    /// The newest version of the domain set.
    pub version: Record,
    /// Its domains.
    pub domains: Vec<ProjectDomain>,
    /// The same domains, as the method has them; length `m`.
    pub set: DomainSet,
    /// The prior, of length `m`: sizes over their sum.
    pub prior: Vec<f64>,
    /// From the domain set of the old mixture to that of the newest version.
    pub lineage: Lineage,
    /// The mixture to go on from, with its record.
    pub base: Option<(Record, Mixture)>,
    /// Caps and bounds over the newest version.
    pub constraints: Constraints,
}

impl PlanningContext {
    /// Names of the domains that the update touched; none without a mixture to go on from.
    pub fn affected(&self) -> Vec<String> {
        let names = self.set.names().zip(self.unaffected());
        names
            .filter(|(_, unaffected)| !unaffected)
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Which domains the update left alone, by position.
    pub fn unaffected(&self) -> Vec<bool> {
        let origins = self.lineage.origins.iter();
        origins
            .map(|origin| matches!(origin, Origin::Kept(_)))
            .collect()
    }

    /// Positions of the domains that a pattern names, at least one; `option` and `config` are for the message.
    pub fn domains_matching(
        &self,
        config: &Path,
        option: &str,
        pattern: &str,
    ) -> Result<Vec<usize>, ProjectError> {
        let names = self.set.names().enumerate();
        let found: Vec<usize> = names
            .filter(|(_, name)| olmix_io::fit_config::matches(pattern, name))
            .map(|(j, _)| j)
            .collect();
        if found.is_empty() {
            return Err(ProjectError::refused(
                config,
                format!(
                    "{option} `{pattern}`: {} has no such domain",
                    self.version.name()
                ),
                format!(
                    "name domains, or patterns such as dclm:*; `olmix show {}` lists them",
                    self.version.name()
                ),
            ));
        }
        Ok(found)
    }
}

impl Project {
    /// The newest version, the mixture to go on from, and what lies between.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for domains and a history that can't be used.
    pub(crate) fn planning_context(
        &self,
        options: &PlanOptions,
    ) -> Result<PlanningContext, ProjectError> {
        let (version, content) = self.version()?;
        let unusable = |error: &CoreError| {
            ProjectError::core(
                &self.config.path,
                error,
                "correct the domains with `olmix update`",
            )
        };
        let set = domain_set(&content.domains).map_err(|error| unusable(&error))?;
        let sizes: Vec<f64> = content.domains.iter().map(prior_size).collect();
        let sum: f64 = sizes.iter().sum();
        let base = match &options.from {
            Some(name) => Some(self.mixture(name)?),
            None => self.ledger.newest("main")?,
        };
        let constraints = self.config.constraints_over(&set)?;
        let (lineage, base) = match base {
            None => (
                Lineage::of(&set, &[]).map_err(|error| unusable(&error))?,
                None,
            ),
            Some(base) => {
                let content: MixtureContent = self.content(&base)?;
                let from = self.ledger.record(&content.version)?;
                let lineage = self.lineage(&from, &version)?;
                let (names, weights): (Vec<String>, Vec<f64>) = content.weights.into_iter().unzip();
                let mixture = DomainSet::from_names(names)
                    .and_then(|set| Mixture::new(set, weights))
                    .map_err(|error| unusable(&error))?;
                (lineage, Some((base, mixture)))
            }
        };
        Ok(PlanningContext {
            prior: sizes.iter().map(|size| size / sum).collect(),
            version,
            domains: content.domains,
            set,
            lineage,
            base,
            constraints,
        })
    }

    /// What became of the domains of a version until a later one.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for recorded changes that don't follow from each other.
    pub(crate) fn lineage(&self, from: &Record, to: &Record) -> Result<Lineage, ProjectError> {
        let inconsistent = |error: &CoreError| {
            ProjectError::core(
                self.ledger.path(),
                error,
                "the history does not fit together: `olmix verify`",
            )
        };
        let old: DomainsContent = self.content(from)?;
        let old = domain_set(&old.domains).map_err(|error| inconsistent(&error))?;
        let mut steps: Vec<(String, DomainsContent)> = Vec::new();
        for number in from.number + 1..=to.number {
            let record = self.ledger.record(&format!("domains@{number}"))?;
            let step: DomainsContent = self.content(&record)?;
            match &step.undoes {
                // It and the update that it takes back are as if neither had been.
                Some(undone) => steps.retain(|(name, _)| name != undone),
                None => steps.push((record.name(), step)),
            }
        }
        let changes: Vec<Change> = steps
            .iter()
            .flat_map(|(_, step)| as_changes(&step.changes))
            .collect();
        Lineage::of(&old, &changes).map_err(|error| inconsistent(&error))
    }
}

/// A domain's size in the prior: its `size`, else its tokens, else 1.
pub(crate) fn prior_size(domain: &ProjectDomain) -> f64 {
    let tokens = domain.tokens.map(|tokens| tokens as f64);
    domain.size.or(tokens).unwrap_or(1.0)
}
