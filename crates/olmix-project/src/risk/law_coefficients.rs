//! Coefficients of earlier fits' laws, by domain.

use std::collections::BTreeMap;

use olmix_core::law::{FittedLaw, Law as _, LogLinear};
use olmix_io::MixtureFile;
use olmix_io::mixture_file::TaskEntry;
use olmix_ledger::{Record, RecordKind};

use crate::{Project, ProjectError};

/// The irreducible loss of a law that has none, so that its logarithm is finite.
const LEAST_FLOOR: f64 = 1e-9;

/// Laws by task, as log-linear laws `exp(log_c) + exp(t·p)` with a coefficient `t_j` per domain. Log-linear laws are taken
/// as they are; other laws by their value and slopes at the prior.
#[derive(Debug, Clone)]
pub struct LawCoefficients {
    /// Tasks: name, family and weight (summing to 1).
    pub tasks: Vec<(String, String, f64)>,
    /// Logarithm of the irreducible loss, by task.
    pub log_c: Vec<f64>,
    /// Coefficients by domain, one per task.
    pub coefficients: BTreeMap<String, Vec<f64>>,
    /// The fit that the laws are of, such as `fit@3`.
    pub fit: String,
    /// Whether the laws are log-linear themselves.
    pub log_linear: bool,
    /// Number of tasks that are left out, as their laws predict unseen runs no better than their mean.
    pub excluded_tasks: usize,
}

impl LawCoefficients {
    /// The laws of the fit behind a mixture, or of the nearest earlier mixture that has a fit; `None` where none has. Members
    /// of a virtual domain, which that fit has one coefficient for, differ as they did in earlier fits.
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
        let Some(mut known) = Self::from_file(&file, &fit.name()) else {
            return Ok(None);
        };
        if let (Some(before), false) = (before, file.virtual_domains.is_empty()) {
            let earlier = Self::behind(project, &before)?;
            known.split_virtual(&file, earlier.as_ref());
        }
        Ok(Some(known))
    }

    /// The laws in a mixture file that predict unseen runs; `None` where it holds none. `fit` names the file.
    pub fn from_file(file: &MixtureFile, fit: &str) -> Option<Self> {
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
        // What domains do to the log of the reducible loss is the same for proxies and target.
        let linear = laws.iter().map(|law| linearized(law.of_proxies(), &prior));
        let linear: Vec<LogLinear> = linear.collect();
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
            excluded_tasks: all.len() - laws.len(),
            tasks: tasks
                .iter()
                .map(|task| (task.name.clone(), task.family.clone(), task.weight / weight))
                .collect(),
            log_c: linear.iter().map(|law| law.log_c).collect(),
            coefficients,
            fit: fit.to_owned(),
            log_linear: laws
                .iter()
                .all(|law| law.of_proxies().log_linear().is_some()),
        })
    }

    /// Gives members of the file's virtual domains coefficients of their own, as they differed in `earlier`.
    pub fn split_virtual(&mut self, file: &MixtureFile, earlier: Option<&Self>) {
        let Some(earlier) = earlier else { return };
        for one in &file.virtual_domains {
            let members = one.members.iter();
            let members: Vec<(String, f64)> = members
                .map(|member| (member.domain.clone(), member.share))
                .collect();
            self.split_members(&members, earlier);
        }
    }

    /// Each member of a virtual domain gets the virtual domain's coefficient, plus what it differed by from the members'
    /// mean, weighted by their shares, in `earlier`.
    pub(super) fn split_members(&mut self, members: &[(String, f64)], earlier: &Self) {
        for (task, (name, ..)) in self.tasks.iter().enumerate() {
            let Some(old_task) = earlier.tasks.iter().position(|(other, ..)| other == name) else {
                continue;
            };
            let old = |domain: &str| earlier.coefficients.get(domain).map(|row| row[old_task]);
            let (mut mean, mut sum) = (0.0, 0.0);
            for (domain, share) in members {
                if let Some(a) = old(domain) {
                    mean += share * a;
                    sum += share;
                }
            }
            if sum <= 0.0 {
                continue;
            }
            for (domain, _) in members {
                if let (Some(a), Some(row)) = (old(domain), self.coefficients.get_mut(domain)) {
                    row[task] += a - mean / sum;
                }
            }
        }
    }

    /// Positions of the tasks that a name means: one task, or those of a family.
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
