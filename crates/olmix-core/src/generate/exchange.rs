//! Choosing runs by what a law would learn from them: D- and V-optimal designs by exchange.
//!
//! For features `x` of a mixture and noise of equal size, the information of a design is `M = ρI +
//! Σ x xᵀ`. A D-optimal design maximizes `log det M`; a V-optimal one minimizes the variance of
//! predictions `xᵀ M⁻¹ x` averaged over a region (Atkinson, Donev and Tobias, Optimum Experimental
//! Designs, 2007, chapters 10 and 12; exchanges after Fedorov). What a run adds or takes away is a
//! rank-one update, so that all candidates are kept valued at the cost of one product with each, of their
//! non-zero features. What a run's removal would leave is valued without being done: most stay.

use rayon::prelude::*;

use super::information::{Effect, Information};
use super::points::Points;
use crate::Matrix;

/// What a design is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion<'a> {
    /// The determinant of the information.
    Determinant,
    /// The average variance of predictions over these points (rows of features).
    Variance(&'a Matrix),
}

/// The prior precision `ρ` of each coefficient, in runs: what keeps a design of fewer runs than
/// features finite.
pub(super) const PRIOR: f64 = 3e-3;
/// An exchange must gain this much, relatively.
const WORTHWHILE: f64 = 1e-7;
/// Sweeps over the design in search of exchanges, at most, and the multiplications they may cost, were all features of
/// all candidates different from zero: very large designs stay as the greedy choice made them.
const SWEEPS: usize = 20;
const MOST_WORK: f64 = 4e11;
/// Candidates valued by one thread at a time.
const CHUNK: usize = 512;

struct Exchange<'a> {
    /// `N × d`.
    x: &'a Points,
    information: Information,
    values: Values,
}

/// What each candidate adds.
#[derive(Clone)]
struct Values {
    /// `xᵀ M⁻¹ x` of each candidate.
    variance: Vec<f64>,
    /// `xᵀ M⁻¹ W M⁻¹ x` of each candidate, with the region's second moments `W`; none for determinants.
    worth: Vec<f64>,
}

/// Chooses `count` of the candidates (rows of features, `N × d`) that go best with the runs of `begun` (rows
/// of the same features, which stay as they are; none for a swarm of its own); positions ascend.
/// Deterministic, on any number of threads.
///
/// Greedy, then exchanges until none helps or they have cost enough. Costs `count` products with the non-zero features
/// of all candidates a sweep, and `d²` for each run that comes or goes.
///
/// # Panics
/// When `begun` has rows of other features.
#[must_use]
pub fn choose_runs(
    candidates: &Matrix,
    begun: &Matrix,
    criterion: Criterion<'_>,
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    if begun.rows() > 0 {
        assert_eq!(begun.columns(), candidates.columns(), "the same features");
    }
    let (candidates, begun) = (Points::of_matrix(candidates), Points::of_matrix(begun));
    choose_points(&candidates, &begun, criterion, count, progress)
}

/// As [`choose_runs`].
pub(super) fn choose_points(
    candidates: &Points,
    begun: &Points,
    criterion: Criterion<'_>,
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    let count = count.min(candidates.len());
    let mut state = Exchange::new(candidates, criterion);
    for run in 0..begun.len() {
        let effect = state.information.effect(&begun.point(run), 1.0);
        state.apply(effect);
    }
    let mut inside = vec![false; candidates.len()];
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let Some(next) = state.values.best_to_add(&inside) else {
            break;
        };
        state.change(next, 1.0);
        inside[next] = true;
        chosen.push(next);
        progress();
    }
    let sweep = 4.0 * count as f64 * candidates.len() as f64 * candidates.features() as f64;
    for _ in 0..SWEEPS.min((MOST_WORK / sweep) as usize) {
        let mut moved = false;
        for run in &mut chosen {
            moved |= state.exchange(run, &mut inside);
        }
        if !moved {
            break;
        }
    }
    chosen.sort_unstable();
    chosen
}

impl<'a> Exchange<'a> {
    fn new(x: &'a Points, criterion: Criterion<'_>) -> Self {
        let region = match criterion {
            Criterion::Determinant => None,
            Criterion::Variance(region) => Some(region),
        };
        let information = Information::new(x.features(), region);
        let both: Vec<(f64, f64)> = (0..x.len())
            .into_par_iter()
            .map(|k| information.values(&x.point(k)))
            .collect();
        let (variance, mut worth): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
        if region.is_none() {
            worth.clear();
        }
        Self {
            x,
            information,
            values: Values { variance, worth },
        }
    }

    /// Puts another candidate in the place of `run` where that gains enough; says whether it did.
    fn exchange(&mut self, run: &mut usize, inside: &mut [bool]) -> bool {
        let out = *run;
        let loss = self.values.cost_of_removal(out);
        let effect = self.information.effect(&self.x.point(out), -1.0);
        let mut without = self.values.clone();
        without.apply(self.x, &effect);
        inside[out] = false;
        let best = without.best_to_add(inside).unwrap_or(out);
        let moves = best != out && without.gain(best) > loss * (1.0 + WORTHWHILE);
        if moves {
            self.values = without;
            self.information.apply(effect);
            self.change(best, 1.0);
            *run = best;
        }
        inside[*run] = true;
        moves
    }

    /// Adds (`sign` 1) or removes (−1) candidate `k`.
    fn change(&mut self, k: usize, sign: f64) {
        let effect = self.information.effect(&self.x.point(k), sign);
        self.apply(effect);
    }

    fn apply(&mut self, effect: Effect) {
        self.values.apply(self.x, &effect);
        self.information.apply(effect);
    }
}

impl Values {
    /// What adding candidate `k` gains: the factor of the determinant, or the fall in variance.
    fn gain(&self, k: usize) -> f64 {
        match self.worth.get(k) {
            None => 1.0 + self.variance[k],
            Some(worth) => worth / (1.0 + self.variance[k]),
        }
    }

    /// What removing candidate `k` from the design costs, in the unit of [`Values::gain`] of
    /// adding it again.
    fn cost_of_removal(&self, k: usize) -> f64 {
        let left = (1.0 - self.variance[k]).max(f64::MIN_POSITIVE);
        match self.worth.get(k) {
            None => 1.0 / left,
            Some(worth) => worth / left,
        }
    }

    /// The first of those with the greatest gain.
    fn best_to_add(&self, inside: &[bool]) -> Option<usize> {
        let outside = (0..inside.len()).filter(|&k| !inside[k]);
        outside.reduce(|best, k| {
            if self.gain(k) > self.gain(best) {
                k
            } else {
                best
            }
        })
    }

    fn apply(&mut self, x: &Points, effect: &Effect) {
        let Effect { z, g, c, w } = effect;
        if self.worth.is_empty() {
            let update = |(chunk, variance): (usize, &mut [f64])| {
                for (i, v) in variance.iter_mut().enumerate() {
                    *v -= c * x.point(chunk * CHUNK + i).dot(z).powi(2);
                }
            };
            let chunks = self.variance.par_chunks_mut(CHUNK);
            chunks.enumerate().for_each(update);
            return;
        }
        let both = self
            .variance
            .par_chunks_mut(CHUNK)
            .zip(self.worth.par_chunks_mut(CHUNK));
        both.enumerate().for_each(|(chunk, (variance, worth))| {
            for (i, (v, q)) in variance.iter_mut().zip(worth).enumerate() {
                let (s, t) = x.point(chunk * CHUNK + i).dots(z, g);
                *v -= c * s * s;
                *q += c * s * (c * w * s - 2.0 * t);
            }
        });
    }
}

/// `log det(ρI + Σ x xᵀ)` of the rows of a design, `d` features each: by which designs are compared.
#[must_use]
pub fn log_determinant(design: &Matrix) -> f64 {
    // Added row by row, each multiplies the determinant by 1 + xᵀ M⁻¹ x.
    let points = Points::of_matrix(design);
    let mut state = Exchange::new(&points, Criterion::Determinant);
    let mut sum = design.columns() as f64 * PRIOR.ln();
    for k in 0..design.rows() {
        sum += state.values.variance[k].ln_1p();
        state.change(k, 1.0);
    }
    sum
}
