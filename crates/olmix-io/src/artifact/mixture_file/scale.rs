//! The size that a result is for, and what the measured sizes say of it.

use olmix_core::scaling::{Scale, ScaleOptimum, ScaleRange};
use olmix_core::trust::Interval;
use olmix_core::{Fit, FitSpec};
use serde::{Deserialize, Serialize};

use super::ScoresEntry;
use super::build::scores;
use crate::swarm::loaded_fit::LoadedFit;

/// The size that losses and mixture are for, by a joint law over mixtures, parameters and tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaleEntry {
    /// Parameters and tokens of the target.
    pub target: Scale,
    /// The sizes that were measured, ascending.
    pub sizes: Vec<ScaleRange>,
    /// Interval of the exponent α of parameters.
    pub parameters_exponent: Interval,
    /// Interval of the exponent β of tokens.
    pub tokens_exponent: Interval,
    /// What the law of the smaller sizes says of the largest; null with fewer than three sizes.
    pub check: Option<CheckEntry>,
    /// Interval of the average loss at the mixture; null without bootstrap or mixture.
    pub predicted_interval: Option<Interval>,
    /// Interval of the average loss at the prior.
    pub natural_interval: Option<Interval>,
    /// The best mixture at each measured size, and at the target, which is last; empty without a mixture.
    pub optima: Vec<OptimumEntry>,
}

/// Predictions for the largest size by the law of the smaller ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckEntry {
    /// The largest size, at its last checkpoint.
    pub size: Scale,
    /// Mixtures that were predicted.
    pub mixtures: usize,
    /// Scores of the weighted average loss.
    pub average: ScoresEntry,
}

/// The best mixture at a size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimumEntry {
    /// The size.
    pub scale: Scale,
    /// Weights, aligned with the domains.
    pub weights: Vec<f64>,
    /// Its average loss there.
    pub loss: f64,
    /// That of the mixture of this file.
    pub loss_of_mixture: f64,
}

pub(super) fn scale(loaded: &LoadedFit, fit: &Fit) -> Option<ScaleEntry> {
    let spec: &FitSpec = &loaded.spec;
    let scaled = spec.scaling.as_ref()?;
    let (parameters_exponent, tokens_exponent) = scaled.law.exponents(spec.confidence);
    let proposed = fit
        .proposal
        .as_ref()
        .and_then(|proposal| proposal.scaling.as_ref());
    let losses = proposed.and_then(|proposed| proposed.losses.as_ref());
    let entry = |optimum: &ScaleOptimum| OptimumEntry {
        scale: optimum.scale,
        weights: optimum.weights.clone(),
        loss: optimum.loss,
        loss_of_mixture: optimum.loss_of_proposal,
    };
    Some(ScaleEntry {
        target: scaled.target,
        sizes: scaled.law.sizes(),
        parameters_exponent,
        tokens_exponent,
        check: loaded.size_check.map(|check| CheckEntry {
            size: check.size,
            mixtures: check.mixtures,
            average: scores(&check.average),
        }),
        predicted_interval: losses.map(|losses| losses.proposed),
        natural_interval: losses.map(|losses| losses.natural),
        optima: proposed.map_or_else(Vec::new, |proposed| {
            proposed.optima.iter().map(entry).collect()
        }),
    })
}
