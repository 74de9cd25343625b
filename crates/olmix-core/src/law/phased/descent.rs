//! The gains of phases: Gauss–Newton steps on their logarithms and fits of the law to the exposures, in turn.
//!
//! With `ρ_sj` the logarithm of the gain of phase `s ≥ 2` relative to the first, `g_sj = e^ρ_sj / Σ_r φ_r e^ρ_rj`, and
//! `ρ_sj = γ_s + δ_sj` with `γ` common to all domains. What is minimized over `γ, δ` is
//!
//! ```text
//! Σ_k w_k (f̂(z_k) − y_k)² + σ² (‖γ‖² / s_γ² + ‖δ‖² / s²)
//! ```
//!
//! with `σ²` the mean square of the residuals, `s` the spread of [`Timing::ByDomain`], and weights `w_k` that hold back
//! runs with large residuals. Contrasts between phases are nearly uncorrelated with amounts where a swarm is drawn to
//! tell them apart, so that the two kinds of steps hardly disturb each other and a few rounds are enough.

use super::{PhasedLaw, PhasedOptions, Timing, exposure};
use crate::Matrix;
use crate::law::registry::{AnyFamily, FittedLaw};
use crate::law::{Cholesky, FitData, Law, weighted_gram};
use faer::Mat;

/// Rounds of steps and fits, at most.
const ROUNDS: usize = 12;
/// Rounds from gains that were found for all runs.
const ROUNDS_AGAIN: usize = 3;
/// Rounds end when the objective falls by less than this share of itself.
const ENOUGH: f64 = 1e-5;
/// Standard deviation `s_γ` of the common logarithm.
const COMMON: f64 = 1.5;
/// Logarithms of gains stay within this of 0.
const BOUND: f64 = 4.0;
/// Residuals beyond this many robust standard deviations count less.
const FAR: f64 = 3.0;

/// The runs that one task's law is fitted to.
pub(super) struct Runs<'a> {
    /// `K × S·m`.
    pub mixtures: &'a Matrix,
    /// `K × 1`.
    pub losses: &'a Matrix,
    /// Length `K`.
    pub weights: &'a [f64],
    /// Domains that some run has in some phase.
    pub live: &'a [usize],
    /// Length `m`.
    pub prior: &'a [f64],
}

/// Gains and law of one task, from the tied law.
pub(super) fn descend(
    options: &PhasedOptions,
    family: &dyn AnyFamily,
    runs: &Runs<'_>,
    tied: FittedLaw,
) -> (Vec<Vec<f64>>, FittedLaw) {
    let fractions = options.phases.fractions();
    let m = runs.mixtures.columns() / fractions.len();
    let start = Gains::tied(fractions, m);
    rounds(options, family, runs, start, tied, ROUNDS)
}

/// The same from a law of other weights of the runs.
pub(super) fn redescend(
    options: &PhasedOptions,
    family: &dyn AnyFamily,
    runs: &Runs<'_>,
    from: &PhasedLaw,
) -> PhasedLaw {
    if options.timing == Timing::Tied {
        let law = refitted(family, runs, &from.gains, &from.law);
        return PhasedLaw {
            gains: from.gains.clone(),
            law,
        };
    }
    let start = Gains::of(options.phases.fractions(), &from.gains);
    let (gains, law) = rounds(options, family, runs, start, from.law.clone(), ROUNDS_AGAIN);
    PhasedLaw { gains, law }
}

fn rounds(
    options: &PhasedOptions,
    family: &dyn AnyFamily,
    runs: &Runs<'_>,
    mut gains: Gains,
    mut law: FittedLaw,
    most: usize,
) -> (Vec<Vec<f64>>, FittedLaw) {
    let mut last = f64::INFINITY;
    for _ in 0..most {
        let step = Step::new(options, runs, &gains, &law);
        let Some(next) = step.next(runs, &gains, &law) else {
            break;
        };
        gains = next;
        law = refitted(family, runs, &gains.values(), &law);
        let now = step.objective(runs, &gains, &law);
        if now > last * (1.0 - ENOUGH) {
            break;
        }
        last = now;
    }
    (gains.values(), law)
}

/// The law fitted to the exposures under these gains, from a law near to it.
fn refitted(
    family: &dyn AnyFamily,
    runs: &Runs<'_>,
    gains: &[Vec<f64>],
    law: &FittedLaw,
) -> FittedLaw {
    let exposures = PhasedOptions::exposures(gains, runs.mixtures);
    let data = FitData {
        mixtures: &exposures,
        live: runs.live,
        losses: runs.losses,
        weights: None,
        prior: runs.prior,
    };
    let found = family.refit(&data, runs.weights, &[(0, law)]).pop();
    found.unwrap_or_else(|| law.clone())
}

/// Logarithms of gains relative to the first phase.
#[derive(Clone)]
struct Gains {
    fractions: Vec<f64>,
    /// `γ`, one per phase but the first.
    common: Vec<f64>,
    /// `δ`, one list of `m` per phase but the first.
    own: Vec<Vec<f64>>,
}

impl Gains {
    fn tied(fractions: Vec<f64>, m: usize) -> Self {
        let others = fractions.len() - 1;
        Self {
            common: vec![0.0; others],
            own: vec![vec![0.0; m]; others],
            fractions,
        }
    }

    /// From gains, with the mean of their logarithms as the common part.
    fn of(fractions: Vec<f64>, gains: &[Vec<f64>]) -> Self {
        let m = gains.first().map_or(0, Vec::len);
        let mut found = Self::tied(fractions, m);
        for (s, of_phase) in gains.iter().enumerate().skip(1) {
            let pairs = of_phase.iter().zip(&gains[0]);
            let logs: Vec<f64> = pairs
                .map(|(g, first)| (g / first).ln().clamp(-BOUND, BOUND))
                .collect();
            let mean = logs.iter().sum::<f64>() / m.max(1) as f64;
            found.common[s - 1] = mean;
            found.own[s - 1] = logs.iter().map(|log| log - mean).collect();
        }
        found
    }

    fn values(&self) -> Vec<Vec<f64>> {
        let m = self.own.first().map_or(0, Vec::len);
        let mut gains = vec![vec![1.0; m]; self.fractions.len()];
        for j in 0..m {
            let log = |s: usize| match s.checked_sub(1) {
                Some(s) => (self.common[s] + self.own[s][j]).clamp(-BOUND, BOUND),
                None => 0.0,
            };
            let pairs = self.fractions.iter().enumerate();
            let mean: f64 = pairs.map(|(s, fraction)| fraction * log(s).exp()).sum();
            for (s, gains) in gains.iter_mut().enumerate() {
                gains[j] = log(s).exp() / mean;
            }
        }
        gains
    }
}

/// A Gauss–Newton step at gains and a law.
struct Step {
    /// Weights of the runs, those of large residuals lowered.
    weights: Vec<f64>,
    /// `σ²/s_γ²` and `σ²/s²`; no second one where the gains are common.
    ridges: (f64, Option<f64>),
}

impl Step {
    fn new(options: &PhasedOptions, runs: &Runs<'_>, gains: &Gains, law: &FittedLaw) -> Self {
        let residuals = residuals(runs, &gains.values(), law);
        let mut sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0);
        let bound = FAR * 1.4826 * median;
        let weigh = |(r, w): (&f64, &f64)| {
            if r.abs() > bound && bound > 0.0 {
                w * bound / r.abs()
            } else {
                *w
            }
        };
        let weights: Vec<f64> = residuals.iter().zip(runs.weights).map(weigh).collect();
        let total: f64 = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let squares = residuals.iter().zip(&weights).map(|(r, w)| w * r * r);
        // Losses that a law meets exactly leave a ridge, as small as rounding.
        let variance = (squares.sum::<f64>() / total).max(1e-24 * mean_square(runs.losses));
        let own = match options.timing {
            Timing::ByDomain(spread) => Some(variance / (spread * spread)),
            Timing::Tied | Timing::Shared => None,
        };
        Self {
            weights,
            ridges: (variance / (COMMON * COMMON), own),
        }
    }

    fn objective(&self, runs: &Runs<'_>, gains: &Gains, law: &FittedLaw) -> f64 {
        let residuals = residuals(runs, &gains.values(), law);
        let squares = residuals.iter().zip(&self.weights).map(|(r, w)| w * r * r);
        let (common, own) = self.ridges;
        let common = gains.common.iter().map(|x| common * x * x);
        let of_domains = gains.own.iter().flatten();
        let own = of_domains.map(|x| own.map_or(0.0, |own| own * x * x));
        squares.sum::<f64>() + common.sum::<f64>() + own.sum::<f64>()
    }

    /// The gains after the step, shortened until the objective falls; `None` where no step lowers it.
    fn next(&self, runs: &Runs<'_>, gains: &Gains, law: &FittedLaw) -> Option<Gains> {
        let change = self.direction(runs, gains, law)?;
        let before = self.objective(runs, gains, law);
        let mut length = 1.0;
        for _ in 0..12 {
            let next = gains.moved(&change, length);
            if self.objective(runs, &next, law) < before {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }

    /// The solution of the normal equations: `γ` of each phase, then `δ` where gains are by domain.
    fn direction(&self, runs: &Runs<'_>, gains: &Gains, law: &FittedLaw) -> Option<Vec<f64>> {
        let values = gains.values();
        let others = gains.common.len();
        let m = values.first().map_or(0, Vec::len);
        let by_domain = self.ridges.1.is_some();
        let size = others * if by_domain { 1 + m } else { 1 };
        let count = runs.mixtures.rows();
        let mut jacobian = Mat::<f64>::zeros(count, size);
        let mut errors = vec![0.0; count];
        for (run, error) in errors.iter_mut().enumerate() {
            let q = runs.mixtures.row(run);
            let z = exposure(&values, q);
            *error = law.predict(&z) - runs.losses.get(run, 0);
            let mut slope = vec![0.0; m];
            law.add_gradient(&z, 1.0, &mut slope);
            for r in 1..=others {
                for j in 0..m {
                    let moved = values[r][j] * (q[r * m + j] - gains.fractions[r] * z[j]);
                    let entry = slope[j] * moved;
                    // A slope at a share of zero may be infinite, where nothing moves.
                    if entry.is_finite() {
                        jacobian[(run, r - 1)] += entry;
                        if by_domain {
                            jacobian[(run, others + (r - 1) * m + j)] = entry;
                        }
                    }
                }
            }
        }
        let mut gram = Mat::zeros(size, size);
        let mut scratch = Mat::zeros(count, size);
        weighted_gram(&jacobian, &self.weights, &mut scratch, gram.as_mut());
        let (common, own) = self.ridges;
        let ridge = |i: usize| {
            if i < others {
                common
            } else {
                own.unwrap_or(0.0)
            }
        };
        let at = |i: usize| {
            if i < others {
                gains.common[i]
            } else {
                gains.own[(i - others) / m][(i - others) % m]
            }
        };
        let mut step: Vec<f64> = (0..size)
            .map(|i| {
                let column = jacobian.col_as_slice(i).iter();
                let pairs = column.zip(&errors).zip(&self.weights);
                -pairs.map(|((j, e), w)| w * j * e).sum::<f64>() - ridge(i) * at(i)
            })
            .collect();
        let mut cholesky = Cholesky::new(size);
        if !cholesky.factor(&gram, ridge) {
            return None;
        }
        cholesky.solve(&mut step);
        step.iter().all(|x| x.is_finite()).then_some(step)
    }
}

impl Gains {
    /// These gains moved along a step; logarithms stay within their bound.
    fn moved(&self, step: &[f64], length: f64) -> Self {
        let mut moved = self.clone();
        let parameters = moved
            .common
            .iter_mut()
            .chain(moved.own.iter_mut().flatten());
        for (parameter, step) in parameters.zip(step) {
            *parameter = (*parameter + length * step).clamp(-BOUND, BOUND);
        }
        moved
    }
}

fn residuals(runs: &Runs<'_>, gains: &[Vec<f64>], law: &FittedLaw) -> Vec<f64> {
    let of_run = |run: usize| {
        let z = exposure(gains, runs.mixtures.row(run));
        law.predict(&z) - runs.losses.get(run, 0)
    };
    (0..runs.mixtures.rows()).map(of_run).collect()
}

fn mean_square(losses: &Matrix) -> f64 {
    let count = losses.rows().max(1) as f64;
    let squares = (0..losses.rows()).map(|run| losses.get(run, 0).powi(2));
    squares.sum::<f64>() / count
}
