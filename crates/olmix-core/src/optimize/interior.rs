//! A primal–dual interior-point method for `min F(p)` over a mixture's feasible set, with `F`
//! smooth and convex.
//!
//! The constraints are `G p + s = h, s ≥ 0` (bounds of domains and groups) and `Σ p = 1`. With
//! multipliers `z ≥ 0` and `y`, each iteration solves the perturbed optimality conditions
//!
//! ```text
//! ∇F + Gᵀz + y 1 = 0,   G p + s = h,   Σ p = 1,   s ∘ z = σμ
//! ```
//!
//! by one Newton step (Boyd and Vandenberghe, *Convex Optimization*, section 11.7, with slacks),
//! after an affine step that says how small `σ` may be (Mehrotra). Eliminating `s` and `z` leaves
//! one `m × m` Cholesky factorization. Where the cone program takes a cone per task and a sparse
//! factorization of all of them, this takes `n m² / 2 + m³ / 3` multiplications an iteration.
//!
//! The gap is a certificate, not an estimate: for convex `F`, and for every `q` that is feasible,
//!
//! ```text
//! F(q) ≥ F(p) − s·z + y (Σp − 1) + r·(q − p) + z·(Gp + s − h),   r = ∇F(p) + Gᵀz + y 1
//! ```
//!
//! and `r·(q − p)` is at least its minimum over `0 ≤ q ≤ 1`.

use faer::Mat;

use super::exact::ExactProblem;
use crate::law::{Cholesky, weighted_gram};
use crate::swarm::dot;

/// One row of `G p ≤ h`.
enum Row {
    /// `p_j ≤ h`.
    Upper(usize),
    /// `−p_j ≤ h`.
    Lower(usize),
    /// `± Σ p_j ≤ h` over members.
    Group(Vec<usize>, f64),
}

/// Whether the KL term alone keeps domain `j` above its lower bound of zero. Its slope is then
/// logarithmic and its weight may end hundreds of orders below 1.
fn entropic(problem: &ExactProblem<'_>, j: usize) -> bool {
    problem.kl_reg > 0.0 && problem.constraints.lower[j] <= 0.0
}

/// Where the method ended.
pub(crate) struct Interior {
    pub weights: Vec<f64>,
    /// Certified: the objective is at most this far above the least.
    pub gap: f64,
    pub iterations: usize,
    /// Whether gap and residuals met the tolerances.
    pub converged: bool,
}

const MAX_ITERATIONS: usize = 100;
/// Gaps are relative to the scale of the objective. The method goes on to the first, for which
/// the last steps cost little, and is content with the second where rounding stops it.
const GAP_SOUGHT: f64 = 1e-14;
const GAP_ACCEPTED: f64 = 1e-9;
/// λ, as a share of the objective's scale, from which the method converges directly.
const EASY_KL: f64 = 0.05;
const STAGE_GAP: f64 = 1e-2;
const FEASIBILITY_TOLERANCE: f64 = 1e-11;
/// Weights under a KL term are kept above this, so that they have a logarithm.
const LEAST_WEIGHT: f64 = 1e-30;
/// How far towards the boundary a step may go.
const FRACTION: f64 = 0.995;

struct State {
    p: Vec<f64>,
    s: Vec<f64>,
    z: Vec<f64>,
    y: f64,
}

struct Residuals {
    /// `∇F + Gᵀz + y 1`.
    dual: Vec<f64>,
    /// `G p + s − h`.
    primal: Vec<f64>,
    /// `Σ p − 1`.
    sum: f64,
}

/// Minimizes the problem's objective; the caller has checked that the bounds leave room.
///
/// A small λ leaves weights hundreds of orders of magnitude apart. It is approached from above:
/// the minimum for a λ is a good start for a quarter of it.
pub(crate) fn minimize(problem: &ExactProblem<'_>) -> Interior {
    let mut method = Method::new(problem);
    let mut state = method.start();
    let mut iterations = 0;
    if problem.kl_reg > 0.0 {
        let mut kl = EASY_KL * method.scale;
        while kl > problem.kl_reg {
            method.problem.kl_reg = kl;
            iterations += method.run(&mut state, STAGE_GAP).iterations;
            kl *= 0.25;
        }
        method.problem.kl_reg = problem.kl_reg;
    }
    let mut result = method.run(&mut state, GAP_SOUGHT);
    result.iterations += iterations;
    result.converged = result.gap <= GAP_ACCEPTED * method.scale;
    result
}

struct Method<'a> {
    problem: ExactProblem<'a>,
    rows: Vec<Row>,
    h: Vec<f64>,
    /// `n × m` coefficients of the laws.
    t: Mat<f64>,
    scaled: Mat<f64>,
    hessian: Mat<f64>,
    cholesky: Cholesky,
    /// Objective and multipliers are of this order.
    scale: f64,
}

impl<'a> Method<'a> {
    fn new(problem: &ExactProblem<'a>) -> Self {
        let m = problem.domains.len();
        let constraints = problem.constraints;
        let (mut rows, mut h) = (Vec::new(), Vec::new());
        for j in 0..m {
            if !entropic(problem, j) {
                rows.push(Row::Lower(j));
                h.push(-constraints.lower[j]);
            }
            // With Σ p = 1 and p ≥ 0, p ≤ 1 needs no row.
            if constraints.limit(j) < 1.0 {
                rows.push(Row::Upper(j));
                h.push(constraints.limit(j));
            }
        }
        for group in &constraints.groups {
            if group.upper < 1.0 {
                rows.push(Row::Group(group.members.clone(), 1.0));
                h.push(group.upper);
            }
            if group.lower > 0.0 {
                rows.push(Row::Group(group.members.clone(), -1.0));
                h.push(-group.lower);
            }
        }
        let laws = problem.laws;
        let n = laws.len();
        let total: f64 = problem.reference.iter().sum();
        let natural: Vec<f64> = problem.reference.iter().map(|q| q / total).collect();
        let loss: f64 = laws
            .iter()
            .zip(problem.task_weights)
            .map(|(law, weight)| weight * dot(&law.t, &natural).min(30.0).exp())
            .sum();
        let linear = problem.linear.map_or(0.0, |linear| {
            linear.iter().fold(0.0f64, |most, l| most.max(l.abs()))
        });
        Self {
            problem: *problem,
            rows,
            h,
            t: Mat::from_fn(n, m, |i, j| laws[i].t[j]),
            scaled: Mat::zeros(n, m),
            hessian: Mat::zeros(m, m),
            cholesky: Cholesky::new(m),
            scale: loss.max(problem.kl_reg).max(linear).max(1e-12),
        }
    }

    /// Iterates until the gap is `sought` (relative to the scale) or no step helps any more.
    fn run(&mut self, state: &mut State, sought: f64) -> Interior {
        let mut best = Interior {
            weights: state.p.clone(),
            gap: f64::INFINITY,
            iterations: 0,
            converged: false,
        };
        for iteration in 0..MAX_ITERATIONS {
            let residuals = self.residuals(state);
            let gap = Self::gap(state, &residuals);
            let infeasible = residuals
                .primal
                .iter()
                .fold(residuals.sum.abs(), |worst, r| worst.max(r.abs()));
            if infeasible <= FEASIBILITY_TOLERANCE && gap < best.gap {
                best.weights.clone_from(&state.p);
                best.gap = gap;
            }
            best.iterations = iteration;
            let met = gap.max(infeasible * self.scale) <= sought * self.scale;
            if met || best.gap <= sought * self.scale || !self.advance(state, &residuals) {
                break;
            }
        }
        best
    }

    fn row(&self, i: usize, p: &[f64]) -> f64 {
        match &self.rows[i] {
            Row::Upper(j) => p[*j],
            Row::Lower(j) => -p[*j],
            Row::Group(members, sign) => sign * members.iter().map(|&j| p[j]).sum::<f64>(),
        }
    }

    /// Adds `Gᵀ v`.
    fn add_transpose(&self, v: &[f64], into: &mut [f64]) {
        for (row, &v) in self.rows.iter().zip(v) {
            match row {
                Row::Upper(j) => into[*j] += v,
                Row::Lower(j) => into[*j] -= v,
                Row::Group(members, sign) => members.iter().for_each(|&j| into[j] += sign * v),
            }
        }
    }

    /// Inside of every bound of a domain; slacks of groups that are broken start away from zero.
    fn start(&self) -> State {
        let constraints = self.problem.constraints;
        let total: f64 = self.problem.reference.iter().sum();
        let p: Vec<f64> = self
            .problem
            .reference
            .iter()
            .enumerate()
            .map(|(j, q)| {
                let (lower, limit) = (constraints.lower[j], constraints.limit(j));
                let margin = 0.1 * (limit - lower);
                (q / total).clamp(lower + margin.min(1e-3), limit - margin)
            })
            .collect();
        let s: Vec<f64> = (0..self.rows.len())
            .map(|i| (self.h[i] - self.row(i, &p)).max(1e-3))
            .collect();
        // Multipliers that meet the dual condition from the start: those of lower bounds take up
        // whatever slope a domain has above the least.
        let mut z = vec![0.1 * self.scale; self.rows.len()];
        let mut slope = self.problem.gradient(&p);
        for (i, row) in self.rows.iter().enumerate() {
            if matches!(row, Row::Lower(_)) {
                z[i] = 0.0;
            }
        }
        self.add_transpose(&z, &mut slope);
        let least = slope.iter().copied().fold(f64::INFINITY, f64::min);
        let y = 0.1 * self.scale - least;
        for (i, row) in self.rows.iter().enumerate() {
            if let Row::Lower(j) = row {
                z[i] = slope[*j] + y;
            }
        }
        State { p, s, z, y }
    }

    fn residuals(&self, state: &State) -> Residuals {
        let mut dual = self.problem.gradient(&state.p);
        self.add_transpose(&state.z, &mut dual);
        dual.iter_mut().for_each(|r| *r += state.y);
        Residuals {
            dual,
            primal: (0..self.rows.len())
                .map(|i| self.row(i, &state.p) + state.s[i] - self.h[i])
                .collect(),
            sum: state.p.iter().sum::<f64>() - 1.0,
        }
    }

    fn gap(state: &State, residuals: &Residuals) -> f64 {
        let slack: f64 = dot(&state.s, &state.z);
        let dual: f64 = residuals
            .dual
            .iter()
            .zip(&state.p)
            .map(|(&r, &p)| (r * p).max(-r * (1.0 - p)))
            .sum();
        let primal = dot(&residuals.primal, &state.z).abs();
        slack + dual + primal + (state.y * residuals.sum).abs()
    }

    /// One predictor and corrector step; false when no step helps any more.
    fn advance(&mut self, state: &mut State, residuals: &Residuals) -> bool {
        if !self.factor(state) {
            return false;
        }
        let count = state.s.len() as f64;
        let mu = dot(&state.s, &state.z) / count;
        if state.s.is_empty() {
            return self.try_step(state, residuals, &[]);
        }
        let affine: Vec<f64> = state.s.iter().zip(&state.z).map(|(s, z)| s * z).collect();
        let step = self.direction(state, residuals, &affine);
        let length = self.longest(state, &step, 1.0);
        let after: f64 = (0..state.s.len())
            .map(|i| (state.s[i] + length * step.s[i]) * (state.z[i] + length * step.z[i]))
            .sum::<f64>()
            / count;
        let sigma = (after / mu).powi(3).clamp(1e-6, 1.0);
        // Complementarity must not run ahead of the slopes: once s ∘ z is all but zero, every step
        // ends at the boundary.
        let slope = residuals
            .dual
            .iter()
            .fold(0.0f64, |most, r| most.max(r.abs()));
        let wanted = (sigma * mu).max((0.1 * slope / count).min(mu));
        let corrected: Vec<f64> = (0..state.s.len())
            .map(|i| affine[i] + step.s[i] * step.z[i] - wanted)
            .collect();
        // The second-order term can mislead far from the path; without it the step is Newton's.
        let plain: Vec<f64> = affine.iter().map(|a| a - (0.1 * mu).max(wanted)).collect();
        [corrected, plain]
            .iter()
            .any(|target| self.try_step(state, residuals, target))
    }

    /// Takes the Newton step for `s ∘ z` as far as it keeps slacks positive and lowers the
    /// residuals.
    fn try_step(&mut self, state: &mut State, residuals: &Residuals, target: &[f64]) -> bool {
        let step = self.direction(state, residuals, target);
        let mut length = self.longest(state, &step, FRACTION);
        let before = merit(residuals, &state.s, &state.z, self.scale);
        for _ in 0..30 {
            let next = State {
                p: self.moved_weights(&state.p, &step.p, length),
                s: moved(&state.s, &step.s, length),
                z: moved(&state.z, &step.z, length),
                y: state.y + length * step.y,
            };
            let after = merit(&self.residuals(&next), &next.s, &next.z, self.scale);
            if after.is_finite() && after <= before * (1.0 - 1e-3 * length) {
                *state = next;
                return true;
            }
            length *= 0.5;
        }
        false
    }

    /// The longest step in `(0, 1]` that keeps slacks and multipliers positive by a margin.
    fn longest(&self, state: &State, step: &State, fraction: f64) -> f64 {
        let room = |value: f64, step: f64| {
            if step < 0.0 {
                -value / step
            } else {
                f64::INFINITY
            }
        };
        let mut most = f64::INFINITY;
        for i in 0..state.s.len() {
            most = most
                .min(room(state.s[i], step.s[i]))
                .min(room(state.z[i], step.z[i]));
        }
        for j in (0..state.p.len()).filter(|&j| !entropic(&self.problem, j)) {
            if self.problem.kl_reg > 0.0 {
                most = most.min(room(state.p[j], step.p[j]));
            }
        }
        (fraction * most).min(1.0)
    }

    /// Weights after a step. Where the slope is logarithmic, Newton's step in `log p` is exact for
    /// it while the same step in `p` would run into the boundary: such weights fall by a factor.
    fn moved_weights(&self, p: &[f64], step: &[f64], length: f64) -> Vec<f64> {
        let moved = |(j, (&p, &step)): (usize, (&f64, &f64))| {
            if entropic(&self.problem, j) && step < 0.0 {
                (p * (length * step / p).exp()).max(LEAST_WEIGHT)
            } else {
                p + length * step
            }
        };
        p.iter().zip(step).enumerate().map(moved).collect()
    }

    /// Factors `∇²F + Gᵀ diag(z/s) G`.
    fn factor(&mut self, state: &State) -> bool {
        let m = state.p.len();
        let curvature: Vec<f64> = self
            .problem
            .laws
            .iter()
            .zip(self.problem.task_weights)
            .map(|(law, weight)| weight * law.exponential(&state.p))
            .collect();
        weighted_gram(&self.t, &curvature, &mut self.scaled, self.hessian.as_mut());
        for (j, p) in state.p.iter().enumerate() {
            self.hessian[(j, j)] += self.problem.kl_reg / p;
        }
        for (i, row) in self.rows.iter().enumerate() {
            let weight = state.z[i] / state.s[i];
            match row {
                Row::Upper(j) | Row::Lower(j) => self.hessian[(*j, *j)] += weight,
                Row::Group(members, _) => {
                    for &a in members {
                        for &b in members.iter().filter(|&&b| b <= a) {
                            self.hessian[(a, b)] += weight;
                        }
                    }
                }
            }
        }
        let trace: f64 = (0..m).map(|j| self.hessian[(j, j)]).sum();
        let shift = 1e-15 * trace / m as f64;
        self.cholesky.factor(&self.hessian, |_| shift)
    }

    /// Solves the Newton system for `s ∘ Δz + z ∘ Δs = −target`.
    fn direction(&mut self, state: &State, residuals: &Residuals, target: &[f64]) -> State {
        let m = state.p.len();
        let lifted: Vec<f64> = (0..state.s.len())
            .map(|i| (state.z[i] * residuals.primal[i] - target[i]) / state.s[i])
            .collect();
        let mut rhs: Vec<f64> = residuals.dual.iter().map(|r| -r).collect();
        let negative: Vec<f64> = lifted.iter().map(|v| -v).collect();
        self.add_transpose(&negative, &mut rhs);
        self.cholesky.solve(&mut rhs);
        let mut ones = vec![1.0; m];
        self.cholesky.solve(&mut ones);
        let y = (rhs.iter().sum::<f64>() + residuals.sum) / ones.iter().sum::<f64>();
        let p: Vec<f64> = rhs.iter().zip(&ones).map(|(a, b)| a - y * b).collect();
        let s: Vec<f64> = (0..state.s.len())
            .map(|i| -residuals.primal[i] - self.row(i, &p))
            .collect();
        let z = (0..state.s.len())
            .map(|i| (-target[i] - state.z[i] * s[i]) / state.s[i])
            .collect();
        State { p, s, z, y }
    }
}

/// Size of the optimality conditions that are not met, complementarity among them.
fn merit(residuals: &Residuals, s: &[f64], z: &[f64], scale: f64) -> f64 {
    let square = |values: &[f64]| dot(values, values);
    let dual = square(&residuals.dual).sqrt() / scale;
    let primal = (square(&residuals.primal) + residuals.sum.powi(2)).sqrt();
    dual + primal + dot(s, z) / scale
}

fn moved(from: &[f64], step: &[f64], length: f64) -> Vec<f64> {
    from.iter().zip(step).map(|(a, b)| a + length * b).collect()
}
