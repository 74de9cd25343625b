//! Choosing runs by what a law would learn from them: D- and V-optimal designs by exchange.
//!
//! For features `x` of a mixture and noise of equal size, the information of a design is `M = ρI +
//! Σ x xᵀ`. A D-optimal design maximizes `log det M`; a V-optimal one minimizes the variance of
//! predictions `xᵀ M⁻¹ x` averaged over a region (Atkinson, Donev and Tobias, Optimum Experimental
//! Designs, 2007, chapters 10 and 12; exchanges after Fedorov). What a run adds or takes away is a
//! rank-one update, so that all candidates are kept valued at a cost of `N d` a step.

use rayon::prelude::*;

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
/// Sweeps over the design in search of exchanges, at most, and the multiplications they may cost:
/// some minutes. Very large designs stay as the greedy choice made them.
const SWEEPS: usize = 20;
const MOST_WORK: f64 = 4e11;
/// Candidates valued by one thread at a time.
const CHUNK: usize = 512;

struct Exchange<'a> {
    /// `N × d`.
    x: &'a Matrix,
    /// `M⁻¹`, `d × d`.
    inverse: Matrix,
    /// `M⁻¹ W M⁻¹` with the region's second moments `W`; `None` for determinants.
    spread: Option<Matrix>,
    /// `xᵀ M⁻¹ x` of each candidate.
    variance: Vec<f64>,
    /// `xᵀ M⁻¹ W M⁻¹ x` of each candidate.
    worth: Vec<f64>,
}

/// Chooses `count` of the candidates (rows of features, `N × d`) that go best with the runs of `begun` (rows
/// of the same features, which stay as they are; none for a swarm of its own); positions ascend.
/// Deterministic, on any number of threads.
///
/// Greedy, then exchanges until none helps or they have cost enough. Costs `count · N · d` a sweep.
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
    let count = count.min(candidates.rows());
    let mut state = Exchange::new(candidates, criterion);
    for run in 0..begun.rows() {
        assert_eq!(begun.columns(), candidates.columns(), "the same features");
        state.update(begun.row(run), 1.0);
    }
    let mut inside = vec![false; candidates.rows()];
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let Some(next) = state.best_to_add(&inside) else {
            break;
        };
        state.change(next, 1.0);
        inside[next] = true;
        chosen.push(next);
        progress();
    }
    let sweep = 4.0 * count as f64 * candidates.rows() as f64 * candidates.columns() as f64;
    for _ in 0..SWEEPS.min((MOST_WORK / sweep) as usize) {
        let mut moved = false;
        for run in &mut chosen {
            let out = *run;
            let loss = state.cost_of_removal(out);
            state.change(out, -1.0);
            inside[out] = false;
            let best = state.best_to_add(&inside).unwrap_or(out);
            if best != out && state.gain(best) > loss * (1.0 + WORTHWHILE) {
                moved = true;
                *run = best;
            }
            state.change(*run, 1.0);
            inside[*run] = true;
        }
        if !moved {
            break;
        }
    }
    chosen.sort_unstable();
    chosen
}

impl<'a> Exchange<'a> {
    fn new(x: &'a Matrix, criterion: Criterion<'_>) -> Self {
        let d = x.columns();
        let inverse = Matrix::from_fn(d, d, |i, j| if i == j { 1.0 / PRIOR } else { 0.0 });
        let spread = match criterion {
            Criterion::Determinant => None,
            Criterion::Variance(region) => {
                let scale = PRIOR.powi(-2) / region.rows().max(1) as f64;
                let mut spread = Matrix::from_fn(d, d, |_, _| 0.0);
                for row in 0..region.rows() {
                    let point = region.row(row);
                    for (i, a) in point.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                        for (into, b) in spread.row_mut(i).iter_mut().zip(point) {
                            *into += scale * a * b;
                        }
                    }
                }
                Some(spread)
            }
        };
        let form = |matrix: &Matrix| -> Vec<f64> {
            (0..x.rows())
                .into_par_iter()
                .map(|k| dot(x.row(k), &times(matrix, x.row(k))))
                .collect()
        };
        Self {
            variance: form(&inverse),
            worth: spread.as_ref().map_or_else(Vec::new, form),
            x,
            inverse,
            spread,
        }
    }

    /// What adding candidate `k` gains: the factor of the determinant, or the fall in variance.
    fn gain(&self, k: usize) -> f64 {
        match &self.spread {
            None => 1.0 + self.variance[k],
            Some(_) => self.worth[k] / (1.0 + self.variance[k]),
        }
    }

    /// What removing candidate `k` from the design costs, in the unit of [`Exchange::gain`] of
    /// adding it again.
    fn cost_of_removal(&self, k: usize) -> f64 {
        let left = (1.0 - self.variance[k]).max(f64::MIN_POSITIVE);
        match &self.spread {
            None => 1.0 / left,
            Some(_) => self.worth[k] / left,
        }
    }

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

    /// Adds (`sign` 1) or removes (−1) candidate `k`.
    fn change(&mut self, k: usize, sign: f64) {
        let x = self.x;
        self.update(x.row(k), sign);
    }

    /// Adds (`sign` 1) or removes (−1) a run with these features: Sherman and Morrison's formula.
    fn update(&mut self, point: &[f64], sign: f64) {
        let z = times(&self.inverse, point);
        let c = sign / (1.0 + sign * dot(point, &z));
        let x = self.x;
        match &mut self.spread {
            None => {
                let update = |(chunk, variance): (usize, &mut [f64])| {
                    for (i, v) in variance.iter_mut().enumerate() {
                        *v -= c * dot(x.row(chunk * CHUNK + i), &z).powi(2);
                    }
                };
                self.variance
                    .par_chunks_mut(CHUNK)
                    .enumerate()
                    .for_each(update);
            }
            Some(spread) => {
                // M⁻¹ − c z zᵀ turns A = M⁻¹ W M⁻¹ into A − c (z gᵀ + g zᵀ) + c² (gᵀx) z zᵀ.
                let g = times(spread, point);
                let w = dot(&g, point);
                let both = self
                    .variance
                    .par_chunks_mut(CHUNK)
                    .zip(self.worth.par_chunks_mut(CHUNK));
                both.enumerate().for_each(|(chunk, (variance, worth))| {
                    for (i, (v, q)) in variance.iter_mut().zip(worth).enumerate() {
                        let row = x.row(chunk * CHUNK + i);
                        let (s, t) = (dot(row, &z), dot(row, &g));
                        *v -= c * s * s;
                        *q += c * s * (c * w * s - 2.0 * t);
                    }
                });
                for i in 0..z.len() {
                    let (zi, gi) = (z[i], g[i]);
                    for ((into, zj), gj) in spread.row_mut(i).iter_mut().zip(&z).zip(&g) {
                        *into += c * (c * w * zi * zj - zi * gj - gi * zj);
                    }
                }
            }
        }
        for (i, zi) in z.iter().enumerate() {
            for (into, zj) in self.inverse.row_mut(i).iter_mut().zip(&z) {
                *into -= c * zi * zj;
            }
        }
    }
}

/// `log det(ρI + Σ x xᵀ)` of the rows of a design, `d` features each: by which designs are compared.
#[must_use]
pub fn log_determinant(design: &Matrix) -> f64 {
    // Added row by row, each multiplies the determinant by 1 + xᵀ M⁻¹ x.
    let mut state = Exchange::new(design, Criterion::Determinant);
    let mut sum = design.columns() as f64 * PRIOR.ln();
    for k in 0..design.rows() {
        sum += state.variance[k].ln_1p();
        state.change(k, 1.0);
    }
    sum
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums at once: a single one waits for itself.
    let mut sums = [0.0; 4];
    let (chunks, rest) = (a.chunks_exact(4), a.chunks_exact(4).remainder());
    for (a, b) in chunks.zip(b.chunks_exact(4)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let tail: f64 = rest
        .iter()
        .zip(&b[b.len() - rest.len()..])
        .map(|(a, b)| a * b)
        .sum();
    sums.iter().sum::<f64>() + tail
}

fn times(matrix: &Matrix, point: &[f64]) -> Vec<f64> {
    (0..matrix.rows())
        .map(|i| dot(matrix.row(i), point))
        .collect()
}
