//! Mixtures of phases to train: amounts as in any swarm, and contrasts between phases that are not tied to them.

use rand::RngExt;
use rand_distr::StandardNormal;

use super::Phases;
use crate::random::{Purpose, generator};

/// How the phases of a swarm's runs are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseDesign {
    /// Share of the runs (from the end) whose mixture is the same in every phase, in `[0, 1]`: the null.
    pub tied: f64,
    /// How far phases go from the run's amounts: a weight is multiplied by `exp(±strength · u)` with `u` standard normal.
    pub strength: f64,
    /// Seed of the draws.
    pub seed: u64,
}

/// Mixtures of two or more phases (each `S` mixtures of length `m`) from the amounts of runs (each of length `m`).
///
/// Runs are made in antithetic pairs: the same amounts with a contrast and with its opposite, so that what runs saw in
/// all and when they saw it are not correlated. `amounts` has one entry per pair; the result has two runs per pair, the
/// pair's amounts in both exactly, followed by the tied runs: for each of the first amounts one run with the same mixture
/// in every phase. Domains that a run does not have stay at zero in every phase.
#[must_use]
pub fn antithetic(
    phases: &Phases,
    amounts: &[Vec<f64>],
    design: &PhaseDesign,
) -> Vec<Vec<Vec<f64>>> {
    let mut runs = Vec::with_capacity(2 * amounts.len());
    for (pair, amount) in amounts.iter().enumerate() {
        runs.extend(antithetic_pair(phases, amount, design, pair as u64));
    }
    let tied = (design.tied * runs.len() as f64).round() as usize;
    for amount in amounts.iter().cycle().take(tied) {
        runs.push(vec![amount.clone(); phases.len()]);
    }
    runs
}

/// The two runs of pair number `pair`: the same amounts, with a contrast and with its opposite.
pub(crate) fn antithetic_pair(
    phases: &Phases,
    amount: &[f64],
    design: &PhaseDesign,
    pair: u64,
) -> [Vec<Vec<f64>>; 2] {
    let mut rng = generator(design.seed, Purpose::Phases, pair);
    let tilts: Vec<Vec<f64>> = (1..phases.len())
        .map(|_| {
            let each = amount.iter();
            each.map(|_| rng.sample::<f64, _>(StandardNormal)).collect()
        })
        .collect();
    [1.0, -1.0].map(|sign| tilted(phases, amount, &tilts, sign * design.strength))
}

/// Phases with the amounts given in all: the share of domain `j` that falls into phase `s` is in proportion to
/// `φ_s exp(tilt_sj)`, and the phases' sums are brought to `φ` by scaling rows and columns in turn (Sinkhorn).
fn tilted(phases: &Phases, amount: &[f64], tilts: &[Vec<f64>], strength: f64) -> Vec<Vec<f64>> {
    let fractions = phases.fractions();
    let m = amount.len();
    let mut q: Vec<Vec<f64>> = fractions
        .iter()
        .enumerate()
        .map(|(s, fraction)| {
            let tilt = |j: usize| match s.checked_sub(1) {
                Some(s) => (strength * tilts[s][j]).exp(),
                None => 1.0,
            };
            (0..m).map(|j| fraction * amount[j] * tilt(j)).collect()
        })
        .collect();
    for _ in 0..200 {
        for (row, fraction) in q.iter_mut().zip(&fractions) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|q| *q *= fraction / sum);
        }
        for j in 0..m {
            let sum: f64 = q.iter().map(|row| row[j]).sum();
            if sum > 0.0 {
                q.iter_mut().for_each(|row| row[j] *= amount[j] / sum);
            }
        }
    }
    // The sums of phases are exact at the end, the amounts to rounding.
    for (row, fraction) in q.iter_mut().zip(&fractions) {
        let sum: f64 = row.iter().sum();
        let scale = if sum > 0.0 { 1.0 / sum } else { 1.0 / fraction };
        row.iter_mut().for_each(|q| *q *= scale);
    }
    q
}
