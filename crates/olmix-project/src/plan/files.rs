//! A plan's files, what to train and how to fit it, and its record.

use std::path::Path;

use olmix_fs::StagedFile;
use olmix_io::project::{EarlierFiles, FitFile, GenerationFile};
use olmix_io::{GenerationConfig, IoError, ProjectDomain, sha256_hex};
use olmix_ledger::{NewFile, NewRecord, Parent, Record, RecordKind};

use crate::content::{PlannedContent, SwarmContent};
use crate::project::{new_record, to_json};
use crate::{Plan, Project, ProjectError, Provenance};

impl Project {
    /// Writes `generate.yaml`, `fit.yaml` and the runs of earlier swarms to a folder, and records the planned swarm. A
    /// plan that is recorded already is only written again.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] for a plan that needs no runs, and a folder with another plan.
    pub fn write_plan(
        &mut self,
        plan: &Plan,
        folder: &Path,
        by: &Provenance,
    ) -> Result<Record, ProjectError> {
        if plan.reuse.runs == 0 {
            return Err(ProjectError::refused(
                &self.config.path,
                "this plan needs no runs, so that there is no swarm to write",
                "record the mixture with `olmix commit`",
            ));
        }
        let content = SwarmContent::Planned(PlannedContent {
            method: plan.method().name().to_owned(),
            runs: plan.reuse.runs,
            virtuals: plan.reuse.frozen.clone(),
            old_runs: !plan.earlier.is_empty(),
            reasons: plan.reasons.clone(),
        });
        let mut known = self.planned(plan, &content)?;
        let newest = self.ledger.newest("swarm")?;
        let mut number = known
            .as_ref()
            .or(newest.as_ref())
            .map_or(1, |record| record.number);
        let mut files = self.files(plan, number);
        let is_same = |record: &Record, files: &[(String, Vec<u8>)]| {
            record.files.iter().all(|kept| {
                let file = files.iter().find(|(name, _)| *name == kept.name);
                file.is_some_and(|(_, bytes)| sha256_hex(bytes) == kept.sha256)
            })
        };
        // With other settings since, it is another plan.
        if known.as_ref().is_none_or(|record| !is_same(record, &files)) {
            known = None;
            number = newest.map_or(1, |newest| newest.number + 1);
            files = self.files(plan, number);
        }
        for (name, bytes) in &files {
            if holds_other(&folder.join(name), bytes) {
                return Err(ProjectError::refused(
                    &folder.join(name),
                    "is of another plan, or was changed",
                    "write to another folder; nothing was changed",
                ));
            }
        }
        let staged: Vec<StagedFile> = files
            .iter()
            .map(|(name, bytes)| StagedFile::new(&folder.join(name), bytes))
            .collect::<Result<_, _>>()?;
        for file in staged {
            file.commit()?;
        }
        if let Some(record) = known {
            return Ok(record);
        }
        let kept = files
            .into_iter()
            .filter(|(name, _)| !name.contains('/'))
            .map(|(name, content)| NewFile { name, content });
        let mut parents = vec![Parent::Known(plan.version.id)];
        parents.extend(plan.base.as_ref().map(|base| Parent::Known(base.id)));
        let title = format!(
            "planned: {} runs by {}",
            plan.reuse.runs,
            plan.method().name()
        );
        Ok(self.ledger.add(
            &NewRecord {
                number: Some(number),
                parents,
                files: kept.collect(),
                content: to_json(&content),
                ..new_record(RecordKind::Swarm, "swarm", &title, by)
            },
            by.now,
        )?)
    }

    /// Refuses a plan whose generation config `olmix generate` would refuse: settings of the project that don't
    /// fit its domains of today, or what the plan draws. Reads what the config names, and no data.
    pub(super) fn check_generation(&self, plan: &Plan) -> Result<(), ProjectError> {
        if plan.reuse.runs == 0 {
            return Ok(());
        }
        // What the earlier runs are does not matter here, and their files are not written yet.
        let text = self.generation(plan, 1, &[]);
        let checked = GenerationConfig::parse("generate.yaml", &text, &self.root)
            .and_then(|config| config.plan());
        let Err(error) = checked else { return Ok(()) };
        let IoError::Input(error) = error else {
            return Err(error.into());
        };
        Err(ProjectError::refused(
            &self.config.path,
            format!(
                "`olmix generate` would refuse the config of this plan: {}",
                error.message
            ),
            format!("{} (in olmix.yaml, or with `olmix update`)", error.help),
        ))
    }

    /// The generation config of a plan, as the swarm of a number, with the files of runs that it goes with.
    fn generation(&self, plan: &Plan, number: i64, existing: &[String]) -> String {
        let located: Vec<ProjectDomain> = plan
            .domains
            .iter()
            .map(|domain| self.located(domain))
            .collect();
        self.config.generation(&GenerationFile {
            name: &format!("{}-{number}", self.config.name),
            domains: &located,
            virtuals: &plan.reuse.drawn,
            new: &plan.new,
            variants: plan.reuse.runs,
            designed: plan.reuse.designed,
            existing,
        })
    }

    /// The files of a plan, as the swarm of a number.
    fn files(&self, plan: &Plan, number: i64) -> Vec<(String, Vec<u8>)> {
        let beside = plan.earlier.iter().filter(|_| plan.complements());
        let beside = beside.enumerate();
        let existing: Vec<String> = beside
            .map(|(position, _)| format!("{}/ratios.csv", earlier_folder(position)))
            .collect();
        let generation = self.generation(plan, number, &existing);
        let earlier = plan.earlier.iter().enumerate();
        let earlier: Vec<EarlierFiles<'_>> = earlier
            .map(|(position, swarm)| EarlierFiles {
                folder: earlier_folder(position),
                changed: &swarm.changed,
            })
            .collect();
        let fit = self.config.fit(&FitFile {
            domains: &plan.domains,
            virtuals: &plan.reuse.frozen,
            constraints: plan
                .constraints
                .as_ref()
                .map(|found| (&found.domains, &found.constraints)),
            collapsed_kl: plan.collapsed_kl,
            earlier: &earlier,
        });
        let mut files = vec![
            ("generate.yaml".to_owned(), generation.into_bytes()),
            ("fit.yaml".to_owned(), fit.into_bytes()),
        ];
        for (earlier, swarm) in earlier.iter().zip(&plan.earlier) {
            let place = &earlier.folder;
            files.push((format!("{place}/ratios.csv"), swarm.files.0.clone()));
            files.push((format!("{place}/metrics.csv"), swarm.files.1.clone()));
        }
        files
    }

    /// The domain with absolute paths, which mean the same from any folder; URLs stay as they are.
    fn located(&self, domain: &ProjectDomain) -> ProjectDomain {
        let root = std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone());
        let path = |path: &String| {
            if path.contains("://") {
                path.clone()
            } else {
                root.join(path).display().to_string()
            }
        };
        ProjectDomain {
            paths: domain.paths.iter().map(path).collect(),
            ..domain.clone()
        }
    }

    /// The record of the same plan for the same version and mixture.
    fn planned(&self, plan: &Plan, content: &SwarmContent) -> Result<Option<Record>, ProjectError> {
        for record in self.ledger.records_of(RecordKind::Swarm)?.into_iter().rev() {
            let mut parents = record.parents.iter();
            let of_base = plan
                .base
                .as_ref()
                .is_none_or(|base| record.parents.contains(&base.id));
            if parents.any(|id| *id == plan.version.id)
                && of_base
                && self.content::<SwarmContent>(&record)? == *content
            {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

/// The folder of an earlier swarm beside a fit config.
fn earlier_folder(position: usize) -> String {
    format!("earlier/{}", position + 1)
}

/// Whether a file exists and has another content.
fn holds_other(path: &Path, content: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|found| found != content)
}
