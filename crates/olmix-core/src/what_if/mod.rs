//! Exact solutions around a fit, made at once: what a page without a solver answers from.
//!
//! `R` and `k` enter a solve only by the caps `k N_j / R`, so that one axis, `R / k`, stands for both. Solutions
//! are made for a grid of `R / k` and λ, and at the fit's own `R / k` and λ for floors of single domains and for
//! task families that count more or less.
//!
//! Between two neighbours on an axis a mixture can be interpolated: with shares linear in `k / R` for the caps,
//! and linear in λ and in a floor, it satisfies all constraints, as these are linear in both together.

mod requests;

use rayon::prelude::*;

use crate::law::FittedLaw;
use crate::optimize::{LossTerms, Optimizer, Solution, solve_exact};
use crate::reuse::solve_frozen;
use crate::{Constraints, CoreError, Fit, FitSpec, Swarm};

use requests::{Request, Requests};

/// Solutions around a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// λ of the grid, ascending, the fit's among them.
    pub kl: Vec<f64>,
    /// `R / k` of the grid, ascending, the fit's among them; empty where the tokens of the domains are not known.
    /// In tokens.
    pub sizes: Vec<f64>,
    /// For each λ, the solution without caps.
    pub uncapped: Vec<Option<Solution>>,
    /// For each size and, within it, each λ, the solution; `None` where no mixture satisfies the constraints.
    pub grid: Vec<Option<Solution>>,
    /// Floors of single domains, by domain and then by floor, with the fit's caps and λ. Where the domain's floor is
    /// below its weight in the fit's mixture, nothing changes, and there is no entry.
    pub floors: Vec<Floor>,
    /// Families of tasks that count more or less, with the fit's caps and λ.
    pub emphases: Vec<Emphasis>,
}

/// A solution with a floor.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// The domain, by position.
    pub domain: usize,
    /// Its least weight, in (0, 1].
    pub least: f64,
    /// The solution.
    pub solution: Solution,
}

/// A solution with other weights of tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Emphasis {
    /// The family of the tasks whose weight is multiplied.
    pub family: String,
    /// What it is multiplied by before all weights are scaled to sum to 1, ≥ 0.
    pub factor: f64,
    /// The solution.
    pub solution: Solution,
}

/// Why there are no solutions around a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoWhatIf {
    /// No mixture was asked for.
    NoMixture,
    /// The mixture was not found by the exact optimizer.
    NotExact,
    /// The worst mixture was asked for.
    Worst,
    /// The mixtures of phases.
    Phases,
    /// Repetition is measured: the laws hold for one number of tokens alone, which is no axis of the solutions then.
    MeasuredRepetition,
    /// So many domains that a solve takes too long to be made ahead.
    TooLarge,
}

/// Solves around a fit. `swarm` is the swarm that was fitted to. Deterministic on any number of threads; hundreds of
/// solves in parallel, fewer of them for more domains and tasks: no more than some 4·10⁹ multiplications in all.
///
/// # Errors
/// [`NoWhatIf`], where there is nothing to solve.
pub fn what_if(swarm: &Swarm, spec: &FitSpec, fit: &Fit) -> Result<WhatIf, NoWhatIf> {
    let proposal = fit.proposal.as_ref().ok_or(NoWhatIf::NoMixture)?;
    if spec.phases.is_some() {
        return Err(NoWhatIf::Phases);
    }
    let Some(Optimizer::Exact(exact)) = &fit.optimizer else {
        return Err(NoWhatIf::NotExact);
    };
    if exact.worst {
        return Err(NoWhatIf::Worst);
    }
    if fit.laws.is_empty() {
        return Err(NoWhatIf::NotExact);
    }
    if spec.repetition.is_some() {
        return Err(NoWhatIf::MeasuredRepetition);
    }
    let solver = Solver {
        swarm,
        spec,
        laws: &fit.laws,
        task_weights: swarm.task_weights(),
        held: spec.constraints_holding(&fit.dead),
        terms: spec
            .terms(swarm, &fit.laws)
            .map_err(|_| NoWhatIf::NotExact)?,
    };
    let requests = Requests::new(
        swarm,
        spec,
        &solver.held,
        exact.kl_reg,
        proposal.mixture.weights(),
    )
    .ok_or(NoWhatIf::TooLarge)?;
    let solved: Vec<Option<Solution>> = requests
        .all
        .par_iter()
        .map(|request| solver.solve(request))
        .collect();
    let mut found = WhatIf {
        kl: requests.kl,
        sizes: requests.sizes,
        uncapped: Vec::new(),
        grid: Vec::new(),
        floors: Vec::new(),
        emphases: Vec::new(),
    };
    for (request, solution) in requests.all.into_iter().zip(solved) {
        match (request, solution) {
            (Request::Uncapped { .. }, solution) => found.uncapped.push(solution),
            (Request::Size { .. }, solution) => found.grid.push(solution),
            (Request::Floor { domain, least, .. }, Some(solution)) => found.floors.push(Floor {
                domain,
                least,
                solution,
            }),
            (Request::Emphasis { family, factor, .. }, Some(solution)) => {
                found.emphases.push(Emphasis {
                    family,
                    factor,
                    solution,
                });
            }
            (Request::Floor { .. } | Request::Emphasis { .. }, None) => {}
        }
    }
    Ok(found)
}

struct Solver<'a> {
    swarm: &'a Swarm,
    spec: &'a FitSpec,
    laws: &'a [FittedLaw],
    task_weights: Vec<f64>,
    held: Constraints,
    terms: Option<LossTerms>,
}

impl Solver<'_> {
    /// `None` where no mixture satisfies the constraints, or the solver has no certificate.
    fn solve(&self, request: &Request) -> Option<Solution> {
        let mut constraints = self.held.clone();
        let mut weights = self.task_weights.clone();
        let kl = match request {
            Request::Uncapped { kl } => {
                constraints.caps = None;
                *kl
            }
            Request::Size { size, kl } => {
                let domains = self.swarm.domains();
                constraints = constraints.with_repetition(domains, *size, 1.0).ok()?;
                *kl
            }
            Request::Floor { domain, least, kl } => {
                constraints.lower[*domain] = *least;
                *kl
            }
            Request::Emphasis { family, factor, kl } => {
                for (weight, task) in weights.iter_mut().zip(self.swarm.tasks()) {
                    if task.family == *family {
                        *weight *= factor;
                    }
                }
                let total: f64 = weights.iter().sum();
                weights.iter_mut().for_each(|weight| *weight /= total);
                *kl
            }
        };
        self.exact(&constraints, &weights, kl).ok()
    }

    fn exact(
        &self,
        constraints: &Constraints,
        task_weights: &[f64],
        kl_reg: f64,
    ) -> Result<Solution, CoreError> {
        let (spec, terms) = (self.spec, self.terms.as_ref());
        let problem = spec.problem(
            self.swarm,
            self.laws,
            task_weights,
            constraints,
            kl_reg,
            terms,
        );
        if self.spec.frozen.is_empty() {
            solve_exact(&problem)
        } else {
            solve_frozen(&problem, &self.spec.frozen)
        }
    }
}
