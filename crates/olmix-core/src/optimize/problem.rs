//! The problem that every optimizer of laws solves: what is minimized, and over which mixtures.

use super::{LossTerms, Solution, Status, TermAt};
use crate::law::{FittedLaw, Law};
use crate::swarm::dot;
use crate::{Constraints, DomainSet, kl_divergence};

/// What is minimized, and over what.
#[derive(Debug)]
pub struct ExactProblem<'a, L = FittedLaw> {
    /// The domains, for messages.
    pub domains: &'a DomainSet,
    /// One law per task, each convex.
    pub laws: &'a [L],
    /// Weights of the tasks, summing to 1.
    pub task_weights: &'a [f64],
    /// `q` of the KL term: the natural distribution, or an unnormalized reference (length `m`,
    /// positive).
    pub reference: &'a [f64],
    /// λ ≥ 0.
    pub kl_reg: f64,
    /// A linear term `g·p` added to the objective (length `m`).
    pub linear: Option<&'a [f64]>,
    /// Limits on single losses, penalties and the largest loss, where the objective has any.
    pub terms: Option<&'a LossTerms>,
    /// Caps and bounds.
    pub constraints: &'a Constraints,
}

impl<L> Clone for ExactProblem<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for ExactProblem<'_, L> {}

impl<L: Law> ExactProblem<'_, L> {
    /// The objective at `p`, the constants `c_i` included.
    #[must_use]
    pub fn objective(&self, p: &[f64]) -> f64 {
        match self.terms {
            Some(terms) => self.smooth(p) + terms.cost(&self.term_values(p)),
            None => self.smooth(p),
        }
    }

    /// The weights of the losses in the objective's average; empty where there is no average.
    pub(crate) fn average_weights(&self) -> &[f64] {
        match self.terms {
            Some(terms) if terms.without_average => &[],
            _ => self.task_weights,
        }
    }

    /// The value of each term at `p`.
    pub(crate) fn term_values(&self, p: &[f64]) -> Vec<f64> {
        let Some(terms) = self.terms else {
            return Vec::new();
        };
        let losses: Vec<f64> = self.laws.iter().map(|law| law.predict(p)).collect();
        terms.terms.iter().map(|term| term.value(&losses)).collect()
    }

    /// The objective without its terms.
    pub(crate) fn smooth(&self, p: &[f64]) -> f64 {
        let losses = self.laws.iter().zip(self.average_weights());
        let loss: f64 = losses.map(|(law, w)| w * law.predict(p)).sum();
        let linear = self.linear.map_or(0.0, |linear| dot(linear, p));
        loss + linear + self.kl_reg * kl_divergence(p, self.reference)
    }

    /// Gradient of the objective without its terms, at a `p` with positive weights.
    #[must_use]
    pub fn gradient(&self, p: &[f64]) -> Vec<f64> {
        let mut gradient = self
            .linear
            .map_or_else(|| vec![0.0; p.len()], <[f64]>::to_vec);
        for (law, &w) in self.laws.iter().zip(self.average_weights()) {
            law.add_gradient(p, w, &mut gradient);
        }
        if self.kl_reg > 0.0 {
            for ((gradient, p), q) in gradient.iter_mut().zip(p).zip(self.reference) {
                *gradient += self.kl_reg * ((p / q).ln() + 1.0);
            }
        }
        gradient
    }

    /// Gradient at a solution of the objective with its terms, each weighted by its multiplier.
    pub(crate) fn lagrangian_gradient(&self, p: &[f64], terms: &[TermAt]) -> Vec<f64> {
        let mut gradient = self.gradient(p);
        let of = self.terms.map_or(&[][..], |terms| &terms.terms);
        for (i, law) in self.laws.iter().enumerate() {
            let pairs = of.iter().zip(terms);
            let weight: f64 = pairs
                .map(|(term, at)| at.multiplier * term.weights[i])
                .sum();
            if weight > 0.0 {
                law.add_gradient(p, weight, &mut gradient);
            }
        }
        gradient
    }

    /// The result at a solver's point `x` (length `m`), which is first moved to within all bounds.
    pub(super) fn solution(
        &self,
        x: &[f64],
        status: Status,
        gap: f64,
        iterations: usize,
        multipliers: &[f64],
    ) -> Solution {
        let weights = polish(x, self.constraints);
        let at = |(value, &multiplier): (f64, &f64)| TermAt { value, multiplier };
        let values = self.term_values(&weights);
        Solution {
            status,
            objective: self.objective(&weights),
            kl: kl_divergence(&weights, self.reference),
            duality_gap: Some(gap),
            iterations,
            binding: self.constraints.binding(&weights, BINDING_TOLERANCE),
            terms: values.into_iter().zip(multipliers).map(at).collect(),
            run: None,
            weights,
        }
    }
}

/// A weight this close to its bound is at it; the solver's own tolerance is finer.
pub(crate) const BINDING_TOLERANCE: f64 = 1e-6;

/// Removes what the interior point leaves behind: weights a hair outside of their bounds, and a
/// sum a hair off 1.
pub(super) fn polish(x: &[f64], constraints: &Constraints) -> Vec<f64> {
    let clamp = |(j, &p): (usize, &f64)| p.clamp(constraints.lower[j], constraints.limit(j));
    let mut weights: Vec<f64> = x.iter().enumerate().map(clamp).collect();
    for (members, total) in constraints.fixed_sums() {
        spread(&mut weights, constraints, &members, total);
    }
    weights
}

/// Moves weights that have room for it until they sum to `total`.
fn spread(weights: &mut [f64], constraints: &Constraints, members: &[usize], total: f64) {
    for _ in 0..4 {
        let missing = total - members.iter().map(|&j| weights[j]).sum::<f64>();
        let room = |j: usize, p: f64| {
            if missing > 0.0 {
                constraints.limit(j) - p
            } else {
                p - constraints.lower[j]
            }
        };
        let all: f64 = members.iter().map(|&j| room(j, weights[j])).sum();
        if missing == 0.0 || all <= 0.0 {
            break;
        }
        let share = (missing / all).clamp(-1.0, 1.0);
        for &j in members {
            let step = share * room(j, weights[j]);
            weights[j] += if missing > 0.0 { step } else { -step.abs() };
        }
    }
}
