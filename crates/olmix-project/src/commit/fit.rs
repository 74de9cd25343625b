//! Committing the result of a fit: swarm, fit and mixture, all of it or nothing.

use std::path::Path;

use olmix_io::tables::{Table, count_runs};
use olmix_io::{DomainWeights, InputRecord, IoError, MixtureFile, sha256_hex};
use olmix_ledger::{Cost, NewFile, NewRecord, Parent, Record, RecordId, RecordKind};

use super::fit_record::{
    find_input, fit_record, frozen_domains, gain_over_mixture, gain_over_natural, weight_origins,
};
use crate::content::{GainOver, MixtureContent, PlannedContent, SwarmContent};
use crate::project::{new_record, to_json};
use crate::{Committed, NewMixture, Project, ProjectError, Provenance, cost};

/// Frozen ratios are the same up to rounding in a file.
const RATIO_TOLERANCE: f64 = 1e-9;

impl Project {
    /// Records the result of a fit.
    pub(super) fn commit_fit(
        &mut self,
        new: &NewMixture<'_>,
        path: &Path,
        file: &MixtureFile,
        base: Option<Record>,
        by: &Provenance,
    ) -> Result<Committed, ProjectError> {
        let mut notices = Vec::new();
        let (version, planned) = self.version_of(path, file, &mut notices)?;
        let mixture = DomainWeights::read(path)?;
        let weights = self.in_order(path, &mixture.weights, &version)?;
        let plan = self.plan_of(path, file, &version, planned)?;
        let bytes = std::fs::read(path).map_err(|error| IoError::read(path, &error))?;
        self.refuse_known(path, &bytes)?;
        let (swarm, known) = self.swarm_of(
            file,
            &version,
            plan.as_ref().map(|(record, _)| record),
            by,
            new,
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
        let fit_number = self.next_of("fit")?;
        records.push(NewRecord {
            number: Some(fit_number),
            parents: fit_parents,
            ..fit_record(path, file, bytes, by)
        });
        let at = records.len() - 1;
        let frozen = frozen_domains(file, plan.as_ref().map(|(_, planned)| planned));
        // A planned swarm goes on from the mixture that it was planned for.
        let base = match &plan {
            Some((record, _)) => self.base_of(record)?.or(base),
            None => base,
        };
        let before = match &base {
            Some(base) => Some(self.content::<MixtureContent>(base)?),
            None => None,
        };
        let origins = weight_origins(
            &weights,
            &frozen,
            before.as_ref(),
            &format!("fit@{fit_number}"),
        );
        let method = plan
            .as_ref()
            .map_or("fit", |(_, planned)| planned.method.as_str());
        let over = base
            .as_ref()
            .zip(before.as_ref())
            .and_then(|(base, before)| {
                let gain = gain_over_mixture(file, &before.weights)?;
                let record = base.name();
                Some(GainOver { record, gain })
            });
        let content = MixtureContent {
            target_tokens: file.target_tokens,
            repetition_factor: file.repetition_factor,
            over,
            ..self.mixture_content(method, weights, origins, &version)
        };
        let mut parents = vec![Parent::Added(at), Parent::Known(version.id)];
        parents.extend(base.map(|base| Parent::Known(base.id)));
        let title = new
            .title
            .map_or_else(|| format!("by {method}"), str::to_owned);
        records.push(NewRecord {
            number: Some(self.next_of(new.line)?),
            parents,
            content: to_json(&content),
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

    /// The version of the domain set that a fit is of, and its plan where it has one: that of the plan whose `fit.yaml` it
    /// used or whose runs it read, else that of its swarm where this is recorded, else the newest.
    fn version_of(
        &self,
        path: &Path,
        file: &MixtureFile,
        notices: &mut Vec<String>,
    ) -> Result<(Record, Option<RecordId>), ProjectError> {
        let (newest, _) = self.version()?;
        let input = |role: &str| file.inputs.iter().find(|input| input.role == role);
        let has = |record: &Record, input: Option<&InputRecord>| {
            input.is_some_and(|input| record.files.iter().any(|kept| kept.sha256 == input.sha256))
        };
        let ratios = input("ratios").and_then(|input| find_input(path, input));
        let ratios = ratios.map(|bytes| Table::from_bytes("ratios.csv", bytes, "ratios"));
        let ratios = ratios.transpose()?;
        // Runs are named after the swarm that they were planned as.
        let named_after = |swarm: &Record| {
            let name = format!("{}-{}-", self.config.name, swarm.number);
            let mut ids = ratios.iter().flat_map(Table::ids);
            ids.any(|id| id.starts_with(&name))
        };
        for swarm in self.ledger.records_of(RecordKind::Swarm)?.into_iter().rev() {
            let planned = has(&swarm, input("config")) || named_after(&swarm);
            let measured = has(&swarm, input("ratios")) && has(&swarm, input("metrics"));
            if !planned && !measured {
                continue;
            }
            for id in &swarm.parents {
                let parent = self.ledger.record_by_id(*id)?;
                let Some(version) = parent.filter(|parent| parent.kind == RecordKind::Domains)
                else {
                    continue;
                };
                if version.id != newest.id {
                    notices.push(format!(
                        "{} is of {}, and so is this mixture; {} is the newest, and `olmix plan` says what to recompute for it",
                        swarm.name(),
                        version.name(),
                        newest.name()
                    ));
                }
                return Ok((version, planned.then_some(swarm.id)));
            }
        }
        Ok((newest, None))
    }

    /// Refuses a fit that is recorded already.
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

    /// The plan for this version whose frozen ratios the fit has; for a fit without any, the plan `known`.
    fn plan_of(
        &self,
        path: &Path,
        file: &MixtureFile,
        version: &Record,
        known: Option<RecordId>,
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
                if known == Some(record.id) && file.virtual_domains.is_empty() {
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
                        found.is_some_and(|member| (member.share - share).abs() < RATIO_TOLERANCE)
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
        new: &NewMixture<'_>,
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
        let at = new.file.unwrap_or(Path::new(""));
        let (Some(ratios_csv), Some(metrics_csv)) =
            (find_input(at, ratios), find_input(at, metrics))
        else {
            let what = format!(
                "the runs behind it are not there as the fit read them: {} and {}",
                ratios.path, metrics.path
            );
            if new.without_runs {
                notices.push(format!("{what}; they are not kept"));
                return Ok((None, None));
            }
            return Err(ProjectError::refused(
                at,
                what,
                "give the command in the folder where the fit ran, or --without-runs: they can't be fitted again then",
            ));
        };
        let runs = count_runs(&ratios.path, ratios_csv.clone())?;
        let mut parents = vec![Parent::Known(version.id)];
        parents.extend(planned.map(|record| Parent::Known(record.id)));
        let number = self.next_of("swarm")?;
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
                content: to_json(&SwarmContent::Measured { runs }),
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
