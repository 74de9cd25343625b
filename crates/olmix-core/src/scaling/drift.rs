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
    /// The best mixture at the last checkpoint of every measured size, and at the target, which is last.
    pub optima: Vec<ScaleOptimum>,
    /// The best mixture after the target's tokens, by parameters: the measured ones and the target's, ascending.
    pub by_parameters: Vec<ScaleOptimum>,
    /// The best mixture of the target's parameters, by tokens: an eighth of the target's to all, ascending.
    pub by_tokens: Vec<ScaleOptimum>,
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

/// Shares of the target's tokens at which the best mixture is looked for.
const TOKENS: [f64; 4] = [0.125, 0.25, 0.5, 1.0];

/// Where the best mixture is looked for, and how.
pub(crate) struct Drift<'a> {
    pub scaled: &'a Scaled,
    pub spec: &'a FitSpec,
    /// The fit at the target.
    pub fit: &'a Fit,
    /// The settings of its law, which are those at every size.
    pub options: &'a LawOptions,
    pub optimizer: &'a Optimizer,
    /// The mixture proposed for the target.
    pub proposed: &'a [f64],
}

impl Drift<'_> {
    /// The best mixtures, without losses of the proposal. Constraints are those of the target's run. Costs a fit and a
    /// solve for each size.
    ///
    /// # Errors
    /// Those of fitting and solving.
    pub fn proposal(&self) -> Result<ScaledProposal, CoreError> {
        let target = self.scaled.target;
        let mut sizes: Vec<Scale> = self.scaled.law.sizes().iter().map(|s| s.last).collect();
        let mut larger: Vec<f64> = sizes.iter().map(|scale| scale.parameters).collect();
        larger.push(target.parameters);
        larger.sort_by(f64::total_cmp);
        larger.dedup();
        sizes.push(target);
        let larger = larger.into_iter().map(|parameters| Scale {
            parameters,
            ..target
        });
        let longer = TOKENS.map(|share| Scale {
            tokens: share * target.tokens,
            ..target
        });
        Ok(ScaledProposal {
            losses: None,
            optima: self.at(&sizes)?,
            by_parameters: self.at(&larger.collect::<Vec<_>>())?,
            by_tokens: self.at(&longer)?,
        })
    }

    fn at(&self, scales: &[Scale]) -> Result<Vec<ScaleOptimum>, CoreError> {
        let constraints = self.spec.constraints_holding(&self.fit.dead);
        let prior = self.spec.prior.weights();
        let optimum = |&scale: &Scale| {
            let swarm = self.scaled.law.at(scale)?.subset(&self.fit.train);
            let fitted = self.options.fit(&swarm, prior, &|| ())?;
            let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
            let solution = self
                .spec
                .solve_again(&swarm, self.optimizer, &laws, &constraints)?;
            let loss = |p: &[f64]| average_loss(&laws, &swarm.task_weights(), p);
            Ok(ScaleOptimum {
                scale,
                loss: loss(&solution.weights),
                loss_of_proposal: loss(self.proposed),
                weights: solution.weights,
            })
        };
        scales.par_iter().map(optimum).collect()
    }
}
