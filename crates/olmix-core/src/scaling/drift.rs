//! How the best mixture moves with the size.

use rayon::prelude::*;

use super::{Scale, Scaled, ScaledLosses};
use crate::law::{FittedLaw, LawOptions, average_loss};
use crate::optimize::Optimizer;
use crate::{CoreError, Fit, FitSpec};

/// What the joint law says of a proposed mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledProposal {
    /// Its losses at the target; `None` without bootstrap.
    pub losses: Option<ScaledLosses>,
    /// How the best mixture moves with the size; the target is last.
    pub optima: Vec<ScaleOptimum>,
}

/// The best mixture at a size.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleOptimum {
    /// The size.
    pub scale: Scale,
    /// Weights of the domains, length `m`.
    pub weights: Vec<f64>,
    /// Its weighted average loss at the size.
    pub loss: f64,
    /// That of the mixture proposed for the target: what it costs to train the size with the target's mixture.
    pub loss_of_proposal: f64,
}

/// The best mixture at the last checkpoint of every measured size, and at the target, which is last. The law has the
/// settings that it has in `fit`, the fit at the target, whose proposed mixture is `proposed`; constraints are those of
/// the target's run. Costs a fit and a solve for each size.
///
/// # Errors
/// Those of fitting and solving.
pub(crate) fn optima(
    scaled: &Scaled,
    spec: &FitSpec,
    fit: &Fit,
    options: &LawOptions,
    optimizer: &Optimizer,
    proposed: &[f64],
) -> Result<Vec<ScaleOptimum>, CoreError> {
    let sizes = scaled.law.sizes();
    let mut scales: Vec<Scale> = sizes.iter().map(|size| size.last).collect();
    scales.push(scaled.target);
    let constraints = spec.constraints_holding(&fit.dead);
    scales
        .into_par_iter()
        .map(|scale| {
            let swarm = scaled.law.at(scale)?.subset(&fit.train);
            let fitted = options.fit(&swarm, spec.prior.weights(), &|| ())?;
            let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
            let solution = spec.solve(&swarm, optimizer, &laws, &constraints, &|| ())?;
            let loss = |p: &[f64]| average_loss(&laws, &swarm.task_weights(), p);
            Ok(ScaleOptimum {
                scale,
                loss: loss(&solution.weights),
                loss_of_proposal: loss(proposed),
                weights: solution.weights,
            })
        })
        .collect()
}
