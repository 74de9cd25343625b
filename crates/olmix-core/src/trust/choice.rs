//! Choosing a law, or the settings of one, by out-of-fold error.

use super::out_of_fold;
use crate::law::LawOptions;
use crate::{CoreError, Swarm};

/// Laws whose errors differ by less than this share are tied; the simpler one is taken.
pub const TIE: f64 = 0.02;

/// What to try next, close to the best settings of each law that was tried.
#[must_use]
pub fn refinements(tried: &[CandidateScore]) -> Vec<LawOptions> {
    let best = best_of_each(tried).into_iter();
    best.flat_map(|best| best.options.refinements()).collect()
}

/// Out-of-fold errors of one law with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateScore {
    /// The law with the settings that were scored.
    pub options: LawOptions,
    /// RMSE of the weighted average loss.
    pub average: f64,
    /// RMSE of each task, length `n`.
    pub tasks: Vec<f64>,
}

/// Predicts out of fold by each candidate, all on the same folds. Candidates that these runs can't
/// determine are left out, and laws that take no weights where runs have some.
///
/// Costs `folds` fits a candidate; `progress` is called once after each task of each.
///
/// # Errors
/// As [`out_of_fold`].
pub fn score_candidates(
    swarm: &Swarm,
    prior: &[f64],
    candidates: &[LawOptions],
    folds: usize,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<CandidateScore>, CoreError> {
    let mut tried = Vec::with_capacity(candidates.len());
    let weighted = swarm.weights().is_some();
    let fit_for = |options: &&LawOptions| !weighted || options.takes_run_weights();
    for options in candidates.iter().filter(fit_for) {
        if let Some(found) = out_of_fold(swarm, prior, options, folds, seed, progress)? {
            tried.push(CandidateScore {
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
pub fn best_of_each(tried: &[CandidateScore]) -> Vec<&CandidateScore> {
    let mut best: Vec<&CandidateScore> = Vec::new();
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
pub fn choose(tried: &[CandidateScore]) -> Option<LawOptions> {
    let best = best_of_each(tried);
    simplest(&best, |tried| tried.average).map(|tried| tried.options.clone())
}

/// As [`choose`], for each task by its own error, with the settings of each law that are best for
/// the average.
#[must_use]
pub fn choose_per_task(tried: &[CandidateScore]) -> Option<LawOptions> {
    let best = best_of_each(tried);
    let tasks: Option<Vec<LawOptions>> = (0..best.first()?.tasks.len())
        .map(|task| simplest(&best, |tried| tried.tasks[task]).map(|tried| tried.options.clone()))
        .collect();
    Some(LawOptions::PerTask { tasks: tasks? })
}

fn simplest<'a>(
    best: &[&'a CandidateScore],
    error: impl Fn(&CandidateScore) -> f64,
) -> Option<&'a CandidateScore> {
    let least = best
        .iter()
        .map(|tried| error(tried))
        .fold(f64::INFINITY, f64::min);
    best.iter()
        .find(|tried| error(tried) <= least * (1.0 + TIE))
        .copied()
}
