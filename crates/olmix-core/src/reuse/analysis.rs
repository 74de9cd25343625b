//! What a reuse costs, by laws over all domains: measured, and bounded.

use crate::law::{FittedLaw, average_loss};
use crate::optimize::{ExactProblem, solve_exact};
use crate::{Constraints, CoreError, DomainSet};

use super::{
    Bound, BoundInputs, Collapse, Coupling, FreeOptions, Freed, VirtualDomain, choose_free,
    coefficients, solve_frozen,
};

/// Frozen domains in a problem whose laws over all domains are known.
#[derive(Debug, Clone, Copy)]
pub struct ReuseProblem<'a> {
    /// All `m` domains.
    pub domains: &'a DomainSet,
    /// A law per task, convex, over all domains.
    pub laws: &'a [FittedLaw],
    /// Weights of the tasks, summing to 1.
    pub task_weights: &'a [f64],
    /// The prior of the KL term, positive.
    pub prior: &'a [f64],
    /// λ, the strength of the KL term, in loss per nat.
    pub kl_reg: f64,
    /// Caps and bounds of the mixture over all domains.
    pub constraints: &'a Constraints,
    /// The domains that keep their ratios.
    pub frozen: &'a VirtualDomain,
}

/// The best mixture with kept ratios.
#[derive(Debug, Clone, PartialEq)]
pub struct ReusedMixture {
    /// Weights, of length `m`, under the constraints.
    pub weights: Vec<f64>,
    /// Average loss there.
    pub loss: f64,
    /// Total variation `Σ |q − q*| / 2` to the optimum, from 0 to 1.
    pub variation: f64,
}

/// The cost of frozen ratios, as [`ReuseProblem::analyze`] computes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The best mixture with nothing frozen, of length `m`, under the constraints.
    pub optimum: Vec<f64>,
    /// Average loss at the optimum.
    pub optimum_loss: f64,
    /// Average loss at the prior.
    pub prior_loss: f64,
    /// The best mixture with the ratios kept; an error where the constraints can't be met, or expressed, with
    /// them.
    pub reused: Result<ReusedMixture, CoreError>,
    /// The coupling of the frozen domains with the others.
    pub coupling: Coupling,
    /// Without caps and bounds: the bounds of Theorem 1, and by how much the objective with the ratios kept
    /// is above that of the optimum by the laws. `None` for laws that are not log-linear.
    pub bound: Option<(Bound, f64)>,
    /// Domains that are worth freeing, best first.
    pub worth_freeing: Vec<Freed>,
}

impl ReuseProblem<'_> {
    /// Solves with everything free and with the ratios kept, and bounds the difference. Cost: up to four
    /// exact solves.
    ///
    /// # Errors
    /// Those of [`Collapse::new`] and the exact solve. Where the constraints, or the laws' form, don't allow
    /// the ratios to be kept, this is in [`Analysis::reused`].
    pub fn analyze(&self) -> Result<Analysis, CoreError> {
        let collapse = Collapse::new(self.domains, std::slice::from_ref(self.frozen))?;
        let m = self.domains.len();
        let optimum = self.best(self.constraints)?;
        let reused = match self.best_kept(self.constraints) {
            Ok(weights) => Ok(weights),
            Err(error @ (CoreError::Infeasible(_) | CoreError::Unsupported(_))) => Err(error),
            Err(error) => return Err(error),
        };
        let mut frozen = vec![false; m];
        let mut ratios = vec![0.0; m];
        for &(j, share) in collapse.members(0) {
            frozen[j] = true;
            ratios[j] = share;
        }
        let rows = coefficients(self.laws, self.prior);
        let log_linear = self
            .laws
            .iter()
            .all(|law| matches!(law, FittedLaw::LogLinear(_)));
        let bound = if log_linear {
            let free = Constraints::none(m);
            let (best, kept) = (self.best(&free)?, self.best_kept(&free)?);
            let reuse = BoundInputs {
                laws: self.laws,
                task_weights: self.task_weights,
                kl_reg: self.kl_reg,
                frozen: &frozen,
                ratios: &ratios,
                optimum: &best,
                prior: self.prior,
            };
            Some((
                reuse.bound()?,
                reuse.objective(&kept) - reuse.objective(&best),
            ))
        } else {
            None
        };
        let mut shares = self.prior.to_vec();
        for (share, ratio) in shares
            .iter_mut()
            .zip(&ratios)
            .filter(|(_, ratio)| **ratio > 0.0)
        {
            *share = *ratio;
        }
        let loss = |p: &[f64]| average_loss(self.laws, self.task_weights, p);
        Ok(Analysis {
            optimum_loss: loss(&optimum),
            prior_loss: loss(self.prior),
            reused: reused.map(|weights| ReusedMixture {
                loss: loss(&weights),
                variation: 0.5
                    * optimum
                        .iter()
                        .zip(&weights)
                        .map(|(a, b)| (a - b).abs())
                        .sum::<f64>(),
                weights,
            }),
            coupling: Coupling::new(&rows, &frozen),
            worth_freeing: choose_free(&rows, &frozen, &shares, FreeOptions::default()),
            bound,
            optimum,
        })
    }

    fn problem<'a>(&'a self, constraints: &'a Constraints) -> ExactProblem<'a> {
        ExactProblem {
            domains: self.domains,
            laws: self.laws,
            task_weights: self.task_weights,
            reference: self.prior,
            kl_reg: self.kl_reg,
            linear: None,
            terms: None,
            constraints,
        }
    }

    /// The best mixture with nothing frozen.
    fn best(&self, constraints: &Constraints) -> Result<Vec<f64>, CoreError> {
        Ok(solve_exact(&self.problem(constraints))?.weights)
    }

    /// The best mixture with the ratios kept.
    fn best_kept(&self, constraints: &Constraints) -> Result<Vec<f64>, CoreError> {
        let frozen = std::slice::from_ref(self.frozen);
        Ok(solve_frozen(&self.problem(constraints), frozen)?.weights)
    }
}
