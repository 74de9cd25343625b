//! RQ6: should the swarm keep to the token caps, or the solve, or both?
//!
//! The oracle "trains" swarms drawn freely, and swarms whose mixtures are moved into the caps; the
//! solve keeps to the caps or not. A proposal is judged by its true gain, and by how often the
//! most repeated domain would be seen.

use super::swarm_size::Draws;
use super::{Cell, Study};
use crate::law::FittedLaw;
use crate::optimize::{ExactProblem, solve_exact};
use crate::random::{Purpose, generator};
use crate::{Constraints, CoreError};

const WAYS: [&str; 4] = ["solve", "swarm", "both", "neither"];
const FACTORS: [f64; 5] = [2.0, 3.0, 4.0, 5.0, f64::INFINITY];
const DRAWS: Draws = Draws {
    strength: (0.1, 5.0),
    least: 0.002,
};

pub(super) fn settings() -> Vec<Vec<String>> {
    let mut settings = Vec::new();
    for way in WAYS {
        // Without any caps the ways are one.
        let factors = FACTORS.iter().filter(|k| k.is_finite() || way == "neither");
        let factors = factors.filter(|k| !k.is_finite() || way != "neither");
        settings.extend(factors.map(|k| vec![way.to_owned(), k.to_string()]));
    }
    settings
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let (Ok(factor), Some(target)) = (cell.keys[1].parse::<f64>(), study.spec.target_tokens) else {
        return Err(CoreError::Unsupported("a cell of another study".into()));
    };
    let (oracle, options) = (study.oracle()?, study.law()?);
    let domains = study.swarm.domains();
    let prior = study.spec.prior.weights();
    let free = Constraints::none(domains.len());
    let capped = if factor.is_finite() {
        let capped = free.clone().with_repetition(domains, target, factor)?;
        if capped.check(domains).is_err() {
            return Ok(vec![f64::NAN; 2]);
        }
        capped
    } else {
        free.clone()
    };
    let way = cell.keys[0].as_str();
    let mut rng = generator(cell.seed, Purpose::Study, 2_000_000);
    let mut mixtures: Vec<Vec<f64>> = (0..3 * (domains.len() + 1))
        .map(|_| DRAWS.mixture(prior, &mut rng))
        .collect();
    if way == "swarm" || way == "both" {
        for p in &mut mixtures {
            *p = into_caps(study, p, &capped)?;
        }
    }
    let swarm = oracle.train(&mixtures, cell.seed)?;
    let fitted = options.fit(&swarm, prior, &|| ())?;
    let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
    let constraints = if way == "solve" || way == "both" {
        &capped
    } else {
        &free
    };
    let optimizer = study.optimizer(&options);
    let proposed = study
        .spec
        .solve(&swarm, &optimizer, &laws, constraints, &|| ())?;
    let Some(repetition) = domains.epochs(&proposed.weights, target) else {
        return Err(CoreError::StudyWithoutTokens);
    };
    Ok(vec![
        oracle.gain(&proposed.weights, prior),
        repetition.into_iter().fold(0.0, f64::max),
    ])
}

/// The mixture under the caps that is nearest to `p` in KL.
fn into_caps(study: &Study<'_>, p: &[f64], capped: &Constraints) -> Result<Vec<f64>, CoreError> {
    if capped.violation(p) <= 1e-9 {
        return Ok(p.to_vec());
    }
    // What has no weight keeps next to none.
    let reference: Vec<f64> = p.iter().map(|p| p.max(1e-6)).collect();
    let nearest = solve_exact(&ExactProblem::<FittedLaw> {
        domains: study.swarm.domains(),
        laws: &[],
        task_weights: &[],
        reference: &reference,
        kl_reg: 1.0,
        linear: None,
        terms: None,
        constraints: capped,
    })?;
    Ok(nearest.weights)
}
