//! Commits: a mixture, with the fit and the swarm behind it, recorded.

use std::collections::BTreeMap;
use std::path::Path;

use olmix_core::optimize::{Rule, by_rule};
use olmix_io::{InputRecord, MixtureFile, Shares, count_runs, sha256_hex};
use olmix_ledger::{Cost, NewFile, NewRecord, Parent, Record, RecordKind};

use crate::content::{FitContent, MixtureContent, Origin, PlannedContent, SwarmContent};
use crate::plan::size;
use crate::project::{domain_set, json, new_record};
use crate::{PlanOptions, Project, ProjectError, Provenance, cost};

/// A mixture to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewMixture<'a> {
    /// A mixture.json of a fit, or any file with shares of domains; `None` where domains were only removed.
    pub file: Option<&'a Path>,
    /// Its line.
    pub line: &'a str,
    /// What it is called in the log.
    pub title: Option<&'a str>,
    /// The mixture that it follows; `None` for the newest of its line, or of `main`.
    pub from: Option<&'a str>,
}

/// What was recorded.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The mixture.
    pub mixture: Record,
    /// The fit, where there is one.
    pub fit: Option<Record>,
    /// The swarm, where its files were found and it was not known.
    pub swarm: Option<Record>,
    /// What the user should know.
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
                Ok(fitted) => self.commit_fit(new, file, &fitted, base, by),
                Err(error) if is_mixture_file(file) => Err(error.into()),
                Err(_) => self.commit_given(new, file, base, by),
            },
        }
    }

    /// Domains were only removed: the old mixture over what stays.
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
            return Err(needs("there is no mixture yet to go on from".into()));
        };
        let plan = self.plan(&PlanOptions {
            from: Some(base.name()),
            ..PlanOptions::default()
        })?;
        let (0, [kept]) = (plan.runs, plan.virtuals.as_slice()) else {
            return Err(needs(format!(
                "more than removals lies between {} and {}: a fit has to say the mixture",
                base.name(),
                plan.version.name()
            )));
        };
        let set = domain_set(&plan.domains).map_err(|error| needs(error.to_string()))?;
        let mut weights = vec![0.0; set.len()];
        for (name, share) in &kept.members {
            if let Some(j) = set.position(name) {
                weights[j] = *share;
            }
        }
        let constraints = self.config.constraints_over(&set)?;
        let mut notices = Vec::new();
        if constraints.violation(&weights) > BOUND_TOLERANCE {
            // A domain without weight needs a little, for a distance to it to be finite.
            let wanted: Vec<f64> = weights.iter().map(|w| w.max(LEAST_WEIGHT)).collect();
            let nearest = by_rule(&set, &wanted, &constraints, Rule::Natural)
                .map_err(|error| needs(error.to_string()))?;
            let held: Vec<&str> = (0..set.len())
                .filter(|&j| nearest.weights[j] < weights[j] - BOUND_TOLERANCE)
                .filter(|&j| nearest.weights[j] > constraints.limit(j) - BOUND_TOLERANCE)
                .map(|j| set.name(j))
                .collect();
            notices.push(format!(
                "without what was removed, caps or bounds would be broken: {} at what is allowed, the others share the rest \
                 as they did",
                if held.is_empty() { "some domains are held".to_owned() } else { format!("{} held", held.join(", ")) }
            ));
            weights = nearest.weights;
        }
        let before: MixtureContent = self.content(&base)?;
        let mut origins = before.origins;
        origins.retain(|name, _| set.position(name).is_some());
        origins.values_mut().for_each(|origin| origin.kept = true);
        let weights = set.names().map(str::to_owned).zip(weights).collect();
        let content = self.mixture_content("removal", weights, origins, &plan.version);
        let title = new
            .title
            .map_or_else(|| format!("{} over what stays", base.name()), str::to_owned);
        let record = NewRecord {
            number: self.next_of(new.line)?,
            parents: vec![Parent::Known(plan.version.id), Parent::Known(base.id)],
            content: json(&content),
            gain: None,
            ..new_record(RecordKind::Mixture, new.line, &title, by)
        };
        let mixture = self.ledger.add(&record, by.now)?;
        Ok(Committed {
            mixture,
            fit: None,
            swarm: None,
            notices,
        })
    }

    /// A mixture that someone has, without a fit.
    fn commit_given(
        &mut self,
        new: &NewMixture<'_>,
        file: &Path,
        base: Option<Record>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let shares = Shares::read(file)?;
        let (version, _) = self.version()?;
        let weights = self.in_order(file, &shares.shares)?;
        let origin = Origin {
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
        let record = NewRecord {
            number: self.next_of(new.line)?,
            parents,
            content: json(&content),
            ..new_record(RecordKind::Mixture, new.line, &title, by)
        };
        let mixture = self.ledger.add(&record, by.now)?;
        Ok(Committed {
            mixture,
            fit: None,
            swarm: None,
            notices: Vec::new(),
        })
    }

    /// The result of a fit.
    fn commit_fit(
        &mut self,
        new: &NewMixture<'_>,
        path: &Path,
        file: &MixtureFile,
        base: Option<Record>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let (version, _) = self.version()?;
        let shares = Shares::read(path)?;
        let weights = self.in_order(path, &shares.shares)?;
        let plan = self.plan_of(path, file, &version)?;
        let bytes = std::fs::read(path).map_err(|error| olmix_io::IoError::read(path, &error))?;
        let sha256 = sha256_hex(&bytes);
        for record in self.ledger.records()? {
            let of_fit = record.kind == RecordKind::Fit
                && record.files.iter().any(|kept| kept.sha256 == sha256);
            if of_fit {
                return Err(ProjectError::refused(
                    path,
                    format!("is recorded already, as {}", record.name()),
                    "`olmix log` shows the mixture made of it",
                ));
            }
        }
        let mut notices = Vec::new();
        let (swarm, known) = self.swarm_of(
            file,
            &version,
            plan.as_ref().map(|(record, _)| record),
            by,
            &mut notices,
        )?;
        let is_new = swarm.is_some();
        let mut records: Vec<NewRecord> = swarm.into_iter().collect();
        let mut fit_parents = Vec::new();
        if is_new {
            fit_parents.push(Parent::Added(0));
        }
        fit_parents.extend(known.map(|record| Parent::Known(record.id)));
        fit_parents.push(Parent::Known(version.id));
        let mut kept = vec![NewFile {
            name: "mixture.json".into(),
            content: bytes,
        }];
        if let Some(config) = found(
            file.inputs.iter().find(|input| input.role == "config"),
            &mut notices,
        ) {
            kept.push(NewFile {
                name: "fit.yaml".into(),
                content: config,
            });
        }
        let fit_number = self
            .ledger
            .newest("fit")?
            .map_or(1, |newest| newest.number + 1);
        records.push(NewRecord {
            number: Some(fit_number),
            parents: fit_parents,
            files: kept,
            content: json(&FitContent {
                config_hash: file.config_hash.clone(),
                law: file.law.kind.name().to_owned(),
                seed: file.seed,
                inputs: file
                    .inputs
                    .iter()
                    .map(|input| (input.role.clone(), input.sha256.clone()))
                    .collect(),
            }),
            ..new_record(
                RecordKind::Fit,
                "fit",
                &format!("{} laws of {} runs", file.law.tasks.len(), file.fitted_runs),
                by,
            )
        });
        let at = records.len() - 1;
        let frozen = frozen_of(file, plan.as_ref().map(|(_, planned)| planned));
        let before = match &base {
            Some(base) => Some(self.content::<MixtureContent>(base)?),
            None => None,
        };
        let origins = origins(
            &weights,
            &frozen,
            before.as_ref(),
            &format!("fit@{fit_number}"),
        );
        let method = plan
            .as_ref()
            .map_or("fit", |(_, planned)| planned.method.as_str());
        let content = MixtureContent {
            target_tokens: file.target_tokens,
            repetition_factor: file.repetition_factor,
            ..self.mixture_content(method, weights, origins, &version)
        };
        let mut parents = vec![Parent::Added(at), Parent::Known(version.id)];
        parents.extend(base.map(|base| Parent::Known(base.id)));
        let title = new
            .title
            .map_or_else(|| format!("by {method}"), str::to_owned);
        records.push(NewRecord {
            number: self.next_of(new.line)?,
            parents,
            content: json(&content),
            gain: gain_over_natural(file),
            ..new_record(RecordKind::Mixture, new.line, &title, by)
        });
        let mut added = self.ledger.add_all(&records, by.now)?;
        let mixture = added.pop();
        let fit = added.pop();
        let Some(mixture) = mixture else {
            return Err(ProjectError::refused(
                path,
                "nothing was recorded",
                "report this",
            ));
        };
        Ok(Committed {
            mixture,
            fit,
            swarm: added.pop(),
            notices,
        })
    }

    /// Shares in the order of the newest version.
    fn in_order(
        &self,
        file: &Path,
        shares: &[(String, f64)],
    ) -> Result<Vec<(String, f64)>, ProjectError> {
        let (version, content) = self.version()?;
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

    /// The plan of this version whose frozen ratios the fit has. A fit without any may be of none.
    fn plan_of(
        &self,
        path: &Path,
        file: &MixtureFile,
        version: &Record,
    ) -> Result<Option<(Record, PlannedContent)>, ProjectError> {
        let mut some = false;
        let mut without = None;
        for record in self.ledger.records_of(RecordKind::Swarm)?.into_iter().rev() {
            if !record.parents.contains(&version.id) {
                continue;
            }
            let SwarmContent::Planned(planned) = self.content(&record)? else {
                continue;
            };
            if planned.old_runs || planned.virtuals.is_empty() {
                if without.is_none() && file.virtual_domains.is_empty() {
                    without = Some((record, planned));
                }
                continue;
            }
            some = true;
            let alike = planned.virtuals.iter().all(|one| {
                let same = file
                    .virtual_domains
                    .iter()
                    .find(|other| other.name == one.name);
                same.is_some_and(|other| {
                    one.members.iter().all(|(name, share)| {
                        let found = other.members.iter().find(|member| member.domain == *name);
                        found.is_some_and(|member| (member.share - share).abs() < SAME)
                    })
                })
            });
            if alike && planned.virtuals.len() == file.virtual_domains.len() {
                return Ok(Some((record, planned)));
            }
        }
        if some && !file.virtual_domains.is_empty() {
            return Err(ProjectError::refused(
                path,
                format!(
                    "its frozen ratios are those of no plan for {}",
                    version.name()
                ),
                "fit with the fit.yaml that `olmix plan --write` made for this version",
            ));
        }
        Ok(without)
    }

    /// The measured swarm behind a fit: a new record of it, or the one there is.
    fn swarm_of(
        &self,
        file: &MixtureFile,
        version: &Record,
        planned: Option<&Record>,
        by: &Provenance,
        notices: &mut Vec<String>,
    ) -> Result<(Option<NewRecord>, Option<Record>), ProjectError> {
        let input = |role: &str| file.inputs.iter().find(|input| input.role == role);
        let (Some(ratios), Some(metrics)) = (input("ratios"), input("metrics")) else {
            return Ok((None, None));
        };
        for record in self.ledger.records()?.into_iter().rev() {
            let has =
                |input: &InputRecord| record.files.iter().any(|kept| kept.sha256 == input.sha256);
            if record.kind == RecordKind::Swarm && has(ratios) && has(metrics) {
                return Ok((None, Some(record)));
            }
        }
        let (Some(ratios_csv), Some(metrics_csv)) =
            (found(Some(ratios), notices), found(Some(metrics), notices))
        else {
            return Ok((None, None));
        };
        let runs = count_runs(&ratios.path, ratios_csv.clone())?;
        let mut parents = vec![Parent::Known(version.id)];
        parents.extend(planned.map(|record| Parent::Known(record.id)));
        let number = self
            .ledger
            .newest("swarm")?
            .map_or(1, |newest| newest.number + 1);
        let of_runs: Cost = cost::of_runs(&self.config, runs);
        Ok((
            Some(NewRecord {
                number: Some(number),
                parents,
                files: vec![
                    NewFile {
                        name: "ratios.csv".into(),
                        content: ratios_csv,
                    },
                    NewFile {
                        name: "metrics.csv".into(),
                        content: metrics_csv,
                    },
                ],
                content: json(&SwarmContent::Measured { runs }),
                cost: of_runs,
                ..new_record(
                    RecordKind::Swarm,
                    "swarm",
                    &format!("{runs} runs measured"),
                    by,
                )
            }),
            None,
        ))
    }

    fn mixture_content(
        &self,
        method: &str,
        weights: Vec<(String, f64)>,
        origins: BTreeMap<String, Origin>,
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
        }
    }

    /// The number that the next record of a line must get.
    fn next_of(&self, line: &str) -> Result<Option<i64>, ProjectError> {
        Ok(Some(
            self.ledger
                .newest(line)?
                .map_or(1, |newest| newest.number + 1),
        ))
    }

    /// Shares by size of the newest version, for comparison.
    ///
    /// # Errors
    /// Those of [`Project::version`].
    pub fn natural(&self) -> Result<Vec<(String, f64)>, ProjectError> {
        let (_, content) = self.version()?;
        let sum: f64 = content.domains.iter().map(size).sum();
        let share = |domain: &olmix_io::ProjectDomain| (domain.name.clone(), size(domain) / sum);
        Ok(content.domains.iter().map(share).collect())
    }
}

/// Weights and bounds are the same up to rounding.
const BOUND_TOLERANCE: f64 = 1e-9;
const LEAST_WEIGHT: f64 = 1e-12;

/// Ratios that were frozen are the same up to rounding in a file.
const SAME: f64 = 1e-9;

/// Whether a file claims to be the result of a fit.
fn is_mixture_file(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.contains("\"olmix-mixture\""))
}

/// Names of domains that kept their ratios.
fn frozen_of(file: &MixtureFile, planned: Option<&PlannedContent>) -> Vec<String> {
    let in_file = file.virtual_domains.iter().flat_map(|one| &one.members);
    let in_plan = planned
        .iter()
        .flat_map(|planned| &planned.virtuals)
        .flat_map(|one| &one.members);
    let names = in_file.map(|member| member.domain.clone());
    names.chain(in_plan.map(|(name, _)| name.clone())).collect()
}

fn origins(
    weights: &[(String, f64)],
    frozen: &[String],
    before: Option<&MixtureContent>,
    fit: &str,
) -> BTreeMap<String, Origin> {
    let of = |name: &String| {
        let old = before.and_then(|before| before.origins.get(name));
        match old.filter(|_| frozen.contains(name)) {
            Some(old) => Origin {
                record: old.record.clone(),
                kept: true,
            },
            None => Origin {
                record: fit.to_owned(),
                kept: false,
            },
        }
    };
    weights
        .iter()
        .map(|(name, _)| (name.clone(), of(name)))
        .collect()
}

/// The gain over the natural distribution by token counts, or over the prior where that is it.
fn gain_over_natural(file: &MixtureFile) -> Option<f64> {
    let natural = file
        .baselines
        .iter()
        .find(|baseline| baseline.name.starts_with("natural"));
    natural.and_then(|baseline| baseline.gain).or(file.gain)
}

/// The content of an input, where it is what it was.
fn found(input: Option<&InputRecord>, notices: &mut Vec<String>) -> Option<Vec<u8>> {
    let input = input?;
    match std::fs::read(&input.path) {
        Ok(bytes) if sha256_hex(&bytes) == input.sha256 => Some(bytes),
        Ok(_) => {
            notices.push(format!(
                "{} is not what the fit read any more, and is not kept",
                input.path
            ));
            None
        }
        Err(_) => {
            notices.push(format!(
                "{} is not there, and is not kept: give the command where the fit ran, so that its runs can be reused",
                input.path
            ));
            None
        }
    }
}
