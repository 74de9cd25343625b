//! What a constraint costs as a whole: the problem solved again with it loosened, and without it.

use rayon::prelude::*;

use super::multipliers::multipliers;
use crate::law::average_loss;
use crate::optimize::{ExactProblem, Solution, Status};
use crate::reuse::VirtualDomain;
use crate::{Binding, Constraints, CoreError};

/// What a constraint that binds costs.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstraintPrice {
    /// The constraint.
    pub constraint: Binding,
    /// The weight that it bounds at, in `[0, 1]`.
    pub bound: f64,
    /// How fast the objective falls when the bound is loosened, and rises when it is tightened: see
    /// [`crate::price::Multiplier`].
    pub loosening: f64,
    /// See [`ConstraintPrice::loosening`].
    pub tightening: Option<f64>,
    /// The solution with the bound loosened: a cap by one epoch of its domain, another bound by one
    /// percentage point (or to 0 or 1, where that is nearer). `None` where the tokens of the run or of
    /// the domain are not known, and where the solver failed.
    pub loosened: Option<Loosened>,
    /// Weighted average loss predicted for the solution without this constraint and with all others;
    /// `None` where the solver failed.
    pub without: Option<f64>,
}

/// A solution with a loosened bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loosened {
    /// The weight that the bound is loosened by, above 0.
    pub by: f64,
    /// Weighted average loss predicted for the solution.
    pub predicted: f64,
}

/// The change that a bound other than a cap is loosened by.
const POINT: f64 = 0.01;

/// A solved problem whose constraints are to be priced.
pub struct Priced<'a> {
    /// The problem, with λ and with domains that no run sampled held by its constraints.
    pub problem: ExactProblem<'a>,
    /// Domains that keep their ratios in the problem.
    pub frozen: &'a [VirtualDomain],
    /// The domains that are held, by position: their bounds have no price.
    pub held: &'a [usize],
    /// Tokens of the run, above 0, where they are known: an epoch of a domain is a share of them.
    pub target_tokens: Option<f64>,
    /// The solution of the problem, with a certificate.
    pub solution: &'a Solution,
    /// Solves the problem under other constraints.
    pub solve: &'a (dyn Fn(&Constraints) -> Result<Solution, CoreError> + Sync),
}

/// The price of every constraint that binds, the dearest first: by how much the predicted loss changes
/// without it. `None` where the solution is no certified optimum, whose multipliers these are.
///
/// Deterministic on any number of threads; two solves per constraint, in parallel.
///
/// # Errors
/// Those of [`multipliers`].
pub fn constraint_prices(priced: &Priced<'_>) -> Result<Option<Vec<ConstraintPrice>>, CoreError> {
    if priced.solution.status != Status::Optimal {
        return Ok(None);
    }
    let problem = &priced.problem;
    let weights = &priced.solution.weights;
    let found = multipliers(
        problem,
        weights,
        &priced.solution.terms,
        priced.frozen,
        priced.held,
    )?;
    let predicted = |constraints: &Constraints| {
        let solved = (priced.solve)(constraints).ok()?;
        Some(average_loss(
            problem.laws,
            problem.task_weights,
            &solved.weights,
        ))
    };
    let price = |one: super::Multiplier| {
        let Bounded { bound, room } = priced.bound(&one.constraint);
        let loosened = room.and_then(|by| {
            let mut constraints = problem.constraints.clone();
            loosen(&mut constraints, &one.constraint, by);
            let predicted = predicted(&constraints)?;
            Some(Loosened { by, predicted })
        });
        let mut others = problem.constraints.clone();
        loosen(&mut others, &one.constraint, f64::INFINITY);
        ConstraintPrice {
            bound,
            loosening: one.loosening,
            tightening: one.tightening,
            loosened,
            without: predicted(&others),
            constraint: one.constraint,
        }
    };
    let mut prices: Vec<ConstraintPrice> = found.into_par_iter().map(price).collect();
    let now = average_loss(problem.laws, problem.task_weights, weights);
    let cost = |price: &ConstraintPrice| price.without.map_or(-1.0, |loss| (loss - now).abs());
    prices.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    Ok(Some(prices))
}

/// A bound, and by how much it is loosened.
struct Bounded {
    bound: f64,
    room: Option<f64>,
}

impl Priced<'_> {
    fn bound(&self, constraint: &Binding) -> Bounded {
        let constraints = self.problem.constraints;
        let up = |bound: f64| Bounded {
            bound,
            room: Some(POINT.min(1.0 - bound)),
        };
        let down = |bound: f64| Bounded {
            bound,
            room: Some(POINT.min(bound)),
        };
        match *constraint {
            Binding::Cap(j) => Bounded {
                bound: constraints.caps.as_ref().map_or(1.0, |caps| caps[j]),
                room: self.epoch(j),
            },
            Binding::Upper(j) => up(constraints.upper[j]),
            Binding::Lower(j) => down(constraints.lower[j]),
            Binding::GroupUpper(g) => up(constraints.groups[g].upper),
            Binding::GroupLower(g) => down(constraints.groups[g].lower),
            Binding::Held(j) => Bounded {
                bound: constraints.lower[j],
                room: None,
            },
        }
    }

    /// The weight of one epoch of a domain, above 0.
    fn epoch(&self, domain: usize) -> Option<f64> {
        let tokens = self.problem.domains.iter().nth(domain)?.tokens?;
        let weight = tokens as f64 / self.target_tokens?;
        (weight > 0.0).then_some(weight)
    }
}

/// Loosens the bound of a constraint, by no more than there is.
fn loosen(constraints: &mut Constraints, constraint: &Binding, by: f64) {
    let up = |bound: &mut f64| *bound = (*bound + by).min(1.0);
    let down = |bound: &mut f64| *bound = (*bound - by).max(0.0);
    match *constraint {
        Binding::Cap(j) => {
            if let Some(caps) = &mut constraints.caps {
                caps[j] += by;
            }
        }
        Binding::Upper(j) => up(&mut constraints.upper[j]),
        Binding::Lower(j) => down(&mut constraints.lower[j]),
        Binding::GroupUpper(g) => up(&mut constraints.groups[g].upper),
        Binding::GroupLower(g) => down(&mut constraints.groups[g].lower),
        Binding::Held(_) => {}
    }
}
