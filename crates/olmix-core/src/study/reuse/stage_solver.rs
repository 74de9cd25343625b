//! The exact solve over a stage's domains, by fitted laws or by the oracle's own.

use super::case_study::Stage;
use super::reparametrized::{ReparametrizedLaw, content};
use crate::law::Law;
use crate::optimize::{ExactProblem, solve_exact};
use crate::reuse::{Collapse, VirtualKl};
use crate::{Constraints, CoreError, Oracle};

/// What every solve of a simulation shares.
pub(super) struct StageSolver<'a> {
    /// Stands in for training.
    pub oracle: &'a Oracle,
    /// Weights of the tasks, summing to 1.
    pub task_weights: &'a [f64],
    /// `R`, tokens of the run that mixtures are for.
    pub target_tokens: f64,
    /// `k`, how often that run may see a token.
    pub repetition_factor: f64,
    /// Strength λ of the KL term, in loss per nat.
    pub kl_reg: f64,
}

impl StageSolver<'_> {
    /// The truly best mixture of collapsed domains, expanded: by the oracle's own laws.
    pub fn best(&self, stage: &Stage, collapse: &Collapse) -> Result<Vec<f64>, CoreError> {
        if collapse.collapsed().len() == 1 {
            return Ok(collapse.expand(&[1.0]));
        }
        let content = content(stage, collapse);
        let laws = self.oracle.laws().iter();
        let over_stage = |law| ReparametrizedLaw::new(law, &content, stage.width());
        let laws: Vec<ReparametrizedLaw<'_>> = laws.map(over_stage).collect();
        self.solve(stage, collapse, &laws)
    }

    /// What a mixture of the stage may be: each token seen at most `k` times in `R`.
    pub fn constraints(&self, stage: &Stage) -> Result<Constraints, CoreError> {
        Constraints::none(stage.domains().len()).with_repetition(
            stage.domains(),
            self.target_tokens,
            self.repetition_factor,
        )
    }

    /// The best mixture of collapsed domains, expanded.
    pub fn solve<L: Law>(
        &self,
        stage: &Stage,
        collapse: &Collapse,
        laws: &[L],
    ) -> Result<Vec<f64>, CoreError> {
        let constraints = self.constraints(stage)?;
        let solution = solve_exact(&ExactProblem {
            domains: collapse.collapsed(),
            laws,
            task_weights: self.task_weights,
            reference: &collapse.reference(&stage.prior, VirtualKl::Expanded),
            kl_reg: self.kl_reg,
            linear: None,
            terms: None,
            constraints: &collapse.constraints(&constraints)?,
        })?;
        Ok(collapse.expand(&solution.weights))
    }
}
