//! Newton's step, and how far along it the method goes.

use super::super::feasible_set::Row;
use super::terms::TermStep;
use super::{InteriorPoint, NEIGHBOURHOOD, Slopes, State, add, longest, moved};
use crate::law::Law;
use crate::swarm::dot;

/// A step: changes of weights and slacks, and how steeply `φ_μ` falls along it.
pub(super) struct Step {
    pub p: Vec<f64>,
    pub s: Vec<f64>,
    pub terms: TermStep,
    /// `−∇φ_μ·Δp`: about twice what the step gains, and zero only at the minimum.
    pub descent: f64,
}

impl<L: Law> InteriorPoint<'_, L> {
    /// Newton's step for `φ_μ` with the last factor.
    pub(super) fn direction(&mut self, state: &State, slopes: &Slopes, mu: f64) -> Step {
        let mut rhs: Vec<f64> = slopes.smooth.iter().map(|g| -g).collect();
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
        let at = &state.terms;
        for (pull, term) in at.pulls(mu).iter().zip(&slopes.terms) {
            add(&mut rhs, -pull, term);
        }
        let (falls_above, falls_largest) = (
            at.falls_above(&self.terms, mu),
            at.falls_largest(&self.terms, mu),
        );
        let fall = rhs.clone();
        let mut p = rhs;
        self.cholesky.solve(&mut p);
        let border = &mut self.border;
        let mut prices: Vec<f64> = border.a.iter().map(|a| dot(a, &p)).collect();
        for (price, (members, total)) in prices.iter_mut().zip(&self.set.sums) {
            *price += members.iter().map(|&j| state.p[j]).sum::<f64>() - total;
        }
        let first = border.terms();
        let gives: Vec<f64> = self
            .terms
            .terms
            .iter()
            .enumerate()
            .map(|(k, term)| at.give(term, k))
            .collect();
        for (k, give) in gives.iter().enumerate() {
            prices[first + k] += give * falls_above[k];
        }
        let largest = border.solve(&mut prices, falls_largest);
        for (price, solved) in prices.iter().zip(&border.solved) {
            for (p, solved) in p.iter_mut().zip(solved) {
                *p -= price * solved;
            }
        }
        // Against the price of each sum, whose step is not zero only by rounding.
        let mut price_of = vec![0.0; p.len()];
        for ((members, _), price) in self.set.sums.iter().zip(&prices) {
            members.iter().for_each(|&j| price_of[j] = *price);
        }
        let against = fall.iter().zip(&price_of);
        let pairs = p.iter().zip(against);
        let mut descent: f64 = pairs.map(|(p, (f, price))| p * (f - price)).sum();
        let mut s = self.set.row_products(&p);
        // A sum of steps has lost the digits that a slack near zero needs; its price has them.
        for (&row, price) in self.border.rows.iter().zip(&prices[self.border.sums..]) {
            s[row] = price * state.s[row] / state.z[row];
        }
        let prices = &prices[first..];
        let mut terms = TermStep {
            slack: Vec::with_capacity(prices.len()),
            above: Vec::with_capacity(prices.len()),
            largest,
        };
        for (k, price) in prices.iter().enumerate() {
            let give = at.slack[k] / at.y[k];
            let mut slack = give * price;
            let mut above = gives[k] * (falls_above[k] - price);
            // Of a penalty's two variables, one may be far from zero, and its price says little of its step: the
            // slope of the term does.
            if gives[k] > give {
                above = slack - dot(&self.border.a[first + k], &p);
            } else if gives[k] > 0.0 {
                slack = above + dot(&self.border.a[first + k], &p);
            }
            terms.slack.push(slack);
            terms.above.push(above);
        }
        if !prices.is_empty() {
            descent += dot(&terms.above, &falls_above) + largest * falls_largest;
        }
        Step {
            p,
            s,
            terms,
            descent,
        }
    }

    /// Goes along the step as far as it stays inside and lowers `φ_μ`; false when it cannot.
    pub(super) fn take(&self, state: &mut State, step: &Step, mu: f64) -> bool {
        let count = state.s.len();
        let dz: Vec<f64> = (0..count)
            .map(|i| (mu - state.z[i] * step.s[i]) / state.s[i] - state.z[i])
            .collect();
        let mut length = longest(&state.s, &step.s).min(state.terms.longest(&step.terms));
        let before = self.problem.smooth(&state.p);
        let mut rounding = 1e-15 * before.abs().max(1e-3);
        if !self.terms.is_empty() {
            let pulls: f64 = state.terms.pulls(mu).iter().sum();
            rounding += 1e-15 * (pulls + self.terms.largest_weight * state.terms.largest.abs());
        }
        for _ in 0..60 {
            let p = moved(&state.p, &step.p, length);
            let barrier: f64 = state
                .s
                .iter()
                .zip(&step.s)
                .map(|(s, step)| (length * step / s).ln_1p())
                .sum();
            let values = self.problem.term_values(&p);
            let of_terms = state
                .terms
                .moved(&self.terms, &step.terms, length, &values, mu);
            let Some((terms, of_terms)) = of_terms else {
                length *= 0.5;
                continue;
            };
            let change = self.problem.smooth(&p) - before - mu * barrier + of_terms;
            if change <= -1e-4 * length * step.descent + rounding {
                state.s = moved(&state.s, &step.s, length);
                state.z = moved(&state.z, &dz, longest(&state.z, &dz));
                state.p = p;
                let old = std::mem::replace(&mut state.terms, terms);
                state.terms.update_multipliers(&old, &step.terms, mu);
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
