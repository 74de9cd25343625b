//! Limits on losses: a mixture that keeps them, or proof that there is none.

use super::cone::Program;
use super::feasible_set::FeasibleSet;
use super::interior::{Interior, minimize_from};
use crate::CoreError;
use crate::law::Law;
use crate::optimize::{ExactProblem, LossTerm, LossTerms, TermRole};

/// A mixture that keeps all limits by this much is a good one to start from.
const ROOM: f64 = 1e-4;
/// Limits are kept to within this, in the unit of the terms' values. Where no mixture keeps them with more room, they
/// are raised by it.
const TOLERANCE: f64 = 1e-9;
/// A limit with less than this share of the multipliers does not stand in the way.
const IN_THE_WAY: f64 = 1e-3;

/// Minimizes a problem that has terms; `None` where the bounds have no interior to start in, and where the
/// method stopped short of an answer.
///
/// # Errors
/// [`CoreError::GuardrailsNotKept`] where no mixture keeps the limits.
pub(super) fn minimize_within<L: Law>(
    problem: &ExactProblem<'_, L>,
    terms: &LossTerms,
) -> Result<Option<Interior>, CoreError> {
    let Some(p) = FeasibleSet::new(problem.constraints).start(problem.reference) else {
        return Ok(None);
    };
    let never = |_: &[f64], _: f64| false;
    let worst = terms.worst_limit(&problem.term_values(&p));
    if worst.is_none_or(|worst| worst < -ROOM) {
        return Ok(minimize_from(problem, p, never));
    }
    let (_, nearest) = nearest(terms);
    let search = ExactProblem {
        kl_reg: 0.0,
        linear: None,
        terms: Some(&nearest),
        ..*problem
    };
    let deep = |values: &[f64], gap: f64| {
        let worst = nearest.largest(values).unwrap_or(0.0);
        worst < -TOLERANCE && gap < -0.5 * worst
    };
    let Some(found) = minimize_from(&search, p, deep) else {
        return Ok(None);
    };
    let worst = nearest.largest(&search.term_values(&found.weights));
    let worst = worst.unwrap_or(0.0);
    if worst - found.gap > TOLERANCE {
        return Err(infeasible(&nearest, &found.multipliers, worst));
    }
    if worst < -TOLERANCE {
        return Ok(minimize_from(problem, found.weights, never));
    }
    let mut raised = terms.clone();
    for term in raised
        .terms
        .iter_mut()
        .filter(|t| t.role == TermRole::Limit)
    {
        term.bound += worst.max(0.0) + TOLERANCE;
    }
    let relaxed = ExactProblem {
        terms: Some(&raised),
        ..*problem
    };
    Ok(minimize_from(&relaxed, found.weights, never))
}

/// Explains with numbers why a cone program found that no mixture keeps the limits; nothing where the
/// constraints without them are at fault.
pub(super) fn explain_by_cone<L: Law>(
    problem: &ExactProblem<'_, L>,
    terms: &LossTerms,
) -> Result<(), CoreError> {
    let (any, nearest) = nearest(terms);
    if !any {
        return Ok(());
    }
    let search = ExactProblem {
        kl_reg: 0.0,
        linear: None,
        terms: Some(&nearest),
        ..*problem
    };
    let program = Program::new(&search)?;
    let (solver, _) = program.solve(problem.constraints)?;
    let p = &solver.solution.x[..problem.domains.len()];
    let worst = nearest.largest(&search.term_values(p)).unwrap_or(0.0);
    let y: Vec<f64> = program
        .terms
        .iter()
        .map(|&row| solver.solution.z[row])
        .collect();
    Err(infeasible(&nearest, &nearest.dual_feasible(&y), worst))
}

/// The objective that is the largest value of the limits, and whether there are any.
fn nearest(terms: &LossTerms) -> (bool, LossTerms) {
    let limits = terms
        .terms
        .iter()
        .filter(|term| term.role == TermRole::Limit);
    let compared: Vec<LossTerm> = limits
        .map(|term| LossTerm {
            role: TermRole::Compared,
            ..term.clone()
        })
        .collect();
    let any = !compared.is_empty();
    let nearest = LossTerms {
        terms: compared,
        largest_weight: 1.0,
        without_average: true,
    };
    (any, nearest)
}

fn infeasible(nearest: &LossTerms, multipliers: &[f64], worst: f64) -> CoreError {
    let in_the_way = nearest.terms.iter().zip(multipliers);
    let in_the_way = in_the_way.filter(|(_, y)| **y > IN_THE_WAY);
    let names: Vec<&str> = in_the_way.map(|(term, _)| term.name.as_str()).collect();
    let percent = 100.0 * worst;
    CoreError::GuardrailsNotKept(match names.as_slice() {
        [one] => format!(
            "no mixture keeps the guardrail on {one}: the best mixture exceeds it by {percent:.2} \
             percentage points"
        ),
        names => format!(
            "no mixture keeps these guardrails together: {}; the mixture that comes nearest exceeds \
             each by {percent:.2} percentage points",
            names.join(", ")
        ),
    })
}
