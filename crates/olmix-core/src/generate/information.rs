//! The inverse of a design's information under rank-one updates, which are gathered and then made together: each alone
//! would read and write the whole matrix.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

use super::exchange::PRIOR;
use super::points::Point;
use crate::Matrix;

/// Updates that are made together.
const TOGETHER: usize = 16;

/// `M⁻¹` and `M⁻¹ W M⁻¹` of the information `M = ρI + Σ x xᵀ`, each as a matrix and the updates that are not yet in it.
#[derive(Debug)]
pub(super) struct Information {
    /// `M⁻¹`, `d × d`.
    inverse: Mat<f64>,
    /// `M⁻¹ W M⁻¹` with the region's second moments `W`; `None` without a region.
    spread: Option<Mat<f64>>,
    waiting: Vec<Effect>,
}

/// What a run that comes or goes does: `M⁻¹` becomes `M⁻¹ − c z zᵀ`, and `A = M⁻¹ W M⁻¹` becomes
/// `A − c (z gᵀ + g zᵀ) + c² w z zᵀ`.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    /// `M⁻¹ x`.
    pub z: Vec<f64>,
    /// `M⁻¹ W M⁻¹ x`; empty without a region.
    pub g: Vec<f64>,
    pub c: f64,
    /// `gᵀ x`.
    pub w: f64,
}

impl Information {
    /// Of no runs, over `d` features; `region` has rows of them.
    pub fn new(d: usize, region: Option<&Matrix>) -> Self {
        let spread = region.map(|region| {
            let scale = PRIOR.powi(-2) / region.rows().max(1) as f64;
            let points = Mat::from_fn(region.rows(), d, |i, j| region.get(i, j));
            let mut spread = Mat::zeros(d, d);
            matmul(
                spread.as_mut(),
                Accum::Replace,
                points.transpose(),
                points.as_ref(),
                scale,
                Par::Seq,
            );
            spread
        });
        Self {
            inverse: Mat::from_fn(d, d, |i, j| if i == j { 1.0 / PRIOR } else { 0.0 }),
            spread,
            waiting: Vec::with_capacity(TOGETHER),
        }
    }

    /// `xᵀ M⁻¹ x`, and `xᵀ M⁻¹ W M⁻¹ x` where there is a region.
    pub fn values(&self, point: &Point<'_>) -> (f64, f64) {
        // From the features that it has alone.
        let form = |matrix: &Mat<f64>| {
            let row = |(i, x): (usize, f64)| x * point.dot(matrix.col_as_slice(i));
            let rows = point.entries().filter(|(_, x)| *x != 0.0);
            rows.map(row).sum::<f64>()
        };
        let variance = form(&self.inverse);
        (variance, self.spread.as_ref().map_or(0.0, form))
    }

    /// What a run at `point` does that comes (`sign` 1) or goes (−1): Sherman and Morrison's formula.
    pub fn effect(&self, point: &Point<'_>, sign: f64) -> Effect {
        let mut z = product(&self.inverse, point);
        let mut g = self
            .spread
            .as_ref()
            .map_or_else(Vec::new, |spread| product(spread, point));
        for effect in &self.waiting {
            let Effect {
                z: along,
                g: across,
                c,
                w,
            } = effect;
            if g.is_empty() {
                add(&mut z, -c * point.dot(along), along);
                continue;
            }
            let (s, t) = point.dots(along, across);
            add(&mut z, -c * s, along);
            add(&mut g, c * (c * w * s - t), along);
            add(&mut g, -c * s, across);
        }
        Effect {
            c: sign / (1.0 + sign * point.dot(&z)),
            w: if g.is_empty() { 0.0 } else { point.dot(&g) },
            z,
            g,
        }
    }

    /// Makes an update, at once or later.
    pub fn apply(&mut self, effect: Effect) {
        self.waiting.push(effect);
        if self.waiting.len() < TOGETHER {
            return;
        }
        let (d, all) = (self.inverse.nrows(), &self.waiting);
        let along = Mat::from_fn(d, all.len(), |i, k| all[k].z[i]);
        let scaled = Mat::from_fn(d, all.len(), |i, k| -all[k].c * all[k].z[i]);
        let add = |into: &mut Mat<f64>, a: &Mat<f64>, b: &Mat<f64>| {
            let into = into.as_mut();
            matmul(into, Accum::Add, a.as_ref(), b.transpose(), 1.0, Par::Seq);
        };
        add(&mut self.inverse, &scaled, &along);
        if let Some(spread) = &mut self.spread {
            let across = Mat::from_fn(d, all.len(), |i, k| all[k].g[i]);
            let both = Mat::from_fn(d, all.len(), |i, k| {
                let Effect { z, g, c, w } = &all[k];
                c * (c * w * z[i] - g[i])
            });
            add(spread, &both, &along);
            add(spread, &scaled, &across);
        }
        self.waiting.clear();
    }
}

/// A symmetric matrix times a point.
fn product(matrix: &Mat<f64>, point: &Point<'_>) -> Vec<f64> {
    let mut sum = vec![0.0; matrix.nrows()];
    for (j, x) in point.entries().filter(|(_, x)| *x != 0.0) {
        add(&mut sum, x, matrix.col_as_slice(j));
    }
    sum
}

fn add(into: &mut [f64], factor: f64, vector: &[f64]) {
    for (into, v) in into.iter_mut().zip(vector) {
        *into += factor * v;
    }
}
