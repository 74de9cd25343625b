//! `objective`: guardrails, and the losses whose largest was minimized.

use olmix_core::Fit;
use olmix_core::FitSpec;
use olmix_core::objective::{Compare, ComparedAt, GuardrailAt, Minimize};
use serde::{Deserialize, Serialize};

use super::build::finite;

/// What was minimized besides or in place of the average loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveEntry {
    /// `average` or `largest`.
    pub minimize: String,
    /// How losses are compared with the baseline where the largest is minimized: `ratio` or `difference`.
    pub compare: Option<String>,
    /// What they are compared with there.
    pub baseline: Option<String>,
    /// The losses whose largest is minimized.
    pub compared: Vec<ComparedEntry>,
    /// Bounds on losses.
    pub guardrails: Vec<GuardrailEntry>,
}

/// One of the losses whose largest is minimized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedEntry {
    /// The family or task.
    pub name: String,
    /// Loss predicted at the baseline.
    pub baseline_loss: Option<f64>,
    /// Loss predicted at the mixture.
    pub predicted: Option<f64>,
    /// Whether it is one of the largest.
    pub largest: bool,
}

/// A bound on the loss of a family or task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardrailEntry {
    /// The family or task.
    pub name: String,
    /// What its loss is compared with.
    pub baseline: String,
    /// The increase allowed, as a share of the loss at the baseline.
    pub max_increase: f64,
    /// What a unit of loss above the bound adds to the objective; null where the bound holds.
    pub penalty: Option<f64>,
    /// Loss predicted at the baseline.
    pub baseline_loss: Option<f64>,
    /// Loss predicted at the mixture.
    pub predicted: Option<f64>,
    /// Whether the loss is at the bound or above it.
    pub binding: bool,
    /// How fast the least objective falls as the bound rises: loss per unit of loss.
    pub multiplier: Option<f64>,
    /// Weighted average loss predicted without this guardrail; null where it does not bind.
    pub without: Option<f64>,
}

pub(super) fn objective(fit: &Fit, spec: &FitSpec) -> Option<ObjectiveEntry> {
    let at = fit.proposal.as_ref()?.objective.as_ref()?;
    let compared = |one: &ComparedAt| ComparedEntry {
        name: one.group.clone(),
        baseline_loss: finite(one.baseline_loss),
        predicted: finite(one.loss),
        largest: one.largest,
    };
    let guardrail = |one: &GuardrailAt| GuardrailEntry {
        name: one.group.clone(),
        baseline: one.baseline.clone(),
        max_increase: one.max_increase,
        penalty: one.penalty,
        baseline_loss: finite(one.baseline_loss),
        predicted: finite(one.loss),
        binding: one.binding,
        multiplier: finite(one.multiplier),
        without: one.without.and_then(finite),
    };
    let largest = match &spec.objective.minimize {
        Minimize::Average => None,
        Minimize::Largest {
            compare, baseline, ..
        } => Some((
            match compare {
                Compare::Ratio => "ratio",
                Compare::Difference => "difference",
            },
            &baseline.name,
        )),
    };
    Some(ObjectiveEntry {
        minimize: if largest.is_some() {
            "largest"
        } else {
            "average"
        }
        .to_owned(),
        compare: largest.map(|(compare, _)| compare.to_owned()),
        baseline: largest.map(|(_, baseline)| baseline.clone()),
        compared: at.compared.iter().map(compared).collect(),
        guardrails: at.guardrails.iter().map(guardrail).collect(),
    })
}
