//! Rules: mixtures from token counts alone, which teams use where they have no swarm.

use serde::{Deserialize, Serialize};

use super::problem::BINDING_TOLERANCE;
use super::{
    ExactProblem, MixtureOptimizer, OptimizerInput, OptimizerKind, OptimizerNeeds,
    OptimizerSetting, OptimizerSettings, Solution, Status, solve_exact,
};
use crate::law::FittedLaw;
use crate::{Constraints, CoreError, DomainSet, kl_divergence};

/// A mixture from sizes alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Rule {
    /// In proportion to the natural distribution.
    Natural,
    /// The same weight for each domain.
    Uniform,
    /// In proportion to `p0^exponent`: 1 is natural, 0 uniform.
    Temperature {
        /// In `[0, 1]` as a rule.
        exponent: f64,
    },
    /// As uniform as the caps allow: each domain gets an equal share of the run until its tokens
    /// have been repeated `k` times (`UniMax`, arXiv 2304.09151).
    UniMax,
}

/// Exponent of [`Rule::Temperature`] where none is given.
const DEFAULT_EXPONENT: f64 = 0.5;

impl Rule {
    /// The rule's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl MixtureOptimizer for Rule {
    const NEEDS: OptimizerNeeds = OptimizerNeeds::Sizes;

    fn takes(kind: OptimizerKind, setting: OptimizerSetting) -> bool {
        kind == OptimizerKind::Temperature && setting == OptimizerSetting::Temperature
    }

    fn with_settings(kind: OptimizerKind, settings: &OptimizerSettings) -> Self {
        match kind {
            OptimizerKind::Uniform => Self::Uniform,
            OptimizerKind::UniMax => Self::UniMax,
            OptimizerKind::Temperature => Self::Temperature {
                exponent: settings.temperature.unwrap_or(DEFAULT_EXPONENT),
            },
            _ => Self::Natural,
        }
    }

    fn kind(&self) -> OptimizerKind {
        match self {
            Self::Natural => OptimizerKind::Natural,
            Self::Uniform => OptimizerKind::Uniform,
            Self::Temperature { .. } => OptimizerKind::Temperature,
            Self::UniMax => OptimizerKind::UniMax,
        }
    }

    fn is_worst(&self) -> bool {
        false
    }

    fn kl_reg(&self) -> Option<f64> {
        None
    }

    fn with_kl_reg(&self, _: f64) -> Self {
        *self
    }

    fn steps(&self) -> usize {
        0
    }

    fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError> {
        input.all_free()?;
        let problem = &input.problem;
        by_rule(problem.domains, input.prior, problem.constraints, *self)
    }
}

/// The rule's mixture; where that breaks a bound, the feasible mixture with the least
/// `KL(p ‖ rule)`. Of a uniform mixture under caps that is the mixture of `UniMax`.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture satisfies the constraints.
pub fn by_rule(
    domains: &DomainSet,
    prior: &[f64],
    constraints: &Constraints,
    rule: Rule,
) -> Result<Solution, CoreError> {
    constraints.check(domains)?;
    let mut wanted: Vec<f64> = match rule {
        Rule::Natural => prior.to_vec(),
        Rule::Uniform | Rule::UniMax => vec![1.0; prior.len()],
        Rule::Temperature { exponent } => prior.iter().map(|p| p.powf(exponent)).collect(),
    };
    let sum: f64 = wanted.iter().sum();
    wanted.iter_mut().for_each(|p| *p /= sum);
    let weights = if constraints.violation(&wanted) <= 1e-12 {
        wanted
    } else {
        let nearest = solve_exact(&ExactProblem::<FittedLaw> {
            domains,
            laws: &[],
            task_weights: &[],
            reference: &wanted,
            kl_reg: 1.0,
            linear: None,
            terms: None,
            constraints,
        })?;
        nearest.weights
    };
    Ok(Solution {
        status: Status::Rule,
        objective: 0.0,
        kl: kl_divergence(&weights, prior),
        duality_gap: None,
        terms: Vec::new(),
        iterations: 0,
        binding: constraints.binding(&weights, BINDING_TOLERANCE),
        run: None,
        weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Domain;

    #[test]
    fn unimax_fills_small_domains_to_their_caps_and_shares_the_rest_equally() {
        let tokens = [10u64, 40, 1000, 1000];
        let domain = |(j, &tokens): (usize, &u64)| Domain {
            name: format!("d{j}"),
            tokens: Some(tokens),
        };
        let domains = DomainSet::new(tokens.iter().enumerate().map(domain).collect()).unwrap();
        let prior: Vec<f64> = tokens.iter().map(|&n| n as f64 / 2050.0).collect();
        let constraints = Constraints::none(4)
            .with_repetition(&domains, 400.0, 2.0)
            .unwrap();
        let found = by_rule(&domains, &prior, &constraints, Rule::UniMax).unwrap();
        // Caps 0.05, 0.2, 1, 1: the rest is 0.75 for two domains.
        for (weight, wanted) in found.weights.iter().zip([0.05, 0.2, 0.375, 0.375]) {
            assert!((weight - wanted).abs() < 1e-9, "{weight} for {wanted}");
        }
        let flat = by_rule(&domains, &prior, &Constraints::none(4), Rule::UniMax).unwrap();
        assert_eq!(flat.weights, [0.25; 4]);
    }
}
