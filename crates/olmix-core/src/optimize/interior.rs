//! A feasible primal–dual interior-point method for `min F(p)` over a mixture's feasible set,
//! with `F` smooth and convex.
//!
//! The constraints are `Σ p = 1` and rows `s(p) = h − G p ≥ 0`: bounds of domains and of groups.
//! Every iterate satisfies all of them, strictly for the rows. For a falling sequence of `μ`, the
//! method minimizes the barrier function
//!
//! ```text
//! φ_μ(p) = F(p) − μ Σ log s(p)     subject to Σ p = 1
//! ```
//!
//! by Newton steps in which the curvature of the barrier, `μ/s²`, is replaced by `z/s` with
//! multipliers `z` of their own (Wächter and Biegler, *On the implementation of an interior-point
//! filter line-search algorithm*, section 3). The step is a descent direction of `φ_μ` whatever
//! `z > 0` is, so a line search on `φ_μ` always makes progress; that is why iterates stay feasible
//! here. A step costs one `m × m` factorization: `n m² / 2 + m³ / 3` multiplications, where the
//! cone program takes a cone per task and a sparse factorization of all of them.
//!
//! The gap is a certificate, not an estimate: [`super::feasible_set`] has its formula.

use faer::Mat;

use super::feasible_set::{FeasibleSet, Row};
use super::problem::ExactProblem;
use crate::law::{Cholesky, Curvature, Law, weighted_gram};
use crate::swarm::dot;

/// Where the method ended.
pub(crate) struct Interior {
    pub weights: Vec<f64>,
    /// Certified: the objective is at most this far above the least.
    pub gap: f64,
    pub iterations: usize,
    /// Whether the gap met the tolerance.
    pub converged: bool,
}

const MAX_ITERATIONS: usize = 300;
/// Gaps are relative to the scale of the objective. The method goes on to the first, for which
/// the last steps cost little, and is content with the second where rounding stops it.
const GAP_SOUGHT: f64 = 1e-13;
const GAP_ACCEPTED: f64 = 1e-9;
/// Steps at the last `μ` that gain nothing before the method gives up on more digits.
const MAX_IDLE: usize = 4;
/// `μ` falls when a step would gain less than this share of what the barrier weighs, ...
const REDUCE_AT: f64 = 0.5;
/// ... to this share of itself. Anything from 0.02 to 0.1, at 0.1 to 2, takes 20 to 30 steps.
const REDUCTION: f64 = 0.02;
/// How far towards the boundary a step may go.
const FRACTION: f64 = 0.995;
/// Multipliers stay within this factor of `μ/s`.
const NEIGHBOURHOOD: f64 = 1e6;

struct State {
    p: Vec<f64>,
    /// Slacks, one per row, positive. Updated by steps of their own: `h − G p` would lose the
    /// digits of a slack near zero.
    s: Vec<f64>,
    /// Multipliers, one per row, positive.
    z: Vec<f64>,
}

/// A step: changes of weights and slacks, and how steeply `φ_μ` falls along it.
struct Step {
    p: Vec<f64>,
    s: Vec<f64>,
    /// `−∇φ_μ·Δp`: about twice what the step gains, and zero only at the minimum.
    descent: f64,
}

/// Minimizes the problem's objective; `None` where the feasible set has no interior to start in.
/// The caller has checked that the bounds leave room.
pub(crate) fn minimize<L: Law>(problem: &ExactProblem<'_, L>) -> Option<Interior> {
    let mut method = InteriorPoint::new(problem);
    let p = method.set.start(problem.reference)?;
    Some(method.run(p))
}

struct InteriorPoint<'a, L> {
    problem: &'a ExactProblem<'a, L>,
    set: FeasibleSet<'a>,
    /// `n × m`: the slopes of the rank-one parts of the laws' Hessians.
    slopes: Mat<f64>,
    scaled: Mat<f64>,
    hessian: Mat<f64>,
    cholesky: Cholesky,
    border: Border,
}

/// The rows that tie domains together: `Σ p` first, then the groups. Their curvature `z/s` would
/// swamp that of single domains if it were added to the Hessian, so they border the system instead,
/// and are eliminated by a Schur complement of their number.
struct Border {
    /// Positions of the groups among the rows.
    rows: Vec<usize>,
    /// Coefficients, one vector of length `m` per border row; zero for domains that cannot move.
    a: Vec<Vec<f64>>,
    /// `W⁻¹ a` for each.
    solved: Vec<Vec<f64>>,
    schur: Cholesky,
}

impl<'a, L: Law> InteriorPoint<'a, L> {
    fn new(problem: &'a ExactProblem<'a, L>) -> Self {
        let m = problem.domains.len();
        let set = FeasibleSet::new(problem.constraints);
        let n = problem.laws.len();
        let mut border = Border {
            rows: Vec::new(),
            a: vec![set.free.iter().map(|&free| f64::from(free)).collect()],
            solved: Vec::new(),
            schur: Cholesky::new(0),
        };
        for (i, row) in set.rows.iter().enumerate() {
            if let Row::Group(members, sign) = row {
                let mut a = vec![0.0; m];
                members
                    .iter()
                    .filter(|&&j| set.free[j])
                    .for_each(|&j| a[j] = *sign);
                border.rows.push(i);
                border.a.push(a);
            }
        }
        border.schur = Cholesky::new(border.a.len());
        Self {
            problem,
            set,
            slopes: Mat::zeros(n, m),
            scaled: Mat::zeros(n, m),
            hessian: Mat::zeros(m, m),
            cholesky: Cholesky::new(m),
            border,
        }
    }

    fn run(&mut self, p: Vec<f64>) -> Interior {
        let s = self.set.slacks(&p);
        let count = s.len() as f64;
        let mut state = State {
            z: vec![0.0; s.len()],
            p,
            s,
        };
        let mut slope = self.slope(&state.p);
        let mut best = Interior {
            weights: state.p.clone(),
            gap: self.set.gap(&state.p, &state.s, &state.z, &slope),
            iterations: 0,
            converged: false,
        };
        let scale = self.scale(&state.p);
        let mut mu = 0.5 * best.gap / count;
        for (z, s) in state.z.iter_mut().zip(&state.s) {
            *z = mu / s;
        }
        let least_mu = 0.1 * GAP_SOUGHT * scale / count;
        mu = mu.max(least_mu);
        let mut idle = 0;
        while best.iterations < MAX_ITERATIONS && best.gap > GAP_SOUGHT * scale && idle < MAX_IDLE {
            best.iterations += 1;
            if !self.factor(&state) {
                break;
            }
            let mut step = self.direction(&state, &slope, mu);
            while step.descent <= REDUCE_AT * mu * count && mu > least_mu {
                mu = (REDUCTION * mu).max(least_mu);
                step = self.direction(&state, &slope, mu);
            }
            if !self.take(&mut state, &step, mu) {
                break;
            }
            slope = self.slope(&state.p);
            let gap = self.set.gap(&state.p, &state.s, &state.z, &slope);
            let fell = mu > least_mu || gap < 0.9 * best.gap;
            idle = if fell { 0 } else { idle + 1 };
            if gap < best.gap {
                best.weights.clone_from(&state.p);
                best.gap = gap;
            }
        }
        best.converged = best.gap <= GAP_ACCEPTED * scale;
        best
    }

    /// What gaps are compared with: the size of the objective, 1 at most.
    fn scale(&self, p: &[f64]) -> f64 {
        let problem = self.problem;
        let losses = problem.laws.iter().zip(problem.task_weights);
        let loss: f64 = losses.map(|(law, w)| w * law.predict(p)).sum();
        let linear = problem.linear.map_or(0.0, |linear| {
            linear.iter().fold(0.0f64, |most, l| most.max(l.abs()))
        });
        loss.min(1.0).max(problem.kl_reg).max(linear).max(1e-12)
    }

    /// Factors `W = ∇²F + diag(z/s)` over the bounds of single domains, with a row of the identity
    /// for domains that cannot move, and the Schur complement of the border.
    fn factor(&mut self, state: &State) -> bool {
        let m = state.p.len();
        let (mut slope, mut diagonal) = (vec![0.0; m], vec![0.0; m]);
        let mut curvature = Vec::with_capacity(self.problem.laws.len());
        let laws = self.problem.laws.iter().zip(self.problem.task_weights);
        for (i, (law, &weight)) in laws.enumerate() {
            let into = Curvature {
                slope: &mut slope,
                diagonal: &mut diagonal,
            };
            curvature.push(law.curvature(&state.p, weight, into));
            for (j, slope) in slope.iter().enumerate() {
                self.slopes[(i, j)] = *slope;
            }
        }
        weighted_gram(
            &self.slopes,
            &curvature,
            &mut self.scaled,
            self.hessian.as_mut(),
        );
        for (j, p) in state
            .p
            .iter()
            .enumerate()
            .filter(|(j, _)| self.set.free[*j])
        {
            self.hessian[(j, j)] += self.problem.kl_reg / p + diagonal[j];
        }
        for (i, row) in self.set.rows.iter().enumerate() {
            let weight = state.z[i] / state.s[i];
            match row {
                Row::Upper(j) | Row::Lower(j) => self.hessian[(*j, *j)] += weight,
                Row::Group(..) => {}
            }
        }
        for j in (0..m).filter(|&j| !self.set.free[j]) {
            for i in 0..m {
                self.hessian[(i.max(j), i.min(j))] = 0.0;
            }
            self.hessian[(j, j)] = 1.0;
        }
        if !self.cholesky.factor(&self.hessian, |_| 0.0) {
            return false;
        }
        let border = &mut self.border;
        border.solved.clone_from(&border.a);
        for solved in &mut border.solved {
            self.cholesky.solve(solved);
        }
        let schur = Mat::from_fn(border.a.len(), border.a.len(), |i, k| {
            dot(&border.a[i], &border.solved[k])
        });
        let slack = |i: usize| match i.checked_sub(1) {
            None => 0.0,
            Some(group) => state.s[border.rows[group]] / state.z[border.rows[group]],
        };
        border.schur.factor(&schur, slack)
    }

    /// The gradient of the objective; 0 for domains that cannot move, whose KL term may have no slope
    /// (a weight held at zero).
    fn slope(&self, p: &[f64]) -> Vec<f64> {
        let mut slope = self.problem.gradient(p);
        for (slope, free) in slope.iter_mut().zip(&self.set.free) {
            if !free {
                *slope = 0.0;
            }
        }
        slope
    }

    /// Newton's step for `φ_μ` with the last factor.
    fn direction(&mut self, state: &State, slope: &[f64], mu: f64) -> Step {
        let mut rhs: Vec<f64> = slope.iter().map(|g| -g).collect();
        for (row, s) in self.set.rows.iter().zip(&state.s) {
            let pull = mu / s;
            match row {
                Row::Lower(j) => rhs[*j] += pull,
                Row::Upper(j) => rhs[*j] -= pull,
                Row::Group(members, sign) => members.iter().for_each(|&j| rhs[j] += sign * pull),
            }
        }
        for (rhs, free) in rhs.iter_mut().zip(&self.set.free) {
            *rhs *= f64::from(*free);
        }
        let fall = rhs.clone();
        let mut p = rhs;
        self.cholesky.solve(&mut p);
        let border = &mut self.border;
        let mut prices: Vec<f64> = border.a.iter().map(|a| dot(a, &p)).collect();
        prices[0] += state.p.iter().sum::<f64>() - 1.0;
        border.schur.solve(&mut prices);
        for (price, solved) in prices.iter().zip(&border.solved) {
            for (p, solved) in p.iter_mut().zip(solved) {
                *p -= price * solved;
            }
        }
        // Against the price of `Σ p`, which is not zero only by rounding.
        let descent = p.iter().zip(&fall).map(|(p, f)| p * (f - prices[0])).sum();
        let mut s = self.set.row_products(&p);
        // A sum of steps has lost the digits that a slack near zero needs; its price has them.
        for (&row, price) in self.border.rows.iter().zip(&prices[1..]) {
            s[row] = price * state.s[row] / state.z[row];
        }
        Step { p, s, descent }
    }

    /// Goes along the step as far as it stays inside and lowers `φ_μ`; false when it cannot.
    fn take(&self, state: &mut State, step: &Step, mu: f64) -> bool {
        let count = state.s.len();
        let dz: Vec<f64> = (0..count)
            .map(|i| (mu - state.z[i] * step.s[i]) / state.s[i] - state.z[i])
            .collect();
        let mut length = longest(&state.s, &step.s);
        let before = self.problem.objective(&state.p);
        let rounding = 1e-15 * before.abs().max(1e-3);
        for _ in 0..60 {
            let p = moved(&state.p, &step.p, length);
            let barrier: f64 = state
                .s
                .iter()
                .zip(&step.s)
                .map(|(s, step)| (length * step / s).ln_1p())
                .sum();
            let change = self.problem.objective(&p) - before - mu * barrier;
            if change <= -1e-4 * length * step.descent + rounding {
                state.s = moved(&state.s, &step.s, length);
                state.z = moved(&state.z, &dz, longest(&state.z, &dz));
                state.p = p;
                for (z, s) in state.z.iter_mut().zip(&state.s) {
                    *z = z.clamp(mu / s / NEIGHBOURHOOD, mu / s * NEIGHBOURHOOD);
                }
                return true;
            }
            length *= 0.5;
        }
        false
    }
}

/// The longest step in `(0, 1]` that keeps values positive by a margin.
fn longest(values: &[f64], steps: &[f64]) -> f64 {
    let room = values.iter().zip(steps).map(|(value, step)| {
        if *step < 0.0 {
            -FRACTION * value / step
        } else {
            1.0
        }
    });
    room.fold(1.0, f64::min)
}

fn moved(from: &[f64], step: &[f64], length: f64) -> Vec<f64> {
    from.iter().zip(step).map(|(a, b)| a + length * b).collect()
}
