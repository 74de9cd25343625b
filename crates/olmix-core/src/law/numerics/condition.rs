//! How well the runs determine a law at its minimum.

use faer::Mat;

use super::linalg::times;
use super::newton::{Point, Workspace};
use super::objective::{Objective, evaluate};

const POWER_ITERATIONS: usize = 30;
const GREATEST_CONDITION: f64 = 1e16;

impl Workspace {
    /// Condition number (2-norm) of the reweighted Jacobian at a point, by power iteration on
    /// the Gauss–Newton matrix and on its inverse; at most [`GREATEST_CONDITION`].
    pub(crate) fn condition(&mut self, objective: &Objective<'_>, point: &Point) -> f64 {
        let m = point.t.len();
        evaluate(objective, point.c, &point.t, &mut self.e, &mut self.r);
        self.held.fill(false);
        self.curvature(objective, false, false);
        // `cross` still holds the last row; the product needs the whole symmetric matrix.
        let hessian = Mat::from_fn(m + 1, m + 1, |i, j| self.hessian[(i.max(j), i.min(j))]);
        let mut product = vec![0.0; m + 1];
        let greatest = dominant(m + 1, |v| {
            times(&hessian, v, &mut product);
            v.copy_from_slice(&product);
        });
        if !self.cholesky.factor(&hessian, |_| 0.0) {
            return GREATEST_CONDITION;
        }
        let cholesky = &mut self.cholesky;
        let inverse_least = dominant(m + 1, |v| cholesky.solve(v));
        (greatest * inverse_least).sqrt().min(GREATEST_CONDITION)
    }
}

/// The greatest eigenvalue of a symmetric positive operator, from a fixed start.
fn dominant(size: usize, mut apply: impl FnMut(&mut [f64])) -> f64 {
    // Not a multiple of the ones vector, which can be an eigenvector.
    let mut v: Vec<f64> = (0..size).map(|j| 1.0 + 0.37 * (j as f64).sin()).collect();
    let mut size = 0.0;
    for _ in 0..POWER_ITERATIONS {
        apply(&mut v);
        size = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        if !(size > 0.0 && size.is_finite()) {
            return GREATEST_CONDITION;
        }
        v.iter_mut().for_each(|v| *v /= size);
    }
    size
}
