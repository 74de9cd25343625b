//! What the fit of one task minimizes; `newton.rs` has the formulas.

use super::rows::Rows;

/// `exp` of more is not finite once squared and summed.
pub(crate) const MAX_EXPONENT: f64 = 300.0;

/// Data of one task's fit.
#[derive(Clone, Copy)]
pub(crate) struct Objective<'a> {
    /// `K × m` features.
    pub x: &'a Rows,
    /// The losses of the runs, of length `K`.
    pub y: &'a [f64],
    /// Weight of each run (1, or how often a resample drew it), length `K`.
    pub w: &'a [f64],
    /// Huber's δ > 0.
    pub delta: f64,
    /// ρ ≥ 0.
    pub ridge: f64,
    /// So many coefficients, the first, are exempt from the ridge.
    pub unpenalized: usize,
    /// So many coefficients, the last, must not be positive.
    pub bounded: usize,
    /// The least value that the constant `c` may have.
    pub c_min: f64,
}

impl Objective<'_> {
    /// `½ρ‖t‖²` over the coefficients that are penalized.
    pub(super) fn penalty(&self, t: &[f64]) -> f64 {
        let penalized = &t[self.unpenalized..];
        0.5 * self.ridge * penalized.iter().map(|t| t * t).sum::<f64>()
    }

    /// Whether coefficient `j` of `m` must not be positive.
    pub(super) fn is_bounded(&self, j: usize, m: usize) -> bool {
        j >= m - self.bounded
    }
}

/// Fills `e = exp(Xt)` and `r = c + e − y`, and returns the objective.
pub(super) fn evaluate(
    objective: &Objective<'_>,
    c: f64,
    t: &[f64],
    e: &mut [f64],
    r: &mut [f64],
) -> f64 {
    objective.x.times(t, e);
    let mut sum = 0.0;
    for k in 0..e.len() {
        e[k] = e[k].min(MAX_EXPONENT).exp();
        r[k] = c + e[k] - objective.y[k];
        sum += objective.w[k] * huber(r[k], objective.delta);
    }
    sum + objective.penalty(t)
}

/// `½r²` up to δ, `δ(|r| − ½δ)` beyond.
pub(crate) fn huber(r: f64, delta: f64) -> f64 {
    let size = r.abs();
    if size <= delta {
        0.5 * r * r
    } else {
        delta * (size - 0.5 * delta)
    }
}
