//! Search: the best run that was observed, among those whose mixture is feasible.

use super::{
    MixtureOptimizer, OptimizerInput, OptimizerKind, OptimizerNeeds, OptimizerSetting,
    OptimizerSettings, Solution, Status,
};
use crate::{Constraints, CoreError, Mixture, Swarm, kl_divergence};

/// The feasible run with the least (`worst`: greatest) weighted average loss.
///
/// The run's mixture is divided by its sum. Feasible means within 1e-9 of every cap and bound.
///
/// # Errors
/// [`CoreError::NoFeasibleRun`].
pub fn search(
    swarm: &Swarm,
    reference: &[f64],
    constraints: &Constraints,
    worst: bool,
) -> Result<Solution, CoreError> {
    constraints.check(swarm.domains())?;
    let sign = if worst { -1.0 } else { 1.0 };
    let mut best: Option<(usize, f64, Mixture)> = None;
    for (run, loss) in swarm.average_losses().into_iter().enumerate() {
        let mixture = Mixture::new(swarm.domains().clone(), swarm.mixtures().row(run).to_vec())?;
        let feasible = constraints.violation(mixture.weights()) <= 1e-9;
        let better = best
            .as_ref()
            .is_none_or(|(_, least, _)| sign * loss < sign * least);
        if feasible && better {
            best = Some((run, loss, mixture));
        }
    }
    let (run, objective, mixture) = best.ok_or(CoreError::NoFeasibleRun { runs: swarm.len() })?;
    let weights = mixture.weights().to_vec();
    Ok(Solution {
        status: Status::BestCandidate,
        objective,
        kl: kl_divergence(&weights, reference),
        duality_gap: None,
        terms: Vec::new(),
        iterations: swarm.len(),
        binding: constraints.binding(&weights, 1e-9),
        run: Some(run),
        weights,
    })
}

/// The best feasible observed run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// Find the worst run instead.
    pub worst: bool,
}

impl MixtureOptimizer for Search {
    const NEEDS: OptimizerNeeds = OptimizerNeeds::Runs;

    fn takes(_: OptimizerKind, _: OptimizerSetting) -> bool {
        false
    }

    fn with_settings(_: OptimizerKind, settings: &OptimizerSettings) -> Self {
        Self {
            worst: settings.worst,
        }
    }

    fn kind(&self) -> OptimizerKind {
        OptimizerKind::Search
    }

    fn is_worst(&self) -> bool {
        self.worst
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
        search(
            input.swarm,
            input.prior,
            input.problem.constraints,
            self.worst,
        )
    }
}
