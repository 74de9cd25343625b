//! The Pareto front of several objectives: what one of them costs in terms of the others.

use rayon::prelude::*;

use crate::law::average_loss;
use crate::objective::{LossGroup, Minimize};
use crate::optimize::Solution;
use crate::reuse::solve_frozen;
use crate::{Constraints, CoreError, Fit, FitSpec, Mixture, Swarm};

/// More weightings than these are not solved for.
const MOST: usize = 10_000;
/// Losses that differ by no more than this, relative to the loss, are equal.
const EQUAL: f64 = 1e-9;

/// What a front is traced for.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontRequest {
    /// Families or tasks; at least two.
    pub objectives: Vec<LossGroup>,
    /// Weightings between any two of them, both ends among them; at least 2.
    pub points: usize,
    /// λ ≥ 0 of the KL term.
    pub kl_reg: f64,
    /// Caps and bounds, with dead domains held.
    pub constraints: Constraints,
}

impl FrontRequest {
    /// How many weightings are solved for; 10,001 where they are more than 10,000.
    #[must_use]
    pub fn weightings(&self) -> usize {
        let steps = self.points.saturating_sub(1);
        let all = weightings(self.objectives.len(), steps);
        all.take(MOST + 1).count()
    }
}

/// Mixtures that are not dominated by another of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// Predicted loss of each objective at the prior.
    pub prior: Vec<f64>,
    /// The mixtures, the weight of the first objective ascending.
    pub points: Vec<FrontPoint>,
    /// Weightings whose mixture is left out: another is no worse for any objective, and better for one, or the same.
    pub left_out: usize,
}

/// A mixture of a front.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPoint {
    /// Weight of each objective; they sum to 1.
    pub weights: Vec<f64>,
    /// Predicted loss of each objective.
    pub losses: Vec<f64>,
    /// Weighted average of the predicted losses, by the weights of the tasks.
    pub predicted: f64,
    /// The mixture.
    pub mixture: Mixture,
    /// How the solve ended; its certificate is that of the weighted sum.
    pub solution: Solution,
}

/// Minimizes weighted sums of the objectives' losses exactly, under the guardrails of the spec, for weights on an even
/// grid. With laws that are convex this reaches every part of the front, as finely as the grid; with λ above 0 each
/// mixture is pulled to the prior.
///
/// Deterministic; weightings in parallel, a few milliseconds each. `progress` is called once after each.
///
/// # Errors
/// [`CoreError::SweepWithoutLaws`]; [`CoreError::Unsupported`] for fewer than two objectives, more than 10,000
/// weightings, and a spec that minimizes another objective than the average; those of [`solve_frozen`].
pub fn pareto_front(
    swarm: &Swarm,
    spec: &FitSpec,
    fit: &Fit,
    request: &FrontRequest,
    progress: &(dyn Fn() + Sync),
) -> Result<Front, CoreError> {
    let refused = |why: String| Err(CoreError::Unsupported(why));
    spec.refuse_phases("a front")?;
    if fit.laws.is_empty() {
        return Err(CoreError::SweepWithoutLaws);
    }
    if spec.objective.minimize != Minimize::Average {
        return refused(
            "a front weighs objectives, and the config minimizes the largest loss".into(),
        );
    }
    let objectives = &request.objectives;
    if objectives.len() < 2 || request.points < 2 {
        return refused("a front takes at least two objectives, and two weightings of them".into());
    }
    if request.weightings() > MOST {
        return refused(format!(
            "{} weightings of {} objectives are more than {MOST} solves; ask for fewer points",
            request.points,
            objectives.len()
        ));
    }
    let task_weights = swarm.task_weights();
    let groups: Vec<Vec<f64>> = objectives
        .iter()
        .map(|one| one.weights(&task_weights))
        .collect();
    let terms = spec.terms(swarm, &fit.laws)?;
    let all: Vec<Vec<f64>> = weightings(objectives.len(), request.points - 1).collect();
    let points = all
        .into_par_iter()
        .map(|weights| {
            let mut of_tasks = vec![0.0; task_weights.len()];
            for (weight, group) in weights.iter().zip(&groups) {
                of_tasks
                    .iter_mut()
                    .zip(group)
                    .for_each(|(w, g)| *w += weight * g);
            }
            let (constraints, kl) = (&request.constraints, request.kl_reg);
            let problem =
                spec.problem(swarm, &fit.laws, &of_tasks, constraints, kl, terms.as_ref());
            let solution = solve_frozen(&problem, &spec.frozen)?;
            progress();
            let p = &solution.weights;
            let loss = |group: &Vec<f64>| average_loss(&fit.laws, group, p);
            Ok(FrontPoint {
                weights,
                losses: groups.iter().map(loss).collect(),
                predicted: average_loss(&fit.laws, &task_weights, p),
                mixture: Mixture::new(swarm.domains().clone(), p.clone())?,
                solution,
            })
        })
        .collect::<Result<Vec<_>, CoreError>>()?;
    let kept: Vec<bool> = (0..points.len())
        .map(|i| {
            !points
                .iter()
                .enumerate()
                .any(|(j, other)| dominates(j < i, other, &points[i]))
        })
        .collect();
    let left_out = kept.iter().filter(|kept| !**kept).count();
    let points = points.into_iter().zip(kept).filter(|(_, kept)| *kept);
    let prior = spec.prior.weights();
    Ok(Front {
        prior: groups
            .iter()
            .map(|group| average_loss(&fit.laws, group, prior))
            .collect(),
        points: points.map(|(point, _)| point).collect(),
        left_out,
    })
}

/// Whether a point is no worse for any objective and better for one; `earlier` ones leave out their equals, too.
fn dominates(earlier: bool, point: &FrontPoint, other: &FrontPoint) -> bool {
    let pairs = || point.losses.iter().zip(&other.losses);
    let margin = |loss: f64| EQUAL * loss.abs();
    let no_worse = pairs().all(|(a, b)| *a <= b + margin(*b));
    let better = pairs().any(|(a, b)| *a < b - margin(*b));
    no_worse && (better || (earlier && pairs().all(|(a, b)| (a - b).abs() <= margin(*b))))
}

/// All weights of `count` objectives that are multiples of `1 / steps` and sum to 1, the first ascending.
fn weightings(count: usize, steps: usize) -> Box<dyn Iterator<Item = Vec<f64>>> {
    fn parts(count: usize, left: usize) -> Box<dyn Iterator<Item = Vec<usize>>> {
        if count == 1 {
            return Box::new(std::iter::once(vec![left]));
        }
        Box::new((0..=left).flat_map(move |first| {
            parts(count - 1, left - first).map(move |rest| {
                let mut whole = vec![first];
                whole.extend(rest);
                whole
            })
        }))
    }
    Box::new(parts(count, steps).map(move |whole| {
        let share = |part: usize| part as f64 / steps as f64;
        whole.into_iter().map(share).collect()
    }))
}
