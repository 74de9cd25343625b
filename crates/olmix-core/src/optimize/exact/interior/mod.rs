//! A feasible primal–dual interior-point method for `min F(p)` over a mixture's feasible set,
//! with `F` smooth and convex.
//!
//! The constraints are `Σ p = 1` (or several such sums) and rows `s(p) = h − G p ≥ 0`: bounds of domains and of groups.
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
//! The terms of an objective ([`LossTerms`]) have slacks, multipliers and barriers as the rows have:
//! `terms.rs`. Their slacks are not linear, so a line search keeps them positive.
//!
//! The gap is a certificate, not an estimate: [`super::feasible_set`] has its formula. With terms, it is that of
//! the Lagrangian `F + Σ y_k T_k`, which is nowhere above the objective among the mixtures that keep the
//! limits, and how far the objective is above the Lagrangian.

mod border;
mod step;
mod terms;

use faer::Mat;

use super::feasible_set::{FeasibleSet, Row};
use crate::law::{Cholesky, Curvature, Law, weighted_gram};
use crate::optimize::{ExactProblem, LossTerms, TermRole};
use border::Border;
use terms::TermState;

/// Where the method ended.
pub(crate) struct Interior {
    pub weights: Vec<f64>,
    /// Certified: the objective is at most this far above the least.
    pub gap: f64,
    pub iterations: usize,
    /// Whether the gap met the tolerance.
    pub converged: bool,
    /// Of each term.
    pub multipliers: Vec<f64>,
    /// What gaps are compared with.
    pub scale: f64,
}

const MAX_ITERATIONS: usize = 300;
/// Gaps are relative to the scale of the objective. The method goes on to the first, for which
/// the last steps cost little, and is content with the second where rounding stops it.
const GAP_SOUGHT: f64 = 1e-13;
const GAP_ACCEPTED: f64 = 1e-9;
/// As [`GAP_SOUGHT`], with terms: a slack is the difference of losses, with the digits of a loss.
const GAP_SOUGHT_WITH_TERMS: f64 = 1e-11;
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
    terms: TermState,
}

/// Slopes at a mixture; 0 for domains that cannot move.
struct Slopes {
    /// Of the objective without its terms.
    smooth: Vec<f64>,
    /// Of each term.
    terms: Vec<Vec<f64>>,
}

/// Minimizes the problem's objective; `None` where the feasible set has no interior to start in.
/// The caller has checked that the bounds leave room.
pub(crate) fn minimize<L: Law>(problem: &ExactProblem<'_, L>) -> Option<Interior> {
    let p = FeasibleSet::new(problem.constraints).start(problem.reference)?;
    minimize_from(problem, p, |_, _| false)
}

/// As [`minimize`], from a mixture strictly inside of all bounds, until the gap is small or `enough` is content
/// with the terms' values and a gap. `None` where the mixture does not keep the limits.
pub(super) fn minimize_from<L: Law>(
    problem: &ExactProblem<'_, L>,
    p: Vec<f64>,
    enough: impl Fn(&[f64], f64) -> bool,
) -> Option<Interior> {
    InteriorPoint::new(problem).run(p, enough)
}

struct InteriorPoint<'a, L> {
    problem: &'a ExactProblem<'a, L>,
    terms: LossTerms,
    set: FeasibleSet<'a>,
    /// The laws' Hessians.
    curvature: Curvature,
    /// The slopes of their terms, one row of `m` each.
    slopes: Mat<f64>,
    scaled: Mat<f64>,
    hessian: Mat<f64>,
    cholesky: Cholesky,
    border: Border,
}

impl<'a, L: Law> InteriorPoint<'a, L> {
    fn new(problem: &'a ExactProblem<'a, L>) -> Self {
        let m = problem.domains.len();
        let set = FeasibleSet::new(problem.constraints);
        let n = problem.laws.len();
        let terms = problem.terms.cloned().unwrap_or_default();
        let compared = terms.terms.iter().map(|t| t.role == TermRole::Compared);
        let border = Border::new(&set, &compared.collect::<Vec<_>>());
        Self {
            problem,
            terms,
            set,
            curvature: Curvature::new(m),
            slopes: Mat::zeros(n, m),
            scaled: Mat::zeros(n, m),
            hessian: Mat::zeros(m, m),
            cholesky: Cholesky::new(m),
            border,
        }
    }

    fn run(mut self, p: Vec<f64>, enough: impl Fn(&[f64], f64) -> bool) -> Option<Interior> {
        let s = self.set.slacks(&p);
        let values = self.problem.term_values(&p);
        let terms = TermState::start(&self.terms, &values)?;
        let count = (s.len() + terms.barriers(&self.terms)) as f64;
        let mut state = State {
            z: vec![0.0; s.len()],
            p,
            s,
            terms,
        };
        let mut slopes = self.slopes(&state.p);
        let (gap, multipliers) = self.certificate(&state, &slopes, &values);
        let scale = self.scale(&state.p, &values);
        let mut best = Interior {
            weights: state.p.clone(),
            gap,
            iterations: 0,
            converged: false,
            multipliers,
            scale,
        };
        let sought = if self.terms.is_empty() {
            GAP_SOUGHT
        } else {
            GAP_SOUGHT_WITH_TERMS
        };
        let mut mu = 0.5 * best.gap / count;
        for (z, s) in state.z.iter_mut().zip(&state.s) {
            *z = mu / s;
        }
        let least_mu = 0.1 * sought * scale / count;
        mu = mu.max(least_mu);
        state.terms.set_multipliers(mu);
        let mut idle = 0;
        let mut content = false;
        while best.iterations < MAX_ITERATIONS
            && best.gap > sought * scale
            && idle < MAX_IDLE
            && !content
        {
            best.iterations += 1;
            if !self.factor(&state, &slopes) {
                break;
            }
            let mut step = self.direction(&state, &slopes, mu);
            while step.descent <= REDUCE_AT * mu * count && mu > least_mu {
                mu = (REDUCTION * mu).max(least_mu);
                step = self.direction(&state, &slopes, mu);
            }
            if !self.take(&mut state, &step, mu) {
                break;
            }
            slopes = self.slopes(&state.p);
            let values = self.problem.term_values(&state.p);
            let (gap, multipliers) = self.certificate(&state, &slopes, &values);
            let fell = mu > least_mu || gap < 0.9 * best.gap;
            idle = if fell { 0 } else { idle + 1 };
            if gap < best.gap {
                best.weights.clone_from(&state.p);
                best.gap = gap;
                best.multipliers = multipliers;
            }
            content = enough(&values, gap);
        }
        best.converged = best.gap <= GAP_ACCEPTED * scale;
        Some(best)
    }

    /// The gap at a state, and the multipliers of the terms that it holds for.
    fn certificate(&self, state: &State, slopes: &Slopes, values: &[f64]) -> (f64, Vec<f64>) {
        if self.terms.is_empty() {
            let gap = self.set.gap(&state.p, &state.s, &state.z, &slopes.smooth);
            return (gap, Vec::new());
        }
        let y = self.terms.dual_feasible(&state.terms.y);
        let mut slope = slopes.smooth.clone();
        for (y, term) in y.iter().zip(&slopes.terms) {
            add(&mut slope, *y, term);
        }
        let gap = self.set.gap(&state.p, &state.s, &state.z, &slope);
        (gap + self.terms.complementarity(values, &y), y)
    }

    /// What gaps are compared with: the size of the objective, 1 at most.
    fn scale(&self, p: &[f64], values: &[f64]) -> f64 {
        let problem = self.problem;
        let losses = problem.laws.iter().zip(problem.average_weights());
        let loss: f64 = losses.map(|(law, w)| w * law.predict(p)).sum();
        let linear = problem.linear.map_or(0.0, |linear| {
            linear.iter().fold(0.0f64, |most, l| most.max(l.abs()))
        });
        let loss = match self.terms.largest(values) {
            Some(largest) => loss + self.terms.largest_weight * largest.abs(),
            None => loss,
        };
        loss.min(1.0).max(problem.kl_reg).max(linear).max(1e-12)
    }

    /// The weight of each law in the Lagrangian.
    fn law_weights(&self, y: &[f64]) -> Vec<f64> {
        let mut weights = self.problem.average_weights().to_vec();
        weights.resize(self.problem.laws.len(), 0.0);
        for (term, y) in self.terms.terms.iter().zip(y) {
            add(&mut weights, *y, &term.weights);
        }
        weights
    }

    /// Factors `W = ∇²F + diag(z/s)` over the bounds of single domains, with a row of the identity
    /// for domains that cannot move, and the Schur complement of the border.
    fn factor(&mut self, state: &State, slopes: &Slopes) -> bool {
        let m = state.p.len();
        let weights = self.law_weights(&state.terms.y);
        let curvature = &mut self.curvature;
        curvature.clear();
        let laws = self.problem.laws.iter().zip(&weights);
        for (law, &weight) in laws {
            law.curvature(&state.p, weight, curvature);
        }
        let terms = curvature.heights().len();
        if terms != self.slopes.nrows() {
            self.slopes = Mat::zeros(terms, m);
            self.scaled = Mat::zeros(terms, m);
        }
        for i in 0..terms {
            for (j, slope) in curvature.slope(i).iter().enumerate() {
                self.slopes[(i, j)] = *slope;
            }
        }
        weighted_gram(
            &self.slopes,
            curvature.heights(),
            &mut self.scaled,
            self.hessian.as_mut(),
        );
        for &(i, k, value) in self.curvature.pairs() {
            self.hessian[(i.max(k), i.min(k))] += value;
        }
        for (j, p) in state
            .p
            .iter()
            .enumerate()
            .filter(|(j, _)| self.set.free[*j])
        {
            self.hessian[(j, j)] += self.problem.kl_reg / p + self.curvature.diagonal[j];
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
        let first = border.terms();
        for (row, slope) in border.a[first..].iter_mut().zip(&slopes.terms) {
            row.iter_mut().zip(slope).for_each(|(a, g)| *a = -g);
        }
        let groups = border.rows.clone();
        let sums = border.sums;
        let give = |i: usize| match i.checked_sub(sums) {
            None => 0.0,
            Some(group) if group < groups.len() => state.s[groups[group]] / state.z[groups[group]],
            Some(row) => {
                let (k, of) = (row - groups.len(), &state.terms);
                of.slack[k] / of.y[k] + of.give(&self.terms.terms[k], k)
            }
        };
        border.factor(&mut self.cholesky, give)
    }

    /// Slopes at a mixture; 0 for domains that cannot move, whose KL term may have none (a weight held at zero).
    fn slopes(&self, p: &[f64]) -> Slopes {
        let mut smooth = self.problem.gradient(p);
        let mut terms = Vec::new();
        if !self.terms.is_empty() {
            let of_law = |law: &L| {
                let mut slope = vec![0.0; p.len()];
                law.add_gradient(p, 1.0, &mut slope);
                slope
            };
            let laws: Vec<Vec<f64>> = self.problem.laws.iter().map(of_law).collect();
            terms = vec![vec![0.0; p.len()]; self.terms.terms.len()];
            for (slope, term) in terms.iter_mut().zip(&self.terms.terms) {
                let used = term.weights.iter().zip(&laws).filter(|(a, _)| **a > 0.0);
                used.for_each(|(a, law)| add(slope, *a, law));
            }
        }
        for slope in terms.iter_mut().chain([&mut smooth]) {
            for (slope, free) in slope.iter_mut().zip(&self.set.free) {
                if !free {
                    *slope = 0.0;
                }
            }
        }
        Slopes { smooth, terms }
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

/// Adds `scale · v`.
fn add(into: &mut [f64], scale: f64, v: &[f64]) {
    into.iter_mut().zip(v).for_each(|(x, v)| *x += scale * v);
}
