//! How far a mixture's objective can be from the least, whatever method found the mixture.
//!
//! Losses are replaced by their tangents at the mixture `p`, which lie nowhere above them, and the
//! limits by multipliers (`z` of groups, `y` of terms, `ν` of `Σ q = 1`, or of each sum that is given). What is left to minimize over the bounds of
//! single domains falls apart by domain:
//!
//! ```text
//! F(p) − F(q) ≤ Σ_j max_q [ (v_j + ν)(p_j − q_j) + λ p_j ln(p_j/r_j) − λ q_j ln(q_j/r_j) ]
//!               − ν (Σ p − 1) + z·s(p) + (objective − Lagrangian)(p)
//! ```
//!
//! for every feasible `q`, with `v` the slope of the Lagrangian without its KL term. Any `ν` gives a bound; the
//! best makes the maximizing `q_j = r_j exp(−(v_j + ν)/λ − 1)`, within the bounds, sum to 1. The KL
//! term is kept as it is, since its tangent says little where weights are near zero. The parts are
//! written so that none is the small difference of large numbers.

use super::feasible_set::{FeasibleSet, Row};
use crate::law::Law;
use crate::optimize::ExactProblem;

/// Halvings of the interval of `ν`.
const HALVINGS: usize = 200;

/// Multipliers that make a bound; any that are not negative do.
pub(super) struct Multipliers<'a> {
    /// One for each bound of a group that is one: by group, the upper first.
    pub groups: &'a [f64],
    /// One for each term.
    pub terms: &'a [f64],
}

/// The objective at `p` (length `m`, within all bounds) is at most this far above the least; infinite where
/// something is not a number.
pub(super) fn certified_gap<L: Law>(
    problem: &ExactProblem<'_, L>,
    p: &[f64],
    multipliers: &Multipliers<'_>,
) -> f64 {
    let set = FeasibleSet::new(problem.constraints);
    let losses = ExactProblem {
        kl_reg: 0.0,
        ..*problem
    };
    let mut v = losses.gradient(p);
    let mut gap = 0.0;
    if let Some(terms) = problem.terms {
        let y = terms.dual_feasible(multipliers.terms);
        for (i, law) in problem.laws.iter().enumerate() {
            let all = terms.terms.iter().zip(&y);
            let weight: f64 = all.map(|(term, y)| y * term.weights[i]).sum();
            if weight > 0.0 {
                law.add_gradient(p, weight, &mut v);
            }
        }
        gap += terms.complementarity(&problem.term_values(p), &y);
    }
    let slacks = set.slacks(p);
    let groups = set
        .rows
        .iter()
        .zip(&slacks)
        .filter_map(|(row, s)| match row {
            Row::Group(members, sign) => Some((members, sign, s)),
            Row::Lower(_) | Row::Upper(_) => None,
        });
    for ((members, sign, slack), z) in groups.zip(multipliers.groups) {
        let z = z.max(0.0);
        members.iter().for_each(|&j| v[j] -= sign * z);
        gap += z * slack;
    }
    gap += if problem.kl_reg > 0.0 {
        separable(problem, p, &v)
    } else {
        set.gap(p, &[], &[], &v)
    };
    if gap.is_nan() {
        f64::INFINITY
    } else {
        gap.max(0.0)
    }
}

/// The sum over domains, with the best `ν` for each sum that is given.
fn separable<L>(problem: &ExactProblem<'_, L>, p: &[f64], v: &[f64]) -> f64 {
    let sums = problem.constraints.fixed_sums();
    let of_sum =
        |(members, total): &(Vec<usize>, f64)| separable_in_sum(problem, p, v, members, *total);
    sums.iter().map(of_sum).sum()
}

fn separable_in_sum<L>(
    problem: &ExactProblem<'_, L>,
    p: &[f64],
    v: &[f64],
    members: &[usize],
    total: f64,
) -> f64 {
    let (kl, r) = (problem.kl_reg, problem.reference);
    let constraints = problem.constraints;
    let bounds = |j: usize| {
        (
            constraints.lower[j],
            constraints.limit(j).max(constraints.lower[j]),
        )
    };
    let free = |j: usize, nu: f64| r[j] * (-(v[j] + nu) / kl - 1.0).exp();
    let at = |j: usize, nu: f64| {
        let (lower, limit) = bounds(j);
        free(j, nu).clamp(lower, limit)
    };
    // At this ν the unbounded maximizer is `q`.
    let price = |j: usize, q: f64| -v[j] - kl * ((q / r[j]).ln() + 1.0);
    let all = || members.iter().copied();
    let left = total - all().map(|j| constraints.lower[j]).sum::<f64>();
    let share = (left / members.len() as f64).max(f64::MIN_POSITIVE);
    let used = || all().filter(|&j| r[j] > 0.0 && bounds(j).1 > 0.0);
    let mut low = used()
        .map(|j| price(j, bounds(j).1))
        .fold(f64::INFINITY, f64::min);
    let high = used().map(|j| price(j, bounds(j).0 + share));
    let mut high = high.fold(f64::NEG_INFINITY, f64::max);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if all().map(|j| at(j, middle)).sum::<f64>() > total {
            low = middle;
        } else {
            high = middle;
        }
    }
    let nu = high;
    let of_domain = |j: usize| {
        let q = at(j, nu);
        if p[j] == q {
            return 0.0;
        }
        if q <= 0.0 {
            return (p[j] * (v[j] + nu) + kl * p[j] * (p[j] / r[j]).ln()).max(0.0);
        }
        // At a bound the slope is not met; else it is zero.
        let slope = if q == free(j, nu) {
            0.0
        } else {
            v[j] + nu + kl * ((q / r[j]).ln() + 1.0)
        };
        let change = (p[j] - q) / q;
        let bent = if p[j] > 0.0 {
            q * ((1.0 + change) * change.ln_1p() - change)
        } else {
            q
        };
        (slope * (p[j] - q)).max(0.0) + kl * bent.max(0.0)
    };
    let sum = all().map(|j| p[j]).sum::<f64>() - total;
    all().map(of_domain).sum::<f64>() - nu * sum
}
