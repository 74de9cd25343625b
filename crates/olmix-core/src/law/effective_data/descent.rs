//! Minimizes the Huber objective of one task from one start.
//!
//! The model is `f_k = c + exp(E_k)` with
//!
//! ```text
//! E = b − log(1 + κ s) / κ + u·p,   s = Σ_j v_j φ_j,   φ_j = p_j^a,   v ≥ 0,  0 ≤ κ ≤ κ_max,  c ≥ c_min
//! ```
//!
//! `κ = 0` stands for the limit `E = b − s + u·p`. The objective is
//! `Σ_k w_k huber_δ(f_k − y_k) + ½ρ‖v‖² + ½ρ_u‖u‖² + ½ρ_a (a − a₀)²`.
//!
//! With `t = 1 + κs`, `s₁ = Σ v φ log p` and `s₂ = Σ v φ log² p` the row of derivatives of `E` by `(b, v, u, a, κ)` is
//! `x = (1, −φ/t, p, −s₁/t, q)`, and the second derivatives that are not zero are
//!
//! ```text
//! v v: κ φφᵀ/t²    v κ: s φ/t²    κ κ: q'    a a: κ s₁²/t² − s₂/t    a κ: s s₁/t²    a v: κ s₁ φ/t² − φ log p / t
//! q  = log t / κ² − s / (κ t)                        = s² (1/2 − 2x/3 + 3x²/4 − …),  x = κs
//! q' = 2s / (κ² t) − 2 log t / κ³ + s² / (κ t²)      = s³ (−2/3 + 3x/2 − 12x²/5 + …)
//! ```
//!
//! so the Newton matrix is two weighted Gram matrices: of the rows `x`, and of `φ` for the second derivatives in `v`.
//! Damping, the matrix of Gauss and Newton where Newton's is not positive definite, and projection on the bounds are
//! those of `newton.rs`.
//!
//! `b` and `c` are fitted anew for every point that is tried (the losses are linear in `e^b` and `c`): without that a
//! descent creeps along the valley in which they stand in for `κ`, in five times as many steps.

use faer::Mat;

use super::derivatives::saturation;
use crate::law::numerics::{Cholesky, huber, times};

/// What one fit minimizes.
#[derive(Clone, Copy)]
pub(super) struct EffectiveObjective<'a> {
    /// Logarithms of the weights, `K × m`; of a weight of zero, that of the least positive number.
    pub logs: &'a Mat<f64>,
    /// The weights themselves, `K × m`, where there are `u`; `K × 0` otherwise.
    pub shares: &'a Mat<f64>,
    /// The losses of the runs, of length `K`.
    pub y: &'a [f64],
    /// Weight of each run, length `K`.
    pub w: &'a [f64],
    /// Huber's δ > 0.
    pub delta: f64,
    /// ρ ≥ 0.
    pub ridge: f64,
    /// `ρ_u` > 0.
    pub competition_ridge: f64,
    /// What `a` is pulled to.
    pub power: f64,
    /// `ρ_a`; infinite where `a` is given.
    pub power_ridge: f64,
    /// The least value of `c`.
    pub c_min: f64,
    /// The greatest value of `κ`.
    pub most_kappa: f64,
}

/// The parameters, in one vector: `b`, `v` (`m`), `u` (`m` or none), `a`, `κ`, `c`.
#[derive(Debug, Clone)]
pub(super) struct EffectivePoint {
    pub theta: Vec<f64>,
    /// The objective.
    pub value: f64,
}

/// Where a descent ended.
#[derive(Debug, Clone)]
pub(super) struct EffectiveDescent {
    pub point: EffectivePoint,
    pub converged: bool,
    pub iterations: usize,
}

const MAX_ITERATIONS: usize = 200;
/// The range of `a`.
const POWERS: (f64, f64) = (0.2, 1.0);
const MAX_TRIALS: usize = 40;
/// Steps of the inner problem of `b` and `c`; where no residual is beyond δ, the first is exact.
const LEVEL_STEPS: usize = 4;
/// Above this damping a short step says nothing about convergence.
const LIGHT_DAMPING: f64 = 1e-2;
const ABSOLUTE_TOLERANCE: f64 = 1e-24;
/// Memory for descents on one design.
pub(super) struct EffectiveFitter {
    pub(super) m: usize,
    /// `K ×` the number of parameters but `c`.
    pub(super) rows: Mat<f64>,
    pub(super) scaled: Mat<f64>,
    pub(super) scaled_phi: Mat<f64>,
    pub(super) bend: Mat<f64>,
    /// `φ`, `K × m`, at `a`, and at the `a` that is tried.
    pub(super) phi: Mat<f64>,
    phi_next: Mat<f64>,
    power: f64,
    power_next: f64,
    pub(super) hessian: Mat<f64>,
    cholesky: Cholesky,
    pub(super) s: Vec<f64>,
    pub(super) e: Vec<f64>,
    pub(super) r: Vec<f64>,
    s_next: Vec<f64>,
    pub(super) e_next: Vec<f64>,
    pub(super) r_next: Vec<f64>,
    pub(super) row: Vec<f64>,
    pub(super) other: Vec<f64>,
    /// `Σ v φ log p` and `Σ v φ log² p`.
    pub(super) s1: Vec<f64>,
    pub(super) s2: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    pub(super) cross: Vec<f64>,
    pub(super) step: Vec<f64>,
    theta_next: Vec<f64>,
    pub(super) held: Vec<bool>,
}

impl EffectiveFitter {
    /// For `runs` runs over `m` domains, with or without `u`.
    pub(super) fn new(runs: usize, m: usize, competition: bool) -> Self {
        let size = 3 + m + if competition { m } else { 0 };
        let vector = || vec![0.0; runs];
        Self {
            m,
            rows: Mat::zeros(runs, size),
            scaled: Mat::zeros(runs, size),
            scaled_phi: Mat::zeros(runs, m),
            bend: Mat::zeros(m, m),
            phi: Mat::zeros(runs, m),
            phi_next: Mat::zeros(runs, m),
            power: f64::NAN,
            power_next: f64::NAN,
            hessian: Mat::zeros(size + 1, size + 1),
            cholesky: Cholesky::new(size + 1),
            s: vector(),
            e: vector(),
            r: vector(),
            s_next: vector(),
            e_next: vector(),
            r_next: vector(),
            row: vector(),
            other: vector(),
            s1: vector(),
            s2: vector(),
            gradient: vec![0.0; size + 1],
            cross: vec![0.0; size],
            step: vec![0.0; size + 1],
            theta_next: vec![0.0; size + 1],
            held: vec![false; size + 1],
        }
    }

    /// Residuals at the point the last descent ended at.
    pub(super) fn residuals(&self) -> &[f64] {
        &self.r
    }

    /// Descends from `theta` until a step promises less than `tolerance` of the objective.
    pub(super) fn descend(
        &mut self,
        objective: &EffectiveObjective<'_>,
        theta: &[f64],
        tolerance: f64,
    ) -> EffectiveDescent {
        let size = theta.len();
        let mut point = EffectivePoint {
            theta: theta.to_vec(),
            value: 0.0,
        };
        for (j, value) in point.theta.iter_mut().enumerate() {
            let (least, most) = self.bounds(objective, j, size);
            *value = value.clamp(least, most);
        }
        point.value = self.evaluate(objective, &mut point.theta);
        self.swap();
        let (mut damping, mut newton) = (1e-2, true);
        let floor = ABSOLUTE_TOLERANCE * objective.y.len() as f64;
        let mut iterations = 0;
        let converged = 'descent: loop {
            if iterations == MAX_ITERATIONS {
                break false;
            }
            self.gradient(objective, &point.theta);
            for j in 0..size {
                let (least, most) = self.bounds(objective, j, size);
                let below = point.theta[j] <= least && self.gradient[j] > 0.0;
                let above = point.theta[j] >= most && self.gradient[j] < 0.0;
                self.held[j] =
                    below || above || j == size - 3 && objective.power_ridge.is_infinite();
            }
            self.curvature(objective, &point.theta, newton);
            for _ in 0..MAX_TRIALS {
                let hessian = &self.hessian;
                let shift = |j: usize| damping * (hessian[(j, j)].abs() + 1e-12);
                if !self.cholesky.factor(hessian, shift) {
                    if newton && damping > 0.1 {
                        newton = false;
                        self.curvature(objective, &point.theta, false);
                    } else {
                        damping = f64::max(damping * 4.0, 1e-6);
                    }
                    continue;
                }
                for j in 0..size {
                    self.step[j] = if self.held[j] { 0.0 } else { -self.gradient[j] };
                }
                self.cholesky.solve(&mut self.step);
                let slope = self.step.iter().zip(&self.gradient).map(|(s, g)| s * g);
                let promised = -0.5 * slope.sum::<f64>();
                let light = damping <= LIGHT_DAMPING;
                if light && promised <= tolerance * point.value + floor {
                    break 'descent true;
                }
                for j in 0..size {
                    let (least, most) = self.bounds(objective, j, size);
                    self.theta_next[j] = (point.theta[j] + self.step[j]).clamp(least, most);
                }
                let mut next = std::mem::take(&mut self.theta_next);
                let value = self.evaluate(objective, &mut next);
                self.theta_next = next;
                let decrease = point.value - value;
                if value.is_finite() && decrease > 0.0 {
                    let gain = decrease / promised;
                    if gain > 0.75 {
                        damping = f64::max(damping * 0.1, 1e-14);
                    } else if gain < 0.25 {
                        damping = f64::max(damping * 4.0, 1e-6);
                    }
                    newton |= gain > 0.25 && decrease / point.value < 0.2;
                    point.theta.copy_from_slice(&self.theta_next);
                    point.value = value;
                    self.swap();
                    iterations += 1;
                    continue 'descent;
                }
                if light && promised <= 1e-9 * point.value + floor {
                    break 'descent true;
                }
                damping = f64::max(damping * 4.0, 1e-6);
            }
            break false;
        };
        EffectiveDescent {
            point,
            converged,
            iterations,
        }
    }

    /// The range of parameter `j` of `size`.
    fn bounds(&self, objective: &EffectiveObjective<'_>, j: usize, size: usize) -> (f64, f64) {
        let free = (f64::NEG_INFINITY, f64::INFINITY);
        match j {
            0 => free,
            j if j <= self.m => (0.0, f64::INFINITY),
            j if j == size - 1 => (objective.c_min, f64::INFINITY),
            j if j == size - 2 => (0.0, objective.most_kappa),
            j if j == size - 3 => POWERS,
            _ => free,
        }
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.s, &mut self.s_next);
        std::mem::swap(&mut self.e, &mut self.e_next);
        std::mem::swap(&mut self.r, &mut self.r_next);
        if self.power_next != self.power {
            std::mem::swap(&mut self.phi, &mut self.phi_next);
            std::mem::swap(&mut self.power, &mut self.power_next);
        }
    }

    /// The objective at the best `b` and `c` for the other parameters, which replace those given; fills `s_next`,
    /// `e_next = exp E` and `r_next`.
    fn evaluate(&mut self, objective: &EffectiveObjective<'_>, theta: &mut [f64]) -> f64 {
        let (m, size) = (self.m, theta.len());
        let (power, kappa) = (theta[size - 3], theta[size - 2]);
        let (v, u) = (&theta[1..=m], &theta[m + 1..size - 3]);
        if power == self.power {
            self.power_next = power;
            times(&self.phi, v, &mut self.s_next);
        } else {
            for j in 0..m {
                let column = self.phi_next.col_as_slice_mut(j);
                for (phi, log) in column.iter_mut().zip(objective.logs.col_as_slice(j)) {
                    *phi = power * log;
                }
                crate::vector::exp(column);
            }
            self.power_next = power;
            times(&self.phi_next, v, &mut self.s_next);
        }
        if u.is_empty() {
            self.e_next.fill(0.0);
        } else {
            times(objective.shares, u, &mut self.e_next);
        }
        for k in 0..self.e_next.len() {
            let (saturated, ..) = saturation(kappa, self.s_next[k]);
            self.e_next[k] -= saturated;
        }
        let most = self
            .e_next
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        for e in &mut self.e_next {
            *e = (*e - most).exp();
        }
        let (amplitude, c) =
            self.level_and_constant(objective, (theta[0] + most).exp(), theta[size - 1]);
        let mut sum = 0.0;
        for k in 0..self.e_next.len() {
            self.e_next[k] *= amplitude;
            self.r_next[k] = c + self.e_next[k] - objective.y[k];
            sum += objective.w[k] * huber(self.r_next[k], objective.delta);
        }
        let squares = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        sum += 0.5 * (objective.ridge * squares(v) + objective.competition_ridge * squares(u));
        if objective.power_ridge.is_finite() {
            sum += 0.5 * objective.power_ridge * (power - objective.power).powi(2);
        }
        theta[0] = amplitude.ln() - most;
        theta[size - 1] = c;
        sum
    }

    /// The amplitude `B` and `c` that fit `c + B e_next` best, from those given: reweighted least squares.
    fn level_and_constant(
        &self,
        objective: &EffectiveObjective<'_>,
        mut b: f64,
        mut c: f64,
    ) -> (f64, f64) {
        let e = &self.e_next;
        for _ in 0..LEVEL_STEPS {
            let (mut w0, mut we, mut wee, mut wy, mut wey) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for ((e, y), w) in e.iter().zip(objective.y).zip(objective.w) {
                let r = (c + b * e - y).abs();
                let w = if r <= objective.delta {
                    *w
                } else {
                    w * objective.delta / r
                };
                w0 += w;
                we += w * e;
                wee += w * e * e;
                wy += w * y;
                wey += w * e * y;
            }
            let determinant = w0 * wee - we * we;
            let (mut next_b, mut next_c) = (
                (w0 * wey - we * wy) / determinant,
                (wee * wy - we * wey) / determinant,
            );
            if next_c < objective.c_min || !next_c.is_finite() {
                next_c = objective.c_min;
                next_b = (wey - next_c * we) / wee;
            }
            // Losses that rise where the exponential falls: a better direction must be found first.
            if !(next_b > 0.0 && next_b.is_finite()) {
                break;
            }
            let done =
                (next_b - b).abs() <= 1e-14 * b && (next_c - c).abs() <= 1e-14 * (1.0 + c.abs());
            (b, c) = (next_b, next_c);
            if done {
                break;
            }
        }
        (b, c)
    }
}
