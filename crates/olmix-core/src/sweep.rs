//! One fit, many solves: the mixture for every target size, repetition factor and λ.

mod front;

pub use front::{Front, FrontPoint, FrontRequest, pareto_front};

use rayon::prelude::*;

use crate::law::average_loss;
use crate::optimize::Solution;
use crate::reuse::solve_frozen;
use crate::{Binding, CoreError, Fit, FitSpec, Mixture, Swarm};

/// The grid of a sweep; every combination is a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepGrid {
    /// Target tokens `R`; empty solves without caps.
    pub target_tokens: Vec<f64>,
    /// Repetition factors `k`.
    pub repetition: Vec<f64>,
    /// Strengths λ of the KL term.
    pub kl: Vec<f64>,
}

impl SweepGrid {
    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        let limits = match self.target_tokens.len() {
            0 => 1,
            sizes => sizes * self.repetition.len(),
        };
        limits * self.kl.len()
    }
}

/// One cell of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepCell {
    /// `R`; `None` where there are no caps.
    pub target_tokens: Option<f64>,
    /// The repetition factor `k`; `None` where there are no caps.
    pub repetition: Option<f64>,
    /// Strength λ of the KL term, in loss per nat.
    pub kl: f64,
    /// The mixture found, or why there is none.
    pub outcome: Result<SweepOutcome, String>,
}

/// The mixture of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepOutcome {
    /// The proposed mixture, over the domains of the swarm.
    pub mixture: Mixture,
    /// How the solve ended.
    pub solution: Solution,
    /// Weighted average of the predicted losses.
    pub predicted: f64,
    /// Number of repetition caps that bind.
    pub caps_binding: usize,
}

/// All cells, target tokens slowest, λ fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// One per combination of the grid.
    pub cells: Vec<SweepCell>,
    /// Predicted average loss of the natural distribution.
    pub natural: f64,
}

/// Solves every cell exactly with the laws of one fit; what the laws see does not depend on `R`,
/// `k` or λ.
///
/// Deterministic; cells in parallel, a few milliseconds each. A cell without a feasible mixture
/// says why and does not stop the others.
///
/// # Errors
/// [`CoreError::SweepWithoutLaws`]; [`CoreError::RepeatsAndOther`] where repetition is measured; [`CoreError::Unsupported`] when caps are asked for and token
/// counts are not known.
pub fn sweep(
    swarm: &Swarm,
    spec: &FitSpec,
    fit: &Fit,
    grid: &SweepGrid,
    progress: &(dyn Fn() + Sync),
) -> Result<Sweep, CoreError> {
    spec.refuse_phases("a sweep")?;
    if fit.laws.is_empty() {
        return Err(CoreError::SweepWithoutLaws);
    }
    if spec.repetition.is_some() {
        return Err(CoreError::RepeatsAndOther("a sweep of token caps"));
    }
    let task_weights = swarm.task_weights();
    let held = spec.constraints_holding(&fit.dead);
    let terms = spec.terms(swarm, &fit.laws)?;
    let mut cells = Vec::new();
    let limits: Vec<(Option<f64>, Option<f64>)> = if grid.target_tokens.is_empty() {
        vec![(None, None)]
    } else {
        let pairs = |&r: &f64| grid.repetition.iter().map(move |&k| (Some(r), Some(k)));
        grid.target_tokens.iter().flat_map(pairs).collect()
    };
    for (target_tokens, repetition) in limits {
        for &kl in &grid.kl {
            cells.push((target_tokens, repetition, kl));
        }
    }
    let cells = cells
        .into_par_iter()
        .map(|(target_tokens, repetition, kl)| {
            let constraints = match (target_tokens, repetition) {
                (Some(r), Some(k)) => held.clone().with_repetition(swarm.domains(), r, k)?,
                _ => held.clone(),
            };
            let (weights, terms) = (&task_weights, terms.as_ref());
            let problem = spec.problem(swarm, &fit.laws, weights, &constraints, kl, terms);
            let solved = solve_frozen(&problem, &spec.frozen);
            let outcome = match solved {
                Ok(solution) => {
                    let mixture = Mixture::new(swarm.domains().clone(), solution.weights.clone())?;
                    let caps = |binding: &&Binding| matches!(binding, Binding::Cap(_));
                    Ok(SweepOutcome {
                        predicted: average_loss(&fit.laws, &task_weights, mixture.weights()),
                        caps_binding: solution.binding.iter().filter(caps).count(),
                        mixture,
                        solution,
                    })
                }
                Err(error) if error.is_infeasible() => Err(error.to_string()),
                Err(error @ CoreError::SolverFailed(_)) => Err(error.to_string()),
                Err(error) => return Err(error),
            };
            progress();
            Ok(SweepCell {
                target_tokens,
                repetition,
                kl,
                outcome,
            })
        })
        .collect::<Result<Vec<_>, CoreError>>()?;
    Ok(Sweep {
        cells,
        natural: average_loss(&fit.laws, &task_weights, spec.prior.weights()),
    })
}
