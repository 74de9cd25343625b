//! Commits: a mixture, with the fit and the swarm behind it, recorded.

mod fit;
mod fit_record;

use std::collections::BTreeMap;
use std::path::Path;

use olmix_core::reuse::{PlanReason, remaining_mixture};
use olmix_io::{DomainWeights, MixtureFile};
use olmix_ledger::{NewRecord, Parent, Record, RecordKind};

use crate::content::{DomainsContent, MixtureContent, WeightOrigin};
use crate::project::{domain_set, new_record, to_json};
use crate::{PlanOptions, Project, ProjectError, Provenance};

/// A mixture to be recorded, with what `olmix commit` may say of it.
#[derive(Debug, Clone, Copy)]
pub struct NewMixture<'a> {
    /// A mixture.json of a fit, or any file with shares of domains; `None` where domains were only removed.
    pub file: Option<&'a Path>,
    /// The line of mixtures that it continues, such as `main`.
    pub line: &'a str,
    /// Its title in the log; `None` for one that says how it was made.
    pub title: Option<&'a str>,
    /// The mixture that it follows; `None` for the newest of its line, or of `main`.
    pub from: Option<&'a str>,
    /// Whether a fit is recorded although the files of its runs are not found.
    pub without_runs: bool,
}

/// The records of a commit.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The record of the mixture.
    pub mixture: Record,
    /// The record of the fit, where the mixture is a fit's.
    pub fit: Option<Record>,
    /// The record of the swarm, where its files were found and no record has them yet.
    pub swarm: Option<Record>,
    /// Notices for the user, a sentence each.
    pub notices: Vec<String>,
}

impl Project {
    /// Records a mixture as the next of its line, with the fit and the swarm that made it: all of it or nothing.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for a mixture of other domains than the newest version's, frozen ratios that are those
    /// of no plan, and one that is recorded already.
    pub fn commit(
        &mut self,
        new: &NewMixture<'_>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let base = match new.from {
            Some(name) => Some(self.mixture(name)?),
            None => match self.ledger.newest(new.line)? {
                Some(newest) => Some(newest),
                None => self.ledger.newest("main")?,
            },
        };
        match new.file {
            None => self.commit_removal(new, base, by),
            Some(file) => match MixtureFile::read(file) {
                Ok(fitted) => {
                    let fitted = fitted.without_phases(file, "olmix commit")?;
                    self.commit_fit(new, file, &fitted, base, by)
                }
                Err(error) if is_mixture_file(file) => Err(error.into()),
                Err(_) => self.commit_given(new, file, base, by),
            },
        }
    }

    /// After a removal: the old mixture over the domains that stay.
    fn commit_removal(
        &mut self,
        new: &NewMixture<'_>,
        base: Option<Record>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let path = self.config.path.clone();
        let needs = |what: String| {
            ProjectError::refused(
                &path,
                what,
                "name the mixture.json of a fit: olmix commit DIR/mixture.json",
            )
        };
        let Some(base) = base else {
            return Err(needs("there is no mixture yet to start from".into()));
        };
        let plan = self.plan(&PlanOptions {
            from: Some(base.name()),
            ..PlanOptions::default()
        })?;
        if plan.reuse.reasons.contains(&PlanReason::NothingChanged) {
            return Err(needs(format!("nothing changed since {}", base.name())));
        }
        let (0, [kept]) = (plan.reuse.runs, plan.reuse.frozen.as_slice()) else {
            return Err(needs(format!(
                "more than removals lies between {} and {}: a fit has to say the mixture",
                base.name(),
                plan.version.name()
            )));
        };
        let set = domain_set(&plan.domains).map_err(|error| needs(error.to_string()))?;
        let constraints = self.config.constraints_over(&set)?;
        let rest = remaining_mixture(&set, kept, &constraints)
            .map_err(|error| needs(error.to_string()))?;
        let mut notices = Vec::new();
        if let Some(held) = rest.held {
            let held: Vec<&str> = held.into_iter().map(|j| set.name(j)).collect();
            notices.push(format!(
                "without what was removed, caps or bounds would be broken: {} at what is allowed, the \
                 others share the rest \
                 as they did",
                if held.is_empty() { "some domains are held".to_owned() } else { format!("{} \
                    held", held.join(", ")) }
            ));
        }
        let before: MixtureContent = self.content(&base)?;
        let mut origins = before.origins;
        origins.retain(|name, _| set.position(name).is_some());
        origins.values_mut().for_each(|origin| origin.kept = true);
        let weights = set.names().map(str::to_owned).zip(rest.weights).collect();
        let content = self.mixture_content("removal", weights, origins, &plan.version);
        let title = new.title.map_or_else(
            || format!("{} over the remaining domains", base.name()),
            str::to_owned,
        );
        let parents = vec![Parent::Known(plan.version.id), Parent::Known(base.id)];
        let mixture = self.add_without_fit(new, &title, &content, parents, by)?;
        Ok(without_fit(mixture, notices))
    }

    /// A mixture from a file of shares, without a fit.
    fn commit_given(
        &mut self,
        new: &NewMixture<'_>,
        file: &Path,
        base: Option<Record>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let mixture = DomainWeights::read(file)?;
        let (version, _) = self.version()?;
        let weights = self.in_order(file, &mixture.weights, &version)?;
        let notices = self.broken_bounds(&weights)?;
        let origin = WeightOrigin {
            record: format!("given: {}", file.display()),
            kept: false,
        };
        let origins = weights
            .iter()
            .map(|(name, _)| (name.clone(), origin.clone()))
            .collect();
        let content = self.mixture_content("given", weights, origins, &version);
        let title = new
            .title
            .map_or_else(|| format!("given as {}", file.display()), str::to_owned);
        let mut parents = vec![Parent::Known(version.id)];
        parents.extend(base.map(|base| Parent::Known(base.id)));
        let mixture = self.add_without_fit(new, &title, &content, parents, by)?;
        Ok(without_fit(mixture, notices))
    }

    /// Records a mixture that has no fit.
    fn add_without_fit(
        &mut self,
        new: &NewMixture<'_>,
        title: &str,
        content: &MixtureContent,
        parents: Vec<Parent>,
        by: &Provenance,
    ) -> Result<Record, ProjectError> {
        let record = NewRecord {
            number: Some(self.next_of(new.line)?),
            parents,
            content: to_json(content),
            ..new_record(RecordKind::Mixture, new.line, title, by)
        };
        Ok(self.ledger.add(&record, by.now)?)
    }

    /// Notices of the domains that exceed what caps and bounds allow, in a mixture over the newest version.
    fn broken_bounds(&self, weights: &[(String, f64)]) -> Result<Vec<String>, ProjectError> {
        let (_, content) = self.version()?;
        let counted = content.domains.iter().all(|domain| domain.tokens.is_some());
        let set = domain_set(&content.domains);
        let (true, Ok(set)) = (counted, set) else {
            return Ok(Vec::new());
        };
        let constraints = self.config.constraints_over(&set)?;
        let over: Vec<String> = weights
            .iter()
            .enumerate()
            .filter(|(j, (_, weight))| *weight > constraints.limit(*j) + BOUND_TOLERANCE)
            .map(|(j, (name, weight))| {
                format!(
                    "`{name}` has {weight:.4}, and {:.4} is allowed",
                    constraints.limit(j)
                )
            })
            .collect();
        Ok(over)
    }

    /// Shares in the order of a version.
    pub(crate) fn in_order(
        &self,
        file: &Path,
        shares: &[(String, f64)],
        version: &Record,
    ) -> Result<Vec<(String, f64)>, ProjectError> {
        let content: DomainsContent = self.content(version)?;
        let known = |name: &str| content.domains.iter().any(|domain| domain.name == name);
        let other: Vec<&str> = shares
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !known(name))
            .collect();
        let missing: Vec<&str> = content
            .domains
            .iter()
            .map(|domain| domain.name.as_str())
            .filter(|name| !shares.iter().any(|(other, _)| other == name))
            .collect();
        let some = |names: &[&str]| {
            let shown: Vec<String> = names
                .iter()
                .take(3)
                .map(|name| format!("`{name}`"))
                .collect();
            let more = if names.len() > 3 {
                format!(" and {} more", names.len() - 3)
            } else {
                String::new()
            };
            shown.join(", ") + &more
        };
        if !other.is_empty() || !missing.is_empty() {
            let mut what = format!("does not belong to {}:", version.name());
            if !other.is_empty() {
                what += &format!(
                    " it has {}, which {} not there",
                    some(&other),
                    if other.len() == 1 { "is" } else { "are" }
                );
            }
            if !missing.is_empty() {
                let joint = if other.is_empty() { " it" } else { ", and" };
                what += &format!("{joint} lacks {}", some(&missing));
            }
            return Err(ProjectError::refused(
                file,
                what,
                "fit the swarm that was planned for this version; `olmix log` shows which that is",
            ));
        }
        let share = |name: &String| {
            shares
                .iter()
                .find(|(other, _)| other == name)
                .map_or(0.0, |(_, share)| *share)
        };
        Ok(content
            .domains
            .iter()
            .map(|domain| (domain.name.clone(), share(&domain.name)))
            .collect())
    }

    pub(crate) fn mixture_content(
        &self,
        method: &str,
        weights: Vec<(String, f64)>,
        origins: BTreeMap<String, WeightOrigin>,
        version: &Record,
    ) -> MixtureContent {
        let constraints = &self.config.constraints;
        MixtureContent {
            weights,
            origins,
            method: method.to_owned(),
            version: version.name(),
            target_tokens: constraints.target_tokens,
            repetition_factor: constraints.enabled.then_some(constraints.repetition_factor),
            over: None,
        }
    }

    /// The number that the next record of a line must get.
    pub(crate) fn next_of(&self, line: &str) -> Result<i64, ProjectError> {
        let newest = self.ledger.newest(line)?;
        Ok(newest.map_or(1, |newest| newest.number + 1))
    }
}

/// A mixture that was recorded without a fit.
fn without_fit(mixture: Record, notices: Vec<String>) -> Committed {
    Committed {
        mixture,
        fit: None,
        swarm: None,
        notices,
    }
}

/// Weights and bounds are the same up to rounding.
const BOUND_TOLERANCE: f64 = 1e-9;

/// Whether a file claims to be the result of a fit.
fn is_mixture_file(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"olmix-mixture\""))
}
