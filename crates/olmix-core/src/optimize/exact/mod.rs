//! The exact optimizer: `min_p Σ_i w_i f̂_i(p) + λ KL(p ‖ q)` over the feasible mixtures, with the
//! limits, penalties and largest losses of [`LossTerms`] where the objective has any.
//!
//! Solved by the interior-point method of [`interior`] with a certified gap. That needs a
//! mixture strictly inside of all bounds; where there is none (bounds that leave a single mixture,
//! a group pinned to one value), the same problem is solved as an exponential-cone program
//! ([`cone`]), which also tells when bounds that overlap leave no mixture at all. The two
//! share no code, and tests hold them against each other.
//!
//! Where the mixture to start from does not keep the limits, the least that any mixture exceeds the
//! worst of them by is minimized first, by the same method: the largest of them is in the objective
//! then. The result is a mixture to start from, or proof that there is none.

mod certificate;
mod cone;
mod feasible_set;
mod interior;
mod limits;
mod optimizer;

pub(crate) use cone::{ConstraintRows, compressed};
pub use optimizer::Exact;

use certificate::{Multipliers, certified_gap};
use cone::Program;
use interior::{Interior, minimize};

use super::problem::{ExactProblem, polish};
use super::{LossTerms, Solution, Status};
use crate::CoreError;
use crate::law::Law;

/// With terms, a gap of this share of the objective's scale is reported as
/// [`Status::AlmostOptimal`].
const ALMOST: f64 = 1e-6;

/// Solves to a certified gap of at most 1e-9 of the objective's scale, mostly 1e-13; the cone
/// program, where it has to take over, to some 1e-8. Limits of [`ExactProblem::terms`] are kept to within
/// 1e-8.
///
/// Deterministic, single-threaded; some 15 to 30 iterations of `n m² / 2 + m³ / 3`
/// multiplications, 30 to 60 with terms.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture satisfies the constraints, and [`CoreError::GuardrailsNotKept`] when
/// none of them keeps the limits, with numbers;
/// [`CoreError::SolverFailed`] when neither method reaches a certificate.
pub fn solve_exact<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Solution, CoreError> {
    problem.constraints.check(problem.domains)?;
    let found = match given_terms(problem) {
        None => minimize(problem),
        Some(terms) => limits::minimize_within(problem, terms)?,
    };
    let of_interior = |interior: &Interior, status: Status| {
        let multipliers = &interior.multipliers;
        problem.solution(
            &interior.weights,
            status,
            interior.gap,
            interior.iterations,
            multipliers,
        )
    };
    if let Some(interior) = found.as_ref().filter(|interior| interior.converged) {
        return Ok(of_interior(interior, Status::Optimal));
    }
    let almost = found.filter(|interior| interior.gap <= ALMOST * interior.scale);
    match (solve_cone(problem), almost) {
        (Err(_), Some(interior)) if given_terms(problem).is_some() => {
            Ok(of_interior(&interior, Status::AlmostOptimal))
        }
        (solved, _) => solved,
    }
}

fn given_terms<'a, L>(problem: &ExactProblem<'a, L>) -> Option<&'a LossTerms> {
    problem.terms.filter(|terms| !terms.is_empty())
}

/// As [`solve_exact`], always by the exponential-cone program: a second, independent method. Its gap is a bound
/// computed at the mixture, not what the program states.
///
/// # Errors
/// As [`solve_exact`], and [`CoreError::SolverFailed`] for laws that are not log-linear.
pub fn solve_cone<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Solution, CoreError> {
    problem.constraints.check(problem.domains)?;
    let program = Program::new(problem)?;
    let solved = program.solve(problem.constraints);
    if let (Err(CoreError::Infeasible(_)), Some(terms)) = (&solved, given_terms(problem)) {
        limits::explain_by_cone(problem, terms)?;
    }
    let (solver, status) = solved?;
    let solution = &solver.solution;
    let weights = polish(&solution.x[..problem.domains.len()], problem.constraints);
    let of_rows = |rows: &[usize]| -> Vec<f64> {
        let multiplier = |&row: &usize| (solution.z[row] * program.scale).max(0.0);
        rows.iter().map(multiplier).collect()
    };
    let (groups, terms) = (of_rows(&program.groups), of_rows(&program.terms));
    let multipliers = Multipliers {
        groups: &groups,
        terms: &terms,
    };
    let gap = certified_gap(problem, &weights, &multipliers);
    let terms = problem.terms.map(|of| of.dual_feasible(&terms));
    Ok(problem.solution(
        &weights,
        status,
        gap,
        solution.iterations as usize,
        &terms.unwrap_or_default(),
    ))
}
