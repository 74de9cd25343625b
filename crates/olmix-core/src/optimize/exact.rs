//! The exact optimizer: `min_p Σ_i w_i f̂_i(p) + λ KL(p ‖ q)` over the feasible mixtures.
//!
//! Solved by the interior-point method of [`super::interior`] with a certified gap. That needs a
//! mixture strictly inside of all bounds; where there is none (bounds that leave a single mixture,
//! a group pinned to one value), the same problem is solved as an exponential-cone program
//! ([`super::cone`]), which also tells when bounds that overlap leave no mixture at all. The two
//! share no code, and tests hold them against each other.

use super::cone::Program;
use super::interior::minimize;
use super::problem::ExactProblem;
use super::{Solution, Status};
use crate::CoreError;
use crate::law::Law;

/// Solves to a certified gap of at most 1e-9 of the objective's scale, mostly 1e-13; the cone
/// program, where it has to take over, to some 1e-8.
///
/// Deterministic, single-threaded; some 15 to 30 iterations of `n m² / 2 + m³ / 3`
/// multiplications.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture satisfies the constraints, with numbers;
/// [`CoreError::SolverFailed`] when neither method reaches a certificate.
pub fn solve_exact<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Solution, CoreError> {
    problem.constraints.check(problem.domains)?;
    if let Some(interior) = minimize(problem).filter(|interior| interior.converged) {
        return Ok(problem.solution(
            &interior.weights,
            Status::Optimal,
            interior.gap,
            interior.iterations,
        ));
    }
    solve_cone(problem)
}

/// As [`solve_exact`], always by the exponential-cone program: a second, independent method.
///
/// # Errors
/// As [`solve_exact`], and [`CoreError::SolverFailed`] for laws that are not log-linear.
pub fn solve_cone<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Solution, CoreError> {
    problem.constraints.check(problem.domains)?;
    let program = Program::new(problem)?;
    let (solver, status) = program.solve(problem.constraints)?;
    let solution = &solver.solution;
    let gap = (solution.obj_val - solution.obj_val_dual).abs() * program.scale;
    let weights = &solution.x[..problem.domains.len()];
    Ok(problem.solution(weights, status, gap, solution.iterations as usize))
}
