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
//! The gap is a certificate, not an estimate. For convex `F`, multipliers `z ≥ 0` of the groups
//! and every feasible `q`,
//!
//! ```text
//! F(q) ≥ F(p) − max_q v·(p − q) − z·s(p),     v = ∇F(p) + Gᵀz
//! ```
//!
//! and the maximum over the bounds of single domains and `Σ q = 1` is found by filling domains in
//! the order of `v`.

use faer::Mat;

use super::cone::inner_point;
use super::problem::ExactProblem;
use crate::law::{Cholesky, Curvature, Law, weighted_gram};
use crate::swarm::dot;

/// One row of `s = h − G p ≥ 0`.
enum Row {
    /// `h + p_j`: a lower bound of `−h`.
    Lower(usize),
    /// `h − p_j`.
    Upper(usize),
    /// `h ∓ Σ p_j` over members.
    Group(Vec<usize>, f64),
}

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
/// Bounds closer to each other than this leave a domain no room: it stays where it is.
const FIXED: f64 = 1e-13;

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
    let mut method = Method::new(problem);
    let p = method.start()?;
    Some(method.run(p))
}

struct Method<'a, L> {
    problem: &'a ExactProblem<'a, L>,
    rows: Vec<Row>,
    h: Vec<f64>,
    /// Whether domain `j` can move at all.
    free: Vec<bool>,
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

impl<'a, L: Law> Method<'a, L> {
    fn new(problem: &'a ExactProblem<'a, L>) -> Self {
        let m = problem.domains.len();
        let constraints = problem.constraints;
        let width = |j: usize| constraints.limit(j) - constraints.lower[j];
        let free: Vec<bool> = (0..m).map(|j| width(j) > FIXED).collect();
        let (mut rows, mut h) = (Vec::new(), Vec::new());
        for j in (0..m).filter(|&j| free[j]) {
            rows.push(Row::Lower(j));
            h.push(-constraints.lower[j]);
            // With Σ p = 1 and p ≥ 0, p ≤ 1 needs no row.
            if constraints.limit(j) < 1.0 {
                rows.push(Row::Upper(j));
                h.push(constraints.limit(j));
            }
        }
        for group in &constraints.groups {
            if group.upper < 1.0 {
                rows.push(Row::Group(group.members.clone(), -1.0));
                h.push(group.upper);
            }
            if group.lower > 0.0 {
                rows.push(Row::Group(group.members.clone(), 1.0));
                h.push(-group.lower);
            }
        }
        let n = problem.laws.len();
        let mut border = Border {
            rows: Vec::new(),
            a: vec![free.iter().map(|&free| f64::from(free)).collect()],
            solved: Vec::new(),
            schur: Cholesky::new(0),
        };
        for (i, row) in rows.iter().enumerate() {
            if let Row::Group(members, sign) = row {
                let mut a = vec![0.0; m];
                members
                    .iter()
                    .filter(|&&j| free[j])
                    .for_each(|&j| a[j] = *sign);
                border.rows.push(i);
                border.a.push(a);
            }
        }
        border.schur = Cholesky::new(border.a.len());
        Self {
            problem,
            rows,
            h,
            free,
            slopes: Mat::zeros(n, m),
            scaled: Mat::zeros(n, m),
            hessian: Mat::zeros(m, m),
            cholesky: Cholesky::new(m),
            border,
        }
    }

    /// The reference distribution, moved as little as puts it inside of all bounds.
    fn start(&self) -> Option<Vec<f64>> {
        let constraints = self.problem.constraints;
        let m = constraints.domains();
        let lower: f64 = constraints.lower.iter().sum();
        let room: f64 = (0..m).map(|j| constraints.limit(j)).sum::<f64>() - lower;
        let filled = (1.0 - lower) / room;
        if !(filled > 1e-9 && filled < 1.0 - 1e-9) {
            return None;
        }
        let margin = 0.1 * filled.min(1.0 - filled);
        let inside = |j: usize, p: f64| {
            let (lower, limit) = (constraints.lower[j], constraints.limit(j));
            let margin = margin * (limit - lower);
            p.clamp(lower + margin, (limit - margin).max(lower + margin))
        };
        let at = |log_factor: f64| -> Vec<f64> {
            let reference = self.problem.reference.iter().enumerate();
            reference
                .map(|(j, q)| inside(j, q * log_factor.exp()))
                .collect()
        };
        let (mut low, mut high) = (-700.0, 700.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if at(middle).iter().sum::<f64>() < 1.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut p = at(high);
        let excess = p.iter().sum::<f64>() - 1.0;
        // What bisection leaves is far below the margins.
        let share = excess / room;
        for (j, p) in p.iter_mut().enumerate() {
            *p -= share * (constraints.limit(j) - constraints.lower[j]);
        }
        let inside_groups = self.slacks(&p).iter().all(|s| *s > 0.0);
        if inside_groups {
            Some(p)
        } else {
            inner_point(constraints).filter(|p| self.slacks(p).iter().all(|s| *s > 0.0))
        }
    }

    fn slacks(&self, p: &[f64]) -> Vec<f64> {
        let moved = self.row_products(p);
        self.h.iter().zip(moved).map(|(h, v)| h + v).collect()
    }

    /// `−G v`: how slacks change when weights change by `v`.
    fn row_products(&self, v: &[f64]) -> Vec<f64> {
        let product = |row: &Row| match row {
            Row::Lower(j) => v[*j],
            Row::Upper(j) => -v[*j],
            Row::Group(members, sign) => sign * members.iter().map(|&j| v[j]).sum::<f64>(),
        };
        self.rows.iter().map(product).collect()
    }

    fn run(&mut self, p: Vec<f64>) -> Interior {
        let s = self.slacks(&p);
        let count = s.len() as f64;
        let mut state = State {
            z: vec![0.0; s.len()],
            p,
            s,
        };
        let mut slope = self.slope(&state.p);
        let mut best = Interior {
            weights: state.p.clone(),
            gap: self.gap(&state, &slope),
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
            let gap = self.gap(&state, &slope);
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

    /// The certificate of the module's description.
    fn gap(&self, state: &State, slope: &[f64]) -> f64 {
        let constraints = self.problem.constraints;
        let mut v = slope.to_vec();
        let mut gap = 0.0;
        for ((row, z), s) in self.rows.iter().zip(&state.z).zip(&state.s) {
            if let Row::Group(members, sign) = row {
                members.iter().for_each(|&j| v[j] -= sign * z);
                gap += z * s;
            }
        }
        let mut order: Vec<usize> = (0..v.len()).collect();
        order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
        let mut left = 1.0 - constraints.lower.iter().sum::<f64>();
        let mut price = v[order[0]];
        let mut q = constraints.lower.clone();
        for &j in &order {
            if left <= 0.0 {
                break;
            }
            let more = (constraints.limit(j) - constraints.lower[j]).min(left);
            q[j] += more;
            left -= more;
            price = v[j];
        }
        // Each term is at least zero, so nothing cancels.
        for j in 0..v.len() {
            gap += (v[j] - price) * (state.p[j] - q[j]);
        }
        // What is not a number certifies nothing; `max` alone would make it a perfect certificate.
        if gap.is_nan() {
            f64::INFINITY
        } else {
            gap.max(0.0)
        }
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
        for (j, p) in state.p.iter().enumerate().filter(|(j, _)| self.free[*j]) {
            self.hessian[(j, j)] += self.problem.kl_reg / p + diagonal[j];
        }
        for (i, row) in self.rows.iter().enumerate() {
            let weight = state.z[i] / state.s[i];
            match row {
                Row::Upper(j) | Row::Lower(j) => self.hessian[(*j, *j)] += weight,
                Row::Group(..) => {}
            }
        }
        for j in (0..m).filter(|&j| !self.free[j]) {
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
        for (slope, free) in slope.iter_mut().zip(&self.free) {
            if !free {
                *slope = 0.0;
            }
        }
        slope
    }

    /// Newton's step for `φ_μ` with the last factor.
    fn direction(&mut self, state: &State, slope: &[f64], mu: f64) -> Step {
        let mut rhs: Vec<f64> = slope.iter().map(|g| -g).collect();
        for (row, s) in self.rows.iter().zip(&state.s) {
            let pull = mu / s;
            match row {
                Row::Lower(j) => rhs[*j] += pull,
                Row::Upper(j) => rhs[*j] -= pull,
                Row::Group(members, sign) => members.iter().for_each(|&j| rhs[j] += sign * pull),
            }
        }
        for (rhs, free) in rhs.iter_mut().zip(&self.free) {
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
        let mut s = self.row_products(&p);
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
