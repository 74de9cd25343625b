//! Runs chosen in batches by what the earlier ones say, against a design that is made at once.
//!
//! Both are "trained" by the oracle. A swarm of one shot is V-optimal among draws around the prior. The sequential one
//! begins with a small V-optimal swarm and asks [`crate::next_runs`] for the others, a batch at a time, with laws that
//! are fitted to all runs so far. The mixture that laws of all runs propose is judged by the oracle without noise: its
//! gain; that gain over the one of 3 (m + 1) runs of one shot with the same seed; the same of the fall of the objective
//! (loss plus KL term) from the prior, which is what is solved for; and how far the objective is above the least, as a
//! share of the loss there.

use super::designs::flat;
use super::swarm_size::DEFAULT_DRAWS;
use super::{Cell, Study};
use crate::generate::{region, v_optimal};
use crate::law::FittedLaw;
use crate::random::{Purpose, generator};
use crate::{CoreError, NextProblem, Swarm, kl_divergence, next_runs};

/// Runs of a swarm of one shot that others are compared with, in units of `m + 1`.
const WHOLE: f64 = 3.0;
/// Other numbers of runs.
const C: [f64; 4] = [1.0, 1.5, 2.0, WHOLE];
/// Runs that a sequential swarm begins with.
const BEGIN: f64 = 1.0;
/// Runs of a batch.
const BATCH: usize = 10;
/// Resamples by which a batch is chosen.
const RESAMPLES: usize = 50;
/// Draws that a V-optimal design chooses from.
const POOL: usize = 1000;

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let runs = |c: f64| runs(study, c).to_string();
    let mut settings: Vec<Vec<String>> = Vec::new();
    for (method, sizes) in [("one_shot", &C[..]), ("sequential", &C[1..3])] {
        let sizes = sizes.iter();
        settings.extend(sizes.map(|c| vec![method.to_owned(), runs(*c)]));
    }
    settings
}

/// `c (m + 1)` runs, but no fewer than the law needs.
fn runs(study: &Study<'_>, c: f64) -> usize {
    let m = study.swarm.domains().len();
    let needed = study.law().map_or(0, |options| options.needed(m));
    ((c * (m as f64 + 1.0)).ceil() as usize).max(needed + 1)
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let Ok(count) = cell.keys[1].parse::<usize>() else {
        return Err(CoreError::Unsupported("a cell of another study".into()));
    };
    let whole = one_shot(study, runs(study, WHOLE), cell.seed)?;
    let mixtures = match cell.keys[0].as_str() {
        "one_shot" => one_shot(study, count, cell.seed)?,
        _ => sequential(study, count, cell.seed)?,
    };
    let oracle = study.oracle()?;
    let prior = study.spec.prior.weights();
    let kl_reg = study.optimizer(&study.law()?).kl_reg().unwrap_or(0.0);
    let objective = |p: &[f64]| match kl_reg {
        0.0 => oracle.loss(p),
        kl_reg => oracle.loss(p) + kl_reg * kl_divergence(p, study.spec.reference()),
    };
    let of = |mixtures: &[Vec<f64>]| -> Result<Vec<f64>, CoreError> {
        let swarm = oracle.train(mixtures, cell.seed)?;
        Ok(proposed(study, &swarm)?.1)
    };
    let best = study.spec.solve(
        study.swarm,
        &study.optimizer(oracle.options()),
        oracle.laws(),
        &study.spec.constraints,
        &|| (),
    )?;
    let (p, of_whole) = (of(&mixtures)?, of(&whole)?);
    let gain = oracle.gain(&p, prior);
    let fall = |p: &[f64]| oracle.loss(prior) - objective(p);
    let regret = objective(&p) - objective(&best.weights);
    Ok(vec![
        gain,
        gain / oracle.gain(&of_whole, prior),
        fall(&p) / fall(&of_whole),
        regret / oracle.loss(&best.weights),
    ])
}

/// The laws of a swarm, and the mixture that they propose.
fn proposed(study: &Study<'_>, swarm: &Swarm) -> Result<(Vec<FittedLaw>, Vec<f64>), CoreError> {
    let options = study.law()?;
    let fitted = options.fit(swarm, study.spec.prior.weights(), &|| ())?;
    let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
    let optimizer = study.optimizer(&options);
    let constraints = &study.spec.constraints;
    let solution = study
        .spec
        .solve(swarm, &optimizer, &laws, constraints, &|| ())?;
    Ok((laws, solution.weights))
}

fn one_shot(study: &Study<'_>, count: usize, seed: u64) -> Result<Vec<Vec<f64>>, CoreError> {
    let prior = study.spec.prior.weights();
    let mut rng = generator(seed, Purpose::Study, 5_000_000);
    let pool: Vec<Vec<f64>> = (0..POOL.max(4 * count))
        .map(|_| DEFAULT_DRAWS.mixture(prior, &mut rng))
        .collect();
    let tree = flat(study.swarm.domains(), prior)?;
    let caps = &study.spec.constraints.upper;
    let region = region(&tree, (1.0, 1.0), Some(caps), seed)?;
    let places = v_optimal(&pool, &[], &region, count, &|| ());
    Ok(places
        .into_iter()
        .map(|place| pool[place].clone())
        .collect())
}

fn sequential(study: &Study<'_>, count: usize, seed: u64) -> Result<Vec<Vec<f64>>, CoreError> {
    let options = study.law()?;
    let optimizer = study.optimizer(&options);
    let mut mixtures = one_shot(study, runs(study, BEGIN), seed)?;
    while mixtures.len() < count {
        // The noise of a run depends on its place alone: runs that are there stay as they are.
        let swarm = study.oracle()?.train(&mixtures, seed)?;
        let (laws, _) = proposed(study, &swarm)?;
        let mut spec = study.spec.clone();
        spec.seed = seed.wrapping_add(mixtures.len() as u64);
        let next = next_runs(
            &NextProblem {
                swarm: &swarm,
                spec: &spec,
                options: &options,
                laws: &laws,
                proxies: &laws,
                optimizer: &optimizer,
                constraints: &spec.constraints,
                count: BATCH.min(count - mixtures.len()),
                resamples: RESAMPLES,
            },
            &|| (),
        )?;
        mixtures.extend(next.mixtures);
    }
    Ok(mixtures)
}
