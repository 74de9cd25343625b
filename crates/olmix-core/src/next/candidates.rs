//! Mixtures that might be run.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::random::{Purpose, dirichlet, generator};
use crate::{CoreError, FitSpec, Swarm, total_variation};

/// Mixtures that are compared, and at least so many for each that is asked for.
const POOL: usize = 400;
const EACH: usize = 4;
/// Draws for each of them before the search is given up.
const DRAWS_EACH: usize = 20;
/// Strengths of draws around the prior, as `olmix generate` has them, and around what may be proposed.
const AROUND_PRIOR: (f64, f64) = (0.1, 5.0);
const AROUND_PROPOSAL: (f64, f64) = (5.0, 200.0);
/// Shares below this become zero.
const MINIMUM: f64 = 0.002;
/// Mixtures nearer than this, in total variation, do not differ.
const NEAR: f64 = 0.01;

/// What may be proposed, draws around it and draws around the prior, half of each; none near a run, none near another.
///
/// # Errors
/// [`CoreError::TooFewMixtures`] where fewer than `count` are found.
pub(super) fn candidates(
    swarm: &Swarm,
    spec: &FitSpec,
    proposals: &[Vec<f64>],
    count: usize,
) -> Result<Vec<Vec<f64>>, CoreError> {
    let wanted = POOL.max(EACH * count);
    let mut found: Vec<Vec<f64>> = Vec::with_capacity(wanted);
    let live = swarm.live_domains();
    let add = |p: Vec<f64>, found: &mut Vec<Vec<f64>>| {
        let runs = (0..swarm.len()).map(|run| swarm.mixtures().row(run));
        let near = |other: &[f64]| total_variation(other, &p) < NEAR;
        if !runs.into_iter().any(near) && !found.iter().any(|other| near(other)) {
            found.push(p);
        }
    };
    for p in proposals {
        add(p.clone(), &mut found);
    }
    for draw in 0..(wanted * DRAWS_EACH) as u64 {
        if found.len() >= wanted {
            break;
        }
        let mut rng = generator(spec.seed, Purpose::Next, draw);
        let around = if draw % 2 == 0 {
            proposals
                .choose(&mut rng)
                .map(|p| (p.as_slice(), AROUND_PROPOSAL))
        } else {
            None
        };
        let (center, strengths) = around.unwrap_or((spec.prior.weights(), AROUND_PRIOR));
        if let Some(p) = drawn(center, strengths, &live, &mut rng) {
            add(p, &mut found);
        }
    }
    if found.len() < count {
        return Err(CoreError::TooFewMixtures {
            asked: count,
            found: found.len(),
        });
    }
    Ok(found)
}

/// A Dirichlet draw over the live domains without small shares; `None` where nothing is left.
fn drawn(
    center: &[f64],
    (low, high): (f64, f64),
    live: &[usize],
    rng: &mut impl Rng,
) -> Option<Vec<f64>> {
    let strength = low * (high / low).powf(rng.random::<f64>());
    let mut center: Vec<f64> = (0..center.len())
        .map(|j| {
            if live.contains(&j) {
                center[j].max(1e-4)
            } else {
                0.0
            }
        })
        .collect();
    let sum: f64 = center.iter().sum();
    center.iter_mut().for_each(|share| *share /= sum);
    let mut p = dirichlet(&center, strength, rng);
    p.iter_mut().for_each(|share| {
        if *share < MINIMUM {
            *share = 0.0;
        }
    });
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|share| *share /= sum);
    (sum > 0.0).then_some(p)
}
