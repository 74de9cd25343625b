//! What a number of runs buys, in units of the loss: how far above the best the mixture ends that will be
//! solved for from them, by simulation before anything is trained.
//!
//! The laws and the noise are not known before training, so both are drawn like those of two measured
//! swarms (Olmix, arXiv 2602.12237: 127 runs over 24 domains and 512 over 64, 52 tasks each). A task's loss
//! is
//!
//! ```text
//! L(p) = 1 − r + r exp(Σ_j v_j (p0_j^0.6 − p_j^0.6)),    ln v_j ~ N(−1.66, 1.5²),   ln r ~ N(ln 0.08, 1²)
//! ```
//!
//! so that it is 1 at the prior and the share `r` of it can be lowered by data. A run measures each task
//! with a noise of 2.5 % of that loss, a quarter of whose variance all tasks of the run have in common. What
//! laws can't express, and what a proxy differs from the final model, is not in this.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use crate::law::{
    Basis, FittedLaw, LawOptions, Refit, Saturating, SaturatingOptions, average_loss,
};
use crate::optimize::{ExactProblem, solve_exact};
use crate::random::{Purpose, generator};
use crate::{Constraints, CoreError, Direction, DomainSet, Matrix, Swarm, Task, kl_divergence};

/// Standard deviation of a task's noise, as a share of its loss.
pub const ASSUMED_NOISE: f64 = 0.025;
/// Share of the variance of the noise that tasks of a run have in common.
const COMMON: f64 = 0.25;
/// Mean and standard deviation of `ln v`.
const LOG_V: (f64, f64) = (-1.66, 1.5);
/// The same of `ln r`, and the greatest `r`.
const LOG_R: (f64, f64) = (-2.53, 1.0);
const MOST_R: f64 = 0.5;
const POWER: f64 = 0.6;
/// Tasks of a simulated swarm.
const TASKS: usize = 16;
/// Simulated swarms: the most, and the least, for many domains.
const DRAWS: (usize, usize) = (48, 8);
/// The most are drawn up to so many domains; beyond, fewer with their square, as a fit takes longer.
const FEW_DOMAINS: usize = 24;
/// λ of the solve: the default of a fit.
const KL_REG: f64 = 0.05;
/// Weights of all swarms together (runs × domains) up to which this is simulated, in some seconds.
const LIMIT: usize = 50_000;
/// Domains up to which it is.
const MOST_DOMAINS: usize = 100;

/// What a number of runs is expected to give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedRegret {
    /// The number of runs of the swarm.
    pub runs: usize,
    /// Runs that were there already, and are fitted with them.
    pub beside: usize,
    /// How far the objective (loss plus KL term) at the mixture that is solved for is above the least within
    /// the caps, as a share of the least loss: what the noise of the runs costs. A mean over simulated
    /// swarms, at least 0.
    pub regret: f64,
    /// Its standard error over the simulated swarms.
    pub standard_error: f64,
    /// How far the loss alone is above the least within the caps, as a share of it: with what the KL term
    /// costs.
    pub in_all: f64,
    /// What the KL term costs: `in_all` of a solve with the true laws, the same for any number of runs.
    pub pull: f64,
}

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct RegretProblem<'a> {
    /// The domains.
    pub domains: &'a DomainSet,
    /// The prior, length `m`.
    pub prior: &'a [f64],
    /// The greatest weights that the solve may propose (length `m`), where there are any.
    pub caps: Option<&'a [f64]>,
    /// Mixtures of runs that are there already (each of length `m`) and are fitted with every swarm.
    pub earlier: &'a [Vec<f64>],
    /// What each of them counts for in the fit, above 0 and at most 1; empty where all count fully. A run's
    /// noise is taken to be what it should be for this weight, its variance divided by it.
    pub earlier_weights: &'a [f64],
    /// Seed of all draws.
    pub seed: u64,
}

/// The expected regret of a fit to each of `swarms` (their mixtures, each of length `m`), the mean over 48
/// simulated swarms (fewer beyond 24 domains, at least 8): laws and noise are drawn as the module's
/// description says, saturating laws are fitted, and the mixture is solved for exactly with λ = 0.05.
///
/// Swarms with fewer runs than a law needs, `m + 1` with those of [`RegretProblem::earlier`], are left out; the
/// answer is empty where it would take long (more than 50,000 weights in all, or 100 domains). That a fit gives
/// earlier swarms a level of their own is not simulated.
///
/// Deterministic on any number of threads; each swarm sees the same laws and noise. Cost: 48 × 16 fits per
/// swarm, in parallel.
///
/// # Errors
/// [`CoreError::Infeasible`] when no mixture is within the caps; [`CoreError::SolverFailed`].
pub fn expected_regret<P: AsRef<[f64]> + Sync>(
    problem: &RegretProblem<'_>,
    swarms: &[Vec<P>],
) -> Result<Vec<ExpectedRegret>, CoreError> {
    let m = problem.domains.len();
    let beside = problem.earlier.len();
    let needed = |swarm: &&Vec<P>| beside + swarm.len() > m;
    let swarms: Vec<&Vec<P>> = swarms.iter().filter(needed).collect();
    let weights: usize = swarms.iter().map(|swarm| (beside + swarm.len()) * m).sum();
    if weights > LIMIT || !(2..=MOST_DOMAINS).contains(&m) {
        return Ok(Vec::new());
    }
    let scaled = DRAWS.0 * FEW_DOMAINS * FEW_DOMAINS / (m * m);
    let draws = scaled.clamp(DRAWS.1, DRAWS.0);
    let mut constraints = Constraints::none(m);
    if let Some(caps) = problem.caps {
        constraints.upper = caps.iter().map(|cap| cap.min(1.0)).collect();
    }
    constraints.check(problem.domains)?;
    let simulated: Vec<Simulated> = (0..draws)
        .into_par_iter()
        .map(|draw| simulate(problem, &constraints, &swarms, draw))
        .collect::<Result<_, CoreError>>()?;
    let count = draws as f64;
    let mean = |of: &dyn Fn(&Simulated) -> f64| simulated.iter().map(of).sum::<f64>() / count;
    let pull = mean(&|one| one.pull);
    let summary = |(position, swarm): (usize, &&Vec<P>)| {
        let regret = mean(&|one| one.swarms[position].0);
        let square = mean(&|one| (one.swarms[position].0 - regret).powi(2));
        ExpectedRegret {
            runs: swarm.len(),
            beside,
            regret,
            standard_error: (square / (count - 1.0)).sqrt(),
            in_all: mean(&|one| one.swarms[position].1),
            pull,
        }
    };
    Ok(swarms.iter().enumerate().map(summary).collect())
}

/// One draw of the laws.
struct Simulated {
    pull: f64,
    /// `regret` and `in_all` after each swarm.
    swarms: Vec<(f64, f64)>,
}

fn simulate<P: AsRef<[f64]>>(
    problem: &RegretProblem<'_>,
    constraints: &Constraints,
    swarms: &[&Vec<P>],
    draw: usize,
) -> Result<Simulated, CoreError> {
    let mut rng = generator(problem.seed, Purpose::Regret, 2 * draw as u64);
    let truth: Vec<FittedLaw> = (0..TASKS).map(|_| law(problem.prior, &mut rng)).collect();
    let task_weights = vec![1.0 / TASKS as f64; TASKS];
    let solve = |laws: &[FittedLaw], kl_reg: f64| {
        solve_exact(&ExactProblem {
            domains: problem.domains,
            laws,
            task_weights: &task_weights,
            reference: problem.prior,
            kl_reg,
            linear: None,
            terms: None,
            constraints,
        })
    };
    let loss = |p: &[f64]| average_loss(&truth, &task_weights, p);
    let best = loss(&solve(&truth, 0.0)?.weights);
    let above = |p: &[f64]| loss(p) / best - 1.0;
    let target = solve(&truth, KL_REG)?;
    let options = LawOptions::Saturating(SaturatingOptions::default());
    let mut regrets = Vec::with_capacity(swarms.len());
    for swarm in swarms {
        // The same noise for each swarm, so that their differences are those of the runs.
        let mut rng = generator(problem.seed, Purpose::Regret, 2 * draw as u64 + 1);
        let earlier = problem.earlier.iter().map(Vec::as_slice);
        let mixtures: Vec<&[f64]> = earlier.chain(swarm.iter().map(AsRef::as_ref)).collect();
        let mut weights = problem.earlier_weights.to_vec();
        weights.resize(mixtures.len(), 1.0);
        let measured = measure(problem.domains, &truth, &mixtures, &weights, &mut rng)?;
        let refit = Refit {
            options: &options,
            laws: &truth,
            prior: problem.prior,
        };
        let fitted = refit.laws(&measured, &weights);
        let p = solve(&fitted, KL_REG)?.weights;
        let objective = loss(&p) + KL_REG * kl_divergence(&p, problem.prior);
        let regret = (objective - target.objective) / best;
        regrets.push((regret.max(0.0), above(&p)));
    }
    Ok(Simulated {
        pull: above(&target.weights),
        swarms: regrets,
    })
}

/// A task's law.
fn law(prior: &[f64], rng: &mut impl Rng) -> FittedLaw {
    let mut log_normal = |(mean, sd): (f64, f64)| -> f64 {
        let normal: f64 = StandardNormal.sample(rng);
        (mean + sd * normal).exp()
    };
    let share = log_normal(LOG_R).min(MOST_R);
    let v: Vec<f64> = prior.iter().map(|_| log_normal(LOG_V)).collect();
    let at_prior: f64 = v.iter().zip(prior).map(|(v, p)| v * p.powf(POWER)).sum();
    Saturating {
        log_c: (1.0 - share).ln(),
        level: share.ln() + at_prior,
        bases: vec![Basis::Power(POWER)],
        v: vec![v],
    }
    .into()
}

/// "Trains" a run of each mixture, the noise of which is larger where it has a weight below 1.
fn measure(
    domains: &DomainSet,
    truth: &[FittedLaw],
    mixtures: &[&[f64]],
    weights: &[f64],
    rng: &mut impl Rng,
) -> Result<Swarm, CoreError> {
    use crate::law::Law as _;
    let runs = mixtures.len();
    let mut losses = Matrix::zeros(runs, truth.len());
    for (run, (p, weight)) in mixtures.iter().zip(weights).enumerate() {
        let common: f64 = StandardNormal.sample(rng);
        for (task, law) in truth.iter().enumerate() {
            let own: f64 = StandardNormal.sample(rng);
            let noise = COMMON.sqrt() * common + (1.0 - COMMON).sqrt() * own;
            let noise = ASSUMED_NOISE * noise / weight.sqrt();
            losses.set(run, task, law.predict(p) * (1.0 + noise));
        }
    }
    let task = |i: usize| Task {
        name: format!("task{i}"),
        family: "all".into(),
        weight: 1.0,
        direction: Direction::Min,
        offset: 0.0,
    };
    Swarm::new(
        domains.clone(),
        (0..truth.len()).map(task).collect(),
        (0..runs).map(|run| format!("run-{run}")).collect(),
        Matrix::from_fn(runs, domains.len(), |run, j| mixtures[run][j]),
        losses,
    )
}
