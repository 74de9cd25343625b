//! Choosing settings of a law by out-of-fold error.

use super::out_of_fold;
use crate::law::{LawOptions, SaturatingOptions};
use crate::{CoreError, Swarm};

/// Ridges tried for a log-linear law, from none to one that plainly costs accuracy; about three a
/// decade where the choice matters.
pub const RIDGE_GRID: [f64; 10] = [0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1];

/// Powers and ridges tried for a saturating law: each of the powers is best on one of three
/// measured swarms.
const POWERS: [&[f64]; 3] = [&[0.6], &[0.4, 0.8], &[0.5, 1.0]];
const SATURATING_RIDGES: [f64; 4] = [3e-5, 3e-4, 1e-3, 3e-3];

/// What to try in place of settings that are to be chosen from data.
#[must_use]
pub fn candidates(options: &LawOptions) -> Vec<LawOptions> {
    match options {
        LawOptions::LogLinear(_) => RIDGE_GRID.map(|ridge| options.with_ridge(ridge)).to_vec(),
        LawOptions::Saturating(settings) => {
            let with = |powers: &[f64], ridge| {
                LawOptions::Saturating(SaturatingOptions {
                    powers: powers.to_vec(),
                    ridge,
                    ..settings.clone()
                })
            };
            let each = |powers: &&'static [f64]| {
                let powers = *powers;
                SATURATING_RIDGES.map(|ridge| with(powers, ridge))
            };
            POWERS.iter().flat_map(each).collect()
        }
    }
}

/// The candidate whose out-of-fold predictions of the average loss have the least RMSE, with the
/// RMSE of each; the later one wins a tie. Candidates that these runs can't determine are left
/// out; `None` when that is all of them.
///
/// Costs `folds` fits a candidate; `progress` is called once after each task of each.
///
/// # Errors
/// As [`out_of_fold`].
pub fn choose(
    swarm: &Swarm,
    prior: &[f64],
    candidates: &[LawOptions],
    folds: usize,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<Option<(LawOptions, Vec<(LawOptions, f64)>)>, CoreError> {
    let mut tried: Vec<(LawOptions, f64)> = Vec::with_capacity(candidates.len());
    for options in candidates {
        if let Some(found) = out_of_fold(swarm, prior, options, folds, seed, progress)? {
            tried.push((options.clone(), found.average.rmse));
        }
    }
    // Of equal errors the last is taken, which `min_by` would not do.
    let best = tried.iter().rev().min_by(|a, b| a.1.total_cmp(&b.1));
    Ok(best
        .map(|(options, _)| options.clone())
        .map(|best| (best, tried)))
}
