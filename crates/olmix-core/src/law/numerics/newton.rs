//! Minimizes the Huber objective of one task from one start.
//!
//! The model is `f_k = c + e_k`, `e_k = exp(t·x_k)`, `c ≥ c_min > 0`, and the objective
//!
//! ```text
//! F(c, t) = Σ_k w_k huber_δ(f_k − y_k) + ½ρ‖t‖²
//! ```
//!
//! where `x_k` is a row of features: the mixture itself, or functions of its weights. The first
//! coefficients may be exempt from the ridge, and the last may be bound to `t_j ≤ 0`.
//!
//! With `r = f − y`, `ψ = clamp(r, −δ, δ)` and `d = 1` where `|r| ≤ δ`, else 0, the Hessian is
//!
//! ```text
//! ∂²F/∂t²  = Xᵀ diag(w (d e² + ψ e)) X + ρI
//! ∂²F/∂t∂c = Xᵀ (w d e)
//! ∂²F/∂c²  = Σ w d
//! ```
//!
//! so the true Newton matrix costs no more than the Gauss–Newton one: one weighted Gram matrix.
//! Each step is damped as by Levenberg and Marquardt. Where the Newton matrix is not positive
//! definite, the Gauss–Newton matrix of the reweighted problem (`d` replaced by `min(1, δ/|r|)`,
//! the term in `ψ` left out) takes its place; it always is. Near the minimum the Newton matrix
//! makes convergence quadratic, where reweighting alone converges linearly.
//!
//! Bounds are kept by projection: a coefficient on its bound stays there while the objective would
//! fall only beyond it, and a step of the others ends at the bound (Bertsekas, *Projected Newton
//! methods*, 1982).

use faer::Mat;

use super::linalg::Cholesky;
use super::objective::{Objective, evaluate};
use super::rows::Rows;

/// A point and its objective.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub c: f64,
    pub t: Vec<f64>,
    /// Summed Huber loss plus ridge term.
    pub value: f64,
}

/// Where one descent ended, and how.
#[derive(Debug, Clone)]
pub(crate) struct Descent {
    pub point: Point,
    pub end: End,
    pub iterations: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A further step promises too little to be worth it.
    Converged,
    /// The same minimum as the known one at this index.
    Merged(usize),
    /// Neither, within the iterations allowed.
    GaveUp,
}

/// What earlier starts of the same task found.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Residuals (length `K`) at each minimum.
    pub residuals: &'a [&'a [f64]],
    /// The least objective of these minima.
    pub least: f64,
}

impl Known<'_> {
    /// No minimum is known yet.
    pub(crate) const NOTHING: Self = Self {
        residuals: &[],
        least: f64::INFINITY,
    };
}

pub(super) enum Step {
    Taken,
    Converged,
    Stuck,
}

/// Levenberg–Marquardt damping, and which matrix it damps.
pub(super) struct Damping {
    pub(super) damping: f64,
    newton: bool,
}

impl Default for Damping {
    fn default() -> Self {
        Self {
            damping: 1e-2,
            newton: true,
        }
    }
}

impl Damping {
    fn raise(&mut self) {
        self.damping = (self.damping * 4.0).max(1e-6);
    }

    /// After a step that kept `gain` of what it promised and lowered the objective by a share
    /// `progress`.
    fn accepted(&mut self, gain: f64, progress: f64) {
        if gain > 0.75 {
            self.damping = (self.damping * 0.1).max(1e-14);
        } else if gain < 0.25 {
            self.raise();
        }
        // Where the Newton matrix failed, it is tried again once steps get short.
        self.newton |= gain > 0.25 && progress < 0.2;
    }
}

/// Reusable memory for descents over designs of one shape.
pub(crate) struct Workspace {
    pub(super) e: Vec<f64>,
    pub(super) e_next: Vec<f64>,
    pub(super) r: Vec<f64>,
    pub(super) r_next: Vec<f64>,
    row: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    cross: Vec<f64>,
    scaled: Mat<f64>,
    pub(super) hessian: Mat<f64>,
    pub(super) cholesky: Cholesky,
    pub(super) step: Vec<f64>,
    pub(super) t_next: Vec<f64>,
    /// Coefficients that stay on their bound in this step.
    pub(super) held: Vec<bool>,
}

pub(super) const MAX_ITERATIONS: usize = 300;
/// A further start that is not within [`TRIAL_LEVEL`] of the least known objective by then is
/// given up: measured on 330 columns, nearly all of those end higher.
const TRIAL_ITERATIONS: usize = 8;
const TRIAL_LEVEL: f64 = 1.1;
const MAX_TRIALS: usize = 40;
/// Converged when a step promises less than this share of the objective.
pub(crate) const FULL_PRECISION: f64 = 1e-13;
/// … or less than this in absolute terms, for swarms without noise. Unit: squared loss per run.
const ABSOLUTE_TOLERANCE: f64 = 1e-24;
/// Above this damping a short step says nothing about convergence.
const LIGHT_DAMPING: f64 = 1e-2;

impl Workspace {
    pub(crate) fn new(x: &Rows, domains: usize) -> Self {
        let rows = || vec![0.0; x.runs()];
        Self {
            e: rows(),
            e_next: rows(),
            r: rows(),
            r_next: rows(),
            row: rows(),
            gradient: vec![0.0; domains + 1],
            cross: vec![0.0; domains],
            scaled: x.scratch(),
            hessian: Mat::zeros(domains + 1, domains + 1),
            cholesky: Cholesky::new(domains + 1),
            step: vec![0.0; domains + 1],
            t_next: vec![0.0; domains],
            held: vec![false; domains],
        }
    }

    /// Descends from `(c, t)` until a step promises less than `tolerance` of the objective.
    ///
    /// Ends early where that is plainly not worth it: once the residuals of all runs are within
    /// 1e-3 δ of those of a minimum that is `known` (this start leads there too), or when after a
    /// few iterations the objective is still well above the least known.
    pub(crate) fn descend(
        &mut self,
        objective: &Objective<'_>,
        c: f64,
        t: &[f64],
        tolerance: f64,
        known: &Known<'_>,
    ) -> Descent {
        let mut point = Point {
            c: c.max(objective.c_min),
            t: t.to_vec(),
            value: 0.0,
        };
        point.value = evaluate(objective, point.c, &point.t, &mut self.e, &mut self.r);
        let mut state = Damping::default();
        let mut iterations = 0;
        let end = loop {
            if let Some(index) = self.nearest(objective, known.residuals) {
                break End::Merged(index);
            }
            if iterations == MAX_ITERATIONS
                || iterations >= TRIAL_ITERATIONS && point.value > TRIAL_LEVEL * known.least
            {
                break End::GaveUp;
            }
            match self.step(objective, &mut point, &mut state, tolerance) {
                Step::Taken => iterations += 1,
                Step::Converged => break End::Converged,
                Step::Stuck => break End::GaveUp,
            }
        };
        Descent {
            point,
            end,
            iterations,
        }
    }

    /// Residuals at the point the last descent ended at.
    pub(crate) fn residuals(&self) -> &[f64] {
        &self.r
    }

    fn nearest(&self, objective: &Objective<'_>, known: &[&[f64]]) -> Option<usize> {
        let close = 1e-3 * objective.delta;
        known.iter().position(|known| {
            self.r
                .iter()
                .zip(*known)
                .all(|(a, b)| (a - b).abs() < close)
        })
    }

    /// Takes one step that lowers the objective, damping it as far as that needs.
    pub(super) fn step(
        &mut self,
        objective: &Objective<'_>,
        point: &mut Point,
        state: &mut Damping,
        tolerance: f64,
    ) -> Step {
        let m = point.t.len();
        let floor = ABSOLUTE_TOLERANCE * objective.y.len() as f64;
        self.gradient(objective, point);
        // On its bound, c stays there while the objective would fall only below it.
        let c_fixed = point.c <= objective.c_min && self.gradient[m] > 0.0;
        for j in 0..m {
            let at_bound = objective.is_bounded(j, m) && point.t[j] >= 0.0;
            self.held[j] = at_bound && self.gradient[j] < 0.0;
        }
        self.curvature(objective, state.newton, c_fixed);
        for _ in 0..MAX_TRIALS {
            let hessian = &self.hessian;
            let shift = |j: usize| state.damping * (hessian[(j, j)].abs() + 1e-12);
            if !self.cholesky.factor(hessian, shift) {
                if state.newton && state.damping > 0.1 {
                    state.newton = false;
                    self.curvature(objective, false, c_fixed);
                } else {
                    state.raise();
                }
                continue;
            }
            for j in 0..m {
                self.step[j] = if self.held[j] { 0.0 } else { -self.gradient[j] };
            }
            self.step[m] = -self.gradient[m];
            if c_fixed {
                self.step[m] = 0.0;
            }
            self.cholesky.solve(&mut self.step);
            let slope: f64 = (0..=m).map(|j| self.step[j] * self.gradient[j]).sum();
            let promised = -0.5 * slope;
            let light = state.damping <= LIGHT_DAMPING;
            if light && promised <= tolerance * point.value + floor {
                return Step::Converged;
            }
            for j in 0..m {
                let next = point.t[j] + self.step[j];
                let bounded = objective.is_bounded(j, m);
                self.t_next[j] = if bounded { next.min(0.0) } else { next };
            }
            let c_next = (point.c + self.step[m]).max(objective.c_min);
            let value = evaluate(
                objective,
                c_next,
                &self.t_next,
                &mut self.e_next,
                &mut self.r_next,
            );
            let decrease = point.value - value;
            if value.is_finite() && decrease > 0.0 {
                state.accepted(decrease / promised, decrease / point.value);
                point.c = c_next;
                point.t.copy_from_slice(&self.t_next);
                point.value = value;
                std::mem::swap(&mut self.e, &mut self.e_next);
                std::mem::swap(&mut self.r, &mut self.r_next);
                return Step::Taken;
            }
            if light && promised <= 1e-9 * point.value + floor {
                // Rounding hides what is left to gain.
                return Step::Converged;
            }
            state.raise();
        }
        Step::Stuck
    }

    pub(super) fn gradient(&mut self, objective: &Objective<'_>, point: &Point) {
        let m = point.t.len();
        let mut for_c = 0.0;
        for k in 0..self.r.len() {
            let psi = objective.w[k] * self.r[k].clamp(-objective.delta, objective.delta);
            for_c += psi;
            self.row[k] = psi * self.e[k];
        }
        objective
            .x
            .transpose_times(&self.row, &mut self.gradient[..m]);
        for j in objective.unpenalized..m {
            self.gradient[j] += objective.ridge * point.t[j];
        }
        self.gradient[m] = for_c;
    }

    /// Fills the lower triangle of the Hessian, `t` first, `c` last: the Newton matrix, or that of
    /// Gauss and Newton.
    pub(super) fn curvature(&mut self, objective: &Objective<'_>, newton: bool, c_fixed: bool) {
        let m = self.cross.len();
        let delta = objective.delta;
        let mut for_c = 0.0;
        for k in 0..self.r.len() {
            let (w, r, e) = (objective.w[k], self.r[k], self.e[k]);
            let inside = r.abs() <= delta;
            let (d, second) = if newton {
                (f64::from(u8::from(inside)), r.clamp(-delta, delta) * e)
            } else {
                (if inside { 1.0 } else { delta / r.abs() }, 0.0)
            };
            for_c += w * d;
            self.row[k] = w * (d * e * e + second);
            // Kept for the cross terms, after `row` has been used.
            self.e_next[k] = w * d * e;
        }
        objective.x.gram(
            &self.row,
            &mut self.scaled,
            self.hessian.as_mut().submatrix_mut(0, 0, m, m),
        );
        objective.x.transpose_times(&self.e_next, &mut self.cross);
        for j in 0..m {
            if j >= objective.unpenalized {
                self.hessian[(j, j)] += objective.ridge;
            }
            self.hessian[(m, j)] = if c_fixed { 0.0 } else { self.cross[j] };
        }
        self.hessian[(m, m)] = if c_fixed { 1.0 } else { for_c };
        for j in (0..m).filter(|&j| self.held[j]) {
            for i in 0..=m {
                self.hessian[(i.max(j), i.min(j))] = 0.0;
            }
            self.hessian[(j, j)] = 1.0;
        }
    }
}
