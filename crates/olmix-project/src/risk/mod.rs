//! The risk of a reuse, estimated by laws that are fitted already.

mod law_coefficients;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;
mod token_histogram;

use std::path::Path;

use olmix_core::law::{FittedLaw, LogLinear};
use olmix_core::reuse::{
    Analysis, FreeOptions, Freed, Lineage, Origin, ReuseProblem, VirtualDomain, choose_free,
    coefficients,
};
use olmix_core::{Constraints, CoreError, DomainSet};
use olmix_io::ProjectDomain;
use serde::Serialize;

pub(crate) use law_coefficients::LawCoefficients;
use token_histogram::{TokenHistogram, token_histogram};

/// Where the coefficients of a domain come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Estimate {
    /// A law was fitted to it.
    Law,
    /// From the domain that it was a part of.
    Whole {
        /// The domain that was partitioned.
        of: String,
    },
    /// From what it was before it was revised.
    Before,
    /// From the laws of a pilot (`--pilot`).
    Pilot,
    /// From the tasks that it is meant for.
    Tasks {
        /// Names of tasks or families.
        tasks: Vec<String>,
    },
    /// From known domains with similar tokens.
    #[serde(rename = "likeness")]
    SimilarTokens {
        /// Those domains with their weights, which sum to 1; the most similar first.
        to: Vec<(String, f64)>,
    },
    /// Unknown: the domain has the mean coefficients of the known ones.
    #[serde(rename = "nothing")]
    Unknown {
        /// Why nothing is known, as a sentence.
        why: String,
    },
}

/// A domain that keeps its ratio and acts on a task of the update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedTask {
    /// The full name of the domain.
    pub domain: String,
    /// The task on which it is most coupled with the update.
    pub task: String,
    /// Its part of the coupling with the update.
    pub coupling: f64,
}

/// What keeping old ratios may cost, by estimated laws.
#[derive(Debug, Clone)]
pub struct Risk {
    /// The fit whose laws are used, such as `fit@3`, or the pilot's file.
    pub fit: String,
    /// Whether its laws are log-linear, as theory has them; other laws are linearized at the prior.
    pub log_linear: bool,
    /// Number of tasks that are left out, as their laws predict unseen runs no better than their mean.
    pub excluded_tasks: usize,
    /// The largest coefficient of a law, against that task's mean, in nats.
    pub largest: f64,
    /// Where the coefficients of each domain that the update touched come from.
    pub estimates: Vec<(String, Estimate)>,
    /// A log-linear law per task over today's domains, estimated where none was fitted.
    pub laws: Vec<FittedLaw>,
    /// Weights of the tasks, summing to 1.
    pub task_weights: Vec<f64>,
    /// λ of the mixture, in loss per nat.
    pub kl_reg: f64,
    /// Names of tasks, aligned with the coupling.
    pub tasks: Vec<String>,
    /// By these laws: the full optimum, the optimum with the ratios kept, the coupling, and the bound.
    pub analysis: Analysis,
    /// Domains that act on the tasks of the update, the most coupled first.
    pub shared: Vec<SharedTask>,
    /// Domains that are worth freeing, best first.
    pub worth_freeing: Vec<Freed>,
}

/// What a risk is estimated from.
pub(crate) struct RiskInputs<'a> {
    /// The laws behind the old mixture.
    pub laws: &'a LawCoefficients,
    /// A pilot's laws over the new domains.
    pub pilot: Option<&'a LawCoefficients>,
    pub lineage: &'a Lineage,
    pub domains: &'a [ProjectDomain],
    pub set: &'a DomainSet,
    pub prior: &'a [f64],
    pub kl_reg: f64,
    pub constraints: &'a Constraints,
    /// Every domain that the update left alone, at its old ratio.
    pub frozen: &'a VirtualDomain,
    /// Which domains the update left alone, and may be freed.
    pub unaffected: &'a [bool],
    /// The folder that relative paths of shards start at, and the width of their tokens, in bytes.
    pub shards: (&'a Path, u64),
    /// Domains to free at most, within the budget.
    pub max_freed: usize,
}

impl RiskInputs<'_> {
    /// Estimates the coefficients of domains that no law knows, and analyzes the reuse by them. Reads shards
    /// of new domains that no tasks are named for.
    pub fn estimate(&self) -> Result<Risk, CoreError> {
        let known = self.pilot.unwrap_or(self.laws);
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
        let analysis = ReuseProblem {
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
            most: self.max_freed,
            ..FreeOptions::default()
        };
        Ok(Risk {
            fit: known.fit.clone(),
            log_linear: known.log_linear,
            largest: largest(&matrix),
            excluded_tasks: known.excluded_tasks,
            estimates,
            tasks: known.tasks.iter().map(|(name, ..)| name.clone()).collect(),
            shared: self.shared(known, &matrix, &shares),
            worth_freeing: choose_free(&matrix, self.unaffected, &shares, options),
            analysis,
            task_weights: weights,
            kl_reg: self.kl_reg,
            laws,
        })
    }

    /// Coefficients by domain of the new set (`m` rows of `n`), and where those of the update's domains come
    /// from.
    fn rows(&self, known: &LawCoefficients) -> (Vec<Vec<f64>>, Vec<(String, Estimate)>) {
        let tasks = known.tasks.len();
        let mean: Vec<f64> = (0..tasks)
            .map(|task| {
                let rows = known.coefficients.values();
                rows.map(|row| row[task]).sum::<f64>() / known.coefficients.len().max(1) as f64
            })
            .collect();
        let mut histograms = None;
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
                Origin::Added => self.of_new(known, domain, &mean, &mut histograms),
            };
            let unknown = || Estimate::Unknown {
                why: "no law knows it".into(),
            };
            let estimate = if row.is_some() { estimate } else { unknown() };
            rows.push(row.unwrap_or_else(|| mean.clone()));
            if !matches!(self.lineage.origins[j], Origin::Kept(_)) {
                estimates.push((domain.name.clone(), estimate));
            }
        }
        (rows, estimates)
    }

    /// Coefficients (length `n`) of a domain that no law knows: by its tasks, else by known domains with
    /// similar tokens. `histograms` of the known domains are read at most once.
    fn of_new(
        &self,
        known: &LawCoefficients,
        domain: &ProjectDomain,
        mean: &[f64],
        histograms: &mut Option<Vec<(String, TokenHistogram)>>,
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
        let own = match token_histogram(domain, width, folder) {
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
                return (Some(mean.to_vec()), Estimate::Unknown { why });
            }
        };
        let others = histograms.get_or_insert_with(|| {
            let known = self
                .domains
                .iter()
                .filter(|other| known.coefficients.contains_key(&other.name));
            known
                .filter_map(|other| {
                    Some((
                        other.name.clone(),
                        token_histogram(other, width, folder).ok()?,
                    ))
                })
                .collect()
        });
        let weights = most_similar(&own, others);
        if weights.is_empty() {
            let why = if others.is_empty() {
                "no known domain has shards on this machine to compare with"
            } else {
                "its tokens are like those of no known domain"
            };
            let why = why.to_owned();
            return (Some(mean.to_vec()), Estimate::Unknown { why });
        }
        let mut row = vec![0.0; mean.len()];
        for (name, weight) in &weights {
            if let Some(other) = known.coefficients.get(name) {
                row.iter_mut()
                    .zip(other)
                    .for_each(|(a, b)| *a += weight * b);
            }
        }
        (Some(row), Estimate::SimilarTokens { to: weights })
    }

    /// Which frozen domains act on the tasks of the update: as [`choose_free`] counts it.
    fn shared(
        &self,
        known: &LawCoefficients,
        matrix: &[Vec<f64>],
        shares: &[f64],
    ) -> Vec<SharedTask> {
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

/// Domains below this similarity of tokens are not compared.
const LEAST_SIMILARITY: f64 = 0.2;

/// The three most similar domains, weighted by how much their similarity exceeds the median; the weights sum
/// to 1.
fn most_similar(own: &TokenHistogram, others: &[(String, TokenHistogram)]) -> Vec<(String, f64)> {
    let mut found: Vec<(String, f64)> = others
        .iter()
        .map(|(name, other)| (name.clone(), own.similarity(other)))
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    let median = found
        .get(found.len() / 2)
        .map_or(0.0, |(_, similarity)| *similarity);
    found.retain(|(_, similarity)| *similarity >= LEAST_SIMILARITY);
    found.truncate(3);
    found
        .iter_mut()
        .for_each(|(_, similarity)| *similarity = (*similarity - median).max(1e-6));
    let sum: f64 = found.iter().map(|(_, weight)| weight).sum();
    found.iter_mut().for_each(|(_, weight)| *weight /= sum);
    found
}
