//! What laws of earlier fits say of every domain.

use std::collections::BTreeMap;

use olmix_core::law::{FittedLaw, Law as _, LogLinear};
use olmix_io::{MixtureFile, TaskEntry};
use olmix_ledger::{Record, RecordKind};

use crate::{Project, ProjectError};

/// A law that knows no irreducible loss is told as one whose is this small.
const LEAST_FLOOR: f64 = 1e-9;

/// Laws by task, as log-linear ones with a coefficient per domain: those of log-linear laws are what they are, others'
/// are their slopes at the prior.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Tasks: name, family and weight (summing to 1).
    pub tasks: Vec<(String, String, f64)>,
    /// Logarithm of the irreducible loss, by task.
    pub log_c: Vec<f64>,
    /// Coefficients by domain, one per task.
    pub coefficients: BTreeMap<String, Vec<f64>>,
    /// The fit that the levels are of: `fit@3`.
    pub fit: String,
    /// Whether the laws are log-linear themselves.
    pub exact: bool,
    /// Tasks that are left out, as their laws predict unseen runs no better than their mean.
    pub left_out: usize,
}

impl Knowledge {
    /// Of the fit behind a mixture. Where that fit knew domains only together, as a virtual domain, the fits behind
    /// earlier mixtures say how they differ; `None` where there is no fit at all.
    pub fn behind(project: &Project, mixture: &Record) -> Result<Option<Self>, ProjectError> {
        let mut fit = None;
        let mut before = None;
        for id in &mixture.parents {
            match project.ledger.record_by_id(*id)? {
                Some(record) if record.kind == RecordKind::Fit => fit = Some(record),
                Some(record) if record.kind == RecordKind::Mixture => before = Some(record),
                _ => {}
            }
        }
        let Some(fit) = fit else {
            return match before {
                Some(before) => Self::behind(project, &before),
                None => Ok(None),
            };
        };
        let Some(file) = mixture_file(project, &fit)? else {
            return Ok(None);
        };
        let Some(mut known) = Self::of(&file, &fit.name()) else {
            return Ok(None);
        };
        if let (Some(before), false) = (before, file.virtual_domains.is_empty()) {
            let earlier = Self::behind(project, &before)?;
            known.tell_apart(&file, earlier.as_ref());
        }
        Ok(Some(known))
    }

    /// Of the laws in a mixture file that predict unseen runs; `None` where it holds none.
    pub fn of(file: &MixtureFile, fit: &str) -> Option<Self> {
        let all = file.laws()?;
        let unsure = file
            .out_of_fold
            .as_ref()
            .map(|check| &check.no_better_than_mean);
        let is_sure = |name: &String| unsure.is_none_or(|unsure| !unsure.contains(name));
        let kept = all
            .iter()
            .zip(&file.law.tasks)
            .filter(|(_, task)| is_sure(&task.name));
        let (laws, tasks): (Vec<&FittedLaw>, Vec<&TaskEntry>) = kept.unzip();
        let weight: f64 = tasks.iter().map(|task| task.weight).sum();
        if weight <= 0.0 {
            return None;
        }
        let prior: Vec<f64> = file.domains.iter().map(|domain| domain.prior).collect();
        let linear: Vec<LogLinear> = laws.iter().map(|law| linearized(law, &prior)).collect();
        let mut coefficients = BTreeMap::new();
        for (v, domain) in file.domains.iter().enumerate() {
            let row: Vec<f64> = linear.iter().map(|law| law.t[v]).collect();
            let inside = file
                .virtual_domains
                .iter()
                .find(|one| one.name == domain.name);
            match inside {
                None => {
                    coefficients.insert(domain.name.clone(), row);
                }
                Some(one) => {
                    for member in &one.members {
                        coefficients.insert(member.domain.clone(), row.clone());
                    }
                }
            }
        }
        Some(Self {
            left_out: all.len() - laws.len(),
            tasks: tasks
                .iter()
                .map(|task| (task.name.clone(), task.family.clone(), task.weight / weight))
                .collect(),
            log_c: linear.iter().map(|law| law.log_c).collect(),
            coefficients,
            fit: fit.to_owned(),
            exact: laws.iter().all(|law| law.log_linear().is_some()),
        })
    }

    /// Members of a virtual domain differ from its coefficient as they did from their mean, by their shares, before.
    pub fn tell_apart(&mut self, file: &MixtureFile, earlier: Option<&Self>) {
        let Some(earlier) = earlier else { return };
        for (task, (name, ..)) in self.tasks.iter().enumerate() {
            let Some(old_task) = earlier.tasks.iter().position(|(other, ..)| other == name) else {
                continue;
            };
            for one in &file.virtual_domains {
                let old = |domain: &str| earlier.coefficients.get(domain).map(|row| row[old_task]);
                let (mut mean, mut sum) = (0.0, 0.0);
                for member in &one.members {
                    if let Some(a) = old(&member.domain) {
                        mean += member.share * a;
                        sum += member.share;
                    }
                }
                if sum <= 0.0 {
                    continue;
                }
                for member in &one.members {
                    if let (Some(a), Some(row)) = (
                        old(&member.domain),
                        self.coefficients.get_mut(&member.domain),
                    ) {
                        row[task] += a - mean / sum;
                    }
                }
            }
        }
    }

    /// A task or a family by name, as positions of tasks.
    pub fn tasks_named(&self, name: &str) -> Vec<usize> {
        let named = |(_, (task, family, _)): &(usize, &(String, String, f64))| {
            task == name || family == name
        };
        self.tasks
            .iter()
            .enumerate()
            .filter(named)
            .map(|(i, _)| i)
            .collect()
    }
}

/// The mixture.json that is kept with a fit.
pub fn mixture_file(project: &Project, fit: &Record) -> Result<Option<MixtureFile>, ProjectError> {
    let Some(kept) = fit.files.iter().find(|file| file.name == "mixture.json") else {
        return Ok(None);
    };
    let Some(bytes) = project.ledger.file(&kept.sha256)? else {
        return Ok(None);
    };
    let name = format!("mixture.json of {}", fit.name());
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(MixtureFile::parse(&name, &text)?))
}

/// A law as the log-linear one with its value and its slopes at `p` (length `m`, summing to 1).
fn linearized(law: &FittedLaw, p: &[f64]) -> LogLinear {
    if let Some(law) = law.log_linear() {
        return law.clone();
    }
    let floor = law.floor().max(LEAST_FLOOR);
    let level = (law.predict(p) - floor).max(f64::MIN_POSITIVE).ln();
    LogLinear {
        log_c: floor.ln(),
        // Effects have mean 0 over p, so the exponent at p is the level.
        t: law.effects(p).iter().map(|effect| effect + level).collect(),
    }
}
