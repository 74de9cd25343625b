//! Search: the best run that was observed, among those whose mixture is feasible.

use super::{Solution, Status};
use crate::{Constraints, CoreError, Mixture, Swarm, kl_divergence};

/// The feasible run with the least (`worst`: greatest) weighted average loss.
///
/// The run's mixture is divided by its sum. Feasible means within 1e-9 of every cap and bound.
///
/// # Errors
/// [`CoreError::Infeasible`] when no run is feasible.
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
    let (run, objective, mixture) = best.ok_or_else(|| {
        CoreError::Infeasible(format!(
            "none of the {} observed mixtures satisfies the caps and bounds; fit a law and solve \
             (`regression.type: log_linear`, `proposer.type: exact`), or relax them",
            swarm.len()
        ))
    })?;
    let weights = mixture.weights().to_vec();
    Ok(Solution {
        status: Status::BestCandidate,
        objective,
        kl: kl_divergence(&weights, reference),
        duality_gap: None,
        iterations: swarm.len(),
        binding: constraints.binding(&weights, 1e-9),
        run: Some(run),
        weights,
    })
}
