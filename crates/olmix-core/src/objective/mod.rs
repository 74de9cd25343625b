//! What is minimized besides the average loss and the KL term: guardrails of families and tasks, and the largest
//! of their losses.

mod at;
mod solve;

pub use at::{ComparedAt, GuardrailAt, ObjectiveAt};

use crate::law::{FittedLaw, average_loss};
use crate::optimize::{LossTerm, LossTerms, TermRole};
use crate::phases::Phases;
use crate::{CoreError, Mixture};

/// What a fit's optimizer minimizes, with the KL term.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Objective {
    /// The losses that are minimized.
    pub minimize: Minimize,
    /// What no mixture may exceed, or what it costs to.
    pub guardrails: Vec<Guardrail>,
}

/// The losses that are minimized.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Minimize {
    /// The weighted average of all tasks.
    #[default]
    Average,
    /// The largest of several, each compared with what it is at a baseline.
    Largest {
        /// Families or tasks; at least one.
        groups: Vec<LossGroup>,
        /// How they are compared.
        compare: Compare,
        /// With what.
        baseline: Baseline,
    },
}

/// How the loss of a group is compared with its loss at a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The ratio of the two, times the average loss at the baseline: in the unit of the losses.
    Ratio,
    /// The difference.
    Difference,
}

/// A family or a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossGroup {
    /// Its name.
    pub name: String,
    /// Its tasks, as positions; at least one. Its loss is their mean with the weights of the tasks, or with equal
    /// ones where those are all 0.
    pub tasks: Vec<usize>,
}

/// A mixture that losses are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// What messages call it, such as `the prior`.
    pub name: String,
    /// Its weights; the prior where there are none.
    pub mixture: Option<Mixture>,
}

/// A group's loss is to be at most so far above what it is at a baseline, as laws predict both.
#[derive(Debug, Clone, PartialEq)]
pub struct Guardrail {
    /// The group.
    pub group: LossGroup,
    /// The increase allowed, as a share of the loss at the baseline, above −1; below 0 asks for an improvement.
    pub max_increase: f64,
    /// What the loss is compared with.
    pub baseline: Baseline,
    /// `None` where the bound holds; else what each unit of loss above the bound adds to the objective, above 0.
    pub penalty: Option<f64>,
}

/// Where laws of resampled runs leave no mixture that keeps all guardrails, each unit of loss above a bound counts
/// as this much in the objective.
const RESAMPLED: f64 = 1e3;

impl Objective {
    /// The same over the domains of phases: a baseline is the same mixture in every phase.
    ///
    /// # Errors
    /// As [`Phases::domains`].
    pub fn over_phases(&self, phases: &Phases) -> Result<Self, CoreError> {
        let mut over = self.clone();
        let of_guardrails = over.guardrails.iter_mut().map(|one| &mut one.baseline);
        let of_largest = match &mut over.minimize {
            Minimize::Largest { baseline, .. } => Some(baseline),
            Minimize::Average => None,
        };
        for baseline in of_guardrails.chain(of_largest) {
            if let Some(mixture) = &mut baseline.mixture {
                *mixture = phases.prior(mixture)?;
            }
        }
        Ok(over)
    }

    /// Whether it is the average loss alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The same with bounds that may be exceeded, at a price above any that they are kept for.
    pub(crate) fn elastic(&self) -> Self {
        let mut elastic = self.clone();
        for guardrail in &mut elastic.guardrails {
            guardrail.penalty.get_or_insert(RESAMPLED);
        }
        elastic
    }

    /// Whether numbers are in their ranges and mixtures of `m` domains.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`], [`CoreError::Shape`].
    pub fn validate(&self, m: usize) -> Result<(), CoreError> {
        let baselines = self.guardrails.iter().map(|one| &one.baseline);
        let largest = match &self.minimize {
            Minimize::Largest { baseline, .. } => Some(baseline),
            Minimize::Average => None,
        };
        for mixture in baselines.chain(largest).filter_map(|b| b.mixture.as_ref()) {
            let found = mixture.weights().len();
            if found != m {
                return Err(CoreError::Shape {
                    what: "weights of a mixture that losses are compared with",
                    expected: m,
                    found,
                });
            }
        }
        for guardrail in &self.guardrails {
            let out = |what, value, rule| Err(CoreError::OutOfRange { what, value, rule });
            let most = guardrail.max_increase;
            if !(most > -1.0 && most.is_finite()) {
                return out("the increase that a guardrail allows", most, "above -1");
            }
            match guardrail.penalty {
                Some(penalty) if !(penalty > 0.0 && penalty.is_finite()) => {
                    return out("the penalty of a guardrail", penalty, "above 0");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The terms for these laws; `None` for the average alone. `task_weights` and `laws` are one per task, `prior`
    /// has length `m`.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] where a loss that others are compared with is not above 0.
    pub fn terms(
        &self,
        laws: &[FittedLaw],
        task_weights: &[f64],
        prior: &[f64],
    ) -> Result<Option<LossTerms>, CoreError> {
        if self.is_plain() {
            return Ok(None);
        }
        let mut all = LossTerms::default();
        for guardrail in &self.guardrails {
            let at = At::new(
                &guardrail.group,
                &guardrail.baseline,
                laws,
                task_weights,
                prior,
            );
            let scale = at.positive(&guardrail.group, &guardrail.baseline)?;
            all.terms.push(LossTerm {
                name: guardrail.describe(),
                weights: at.weights.iter().map(|a| a / scale).collect(),
                bound: 1.0 + guardrail.max_increase,
                role: match guardrail.penalty {
                    None => TermRole::Limit,
                    Some(penalty) => TermRole::Penalty(penalty * scale),
                },
            });
        }
        if let Minimize::Largest {
            groups,
            compare,
            baseline,
        } = &self.minimize
        {
            all.without_average = true;
            all.largest_weight = match compare {
                Compare::Ratio => average_loss(laws, task_weights, baseline.weights(prior)),
                Compare::Difference => 1.0,
            };
            for group in groups {
                let at = At::new(group, baseline, laws, task_weights, prior);
                let (scale, bound) = match compare {
                    Compare::Ratio => (at.positive(group, baseline)?, 0.0),
                    Compare::Difference => (1.0, at.loss),
                };
                all.terms.push(LossTerm {
                    name: group.name.clone(),
                    weights: at.weights.iter().map(|a| a / scale).collect(),
                    bound,
                    role: TermRole::Compared,
                });
            }
        }
        Ok(Some(all))
    }
}

/// A group's loss at a baseline.
struct At {
    /// Of all tasks, summing to 1.
    weights: Vec<f64>,
    loss: f64,
}

impl At {
    fn new(
        group: &LossGroup,
        baseline: &Baseline,
        laws: &[FittedLaw],
        task_weights: &[f64],
        prior: &[f64],
    ) -> Self {
        let weights = group.weights(task_weights);
        let loss = average_loss(laws, &weights, baseline.weights(prior));
        Self { weights, loss }
    }

    fn positive(&self, group: &LossGroup, baseline: &Baseline) -> Result<f64, CoreError> {
        if self.loss > 0.0 {
            return Ok(self.loss);
        }
        Err(CoreError::Unsupported(format!(
            "the loss of {} at {} is {}: an increase is a share of a loss above 0",
            group.name, baseline.name, self.loss
        )))
    }
}

impl LossGroup {
    /// The weight of each task in the group's loss, summing to 1.
    #[must_use]
    pub fn weights(&self, task_weights: &[f64]) -> Vec<f64> {
        let mut weights = vec![0.0; task_weights.len()];
        let total: f64 = self.tasks.iter().map(|&i| task_weights[i]).sum();
        for &i in &self.tasks {
            weights[i] = if total > 0.0 {
                task_weights[i] / total
            } else {
                1.0 / self.tasks.len() as f64
            };
        }
        weights
    }
}

impl Baseline {
    /// The prior.
    #[must_use]
    pub fn prior() -> Self {
        Self {
            name: "the prior".to_owned(),
            mixture: None,
        }
    }

    fn weights<'a>(&'a self, prior: &'a [f64]) -> &'a [f64] {
        self.mixture.as_ref().map_or(prior, Mixture::weights)
    }
}

impl Guardrail {
    /// `code (at most 1 % above the prior)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let percent = (1e5 * self.max_increase).round() / 1e3;
        let (group, baseline) = (&self.group.name, &self.baseline.name);
        if percent < 0.0 {
            return format!("{group} (at least {} % below {baseline})", -percent);
        }
        format!("{group} (at most {percent} % above {baseline})")
    }
}
