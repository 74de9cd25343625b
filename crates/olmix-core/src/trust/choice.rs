//! Choosing a law, or the settings of one, by out-of-fold error.

use super::out_of_fold;
use crate::law::{Basis, LawOptions, SaturatingOptions};
use crate::{CoreError, Swarm};

/// Ridges tried for a log-linear law, from none to one that plainly costs accuracy; about three a
/// decade where the choice matters.
pub const RIDGE_GRID: [f64; 10] = [0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1];

/// Functions and ridges tried for a saturating law; `docs/decisions.md` has what each is worth on
/// measured swarms.
const BASES: [&[Basis]; 6] = [
    &[Basis::Power(0.6)],
    &[Basis::Log(0.1)],
    &[Basis::Log(0.03)],
    &[Basis::Power(0.4), Basis::Power(0.8)],
    &[Basis::Power(0.5), Basis::Power(1.0)],
    &[Basis::Power(0.3), Basis::Power(0.6), Basis::Power(1.0)],
];
/// Tried for the best functions, which are chosen at the default ridge.
const SATURATING_RIDGES: [f64; 5] = [3e-5, 1e-4, 1e-3, 3e-3, 1e-2];

/// Laws whose errors differ by less than this share are tied; the simpler one is taken.
pub const TIE: f64 = 0.02;

/// What to try in place of settings that are to be chosen from data; [`refinements`] comes next.
#[must_use]
pub fn candidates(options: &LawOptions) -> Vec<LawOptions> {
    match options {
        LawOptions::LogLinear(_) => RIDGE_GRID.map(|ridge| options.with_ridge(ridge)).to_vec(),
        LawOptions::Saturating(settings) => {
            let with = |bases: &[Basis]| {
                LawOptions::Saturating(SaturatingOptions {
                    bases: bases.to_vec(),
                    ..settings.clone()
                })
            };
            BASES.map(with).to_vec()
        }
        // The others have no settings that data should choose.
        _ => vec![options.clone()],
    }
}

/// What to try next, close to the best of what was tried: functions of a saturating law matter more
/// than its ridge, and are slow to fit.
#[must_use]
pub fn refinements(tried: &[Tried]) -> Vec<LawOptions> {
    let saturating = best_of_each(tried).into_iter().map(|best| &best.options);
    saturating
        .filter(|options| matches!(options, LawOptions::Saturating(_)))
        .flat_map(|options| SATURATING_RIDGES.map(|ridge| options.with_ridge(ridge)))
        .collect()
}

/// Out-of-fold errors of one law with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The law.
    pub options: LawOptions,
    /// RMSE of the weighted average loss.
    pub average: f64,
    /// RMSE of each task, length `n`.
    pub tasks: Vec<f64>,
}

/// Predicts out of fold by each candidate, all on the same folds. Candidates that these runs can't
/// determine are left out.
///
/// Costs `folds` fits a candidate; `progress` is called once after each task of each.
///
/// # Errors
/// As [`out_of_fold`].
pub fn try_all(
    swarm: &Swarm,
    prior: &[f64],
    candidates: &[LawOptions],
    folds: usize,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<Tried>, CoreError> {
    let mut tried = Vec::with_capacity(candidates.len());
    for options in candidates {
        if let Some(found) = out_of_fold(swarm, prior, options, folds, seed, progress)? {
            tried.push(Tried {
                options: options.clone(),
                average: found.average.rmse,
                tasks: found.tasks.iter().map(|scores| scores.rmse).collect(),
            });
        }
    }
    Ok(tried)
}

/// The best settings of each law among `tried`, in the order in which the laws first occur; of
/// equal errors the later one is taken, which has the larger ridge.
#[must_use]
pub fn best_of_each(tried: &[Tried]) -> Vec<&Tried> {
    let mut best: Vec<&Tried> = Vec::new();
    for candidate in tried {
        match best
            .iter_mut()
            .find(|known| known.options.name() == candidate.options.name())
        {
            None => best.push(candidate),
            Some(known) if candidate.average.total_cmp(&known.average).is_le() => {
                *known = candidate;
            }
            Some(_) => {}
        }
    }
    best
}

/// The law with the least error of the average loss; a law that comes earlier in `tried` is simpler
/// and wins where the errors differ by less than [`TIE`]. `None` when nothing was tried.
#[must_use]
pub fn choose(tried: &[Tried]) -> Option<LawOptions> {
    let best = best_of_each(tried);
    simplest(&best, |tried| tried.average).map(|tried| tried.options.clone())
}

/// As [`choose`], for each task by its own error, with the settings of each law that are best for
/// the average.
#[must_use]
pub fn choose_per_task(tried: &[Tried]) -> Option<LawOptions> {
    let best = best_of_each(tried);
    let tasks: Option<Vec<LawOptions>> = (0..best.first()?.tasks.len())
        .map(|task| simplest(&best, |tried| tried.tasks[task]).map(|tried| tried.options.clone()))
        .collect();
    Some(LawOptions::PerTask { tasks: tasks? })
}

fn simplest<'a>(best: &[&'a Tried], error: impl Fn(&Tried) -> f64) -> Option<&'a Tried> {
    let least = best
        .iter()
        .map(|tried| error(tried))
        .fold(f64::INFINITY, f64::min);
    best.iter()
        .find(|tried| error(tried) <= least * (1.0 + TIE))
        .copied()
}
