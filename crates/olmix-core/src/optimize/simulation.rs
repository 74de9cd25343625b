//! Simulation: RegMix's iterated sampling (arXiv 2407.01492), as the reference runs it.
//!
//! Each round draws mixtures from Dirichlet distributions around a prior, drops those over the
//! caps, and moves the prior half-way to the mean of the candidates within 1e-3 of the best. The
//! concentration is log-uniform in `[1, 100] · 2(round + 1)`.

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::problem::{BINDING_TOLERANCE, ExactProblem};
use super::{
    MixtureOptimizer, OptimizerInput, OptimizerKind, OptimizerNeeds, OptimizerSetting,
    OptimizerSettings, Solution, Status,
};
use crate::law::{ExponentialLaws, FittedLaw, average_loss};
use crate::random::{Purpose, dirichlet, generator};
use crate::{CoreError, kl_divergence};

/// Sizes of a simulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulationOptions {
    /// Rounds of sampling.
    pub rounds: usize,
    /// Candidates per round, before those over the caps are dropped.
    pub samples: usize,
    /// Exponent on the starting prior; below 1 flattens it.
    pub temperature: Option<f64>,
}

impl Default for SimulationOptions {
    /// 10 rounds of 100,000 candidates.
    fn default() -> Self {
        Self {
            rounds: 10,
            samples: 100_000,
            temperature: None,
        }
    }
}

impl SimulationOptions {
    /// A quick one, where the result is a start for something better.
    #[must_use]
    pub fn coarse() -> Self {
        Self {
            rounds: 5,
            samples: 2_000,
            temperature: None,
        }
    }

    /// How often a simulation reports progress.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.rounds * self.samples.div_ceil(CHUNK)
    }
}

/// `RegMix`'s iterated sampling.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Sizes of the search.
    pub options: SimulationOptions,
    /// Find the worst mixture instead.
    pub worst: bool,
}

impl MixtureOptimizer for Simulation {
    const NEEDS: OptimizerNeeds = OptimizerNeeds::Laws;

    fn takes(_: OptimizerKind, setting: OptimizerSetting) -> bool {
        setting == OptimizerSetting::Temperature
    }

    fn with_settings(_: OptimizerKind, settings: &OptimizerSettings) -> Self {
        Self {
            options: SimulationOptions {
                temperature: settings.temperature,
                ..SimulationOptions::default()
            },
            worst: settings.worst,
        }
    }

    fn kind(&self) -> OptimizerKind {
        OptimizerKind::Simulation
    }

    fn is_worst(&self) -> bool {
        self.worst
    }

    fn kl_reg(&self) -> Option<f64> {
        None
    }

    fn with_kl_reg(&self, _: f64) -> Self {
        self.clone()
    }

    fn for_resamples(&self) -> Self {
        let mut quick = self.clone();
        quick.options.samples = quick.options.samples.min(RESAMPLE_SAMPLES);
        quick
    }

    fn steps(&self) -> usize {
        self.options.steps()
    }

    fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError> {
        input.all_free()?;
        simulate(input, &self.options, self.worst)
    }
}

/// Candidates are drawn and valued in chunks, each with a random stream of its own.
const CHUNK: usize = 1_000;
/// Candidates per round for laws of resampled runs: what more of them change is far less than what resamples differ by
/// (`docs/decisions.md`).
const RESAMPLE_SAMPLES: usize = 5_000;
/// Candidates this close to the best are averaged.
const CLOSE: f64 = 1e-3;
const LEAST_WEIGHT: f64 = 1e-5;
/// A mixture is feasible that breaks no constraint by more.
const FEASIBLE: f64 = 1e-9;

/// Searches by sampling; `worst` looks for the greatest predicted loss instead.
///
/// Progress is reported once for each of [`SimulationOptions::steps`]. Deterministic from the seed on
/// any number of threads. Cost: `rounds · samples · n · m`.
///
/// # Errors
/// [`CoreError::Infeasible`] when the constraints are empty, [`CoreError::NoFeasibleSample`] when no
/// sample meets them.
pub fn simulate(
    input: &OptimizerInput<'_>,
    options: &SimulationOptions,
    worst: bool,
) -> Result<Solution, CoreError> {
    let ExactProblem {
        domains,
        laws,
        task_weights,
        constraints,
        ..
    } = input.problem;
    let (prior, seed) = (input.prior, input.seed);
    constraints.check(domains)?;
    let m = domains.len();
    let value = Value::new(m, laws, task_weights);
    let limits: Vec<f64> = (0..m).map(|j| constraints.limit(j)).collect();
    // Draws sum to 1: where no other sums are given, the bounds of single domains are all there is to keep.
    let bounds_alone = constraints.groups.is_empty() && constraints.sums.is_empty();
    let feasible = |p: &[f64]| {
        let bounds = constraints.lower.iter().zip(&limits);
        let inside = |(p, (lower, limit)): (&f64, (&f64, &f64))| {
            lower - p <= FEASIBLE && p - limit <= FEASIBLE
        };
        let all = p
            .iter()
            .zip(bounds)
            .map(inside)
            .fold(true, |all, one| all & one);
        all && (bounds_alone || constraints.violation(p) <= FEASIBLE)
    };
    let sign = if worst { -1.0 } else { 1.0 };
    let mut center = tempered(prior, options.temperature);
    let mut best: Option<Vec<f64>> = None;
    for round in 0..options.rounds {
        let chunks: Vec<Kept> = (0..options.samples.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let item = (round * 1_000_000 + chunk) as u64;
                let mut rng = generator(seed, Purpose::Simulation, item);
                let size = CHUNK.min(options.samples - chunk * CHUNK);
                let scale = 2.0 * (round + 1) as f64;
                let candidates: Vec<Vec<f64>> = (0..size)
                    .map(|_| {
                        let strength = scale * 100f64.powf(rng.random::<f64>());
                        dirichlet(&center, strength, &mut rng)
                    })
                    .filter(|p| feasible(p))
                    .collect();
                let kept = Kept::new(candidates, &value, sign);
                (input.progress)();
                kept
            })
            .collect();
        let least = chunks
            .iter()
            .map(|kept| kept.least)
            .fold(f64::INFINITY, f64::min);
        let mut sum = vec![0.0; m];
        let mut count = 0.0;
        for (value, p) in chunks.iter().flat_map(|kept| &kept.close) {
            if value - least < CLOSE {
                sum.iter_mut().zip(p).for_each(|(sum, p)| *sum += p);
                count += 1.0;
            }
        }
        if count == 0.0 {
            continue;
        }
        let mean: Vec<f64> = sum.iter().map(|sum| sum / count).collect();
        let mut cleaned: Vec<f64> = mean
            .iter()
            .map(|&p| if p < LEAST_WEIGHT { 0.0 } else { p })
            .collect();
        let total: f64 = cleaned.iter().sum();
        cleaned.iter_mut().for_each(|p| *p /= total);
        // The mean of feasible mixtures is feasible; with its least weights removed it may not be.
        let found = if constraints.violation(&cleaned) <= FEASIBLE {
            cleaned
        } else {
            mean
        };
        center = center
            .iter()
            .zip(&found)
            .map(|(a, b)| 0.5 * (a + b))
            .collect();
        best = Some(found);
    }
    let weights = best.ok_or(CoreError::NoFeasibleSample {
        samples: options.rounds * options.samples,
    })?;
    Ok(Solution {
        status: Status::BestCandidate,
        objective: average_loss(laws, task_weights, &weights),
        kl: kl_divergence(&weights, prior),
        duality_gap: None,
        terms: Vec::new(),
        iterations: options.rounds,
        binding: constraints.binding(&weights, BINDING_TOLERANCE),
        run: None,
        weights,
    })
}

/// The candidates of a chunk that may be among the best of their round.
struct Kept {
    least: f64,
    close: Vec<(f64, Vec<f64>)>,
}

/// Values many candidates at once: exponentials of linear functions of `φ(p)` by matrix products.
enum Value<'a> {
    Exponential {
        laws: ExponentialLaws,
        /// `Σ w c`.
        constant: f64,
        weights: &'a [f64],
    },
    Any(&'a [FittedLaw], &'a [f64]),
}

impl<'a> Value<'a> {
    fn new(m: usize, laws: &'a [FittedLaw], weights: &'a [f64]) -> Self {
        let Some(exponentials) = ExponentialLaws::new(m, laws) else {
            return Self::Any(laws, weights);
        };
        let floors = exponentials.floors.iter().zip(weights);
        Self::Exponential {
            constant: floors.map(|(floor, w)| w * floor).sum(),
            laws: exponentials,
            weights,
        }
    }

    fn of(&self, candidates: &[Vec<f64>]) -> Vec<f64> {
        match self {
            Self::Exponential {
                laws,
                constant,
                weights,
            } => {
                let terms = laws.exponentials(candidates.len(), |s, j| candidates[s][j]);
                let average = |s| {
                    let terms = terms.col_as_slice(s).iter().zip(*weights);
                    constant + terms.map(|(x, weight)| weight * x).sum::<f64>()
                };
                (0..candidates.len()).map(average).collect()
            }
            Self::Any(laws, weights) => candidates
                .iter()
                .map(|p| average_loss(laws, weights, p))
                .collect(),
        }
    }
}

impl Kept {
    fn new(candidates: Vec<Vec<f64>>, value: &Value<'_>, sign: f64) -> Self {
        let values: Vec<f64> = value
            .of(&candidates)
            .iter()
            .map(|value| sign * value)
            .collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let close = values
            .into_iter()
            .zip(candidates)
            .filter(|(value, _)| value - least < CLOSE)
            .collect();
        Self { least, close }
    }
}

fn tempered(prior: &[f64], temperature: Option<f64>) -> Vec<f64> {
    let powered: Vec<f64> = prior
        .iter()
        .map(|p| p.powf(temperature.unwrap_or(1.0)))
        .collect();
    let sum: f64 = powered.iter().sum();
    powered.into_iter().map(|p| p / sum).collect()
}
