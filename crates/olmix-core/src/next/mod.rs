//! The runs whose measurement is worth most for the choice of a mixture.
//!
//! Laws of resampled runs stand for what the laws may be. Each has a best mixture; the objective at these, and at
//! mixtures that might be run, is taken to be normal with the covariance that the resampled laws have. A run is worth
//! what the least expected objective falls by in expectation when it is measured (the knowledge gradient). Runs of a
//! batch are chosen one by one, each with what is unknown once the earlier ones are measured.

mod belief;
mod candidates;
mod gain;

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::law::{FittedLaw, LawBatch, LawOptions, average_loss};
use crate::optimize::Optimizer;
use crate::random::{Purpose, generator};
use crate::swarm::dot;
use crate::trust::{Resampling, noise, resampled_laws};
use crate::{Constraints, CoreError, Fit, FitSpec, Matrix, Swarm, kl_divergence};

use belief::Belief;
use candidates::candidates;
use gain::expected_fall;

/// A measured swarm with its laws, and what is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct NextProblem<'a> {
    /// The runs that the laws were fitted to.
    pub swarm: &'a Swarm,
    /// The spec of the fit: prior, constraints, seed.
    pub spec: &'a FitSpec,
    /// How the laws were fitted.
    pub options: &'a LawOptions,
    /// One law per task, calibrated where the fit is for a target.
    pub laws: &'a [FittedLaw],
    /// The laws of the swarm's own losses: the same where nothing is calibrated.
    pub proxies: &'a [FittedLaw],
    /// The optimizer, with its λ.
    pub optimizer: &'a Optimizer,
    /// Constraints of the solve, dead domains held.
    pub constraints: &'a Constraints,
    /// Runs asked for, at least 1.
    pub count: usize,
    /// Resamples of the runs, at least 2.
    pub resamples: usize,
}

/// The runs to train next.
#[derive(Debug, Clone, PartialEq)]
pub struct NextRuns {
    /// The mixtures, the one worth most first; `count × m`.
    pub mixtures: Vec<Vec<f64>>,
    /// The mixture that would be proposed without them, length `m`.
    pub proposed: Vec<f64>,
    /// The expected regret of that mixture, in the unit of the losses: how far its objective is above the least, in
    /// the mean over the resampled laws. What stopping now costs.
    pub regret: f64,
    /// Its standard error over the resampled laws.
    pub standard_error: f64,
    /// The expected regret once the first 1, 2, … of the runs are measured; length `count`, never rising.
    pub after: Vec<f64>,
    /// Predicted loss at the proposed mixture: what makes shares of regrets.
    pub loss: f64,
    /// Standard deviation of the noise of one run's average loss that was taken.
    pub noise: f64,
    /// Mixtures that were compared.
    pub candidates: usize,
}

/// Chooses the mixtures of [`NextProblem::count`] runs.
///
/// Deterministic on any number of threads. Costs a refit and a solve for each resample, and a few hundred predictions
/// by each.
///
/// # Errors
/// Those of solving; [`CoreError::Unsupported`] for an objective other than the average loss;
/// [`CoreError::TooFewMixtures`] where fewer mixtures differ than are asked for.
pub fn next_runs(
    problem: &NextProblem<'_>,
    progress: &(dyn Fn() + Sync),
) -> Result<NextRuns, CoreError> {
    let NextProblem { swarm, spec, .. } = *problem;
    spec.refuse_phases("the choice of the next runs")?;
    if !spec.objective.is_plain() {
        return Err(CoreError::Unsupported(
            "next runs are valued by the average loss, and this config has an `objective`; remove it".into(),
        ));
    }
    let weights = swarm.task_weights();
    let kl_reg = problem.optimizer.kl_reg().unwrap_or(0.0);
    let kl = |p: &[f64]| match kl_reg {
        0.0 => 0.0,
        kl_reg => kl_reg * kl_divergence(p, spec.reference()),
    };
    let solve = |laws: &[FittedLaw]| {
        let solution = spec.solve(swarm, problem.optimizer, laws, problem.constraints, &|| ())?;
        Ok::<_, CoreError>(solution.weights)
    };
    let proposed = solve(problem.laws)?;
    let with = Resampling {
        laws: problem.laws,
        // A run of a proxy says nothing of the scale of the target: calibrated laws keep theirs.
        target: None,
        options: problem.options,
        natural: spec.prior.weights(),
        proposed: &proposed,
        resamples: problem.resamples,
        confidence: spec.confidence,
        seed: spec.seed,
    };
    let drawn: Vec<Option<(Vec<FittedLaw>, Vec<f64>)>> = (0..problem.resamples as u64)
        .into_par_iter()
        .map(|resample| {
            let laws = resampled_laws(swarm, &with, resample);
            let best = solve(&laws).ok();
            progress();
            best.map(|best| (laws, best))
        })
        .collect();
    let drawn: Vec<(Vec<FittedLaw>, Vec<f64>)> = drawn.into_iter().flatten().collect();
    if drawn.len() < 2 {
        return Err(CoreError::SolverFailed(
            "no two resamples of the runs led to a mixture".into(),
        ));
    }
    let objective = |laws: &[FittedLaw], p: &[f64]| average_loss(laws, &weights, p) + kl(p);
    let regrets: Vec<f64> = drawn
        .iter()
        .map(|(laws, best)| (objective(laws, &proposed) - objective(laws, best)).max(0.0))
        .collect();
    let (regret, standard_error) = mean_and_error(&regrets);

    // What may be proposed comes first among the points.
    let mut points = vec![proposed.clone()];
    points.extend(drawn.iter().map(|(_, best)| best.clone()));
    let decisions = points.len();
    let runs = candidates(swarm, spec, &points, problem.count)?;
    points.extend(runs);
    let losses = |laws: &[FittedLaw]| average_losses(laws, &weights, &points);
    let mean = losses(problem.laws);
    let kls: Vec<f64> = points.iter().map(|p| kl(p)).collect();
    let mean: Vec<f64> = mean.iter().zip(&kls).map(|(loss, kl)| loss + kl).collect();
    let draws: Vec<Vec<f64>> = drawn.par_iter().map(|(laws, _)| losses(laws)).collect();
    let draws = Matrix::from_fn(draws.len(), points.len(), |draw, i| draws[draw][i]);
    let mut belief = Belief::new(mean, &draws);

    let sd = run_noise(problem, &weights);
    let mut chosen = Vec::with_capacity(problem.count);
    let mut moved: Vec<Vec<f64>> = Vec::with_capacity(problem.count);
    while chosen.len() < problem.count {
        let outside = (decisions..points.len()).filter(|at| !chosen.contains(at));
        let worth: Vec<(usize, f64)> = outside
            .map(|at| {
                let moves = belief.moves(at, sd * sd);
                (
                    at,
                    expected_fall(&belief.mean[..decisions], &moves[..decisions]),
                )
            })
            .collect();
        let best = worth
            .iter()
            .copied()
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((at, _)) = best else { break };
        moved.push(belief.moves(at, sd * sd)[..decisions].to_vec());
        belief.measure(at, sd * sd);
        chosen.push(at);
    }
    let falls = falls(&belief.mean[..decisions], &moved, spec.seed);
    let mut least = regret;
    let after = falls.iter().map(|fall| {
        least = least.min((regret - fall).max(0.0));
        least
    });
    Ok(NextRuns {
        after: after.collect(),
        mixtures: chosen.iter().map(|&at| points[at].clone()).collect(),
        loss: average_loss(problem.laws, &weights, &proposed),
        proposed,
        regret,
        standard_error,
        noise: sd,
        candidates: points.len() - decisions,
    })
}

/// As [`next_runs`], for a fit to this swarm.
///
/// # Errors
/// As [`next_runs`]; [`CoreError::NextWithoutLaws`] where the fit has no laws, or where it is not to propose the best
/// mixture.
pub fn next_for(
    swarm: &Swarm,
    spec: &FitSpec,
    fit: &Fit,
    (count, resamples): (usize, usize),
    progress: &(dyn Fn() + Sync),
) -> Result<NextRuns, CoreError> {
    spec.refuse_phases("the choice of the next runs")?;
    let optimizer = fit.optimizer.as_ref().or(spec.optimizer.as_ref());
    let optimizer = optimizer.filter(|optimizer| !optimizer.is_worst());
    let (Some(options), Some(optimizer)) = (&fit.options, optimizer) else {
        return Err(CoreError::NextWithoutLaws);
    };
    let problem = NextProblem {
        swarm: &swarm.subset(&fit.train),
        spec,
        options,
        laws: &fit.laws,
        proxies: fit.proxy_laws(),
        optimizer,
        constraints: &spec.constraints_holding(&fit.dead),
        count,
        resamples,
    };
    next_runs(&problem, progress)
}

/// Draws by which the fall after several runs is estimated.
const DRAWS: u64 = 2000;

/// By how much the least expected objective is expected to fall after the first 1, 2, … runs, each of which moves the
/// decisions by its row of `moves` times a normal draw of its own.
fn falls(mean: &[f64], moves: &[Vec<f64>], seed: u64) -> Vec<f64> {
    let least = mean.iter().copied().fold(f64::INFINITY, f64::min);
    let mut sums = vec![0.0; moves.len()];
    for draw in 0..DRAWS {
        let mut rng = generator(seed, Purpose::Next, (1 << 32) | draw);
        let mut at = mean.to_vec();
        for (sum, moves) in sums.iter_mut().zip(moves) {
            let z: f64 = StandardNormal.sample(&mut rng);
            for (at, by) in at.iter_mut().zip(moves) {
                *at += by * z;
            }
            *sum += least - at.iter().copied().fold(f64::INFINITY, f64::min);
        }
    }
    sums.iter()
        .map(|sum| (sum / DRAWS as f64).max(0.0))
        .collect()
}

/// Weighted average of the predicted losses at each mixture.
fn average_losses(laws: &[FittedLaw], weights: &[f64], mixtures: &[Vec<f64>]) -> Vec<f64> {
    let flat: Vec<f64> = mixtures.concat();
    let m = mixtures.first().map_or(0, Vec::len);
    let mut losses = vec![0.0; mixtures.len() * laws.len()];
    LawBatch::new(m, laws).predict(&flat, &mut losses);
    losses
        .chunks(laws.len().max(1))
        .map(|row| dot(row, weights))
        .collect()
}

/// The noise of a run's average loss: by replicates, else by the residuals of the fit, for which coefficients take up
/// as many runs as there are of them, or half of the runs where they are more. Of calibrated laws, in the unit of the
/// target: as much wider as its losses are over the runs.
fn run_noise(problem: &NextProblem<'_>, weights: &[f64]) -> f64 {
    let swarm = problem.swarm;
    let rows: Vec<Vec<f64>> = (0..swarm.len())
        .map(|run| swarm.mixtures().row(run).to_vec())
        .collect();
    let predicted = average_losses(problem.proxies, weights, &rows);
    let scale = if problem.laws == problem.proxies {
        1.0
    } else {
        let of_target = average_losses(problem.laws, weights, &rows);
        let ratio = spread(&of_target) / spread(&predicted);
        if ratio.is_finite() { ratio } else { 1.0 }
    };
    if let Some(found) = noise(swarm, problem.spec.confidence) {
        return scale * found.average.sd;
    }
    let measured = swarm.average_losses();
    let residuals = predicted.iter().zip(&measured);
    let squares: f64 = residuals.map(|(a, b)| (a - b).powi(2)).sum();
    let parameters = problem.options.parameters(swarm.live_domains().len());
    let left = (swarm.len() - parameters.min(swarm.len() / 2)).max(1);
    scale * (squares / left as f64).sqrt()
}

fn spread(values: &[f64]) -> f64 {
    let (_, error) = mean_and_error(values);
    error * (values.len() as f64).sqrt()
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count).sqrt())
}
