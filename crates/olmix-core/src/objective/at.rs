//! What an objective says of a proposed mixture.

use super::{LossGroup, Minimize, Objective};
use crate::law::{FittedLaw, average_loss};
use crate::optimize::Solution;

/// A guardrail at a proposed mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardrailAt {
    /// The group.
    pub group: String,
    /// What the loss is compared with.
    pub baseline: String,
    /// Loss predicted at the baseline.
    pub baseline_loss: f64,
    /// Loss predicted at the mixture.
    pub loss: f64,
    /// The increase allowed, as a share of the loss at the baseline.
    pub max_increase: f64,
    /// See [`super::Guardrail::penalty`].
    pub penalty: Option<f64>,
    /// Whether the loss is at the bound or above it.
    pub binding: bool,
    /// How fast the least objective falls as the bound rises, in loss per unit of loss: what the guardrail costs
    /// at its bound.
    pub multiplier: f64,
    /// The average loss predicted without this guardrail, where it binds; `None` where the solver failed.
    pub without: Option<f64>,
}

/// One of the losses whose largest is minimized, at a proposed mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedAt {
    /// The group.
    pub group: String,
    /// Loss predicted at the baseline.
    pub baseline_loss: f64,
    /// Loss predicted at the mixture.
    pub loss: f64,
    /// Whether it is one of the largest.
    pub largest: bool,
}

/// What an objective says of a proposed mixture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectiveAt {
    /// In the order of [`Objective::guardrails`].
    pub guardrails: Vec<GuardrailAt>,
    /// In the order of [`Minimize::Largest`]; empty where the average is minimized.
    pub compared: Vec<ComparedAt>,
}

/// A loss this close to its bound, as a share of the loss at the baseline, is at it.
const AT_BOUND: f64 = 1e-6;
/// A multiplier of all compared that sum to 1 that is above this is one of the largest.
const OF_LARGEST: f64 = 1e-6;
impl Objective {
    /// What it says of a solution of its problem; `without` gives the average loss of the solution of another
    /// objective.
    pub(crate) fn at(
        &self,
        laws: &[FittedLaw],
        task_weights: &[f64],
        prior: &[f64],
        solution: &Solution,
        without: &dyn Fn(&Self) -> Option<f64>,
    ) -> ObjectiveAt {
        let loss = |group: &LossGroup, p: &[f64]| {
            let weights = group.weights(task_weights);
            average_loss(laws, &weights, p)
        };
        let p = &solution.weights;
        let mut found = ObjectiveAt::default();
        for (k, (guardrail, term)) in self.guardrails.iter().zip(&solution.terms).enumerate() {
            let baseline = &guardrail.baseline;
            let baseline_loss = loss(&guardrail.group, baseline.weights(prior));
            let binding = term.value >= -AT_BOUND;
            let others = || {
                let mut others = self.clone();
                others.guardrails.remove(k);
                without(&others)
            };
            found.guardrails.push(GuardrailAt {
                group: guardrail.group.name.clone(),
                baseline: baseline.name.clone(),
                baseline_loss,
                loss: loss(&guardrail.group, p),
                max_increase: guardrail.max_increase,
                penalty: guardrail.penalty,
                binding,
                multiplier: term.multiplier / baseline_loss,
                without: if binding { others() } else { None },
            });
        }
        if let Minimize::Largest {
            groups, baseline, ..
        } = &self.minimize
        {
            let terms = &solution.terms[self.guardrails.len()..];
            let all: f64 = terms.iter().map(|term| term.multiplier).sum();
            for (group, term) in groups.iter().zip(terms) {
                found.compared.push(ComparedAt {
                    group: group.name.clone(),
                    baseline_loss: loss(group, baseline.weights(prior)),
                    loss: loss(group, p),
                    largest: term.multiplier > OF_LARGEST * all,
                });
            }
        }
        found
    }
}
