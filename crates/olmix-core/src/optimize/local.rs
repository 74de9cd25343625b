//! Local search: good mixtures for laws that are not convex, by descent from many starts.
//!
//! Where every law is differentiable, each step minimizes the tangent of the loss plus
//! `KL(p ‖ p_k) / η` (entropic descent, Beck and Teboulle, *Mirror descent and nonlinear projected
//! subgradient methods*, 2003), over the same constraints as the exact optimizer and by it, so that
//! caps, bounds and groups hold at each step. Where a law is a step function, weight is moved
//! towards and away from one domain at a time, by ever smaller shares, as long as that helps.
//!
//! There is no certificate: the result is the best of all starts.

use rayon::prelude::*;

use super::problem::{BINDING_TOLERANCE, ExactProblem};
use super::simulation::{SimulationOptions, simulate};
use super::solve_exact;
use super::{
    MixtureOptimizer, OptimizerInput, OptimizerKind, OptimizerNeeds, OptimizerSetting,
    OptimizerSettings, Solution, Status,
};
use crate::law::{FittedLaw, Law, Shape};
use crate::{CoreError, Swarm, kl_divergence};

const MAX_STEPS: usize = 300;
/// A descent ends when a step lowers the objective by less than this share.
const TOLERANCE: f64 = 1e-9;
/// Least weight a step is taken from: at zero there would be no way back.
const LEAST_WEIGHT: f64 = 1e-12;
/// Shares of the mixture moved at once where there is no slope.
const MOVES: [f64; 8] = [0.3, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

/// Descends from each of `starts` (length `m` each, made feasible first) and returns the best
/// mixture; with `worst`, of the greatest loss (less `λ KL`).
///
/// Deterministic on any number of threads; starts in parallel. Each of some 100 steps costs a
/// gradient of every law and a convex solve without laws; without slopes, `16 m` predictions of
/// every law.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture satisfies the constraints.
pub fn local(
    problem: &ExactProblem<'_>,
    starts: &[Vec<f64>],
    worst: bool,
) -> Result<Solution, CoreError> {
    problem.constraints.check(problem.domains)?;
    let sign = if worst { -1.0 } else { 1.0 };
    let steps = problem.laws.iter().any(|law| law.shape() == Shape::Steps);
    let descents: Vec<Descent> = starts
        .par_iter()
        .map(|start| {
            let p = nearest_feasible(problem, start)?;
            Ok(if steps {
                moves(problem, p, sign)
            } else {
                descend(problem, p, sign)
            })
        })
        .collect::<Result<_, CoreError>>()?;
    let best = descents
        .into_iter()
        .min_by(|a, b| a.value.total_cmp(&b.value))
        .ok_or_else(|| CoreError::SolverFailed("a local search needs a start".into()))?;
    Ok(Solution {
        status: if worst {
            Status::LocalMaximum
        } else {
            Status::BestCandidate
        },
        objective: sign * best.value,
        kl: kl_divergence(&best.p, problem.reference),
        duality_gap: None,
        terms: Vec::new(),
        iterations: best.steps,
        binding: problem.constraints.binding(&best.p, BINDING_TOLERANCE),
        run: None,
        weights: best.p,
    })
}

struct Descent {
    p: Vec<f64>,
    value: f64,
    steps: usize,
}

/// `± Σ w f̂ + λ KL`.
fn value(problem: &ExactProblem<'_>, p: &[f64], sign: f64) -> f64 {
    let losses = problem.laws.iter().zip(problem.task_weights);
    let loss: f64 = losses.map(|(law, w)| w * law.predict(p)).sum();
    sign * loss + problem.kl_reg * kl_divergence(p, problem.reference)
}

/// The feasible mixture with the least `KL(p ‖ start)`; zeros of the start count as a little of the
/// reference.
fn nearest_feasible(problem: &ExactProblem<'_>, start: &[f64]) -> Result<Vec<f64>, CoreError> {
    let total: f64 = problem.reference.iter().sum();
    let blend = |(p, q): (&f64, &f64)| 0.999 * p + 0.001 * q / total;
    let start: Vec<f64> = start.iter().zip(problem.reference).map(blend).collect();
    tangent_step(problem, &vec![0.0; start.len()], 1.0, &start)
}

/// `argmin g·p + s KL(p ‖ reference)` over the constraints.
fn tangent_step(
    problem: &ExactProblem<'_>,
    gradient: &[f64],
    strength: f64,
    reference: &[f64],
) -> Result<Vec<f64>, CoreError> {
    let solved = solve_exact(&ExactProblem::<FittedLaw> {
        laws: &[],
        task_weights: &[],
        linear: Some(gradient),
        terms: None,
        kl_reg: strength,
        reference,
        ..*problem
    })?;
    Ok(solved.weights)
}

fn descend(problem: &ExactProblem<'_>, mut p: Vec<f64>, sign: f64) -> Descent {
    let lambda = problem.kl_reg;
    let mut best = value(problem, &p, sign);
    let mut eta = 0.0;
    let mut steps = 0;
    while steps < MAX_STEPS {
        steps += 1;
        let mut gradient = vec![0.0; p.len()];
        for (law, &w) in problem.laws.iter().zip(problem.task_weights) {
            law.add_gradient(&p, sign * w, &mut gradient);
        }
        if eta == 0.0 {
            let steepest = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
            eta = 1.0 / steepest.max(1e-9);
        }
        let mut lowered = None;
        while lowered.is_none() && eta > 1e-9 {
            // Both KL terms make one, whose reference is their weighted geometric mean.
            let strength = lambda + 1.0 / eta;
            let mean = |(p, q): (&f64, &f64)| {
                let logs = p.max(LEAST_WEIGHT).ln() / eta + lambda * q.ln();
                (logs / strength).exp()
            };
            let reference: Vec<f64> = p.iter().zip(problem.reference).map(mean).collect();
            let next = tangent_step(problem, &gradient, strength, &reference);
            let next = next.map(|next| (value(problem, &next, sign), next));
            match next {
                Ok((found, next)) if found < best => lowered = Some((found, next)),
                _ => eta *= 0.25,
            }
        }
        let Some((found, next)) = lowered else { break };
        let done = best - found <= TOLERANCE * best.abs();
        (best, p) = (found, next);
        eta *= 1.5;
        if done {
            break;
        }
    }
    Descent {
        p,
        value: best,
        steps,
    }
}

fn moves(problem: &ExactProblem<'_>, mut p: Vec<f64>, sign: f64) -> Descent {
    let mut best = value(problem, &p, sign);
    let mut steps = 0;
    let mut scale = 0;
    while scale < MOVES.len() && steps < MAX_STEPS {
        steps += 1;
        let share = MOVES[scale];
        let both = |j: usize| [Some(towards(&p, j, share)), away(&p, j, share)];
        let candidates = (0..p.len()).flat_map(both);
        let lowest = candidates
            .flatten()
            .filter(|next| problem.constraints.violation(next) <= 1e-9)
            .map(|next| (value(problem, &next, sign), next))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match lowest {
            Some((found, next)) if found < best => (best, p) = (found, next),
            _ => scale += 1,
        }
    }
    Descent {
        p,
        value: best,
        steps,
    }
}

/// `share` of the mixture taken from all others and given to domain `j`.
fn towards(p: &[f64], j: usize, share: f64) -> Vec<f64> {
    let mut next: Vec<f64> = p.iter().map(|p| (1.0 - share) * p).collect();
    next[j] += share;
    next
}

/// `share` of the mixture taken from domain `j` and given to all others, as far as it has it.
fn away(p: &[f64], j: usize, share: f64) -> Option<Vec<f64>> {
    let taken = share.min(p[j]);
    let rest = 1.0 - p[j];
    if taken <= 0.0 || rest <= 0.0 {
        return None;
    }
    let mut next: Vec<f64> = p.iter().map(|p| p * (1.0 + taken / rest)).collect();
    next[j] = p[j] - taken;
    Some(next)
}

/// Descent from many starts, for laws of any shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// λ ≥ 0, in the unit of the losses per nat.
    pub kl_reg: f64,
    /// Find the worst mixture instead.
    pub worst: bool,
}

/// Starts from so many of the best runs, apart from the prior and a coarse simulation.
const BEST_RUNS: usize = 4;

impl MixtureOptimizer for Local {
    const NEEDS: OptimizerNeeds = OptimizerNeeds::Laws;

    fn takes(_: OptimizerKind, setting: OptimizerSetting) -> bool {
        setting == OptimizerSetting::KlReg
    }

    fn with_settings(_: OptimizerKind, settings: &OptimizerSettings) -> Self {
        Self {
            kl_reg: settings.kl_reg,
            worst: settings.worst,
        }
    }

    fn kind(&self) -> OptimizerKind {
        OptimizerKind::Local
    }

    fn is_worst(&self) -> bool {
        self.worst
    }

    fn kl_reg(&self) -> Option<f64> {
        Some(self.kl_reg)
    }

    fn with_kl_reg(&self, kl_reg: f64) -> Self {
        Self { kl_reg, ..*self }
    }

    fn steps(&self) -> usize {
        SimulationOptions::coarse().steps()
    }

    fn solve(&self, input: &OptimizerInput<'_>) -> Result<Solution, CoreError> {
        input.all_free()?;
        let mut starts = vec![input.prior.to_vec()];
        starts.extend(best_runs(input.swarm, BEST_RUNS, self.worst));
        // A simulation that finds no candidate within the caps is not a start and not an error.
        if let Ok(found) = simulate(input, &SimulationOptions::coarse(), self.worst) {
            starts.push(found.weights);
        }
        let problem = ExactProblem {
            kl_reg: self.kl_reg,
            ..input.problem
        };
        local(&problem, &starts, self.worst)
    }
}

/// The mixtures of the `count` runs with the least (`worst`: greatest) average loss.
fn best_runs(swarm: &Swarm, count: usize, worst: bool) -> Vec<Vec<f64>> {
    let losses = swarm.average_losses();
    let mut order: Vec<usize> = (0..swarm.len()).collect();
    order.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    if worst {
        order.reverse();
    }
    let runs = order.into_iter().take(count);
    runs.map(|run| swarm.mixtures().row(run).to_vec()).collect()
}
