//! What a reuse risks, as far as the laws already fitted tell.

use std::path::Path;

use olmix_core::law::{FittedLaw, LogLinear};
use olmix_core::reuse::{
    Analysis, FreeOptions, Freed, Lineage, Origin, Situation, VirtualDomain, choose_free,
    coefficients,
};
use olmix_core::{Constraints, CoreError, DomainSet};
use olmix_io::ProjectDomain;
use serde::Serialize;

use crate::knowledge::Knowledge;
use crate::likeness::{Likeness, fingerprint};

/// How a domain's coefficients are known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Estimate {
    /// A law was fitted to it.
    Law,
    /// From the domain that it was a part of.
    Whole {
        /// That domain.
        of: String,
    },
    /// From what it was before it was revised.
    Before,
    /// From a pilot.
    Pilot,
    /// From the tasks that it is meant for.
    Tasks {
        /// They.
        tasks: Vec<String>,
    },
    /// From known domains of like tokens, with their weights.
    Likeness {
        /// They, the most alike first.
        to: Vec<(String, f64)>,
    },
    /// Not at all: it counts as the average of the known.
    Nothing {
        /// Why not.
        why: String,
    },
}

/// A domain that keeps its ratio and acts on a task of the update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedTask {
    /// The domain.
    pub domain: String,
    /// The task on which it is most coupled with the update.
    pub task: String,
    /// Its part of the coupling with the update.
    pub coupling: f64,
}

/// What reuse risks.
#[derive(Debug, Clone)]
pub struct Risk {
    /// The fit that says so.
    pub fit: String,
    /// Whether its laws are log-linear, as theory has them; otherwise they are taken as such at the prior.
    pub exact: bool,
    /// Tasks that are left out, as their laws predict unseen runs no better than their mean.
    pub left_out: usize,
    /// The largest coefficient of a law, against that task's mean, in nats.
    pub largest: f64,
    /// How each domain that the update touched is known.
    pub estimates: Vec<(String, Estimate)>,
    /// Names of tasks, aligned with the coupling.
    pub tasks: Vec<String>,
    /// By the laws and estimates: the full optimum and that with the ratios kept, the coupling, and the bound.
    pub analysis: Analysis,
    /// Domains that act on the tasks of the update, the most coupled first.
    pub shared: Vec<SharedTask>,
    /// Domains that are worth freeing, best first.
    pub worth_freeing: Vec<Freed>,
}

/// What is asked about.
pub struct Question<'a> {
    pub knowledge: &'a Knowledge,
    /// A pilot's laws over the new domains.
    pub pilot: Option<&'a Knowledge>,
    pub lineage: &'a Lineage,
    pub domains: &'a [ProjectDomain],
    pub set: &'a DomainSet,
    pub prior: &'a [f64],
    pub kl_reg: f64,
    pub constraints: &'a Constraints,
    /// All that keeps its ratios, as one.
    pub frozen: &'a VirtualDomain,
    /// Domains that may be freed: those the update left alone.
    pub unaffected: &'a [bool],
    /// Where to look for shards, and the width of their tokens.
    pub shards: (&'a Path, u64),
    /// Domains to free at most.
    pub most: usize,
}

impl Question<'_> {
    /// Estimates what is not known, and analyzes.
    pub fn answer(&self) -> Result<Risk, CoreError> {
        let known = self.pilot.unwrap_or(self.knowledge);
        let (rows, estimates) = self.rows(known);
        let m = self.set.len();
        let laws: Vec<FittedLaw> = (0..known.tasks.len())
            .map(|task| {
                LogLinear {
                    log_c: known.log_c[task],
                    t: (0..m).map(|j| rows[j][task]).collect(),
                }
                .into()
            })
            .collect();
        let weights: Vec<f64> = known.tasks.iter().map(|(.., weight)| *weight).collect();
        let analysis = Situation {
            domains: self.set,
            laws: &laws,
            task_weights: &weights,
            prior: self.prior,
            kl_reg: self.kl_reg,
            constraints: self.constraints,
            frozen: self.frozen,
        }
        .analyze()?;
        let matrix = coefficients(&laws, self.prior);
        let mut shares = self.prior.to_vec();
        let sum: f64 = self
            .prior
            .iter()
            .zip(self.unaffected)
            .filter(|(_, u)| **u)
            .map(|(p, _)| p)
            .sum();
        for (name, share) in &self.frozen.members {
            if let Some(j) = self.set.position(name) {
                shares[j] = sum * share;
            }
        }
        let options = FreeOptions {
            most: self.most,
            ..FreeOptions::default()
        };
        Ok(Risk {
            fit: known.fit.clone(),
            exact: known.exact,
            largest: largest(&matrix),
            left_out: known.left_out,
            estimates,
            tasks: known.tasks.iter().map(|(name, ..)| name.clone()).collect(),
            shared: self.shared(known, &matrix, &shares),
            worth_freeing: choose_free(&matrix, self.unaffected, &shares, options),
            analysis,
        })
    }

    /// Coefficients by domain of the new set (`m` rows of `n`), and how those of the update are known.
    fn rows(&self, known: &Knowledge) -> (Vec<Vec<f64>>, Vec<(String, Estimate)>) {
        let tasks = known.tasks.len();
        let mean: Vec<f64> = (0..tasks)
            .map(|task| {
                let rows = known.coefficients.values();
                rows.map(|row| row[task]).sum::<f64>() / known.coefficients.len().max(1) as f64
            })
            .collect();
        let mut likeness = None;
        let (mut rows, mut estimates) = (Vec::new(), Vec::new());
        for (j, domain) in self.domains.iter().enumerate() {
            let of = |name: &str| known.coefficients.get(name).cloned();
            let old = |at: usize| self.lineage.old.name(at);
            let (row, estimate) = match self.lineage.origins[j] {
                _ if self.pilot.is_some() && of(&domain.name).is_some() => {
                    (of(&domain.name), Estimate::Pilot)
                }
                Origin::Kept(at) => (of(old(at)), Estimate::Law),
                Origin::Part(at) => (
                    of(old(at)),
                    Estimate::Whole {
                        of: old(at).to_owned(),
                    },
                ),
                Origin::Revised(at) => (of(old(at)), Estimate::Before),
                Origin::Added => self.of_new(known, domain, &mean, &mut likeness),
            };
            let nothing = || Estimate::Nothing {
                why: "no law knows it".into(),
            };
            let estimate = if row.is_some() { estimate } else { nothing() };
            rows.push(row.unwrap_or_else(|| mean.clone()));
            if !matches!(self.lineage.origins[j], Origin::Kept(_)) {
                estimates.push((domain.name.clone(), estimate));
            }
        }
        (rows, estimates)
    }

    /// A domain that no law knows: by its tasks, else by its likeness to known ones.
    fn of_new(
        &self,
        known: &Knowledge,
        domain: &ProjectDomain,
        mean: &[f64],
        fingerprints: &mut Option<Vec<(String, Likeness)>>,
    ) -> (Option<Vec<f64>>, Estimate) {
        let meant: Vec<usize> = domain
            .tasks
            .iter()
            .flat_map(|name| known.tasks_named(name))
            .collect();
        if !meant.is_empty() {
            // As good there as the best of the known, and elsewhere as their average.
            let mut row = mean.to_vec();
            for task in meant {
                let rows = known.coefficients.values();
                row[task] = rows.map(|row| row[task]).fold(f64::INFINITY, f64::min);
            }
            let tasks = domain.tasks.clone();
            return (Some(row), Estimate::Tasks { tasks });
        }
        let (folder, width) = self.shards;
        let own = match fingerprint(domain, width, folder) {
            Ok(own) => own,
            Err(why) => {
                let said = if domain.tasks.is_empty() {
                    "no tasks are said of it".to_owned()
                } else {
                    format!(
                        "no law is of the tasks said of it ({})",
                        domain.tasks.join(", ")
                    )
                };
                let why = format!("{said}, and likeness by tokens is not known: {why}");
                return (Some(mean.to_vec()), Estimate::Nothing { why });
            }
        };
        let others = fingerprints.get_or_insert_with(|| {
            let known = self
                .domains
                .iter()
                .filter(|other| known.coefficients.contains_key(&other.name));
            known
                .filter_map(|other| {
                    Some((other.name.clone(), fingerprint(other, width, folder).ok()?))
                })
                .collect()
        });
        let weights = likest(&own, others);
        if weights.is_empty() {
            let why = if others.is_empty() {
                "no known domain has shards on this machine to compare with"
            } else {
                "its tokens are like those of no known domain"
            };
            let why = why.to_owned();
            return (Some(mean.to_vec()), Estimate::Nothing { why });
        }
        let mut row = vec![0.0; mean.len()];
        for (name, weight) in &weights {
            if let Some(other) = known.coefficients.get(name) {
                row.iter_mut()
                    .zip(other)
                    .for_each(|(a, b)| *a += weight * b);
            }
        }
        (Some(row), Estimate::Likeness { to: weights })
    }

    /// Which frozen domains act on the tasks of the update: as [`choose_free`] counts it.
    fn shared(&self, known: &Knowledge, matrix: &[Vec<f64>], shares: &[f64]) -> Vec<SharedTask> {
        let m = self.set.len();
        let mean = |row: &[f64], of: bool| {
            let inside = (0..m).filter(|&j| self.unaffected[j] == of);
            let (mut sum, mut weight) = (0.0, 0.0);
            for j in inside {
                sum += shares[j] * row[j];
                weight += shares[j];
            }
            if weight > 0.0 { sum / weight } else { 0.0 }
        };
        let mut shared = Vec::new();
        for j in (0..m).filter(|&j| self.unaffected[j]) {
            let parts: Vec<f64> = matrix
                .iter()
                .map(|row| (mean(row, false) - mean(row, true)) * (row[j] - mean(row, true)))
                .collect();
            let most = (0..parts.len()).max_by(|&a, &b| parts[a].abs().total_cmp(&parts[b].abs()));
            if let Some(task) = most {
                shared.push(SharedTask {
                    domain: self.set.name(j).to_owned(),
                    task: known.tasks[task].0.clone(),
                    coupling: parts.iter().map(|x| x * x).sum::<f64>().sqrt(),
                });
            }
        }
        shared.sort_by(|a, b| b.coupling.total_cmp(&a.coupling));
        shared
    }
}

/// The largest difference of a coefficient to its row's mean.
fn largest(matrix: &[Vec<f64>]) -> f64 {
    let of_row = |row: &Vec<f64>| {
        let mean = row.iter().sum::<f64>() / row.len().max(1) as f64;
        row.iter().map(|a| (a - mean).abs()).fold(0.0, f64::max)
    };
    matrix.iter().map(of_row).fold(0.0, f64::max)
}

/// Domains that share less of their tokens than this are not alike.
const LEAST_ALIKE: f64 = 0.2;

/// The three domains most alike, weighted by how much more alike they are than the median one.
fn likest(own: &Likeness, others: &[(String, Likeness)]) -> Vec<(String, f64)> {
    let mut found: Vec<(String, f64)> = others
        .iter()
        .map(|(name, other)| (name.clone(), own.with(other)))
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    let median = found.get(found.len() / 2).map_or(0.0, |(_, alike)| *alike);
    found.retain(|(_, alike)| *alike >= LEAST_ALIKE);
    found.truncate(3);
    found
        .iter_mut()
        .for_each(|(_, alike)| *alike = (*alike - median).max(1e-6));
    let sum: f64 = found.iter().map(|(_, weight)| weight).sum();
    found.iter_mut().for_each(|(_, weight)| *weight /= sum);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_of_like_tokens_are_found_from_their_shards() {
        let folder = tempfile::tempdir().unwrap();
        let domain = |name: &str, from: u16, to: u16| {
            let tokens: Vec<u8> = (0..20_000_u32)
                .flat_map(|i| (from + (i * 7919 % u32::from(to - from)) as u16).to_le_bytes())
                .collect();
            std::fs::write(folder.path().join(format!("{name}.bin")), tokens).unwrap();
            ProjectDomain {
                name: name.into(),
                paths: vec![format!("{name}.bin")],
                format: Some("tokens".into()),
                ..ProjectDomain::default()
            }
        };
        let print = |domain: &ProjectDomain| fingerprint(domain, 2, folder.path()).unwrap();
        let (python, prose, verse) = (
            domain("python", 0, 1000),
            domain("prose", 5000, 9000),
            domain("verse", 5500, 9500),
        );
        let go = domain("go", 100, 1100);
        let others: Vec<(String, Likeness)> = [python, prose, verse]
            .iter()
            .map(|other| (other.name.clone(), print(other)))
            .collect();
        let own = print(&go);
        assert!((own.with(&own) - 1.0).abs() < 1e-3);
        let found = likest(&own, &others);
        assert_eq!(found[0].0, "python");
        assert!(found[0].1 > 0.9, "{found:?}");
        let missing = ProjectDomain::default();
        assert!(
            fingerprint(&missing, 2, folder.path())
                .unwrap_err()
                .contains("no paths")
        );
    }
}
