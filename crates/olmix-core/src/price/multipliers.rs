//! Multipliers of the constraints that bind, from the optimality conditions at the mixture.

use super::conditions::{Conditions, Range, Row};
use crate::law::Law;
use crate::optimize::{BINDING_TOLERANCE, ExactProblem, TermAt};
use crate::reuse::{Collapse, VirtualDomain};
use crate::{Binding, CoreError};

/// The derivatives of the least objective (predicted loss plus KL term) by the bound of a constraint, in
/// the unit of the losses per unit of weight, both at least 0.
///
/// The least objective is a convex function of the bounds, so it has a derivative to either side. They
/// are equal unless constraints that bind depend on each other: a corner of the feasible set with more of
/// them than it takes, or a bound that two constraints set. Then the derivative to the loose side is the
/// least multiplier that meets the optimality conditions, and that to the tight side the greatest.
#[derive(Debug, Clone, PartialEq)]
pub struct Multiplier {
    /// The constraint.
    pub constraint: Binding,
    /// How fast the objective falls when this bound alone is loosened. Infinite where the slope is: a
    /// domain whose greatest weight is 0, under a KL term.
    pub loosening: f64,
    /// How fast it rises when the bound is tightened; `None` where no mixture satisfies a tighter one.
    pub tightening: Option<f64>,
}

/// The multipliers of the constraints that bind at the optimum `weights` (length `m`), where the problem's terms are `terms`, in the order of
/// [`crate::Constraints::binding`].
///
/// Constraints bind, and weights count as 0, to within 1e-6. `frozen` are domains that keep their ratios
/// in the problem, `held` domains (by position) that are held where they are: their bounds have no
/// multipliers. Empty where `weights` do not meet the optimality conditions to within 1e-5 of the
/// objective, as those of an optimizer without a certificate.
///
/// Deterministic, single-threaded. Cost: a gradient, and `m · g²` multiplications with `g` groups; where
/// constraints depend on each other, two linear programs per constraint.
///
/// # Errors
/// Those of [`Collapse::new`].
pub fn multipliers<L: Law>(
    problem: &ExactProblem<'_, L>,
    weights: &[f64],
    terms: &[TermAt],
    frozen: &[VirtualDomain],
    held: &[usize],
) -> Result<Vec<Multiplier>, CoreError> {
    let collapse = Collapse::new(problem.domains, frozen)?;
    let gradient = problem.lagrangian_gradient(weights, terms);
    let rows = Rows::new(problem, weights, &gradient, &collapse, held);
    let wanted: Vec<usize> = (0..rows.names.len())
        .filter(|&r| rows.names[r].is_some())
        .collect();
    let Some(ranges) = rows.conditions.ranges(&wanted) else {
        return Ok(Vec::new());
    };
    let known = |constraint: &Binding| {
        let position = wanted
            .iter()
            .position(|&r| rows.names[r].as_ref() == Some(constraint))?;
        let Range { least, greatest } = ranges[position];
        Some(Multiplier {
            constraint: constraint.clone(),
            loosening: least,
            tightening: greatest.is_finite().then_some(greatest),
        })
    };
    let steep = |constraint: &Binding| {
        rows.steep.contains(constraint).then(|| Multiplier {
            constraint: constraint.clone(),
            loosening: f64::INFINITY,
            tightening: None,
        })
    };
    let binding = every_binding(problem, weights);
    let found = binding
        .iter()
        .filter_map(|one| known(one).or_else(|| steep(one)));
    Ok(found.collect())
}

/// All constraints that bind, a cap and an upper bound of the same domain both.
fn every_binding<L: Law>(problem: &ExactProblem<'_, L>, weights: &[f64]) -> Vec<Binding> {
    let constraints = problem.constraints;
    let mut all = Vec::new();
    for (j, &p) in weights.iter().enumerate() {
        let cap = constraints
            .caps
            .as_ref()
            .map_or(f64::INFINITY, |caps| caps[j]);
        if cap < 1.0 && p >= cap - BINDING_TOLERANCE {
            all.push(Binding::Cap(j));
        }
        if constraints.upper[j] < 1.0 && p >= constraints.upper[j] - BINDING_TOLERANCE {
            all.push(Binding::Upper(j));
        }
    }
    let others = constraints.binding(weights, BINDING_TOLERANCE);
    let others = others
        .into_iter()
        .filter(|one| !matches!(one, Binding::Cap(_) | Binding::Upper(_)));
    all.extend(others);
    all
}

/// The rows that bind, and the equations.
struct Rows {
    conditions: Conditions,
    /// The constraint of each row; `None` for weights that are 0.
    names: Vec<Option<Binding>>,
    /// Upper bounds of 0 whose domains have an infinite slope.
    steep: Vec<Binding>,
}

impl Rows {
    fn new<L: Law>(
        problem: &ExactProblem<'_, L>,
        weights: &[f64],
        gradient: &[f64],
        collapse: &Collapse,
        held: &[usize],
    ) -> Self {
        let constraints = problem.constraints;
        // The equation of each domain and its share in it; none for domains that can't move.
        let mut places: Vec<Option<(usize, f64)>> = vec![None; weights.len()];
        let (mut slopes, mut rooms, mut sum_of) = (Vec::new(), Vec::new(), Vec::new());
        let sums = constraints.fixed_sums();
        let sum = |j: usize| sums.iter().position(|(members, _)| members.contains(&j));
        let mut steep_domains = Vec::new();
        for v in 0..collapse.collapsed().len() {
            let used = collapse.members(v).iter().filter(|(_, share)| *share > 0.0);
            let slope: f64 = used.clone().map(|&(j, share)| share * gradient[j]).sum();
            if used.clone().any(|(j, _)| held.contains(j)) {
                continue;
            }
            if !slope.is_finite() {
                steep_domains.extend(used.map(|(j, _)| *j));
                continue;
            }
            let room = |&(j, share): &(usize, f64)| {
                let p = weights[j];
                (p - constraints.lower[j]).min(constraints.limit(j) - p) / share
            };
            rooms.push(
                used.clone()
                    .map(room)
                    .fold(1.0, f64::min)
                    .max(BINDING_TOLERANCE),
            );
            used.clone()
                .for_each(|&(j, share)| places[j] = Some((slopes.len(), share)));
            slopes.push(slope);
            // Domains that keep their ratios are all in one sum.
            let mut used = used;
            sum_of.push(used.find_map(|&(j, _)| sum(j)).unwrap_or(0));
        }
        let (mut rows, mut names, mut steep) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |binding: Option<Binding>, members: &[usize], sign: f64, own: bool| {
            let mut entries: Vec<(usize, f64)> = Vec::new();
            for (v, share) in members.iter().filter_map(|&j| places[j]) {
                match entries.iter_mut().find(|entry| entry.0 == v) {
                    Some(entry) => entry.1 += sign * share,
                    None => entries.push((v, sign * share)),
                }
            }
            if !entries.is_empty() {
                rows.push(Row { entries, own });
                names.push(binding);
            }
        };
        for (j, &p) in weights.iter().enumerate() {
            if constraints.lower[j] <= 0.0 && p <= BINDING_TOLERANCE {
                add(None, &[j], -1.0, true);
            }
        }
        for binding in every_binding(problem, weights) {
            match binding {
                Binding::Cap(j) | Binding::Upper(j) => {
                    if steep_domains.contains(&j) {
                        steep.push(binding);
                    } else {
                        add(Some(binding), &[j], 1.0, true);
                    }
                }
                Binding::Lower(j) => add(Some(binding), &[j], -1.0, true),
                Binding::GroupUpper(g) => {
                    add(Some(binding), &constraints.groups[g].members, 1.0, false);
                }
                Binding::GroupLower(g) => {
                    add(Some(binding), &constraints.groups[g].members, -1.0, false);
                }
                Binding::Held(_) => {}
            }
        }
        let losses = problem.laws.iter().zip(problem.task_weights);
        let loss: f64 = losses.map(|(law, w)| w * law.predict(weights)).sum();
        let linear = problem.linear.unwrap_or_default();
        let steepest = linear.iter().fold(0.0f64, |most, l| most.max(l.abs()));
        Self {
            conditions: Conditions {
                slopes,
                rooms,
                sum_of,
                sums: sums.len(),
                rows,
                scale: loss.abs().max(problem.kl_reg).max(steepest).max(1e-12),
            },
            names,
            steep,
        }
    }
}
