//! `r*` from a swarm: by how well laws with it fit the runs.
//!
//! Laws are fitted for every `r*` of a grid and for no decay at all. The squared residuals of a task sum to a likelihood
//! with a variance of its own, `Σ_i log Σ_k e_ik²`, so that tasks count alike whatever their unit is; `r*` is one number
//! for all domains and tasks. Then runs are drawn anew with replacement and all laws are fitted again. A decay is taken
//! where fewer than 5 % of the resamples are fitted best without, and where it predicts runs that laws were not fitted to
//! better by 3 %, as any law must that is not the simplest; else the swarm does not tell it from none, and the laws have none.

use rand::RngExt;
use rayon::prelude::*;

use super::MeasuredRepetition;
use crate::law::{FittedLaw, Law, LawOptions, Refit, Repeats};
use crate::random::{Purpose, generator};
use crate::trust::{Interval, TIE, out_of_fold};
use crate::{CoreError, Matrix, Swarm};

/// Folds where the fit has none.
const FOLDS: usize = 5;
/// With the 16 values of `r*`, the cost of the bootstrap of a fit ten times over.
const RESAMPLES: usize = 60;
/// A decay is taken where fewer of the resamples have none.
const DOUBT: f64 = 0.05;
/// The share of a law's ridge that `r*` is measured with. The ridge's pull to small coefficients favours a slower decay: of
/// planted ones, `r*` came out 8 % too large with the whole ridge, and 3 % with this.
const RIDGE_SHARE: f64 = 0.1;
/// The `r*` tried, besides an infinite one: so many, ...
const TRIED: i32 = 15;
/// ... from this on, each `√2` times the one before. From the last on (64), ten passes differ from fresh data by less
/// than 7 %.
const LEAST: f64 = 0.5;

/// The `r*` that are tried, in repeats; the last is infinite, the law without decay.
fn grid() -> Vec<f64> {
    let finite = (0..TRIED).map(|i| LEAST * (0.5 * f64::from(i)).exp2());
    finite.chain([f64::INFINITY]).collect()
}

/// What a swarm says of the value of repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatValue {
    /// `r*` as it enters the laws; `None` where the swarm does not tell a decay from none, and the laws have none.
    pub r_star: Option<f64>,
    /// The `r*` that fits best; infinite where that is the law without decay.
    pub best: f64,
    /// Interval of the best `r*` over resampled runs; its ends may be infinite.
    pub interval: Interval,
    /// Coverage that the interval aims at.
    pub confidence: f64,
    /// The share of resamples that are fitted best without decay.
    pub without: f64,
    /// The out-of-fold error with the best `r*`, as a share of that without decay: the geometric mean over tasks of their
    /// RMSE. 1 where the best has no decay.
    pub error_ratio: f64,
    /// Runs that see a domain more than once.
    pub repeating_runs: usize,
    /// How often each domain is seen at most in a run of the swarm (length `m`).
    pub most_epochs: Vec<f64>,
}

/// How runs are fitted.
#[derive(Debug, Clone, Copy)]
pub struct Measuring<'a> {
    /// The natural distribution.
    pub prior: &'a [f64],
    /// The law without decay; one that [`LawOptions::takes_repeats`].
    pub options: &'a LawOptions,
    /// Folds of the cross-validation; 5 where fewer than 2.
    pub folds: usize,
    /// Coverage of the interval, in (0, 1).
    pub confidence: f64,
    /// Seed of folds and resamples.
    pub seed: u64,
}

/// How often [`measure_repeats`] reports progress.
pub(crate) const STEPS: usize = RESAMPLES + TRIED as usize + 1;

/// Measures `r*`. `progress` is called from any thread. Deterministic on any number of threads.
///
/// # Errors
/// [`CoreError::NothingRepeated`]; [`CoreError::Unsupported`] where the runs leave no folds; those of
/// [`LawOptions::fit`].
pub fn measure_repeats(
    swarm: &Swarm,
    repetition: &MeasuredRepetition,
    with: &Measuring<'_>,
    progress: &(dyn Fn() + Sync),
) -> Result<RepeatValue, CoreError> {
    repetition.check(swarm)?;
    let fits = fits(swarm, repetition, with, progress)?;
    let ones = vec![1.0; swarm.len()];
    let best = best(swarm, fits.iter().map(|fit| &fit.laws[..]), &ones);
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| {
            let best = best_of_resample(swarm, &fits, with, resample as u64);
            progress();
            best
        })
        .collect();
    let without = drawn.iter().filter(|r| r.is_infinite()).count() as f64 / drawn.len() as f64;
    let error_ratio = if best.is_finite() {
        let error = |r_star| out_of_fold_error(swarm, &with_r_star(r_star, repetition, with), with);
        (error(best)? - error(f64::INFINITY)?).exp()
    } else {
        1.0
    };
    // Residuals are smaller than the noise by the share that the fit's parameters took up.
    let (runs, live) = (swarm.len() as f64, swarm.live_domains().len());
    let free = (runs - with.options.parameters(live) as f64).max(1.0);
    let widen = (runs / free).sqrt();
    for r_star in drawn
        .iter_mut()
        .filter(|r| r.is_finite() && best.is_finite())
    {
        *r_star = best * (*r_star / best).powf(widen);
    }
    drawn.sort_by(f64::total_cmp);
    let told = best.is_finite() && without < DOUBT && error_ratio * (1.0 + TIE) < 1.0;
    Ok(RepeatValue {
        r_star: told.then_some(best),
        best,
        interval: Interval {
            low: order_statistic(&drawn, 0.5 * (1.0 - with.confidence)),
            high: order_statistic(&drawn, 0.5 * (1.0 + with.confidence)),
        },
        confidence: with.confidence,
        without,
        error_ratio,
        repeating_runs: repetition.repeating_runs(swarm),
        most_epochs: repetition.most_epochs(swarm),
    })
}

fn with_r_star(r_star: f64, repetition: &MeasuredRepetition, with: &Measuring<'_>) -> LawOptions {
    let options = with.options.clone();
    if r_star.is_infinite() {
        return options;
    }
    options.with_repeats(&Repeats {
        r_star,
        epochs: repetition.runs.clone(),
    })
}

/// Laws of all runs for one `r*`.
struct FitAt {
    options: LawOptions,
    laws: Vec<FittedLaw>,
}

/// By [`grid`].
fn fits(
    swarm: &Swarm,
    repetition: &MeasuredRepetition,
    with: &Measuring<'_>,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<FitAt>, CoreError> {
    let fit = |r_star: f64| {
        let options = with_r_star(r_star, repetition, with).with_ridge_share(RIDGE_SHARE);
        let fitted = options.fit(swarm, with.prior, &|| ())?.into_iter();
        progress();
        Ok(FitAt {
            laws: fitted.map(|(law, _)| law).collect(),
            options,
        })
    };
    grid().into_iter().map(fit).collect()
}

fn best_of_resample(swarm: &Swarm, fits: &[FitAt], with: &Measuring<'_>, resample: u64) -> f64 {
    let mut rng = generator(with.seed, Purpose::Repeats, resample);
    let mut counts = vec![0.0; swarm.len()];
    for _ in 0..swarm.len() {
        counts[rng.random_range(0..swarm.len())] += 1.0;
    }
    let rows: Vec<usize> = (0..swarm.len()).filter(|&k| counts[k] > 0.0).collect();
    let drawn: Vec<f64> = rows.iter().map(|&k| counts[k]).collect();
    let part = swarm.subset(&rows);
    let again: Vec<Vec<FittedLaw>> = fits
        .iter()
        .map(|fit| {
            let refit = Refit {
                options: &fit.options,
                laws: &fit.laws,
                prior: with.prior,
            };
            refit.laws(&part, &drawn)
        })
        .collect();
    best(&part, again.iter().map(Vec::as_slice), &drawn)
}

/// The `r*` of the laws that fit best, each run counted `counts` times; laws are given by [`grid`].
fn best<'a>(swarm: &Swarm, laws: impl Iterator<Item = &'a [FittedLaw]>, counts: &[f64]) -> f64 {
    let error = |laws: &[FittedLaw]| {
        let residual = |k: usize, i: usize| {
            laws[i].predict(swarm.mixtures().row(k)) - swarm.losses().get(k, i)
        };
        log_error(&Matrix::from_fn(swarm.len(), laws.len(), residual), counts)
    };
    least(&laws.map(error).collect::<Vec<_>>())
}

/// The logarithm of the out-of-fold RMSE, averaged over tasks.
fn out_of_fold_error(
    swarm: &Swarm,
    options: &LawOptions,
    with: &Measuring<'_>,
) -> Result<f64, CoreError> {
    let folds = if with.folds < 2 { FOLDS } else { with.folds };
    let found = out_of_fold(swarm, with.prior, options, folds, with.seed, &|| ())?;
    let found = found.ok_or_else(|| {
        CoreError::Unsupported(format!(
            "the value of repeats is checked by cross-validation, and {} runs leave no fold that determines the laws",
            swarm.len()
        ))
    })?;
    let error = |k: usize, i: usize| found.predictions.get(k, i) - swarm.losses().get(k, i);
    let errors = Matrix::from_fn(swarm.len(), swarm.tasks().len(), error);
    Ok(0.5 * log_error(&errors, &vec![1.0; swarm.len()]))
}

/// The logarithm of the sum of squares, averaged over tasks (columns of `errors`), each run counted `counts` times.
fn log_error(errors: &Matrix, counts: &[f64]) -> f64 {
    let tasks = errors.columns();
    let mut sums = vec![0.0; tasks];
    for (k, count) in counts.iter().enumerate() {
        for (sum, error) in sums.iter_mut().zip(errors.row(k)) {
            *sum += count * error * error;
        }
    }
    let logs = sums.iter().map(|sum| sum.max(f64::MIN_POSITIVE).ln());
    logs.sum::<f64>() / tasks.max(1) as f64
}

/// The `r*` of the least error, between points of the grid by a parabola in `log r*`. Of equal errors, the slower decay.
fn least(errors: &[f64]) -> f64 {
    let grid = grid();
    let order = (0..errors.len()).rev();
    let Some(at) = order.min_by(|&a, &b| errors[a].total_cmp(&errors[b])) else {
        return f64::INFINITY;
    };
    // The ends of the finite part have a neighbour on one side only.
    if at == 0 || at + 2 >= grid.len() {
        return grid[at];
    }
    let (below, here, above) = (errors[at - 1], errors[at], errors[at + 1]);
    let bend = below - 2.0 * here + above;
    if bend <= 0.0 {
        return grid[at];
    }
    let shift = (0.5 * (below - above) / bend).clamp(-0.5, 0.5);
    grid[at] * (0.5 * shift).exp2()
}

/// Of sorted values: an infinite one is a value like any other, so there is no interpolation.
fn order_statistic(sorted: &[f64], q: f64) -> f64 {
    let at = (q * (sorted.len() - 1) as f64).round();
    // Within the list, as q is within [0, 1].
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let at = at as usize;
    sorted[at]
}
