//! Committing the result of a fit: swarm, fit and mixture, all of it or nothing.

use std::collections::BTreeMap;
use std::path::Path;

use olmix_io::{InputRecord, IoError, MixtureFile, Shares, count_runs, sha256_hex};
use olmix_ledger::{Cost, NewFile, NewRecord, Parent, Record, RecordKind};

use crate::content::{FitContent, MixtureContent, Origin, PlannedContent, SwarmContent};
use crate::project::{json, new_record};
use crate::{Committed, NewMixture, Project, ProjectError, Provenance, cost};

/// Ratios that were frozen are the same up to rounding in a file.
const SAME: f64 = 1e-9;

impl Project {
    /// The result of a fit.
    pub(crate) fn commit_fit(
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
        let bytes = std::fs::read(path).map_err(|error| IoError::read(path, &error))?;
        self.refuse_known(path, &bytes)?;
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
        let fit_number = self
            .ledger
            .newest("fit")?
            .map_or(1, |newest| newest.number + 1);
        records.push(NewRecord {
            number: Some(fit_number),
            parents: fit_parents,
            ..fit_record(file, bytes, by, &mut notices)
        });
        let at = records.len() - 1;
        let frozen = frozen_of(file, plan.as_ref().map(|(_, planned)| planned));
        // A planned swarm goes on from the mixture that it was planned for.
        let base = match &plan {
            Some((record, _)) => self.base_of(record)?.or(base),
            None => base,
        };
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

    /// Refuses a fit that is recorded.
    fn refuse_known(&self, path: &Path, bytes: &[u8]) -> Result<(), ProjectError> {
        let sha256 = sha256_hex(bytes);
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
        Ok(())
    }

    /// The mixture among a record's parents.
    fn base_of(&self, record: &Record) -> Result<Option<Record>, ProjectError> {
        for id in &record.parents {
            let parent = self.ledger.record_by_id(*id)?;
            if let Some(parent) = parent.filter(|parent| parent.kind == RecordKind::Mixture) {
                return Ok(Some(parent));
            }
        }
        Ok(None)
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
}

/// The record of a fit, without its number and parents.
fn fit_record(
    file: &MixtureFile,
    mixture_json: Vec<u8>,
    by: &Provenance,
    notices: &mut Vec<String>,
) -> NewRecord {
    let mut kept = vec![NewFile {
        name: "mixture.json".into(),
        content: mixture_json,
    }];
    let config = file.inputs.iter().find(|input| input.role == "config");
    kept.extend(found(config, notices).map(|content| NewFile {
        name: "fit.yaml".into(),
        content,
    }));
    let inputs = file.inputs.iter();
    let inputs = inputs.map(|input| (input.role.clone(), input.sha256.clone()));
    let title = format!("{} laws of {} runs", file.law.tasks.len(), file.fitted_runs);
    NewRecord {
        files: kept,
        content: json(&FitContent {
            config_hash: file.config_hash.clone(),
            law: file.law.kind.name().to_owned(),
            seed: file.seed,
            inputs: inputs.collect(),
        }),
        ..new_record(RecordKind::Fit, "fit", &title, by)
    }
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
