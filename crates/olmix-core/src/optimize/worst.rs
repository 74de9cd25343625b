//! The worst mixture: what a careless choice would cost (`make_worst_mix`).
//!
//! The largest predicted loss is the maximum of a convex function, which has many local maxima
//! and no certificate. Each step maximizes `∇F(p_k)·p − λ KL(p ‖ q)` over the feasible set
//! exactly; because `F` lies above its tangent, no step lowers `F − λ KL`. Starts go to the domains
//! that raise the loss most.

use super::problem::ExactProblem;
use super::solve_exact;
use super::{Solution, Status};
use crate::law::Law;
use crate::{CoreError, kl_divergence};

const STARTS: usize = 8;
const MAX_STEPS: usize = 50;

/// A local maximum of `Σ w f̂ − λ KL` over the feasible mixtures: the best of a few starts.
///
/// # Errors
/// As [`solve_exact`].
pub fn worst_mix<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Solution, CoreError> {
    let m = problem.domains.len();
    let slope_at = |p: &[f64]| {
        let mut slope = vec![0.0; m];
        for (law, &weight) in problem.laws.iter().zip(problem.task_weights) {
            law.add_gradient(p, weight, &mut slope);
        }
        slope
    };
    let total: f64 = problem.reference.iter().sum();
    let natural: Vec<f64> = problem.reference.iter().map(|q| q / total).collect();
    let at_natural = slope_at(&natural);
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| at_natural[b].total_cmp(&at_natural[a]));

    let mut best: Option<(f64, Solution)> = None;
    let mut offer = |value: f64, solution: Solution| {
        if best.as_ref().is_none_or(|(greatest, _)| value > *greatest) {
            best = Some((value, solution));
        }
    };
    for start in std::iter::once(None).chain(order.into_iter().take(STARTS).map(Some)) {
        let mut slope = match start {
            None => at_natural.clone(),
            Some(domain) => {
                let mut corner: Vec<f64> = natural.iter().map(|p| 0.1 * p).collect();
                corner[domain] += 0.9;
                slope_at(&corner)
            }
        };
        let mut reached = f64::NEG_INFINITY;
        for _ in 0..MAX_STEPS {
            let solution = solve_linear(problem, &slope)?;
            let p = &solution.weights;
            let loss: f64 = problem
                .laws
                .iter()
                .zip(problem.task_weights)
                .map(|(law, weight)| weight * law.predict(p))
                .sum();
            let value = loss - problem.kl_reg * kl_divergence(p, problem.reference);
            slope = slope_at(p);
            let done = value <= reached + 1e-10 * value.abs();
            reached = reached.max(value);
            offer(value, solution);
            if done {
                break;
            }
        }
    }
    let (value, mut solution) =
        best.ok_or_else(|| CoreError::SolverFailed("no start reached a mixture".into()))?;
    solution.status = Status::LocalMaximum;
    solution.objective = value;
    solution.duality_gap = None;
    Ok(solution)
}

/// `max slope·p − λ KL(p ‖ q)` over the feasible set.
fn solve_linear<L: Law>(
    problem: &ExactProblem<'_, L>,
    slope: &[f64],
) -> Result<Solution, CoreError> {
    let scale = slope
        .iter()
        .fold(0.0f64, |most, s| most.max(s.abs()))
        .max(1e-12);
    solve_exact(&ExactProblem {
        laws: &[],
        task_weights: &[],
        linear: Some(&slope.iter().map(|s| -s / scale).collect::<Vec<_>>()),
        terms: None,
        // Without any KL the maximum is a vertex, which the interior point still finds.
        kl_reg: problem.kl_reg / scale,
        ..*problem
    })
}
