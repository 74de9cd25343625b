//! The exact solve with laws over all domains while some domains keep their ratios.

use crate::law::FittedLaw;
use crate::optimize::{ExactProblem, Solution, solve_exact};
use crate::{Binding, CoreError};

use super::{Collapse, VirtualDomain, VirtualKl};

/// The exact solution of a problem over all domains, among mixtures that have the ratios of `frozen`, which may be none. Its
/// weights and binding constraints are over all domains: a cap of a virtual domain is reported as the cap of
/// its scarcest member. The KL term is that of the expanded mixture.
///
/// # Errors
/// Those of [`Collapse::new`], [`Collapse::constraints`] and [`solve_exact`]; [`CoreError::Unsupported`] for
/// laws that have no form over virtual domains.
pub fn solve_frozen(
    problem: &ExactProblem<'_>,
    frozen: &[VirtualDomain],
) -> Result<Solution, CoreError> {
    if frozen.is_empty() {
        return solve_exact(problem);
    }
    let collapse = Collapse::new(problem.domains, frozen)?;
    let laws: Option<Vec<FittedLaw>> = problem.laws.iter().map(|law| collapse.law(law)).collect();
    let laws = laws.ok_or_else(|| {
        CoreError::Unsupported(
            "this law has no form over virtual domains; use log-linear laws, or saturating ones in powers".into(),
        )
    })?;
    let solved = solve_exact(&ExactProblem {
        domains: collapse.collapsed(),
        laws: &laws,
        task_weights: problem.task_weights,
        reference: &collapse.reference(problem.reference, VirtualKl::Expanded),
        kl_reg: problem.kl_reg,
        linear: None,
        terms: problem.terms,
        constraints: &collapse.constraints(problem.constraints)?,
    })?;
    // The member that reaches the bound of the collapsed domain: the one with the least value per share.
    let scarcest = |v: usize, limit: &dyn Fn(usize) -> f64| {
        let used = collapse.members(v).iter().filter(|(_, share)| *share > 0.0);
        let least = used.min_by(|a, b| (limit(a.0) / a.1).total_cmp(&(limit(b.0) / b.1)));
        least.map_or(0, |(j, _)| *j)
    };
    let over_all = |binding: &Binding| match binding {
        Binding::Cap(v) => {
            let caps = problem.constraints.caps.as_deref().unwrap_or_default();
            Binding::Cap(scarcest(*v, &|j| caps[j]))
        }
        Binding::Upper(v) => Binding::Upper(scarcest(*v, &|j| problem.constraints.upper[j])),
        Binding::Lower(v) => Binding::Lower(scarcest(*v, &|j| -problem.constraints.lower[j])),
        other => other.clone(),
    };
    Ok(Solution {
        weights: collapse.expand(&solved.weights),
        binding: solved.binding.iter().map(over_all).collect(),
        ..solved
    })
}
