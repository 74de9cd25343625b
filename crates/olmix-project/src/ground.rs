//! Where a project stands: its data now, the mixture it has, and what lies between.

use olmix_core::reuse::{Lineage, Origin};
use olmix_core::{Constraints, CoreError, DomainSet, Mixture};
use olmix_io::ProjectDomain;
use olmix_ledger::Record;

use crate::content::{DomainsContent, MixtureContent};
use crate::project::domain_set;
use crate::version::as_changes;
use crate::{Method, PlanOptions, Project, ProjectError};

/// Where the project stands, before a method is chosen.
pub(crate) struct Ground {
    pub version: Record,
    pub domains: Vec<ProjectDomain>,
    pub set: DomainSet,
    pub prior: Vec<f64>,
    pub lineage: Lineage,
    pub base: Option<(Record, Mixture)>,
    pub constraints: Constraints,
}

impl Ground {
    /// The name of the virtual domain of what no other is for: `existing`, unless a domain has it.
    pub fn free_name(&self) -> String {
        let mut name = "existing".to_owned();
        while self.set.position(&name).is_some() {
            name.push('_');
        }
        name
    }

    /// Names of the domains that the update touched.
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
}

impl Project {
    /// The newest version, the mixture to go on from, and what lies between.
    pub(crate) fn ground(&self, options: &PlanOptions) -> Result<Ground, ProjectError> {
        let (version, content) = self.version()?;
        let unusable = |error: &CoreError| {
            ProjectError::core(
                &self.config.path,
                error,
                "correct the domains with `olmix update`",
            )
        };
        let set = domain_set(&content.domains).map_err(|error| unusable(&error))?;
        let sizes: Vec<f64> = content.domains.iter().map(size).collect();
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
                let told: MixtureContent = self.content(&base)?;
                let from = self.ledger.record(&told.version)?;
                let lineage = self.lineage(&from, &version)?;
                if lineage.old == lineage.new
                    && lineage.affected().is_empty()
                    && options.method != Some(Method::Recompute)
                {
                    return Err(ProjectError::refused(
                        &self.config.path,
                        format!(
                            "{} is of {}, and nothing changed since",
                            base.name(),
                            version.name()
                        ),
                        "tell what changed with `olmix update`; `--method recompute` plans a new swarm all the same",
                    ));
                }
                let (names, weights): (Vec<String>, Vec<f64>) = told.weights.into_iter().unzip();
                let mixture = DomainSet::from_names(names)
                    .and_then(|set| Mixture::new(set, weights))
                    .map_err(|error| unusable(&error))?;
                (lineage, Some((base, mixture)))
            }
        };
        Ok(Ground {
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
    pub(crate) fn lineage(&self, from: &Record, to: &Record) -> Result<Lineage, ProjectError> {
        let told = |error: &CoreError| {
            ProjectError::core(
                self.ledger.path(),
                error,
                "the history does not fit together: `olmix verify`",
            )
        };
        let old: DomainsContent = self.content(from)?;
        let old = domain_set(&old.domains).map_err(|error| told(&error))?;
        let mut changes = Vec::new();
        for number in from.number + 1..=to.number {
            let step = self.ledger.record(&format!("domains@{number}"))?;
            let step: DomainsContent = self.content(&step)?;
            changes.extend(as_changes(&step.changes));
        }
        Lineage::of(&old, &changes).map_err(|error| told(&error))
    }

    /// Positions of the domains of a pattern.
    pub(crate) fn matching(
        &self,
        ground: &Ground,
        option: &str,
        pattern: &str,
    ) -> Result<Vec<usize>, ProjectError> {
        let names = ground.set.names().enumerate();
        let found: Vec<usize> = names
            .filter(|(_, name)| olmix_io::matches(pattern, name))
            .map(|(j, _)| j)
            .collect();
        if found.is_empty() {
            return Err(ProjectError::refused(
                &self.config.path,
                format!(
                    "{option} `{pattern}`: {} has no such domain",
                    ground.version.name()
                ),
                format!(
                    "name domains, or patterns such as dclm:*; `olmix show {}` lists them",
                    ground.version.name()
                ),
            ));
        }
        Ok(found)
    }
}

/// A domain's size in the prior.
pub fn size(domain: &ProjectDomain) -> f64 {
    let tokens = domain.tokens.map(|tokens| tokens as f64);
    domain.size.or(tokens).unwrap_or(1.0)
}
