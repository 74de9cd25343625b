//! The problem that a fit's optimizer is given, and its solution.

use crate::law::{FittedLaw, Law, average_loss};
use crate::optimize::{ExactProblem, LossTerms, Optimizer, OptimizerInput, Solution};
use crate::reuse::solve_frozen;
use crate::{Constraints, CoreError, FitSpec, Swarm};

use super::{Minimize, Objective, ObjectiveAt};

impl FitSpec {
    /// The terms of the objective for these laws, one per task.
    ///
    /// # Errors
    /// Those of [`Objective::terms`].
    pub(crate) fn terms(
        &self,
        swarm: &Swarm,
        laws: &[FittedLaw],
    ) -> Result<Option<LossTerms>, CoreError> {
        let prior = self.prior.weights();
        self.objective.terms(laws, &swarm.task_weights(), prior)
    }

    /// What an optimizer of laws minimizes, and over which mixtures.
    pub(crate) fn problem<'a>(
        &'a self,
        swarm: &'a Swarm,
        laws: &'a [FittedLaw],
        task_weights: &'a [f64],
        constraints: &'a Constraints,
        kl_reg: f64,
        terms: Option<&'a LossTerms>,
    ) -> ExactProblem<'a> {
        ExactProblem {
            domains: swarm.domains(),
            laws,
            task_weights,
            reference: self.reference(),
            kl_reg,
            linear: None,
            terms,
            constraints,
        }
    }

    /// The mixture that an optimizer finds for these laws under these constraints.
    pub(crate) fn solve(
        &self,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Solution, CoreError> {
        self.solve_for(
            &self.objective,
            swarm,
            optimizer,
            laws,
            constraints,
            progress,
        )
    }

    /// As [`FitSpec::solve`], with laws of a part of the runs, or of resampled ones: where these leave no mixture that
    /// keeps all guardrails, their bounds may be exceeded, as little as can be.
    pub(crate) fn solve_again(
        &self,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
    ) -> Result<Solution, CoreError> {
        match self.solve(swarm, optimizer, laws, constraints, &|| ()) {
            Err(CoreError::GuardrailsNotKept(_)) => {
                let elastic = self.objective.elastic();
                self.solve_for(&elastic, swarm, optimizer, laws, constraints, &|| ())
            }
            solved => solved,
        }
    }

    /// What the objective says of a solution of its problem; `None` for the average loss alone. Solves again for
    /// each guardrail that binds.
    pub(crate) fn objective_at(
        &self,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
        solution: &Solution,
    ) -> Option<ObjectiveAt> {
        if self.objective.is_plain() {
            return None;
        }
        let (weights, prior) = (swarm.task_weights(), self.prior.weights());
        let without = |objective: &Objective| {
            let solved = self.solve_for(objective, swarm, optimizer, laws, constraints, &|| ());
            Some(average_loss(laws, &weights, &solved.ok()?.weights))
        };
        Some(self.objective.at(laws, &weights, prior, solution, &without))
    }

    /// By how much a mixture is better than the prior, by laws: what is minimized, without its KL term and penalties,
    /// as a share of the prior's average loss.
    ///
    /// # Errors
    /// Those of [`Objective::terms`].
    pub(crate) fn gain(
        &self,
        swarm: &Swarm,
        laws: &[FittedLaw],
        p: &[f64],
    ) -> Result<f64, CoreError> {
        let (weights, prior) = (swarm.task_weights(), self.prior.weights());
        let average = |p: &[f64]| average_loss(laws, &weights, p);
        if self.objective.minimize == Minimize::Average {
            return Ok(1.0 - average(p) / average(prior));
        }
        let compared = Objective {
            guardrails: Vec::new(),
            ..self.objective.clone()
        };
        let terms = compared.terms(laws, &weights, prior)?.unwrap_or_default();
        let largest = |p: &[f64]| {
            let losses: Vec<f64> = laws.iter().map(|law| law.predict(p)).collect();
            let values: Vec<f64> = terms.terms.iter().map(|t| t.value(&losses)).collect();
            terms.cost(&values)
        };
        Ok((largest(prior) - largest(p)) / average(prior))
    }

    /// As [`FitSpec::solve`], of another objective.
    pub(crate) fn solve_for(
        &self,
        objective: &Objective,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Solution, CoreError> {
        let task_weights = swarm.task_weights();
        let terms = objective.terms(laws, &task_weights, self.prior.weights())?;
        let keeping = |problem: &ExactProblem<'_>| solve_frozen(problem, &self.frozen);
        optimizer.solve(&OptimizerInput {
            problem: self.problem(
                swarm,
                laws,
                &task_weights,
                constraints,
                optimizer.kl_reg().unwrap_or(0.0),
                terms.as_ref(),
            ),
            prior: self.prior.weights(),
            swarm,
            keeping_ratios: (!self.frozen.is_empty()).then_some(&keeping),
            seed: self.seed,
            progress,
        })
    }
}
