//! RQ2: how many runs does a fit need, and is that linear in the number of domains?
//!
//! Random subsets of the domains get swarms of `c (m + 1)` runs that the oracle "trains"; laws
//! fitted to them are scored on fresh mixtures, and the mixture they propose is judged by the oracle.
//! If the need is linear, the curves of all `m` coincide when drawn against `c`.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::{Cell, Study};
use crate::law::{FittedLaw, average_loss};
use crate::optimize::{ExactProblem, solve_exact};
use crate::random::{Purpose, dirichlet, generator};
use crate::trust::score;
use crate::{Constraints, CoreError};

const C: [f64; 6] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0];
/// Shares of the domains in a subset.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// Fresh mixtures that laws are scored on.
const TESTS: usize = 256;

/// How the mixtures of a swarm are drawn: Dirichlet around the prior.
pub(super) struct Draws {
    /// Range of the concentration, log-uniform.
    pub strength: (f64, f64),
    /// Shares below this become zero.
    pub least: f64,
}

/// The method's defaults for topics.
pub(super) const DEFAULT_DRAWS: Draws = Draws {
    strength: (0.1, 5.0),
    least: 0.002,
};

impl Draws {
    /// One mixture over all `m` domains, zero outside of those with a prior.
    pub fn mixture(&self, prior: &[f64], rng: &mut impl Rng) -> Vec<f64> {
        let (low, high) = self.strength;
        let strength = low * (high / low).powf(rng.random::<f64>());
        let mut p = dirichlet(prior, strength, rng);
        let kept: f64 = p.iter().filter(|p| **p >= self.least).sum();
        if kept > 0.0 {
            for p in &mut p {
                *p = if *p < self.least { 0.0 } else { *p / kept };
            }
        }
        p
    }
}

pub(super) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let m = study.swarm.domains().len() as f64;
    let mut settings = Vec::new();
    for share in SHARES {
        let domains = (share * m).round().max(2.0);
        settings.extend(C.map(|c| {
            let runs = (c * (domains + 1.0)).round();
            vec![domains.to_string(), c.to_string(), runs.to_string()]
        }));
    }
    settings
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let number = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| CoreError::Unsupported("a cell of another study".into()))
    };
    let (count, runs) = (number(&cell.keys[0])?, number(&cell.keys[2])?);
    let mut domains: Vec<usize> = (0..study.swarm.domains().len()).collect();
    domains.shuffle(&mut generator(cell.seed, Purpose::Study, count as u64));
    domains.truncate(count);
    outcome(study, &domains, runs, &DEFAULT_DRAWS, cell.seed)
}

/// Draws a swarm over some domains, "trains" it, fits, scores on fresh mixtures of the same kind,
/// proposes, and judges: RMSE, Spearman, true gain over the prior, and what the best mixture gains
/// beyond that.
pub(super) fn outcome(
    study: &Study<'_>,
    domains: &[usize],
    runs: usize,
    draws: &Draws,
    seed: u64,
) -> Result<Vec<f64>, CoreError> {
    let oracle = study.oracle()?;
    let options = study.law()?;
    let full = study.spec.prior.weights();
    let inside = |j: usize| domains.contains(&j);
    let share: f64 = domains.iter().map(|&j| full[j]).sum();
    let prior: Vec<f64> = (0..full.len())
        .map(|j| if inside(j) { full[j] / share } else { 0.0 })
        .collect();
    let mut rng = generator(seed, Purpose::Study, 1_000_000 + runs as u64);
    let mut draw = |count: usize| -> Vec<Vec<f64>> {
        (0..count)
            .map(|_| draws.mixture(&prior, &mut rng))
            .collect()
    };
    let (train, test) = (draw(runs), draw(TESTS));
    let swarm = oracle.train(&train, seed)?;
    if runs < options.needed(swarm.live_domains().len()) {
        return Ok(vec![f64::NAN; 4]);
    }
    let fitted = options.fit(&swarm, &prior, &|| ())?;
    let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
    let weights = swarm.task_weights();
    let predicted: Vec<f64> = test
        .iter()
        .map(|p| average_loss(&laws, &weights, p))
        .collect();
    let truth: Vec<f64> = test.iter().map(|p| oracle.loss(p)).collect();
    let scores = score(&predicted, &truth);

    let mut constraints = Constraints::none(full.len());
    for j in (0..full.len()).filter(|&j| !inside(j)) {
        constraints.upper[j] = 0.0;
    }
    let optimizer = study.optimizer(&options);
    let proposed = study
        .spec
        .solve(&swarm, &optimizer, &laws, &constraints, &|| ())?;
    let best = solve_exact(&ExactProblem {
        domains: swarm.domains(),
        laws: oracle.laws(),
        task_weights: &weights,
        reference: full,
        kl_reg: 0.0,
        linear: None,
        terms: None,
        constraints: &constraints,
    })?;
    let gain = oracle.gain(&proposed.weights, &prior);
    let most = oracle.gain(&best.weights, &prior);
    Ok(vec![
        scores.rmse,
        scores.spearman.unwrap_or(f64::NAN),
        gain,
        most - gain,
    ])
}
