//! Choosing a law, or the settings of one, by its errors for runs that it was not fitted to.

use super::folds::{out_of_fold_from, whole_laws};
use super::regions::region_errors;
use crate::law::LawOptions;
use crate::swarm::dot;
use crate::{CoreError, Swarm};

/// Laws whose errors differ by less than this share are tied; the simpler one is taken.
pub const TIE: f64 = 0.03;

/// Standard errors by which a law that knows more of timing must be better.
const SURE: f64 = 2.0;

/// What to try next, close to the best settings of each law that was tried.
#[must_use]
pub fn refinements(tried: &[CandidateScore]) -> Vec<LawOptions> {
    let best = best_of_each(tried).into_iter();
    best.flat_map(|best| best.options.refinements()).collect()
}

/// Errors of one law with its settings for runs that it was not fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateScore {
    /// The law with the settings that were scored.
    pub options: LawOptions,
    /// RMSE of the weighted average loss, in random folds.
    pub average: f64,
    /// RMSE of each task in random folds, length `n`.
    pub tasks: Vec<f64>,
    /// The same in regions that were held out whole; `None` where that leaves too few runs.
    pub regions: Option<RegionScore>,
    /// Predicted minus measured average loss of every run in random folds, length `K`.
    pub errors: Vec<f64>,
    /// The fold of every run, length `K`.
    pub fold_of: Vec<usize>,
}

/// Errors of a law for regions of mixtures that it was not fitted to ([`super::regions`]).
#[derive(Debug, Clone, PartialEq)]
pub struct RegionScore {
    /// RMSE of the weighted average loss.
    pub average: f64,
    /// RMSE of each task, length `n`.
    pub tasks: Vec<f64>,
    /// Predicted minus measured average loss of the runs of each region, one region after the other.
    pub errors: Vec<f64>,
}

impl CandidateScore {
    /// What laws are chosen by: the root of the mean of both squared errors of the average, in random folds and in regions.
    #[must_use]
    pub fn error(&self) -> f64 {
        both(self.average, self.regions.as_ref().map(|r| r.average))
    }

    /// As [`CandidateScore::error`], of one task.
    #[must_use]
    pub fn task_error(&self, task: usize) -> f64 {
        both(
            self.tasks[task],
            self.regions.as_ref().map(|r| r.tasks[task]),
        )
    }
}

pub(super) fn both(folds: f64, regions: Option<f64>) -> f64 {
    regions.map_or(folds, |regions| {
        (0.5 * (folds * folds + regions * regions)).sqrt()
    })
}

pub(super) fn root_mean_square(errors: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = errors.fold((0.0, 0usize), |(sum, count), e| (sum + e * e, count + 1));
    (sum / count.max(1) as f64).sqrt()
}

/// Predicts out of fold and out of region by each candidate, all on the same folds. Candidates that these runs can't
/// determine are left out, and laws that take no weights where runs have some.
///
/// Costs `folds + 2` fits a candidate; `progress` is called once after each task of each fold.
///
/// # Errors
/// As [`super::out_of_fold`].
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
    let weights = swarm.task_weights();
    for options in candidates.iter().filter(fit_for) {
        let whole = &whole_laws(swarm, prior, options)?;
        let plan = (folds, seed);
        let Some(found) = out_of_fold_from(swarm, prior, options, whole, plan, progress)? else {
            continue;
        };
        let in_regions = region_errors(swarm, prior, options, whole)?;
        let measured = swarm.average_losses().into_iter().enumerate();
        tried.push(CandidateScore {
            options: options.clone(),
            average: found.average.rmse,
            tasks: found.tasks.iter().map(|scores| scores.rmse).collect(),
            regions: in_regions.map(|errors| RegionScore {
                average: root_mean_square(errors.iter().map(|errors| dot(errors, &weights))),
                tasks: (0..weights.len())
                    .map(|task| root_mean_square(errors.iter().map(|errors| errors[task])))
                    .collect(),
                errors: errors.iter().map(|errors| dot(errors, &weights)).collect(),
            }),
            errors: measured
                .map(|(run, y)| dot(found.predictions.row(run), &weights) - y)
                .collect(),
            fold_of: found.fold_of,
        });
    }
    Ok(tried)
}

/// RMSE of the weighted average loss of the *choice* among `tried`: the runs of each fold are predicted by the candidate
/// that is best for the other folds and the regions, so that a candidate that is best by chance is not rewarded for it.
/// `None` when nothing was tried.
///
/// The candidates' own laws are those of [`score_candidates`]; choosing anew costs no fit.
#[must_use]
pub fn choice_error(tried: &[CandidateScore]) -> Option<f64> {
    let fold_of = &tried.first()?.fold_of;
    let folds = 1 + fold_of.iter().max()?;
    let errors = |candidate: &CandidateScore, fold: usize, inside: bool| -> Vec<f64> {
        let errors = candidate.errors.iter().zip(fold_of);
        let chosen = errors.filter(|(_, f)| (**f == fold) == inside);
        chosen.map(|(error, _)| *error).collect()
    };
    let mut found = Vec::with_capacity(fold_of.len());
    for fold in 0..folds {
        let others = |candidate: &CandidateScore| {
            let average = root_mean_square(errors(candidate, fold, false).into_iter());
            both(average, candidate.regions.as_ref().map(|r| r.average))
        };
        let best = tried
            .iter()
            .min_by(|a, b| others(a).total_cmp(&others(b)))?;
        found.extend(errors(best, fold, true));
    }
    Some(root_mean_square(found.into_iter()))
}

fn same_law(a: &LawOptions, b: &LawOptions) -> bool {
    (a.name(), a.timing_rank()) == (b.name(), b.timing_rank())
}

/// The best settings of each law among `tried`, in the order in which the laws first occur; of
/// equal errors the later one is taken, which has the larger ridge. Over phases, laws that know less of timing are first.
#[must_use]
pub fn best_of_each(tried: &[CandidateScore]) -> Vec<&CandidateScore> {
    let mut best: Vec<&CandidateScore> = Vec::new();
    for candidate in tried {
        match best
            .iter_mut()
            .find(|known| same_law(&known.options, &candidate.options))
        {
            None => best.push(candidate),
            Some(known) if candidate.error().total_cmp(&known.error()).is_le() => {
                *known = candidate;
            }
            Some(_) => {}
        }
    }
    best.sort_by_key(|candidate| candidate.options.timing_rank());
    best
}

/// The law with the least [`CandidateScore::error`]; a law that comes earlier in `tried` is simpler
/// and wins where the errors differ by less than [`TIE`]. `None` when nothing was tried.
#[must_use]
pub fn choose(tried: &[CandidateScore]) -> Option<LawOptions> {
    let best = that_tell_timing(&best_of_each(tried));
    simplest(&best, CandidateScore::error).map(|tried| tried.options.clone())
}

/// As [`choose`], for each task by its own error, with the settings of each law that are best for
/// the average.
#[must_use]
pub fn choose_per_task(tried: &[CandidateScore]) -> Option<LawOptions> {
    let best = that_tell_timing(&best_of_each(tried));
    let tasks: Option<Vec<LawOptions>> = (0..best.first()?.tasks.len())
        .map(|task| {
            simplest(&best, |tried| tried.task_error(task)).map(|tried| tried.options.clone())
        })
        .collect();
    Some(LawOptions::PerTask { tasks: tasks? })
}

/// Laws that know more of timing only where they are surely better than the best of those that know less: of several
/// laws with more parameters one is often better by chance. All, where the runs have no phases.
fn that_tell_timing<'a>(best: &[&'a CandidateScore]) -> Vec<&'a CandidateScore> {
    let mut kept: Vec<&CandidateScore> = Vec::new();
    for group in best.chunk_by(|a, b| a.options.timing_rank() == b.options.timing_rank()) {
        let known = kept
            .iter()
            .min_by(|a, b| a.error().total_cmp(&b.error()))
            .copied();
        let better = |one: &&CandidateScore| known.is_none_or(|known| surely_better(one, known));
        kept.extend(group.iter().copied().filter(better));
    }
    kept
}

/// Whether `one` has the lower error, and its absolute errors are below those of `other` by more than [`SURE`] standard
/// errors of the mean of their difference, over the runs in random folds. Squares would leave too much to the few runs
/// with the largest errors.
fn surely_better(one: &CandidateScore, other: &CandidateScore) -> bool {
    let pairs = other.errors.iter().zip(&one.errors);
    let gains: Vec<f64> = pairs.map(|(a, b)| a.abs() - b.abs()).collect();
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    one.error() < other.error() && mean > SURE * (squares / count).sqrt() / count.sqrt()
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
