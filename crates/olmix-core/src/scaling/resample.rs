//! Intervals at a target: the law of all sizes drawn again and again, and fitted and solved each time.

use rayon::prelude::*;

use super::Scaled;
use crate::law::{FittedLaw, Refit, average_loss};
use crate::trust::{Bootstrap, Interval, Resampling, interval};
use crate::{CoreError, Matrix};

/// Losses at the target, with intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledLosses {
    /// Weighted average loss of the proposed mixture.
    pub proposed: Interval,
    /// Weighted average loss of the prior.
    pub natural: Interval,
}

/// As [`crate::trust::bootstrap`], of the joint law: whole mixtures are drawn, with all their sizes and checkpoints,
/// and with each draw exponents and errors of sizes. `rows` are the mixtures that were trained on, as positions in the
/// swarm at the target. `propose` turns laws into a mixture. Deterministic on any number of threads.
///
/// # Errors
/// [`CoreError::SolverFailed`] when no resample led to a mixture.
pub fn resample_scaled(
    scaled: &Scaled,
    rows: &[usize],
    task_weights: &[f64],
    with: &Resampling<'_>,
    propose: &(dyn Fn(&[FittedLaw]) -> Result<Vec<f64>, CoreError> + Sync),
    progress: &(dyn Fn() + Sync),
) -> Result<(Bootstrap, ScaledLosses), CoreError> {
    let refit = Refit {
        options: with.options,
        laws: with.laws,
        prior: with.natural,
    };
    let outcomes: Vec<Option<(Vec<f64>, [f64; 2])>> = (0..with.resamples)
        .into_par_iter()
        .map(|number| {
            let outcome = scaled.law.draw(scaled.target, with.seed, number as u64);
            let outcome = outcome.ok().and_then(|draw| {
                let drawn: Vec<usize> = rows
                    .iter()
                    .copied()
                    .filter(|&k| draw.counts[k] > 0.0)
                    .collect();
                let counts: Vec<f64> = drawn.iter().map(|&k| draw.counts[k]).collect();
                let laws = refit.laws(&draw.swarm.subset(&drawn), &counts);
                let loss = |p: &[f64]| average_loss(&laws, task_weights, p);
                let losses = [loss(with.proposed), loss(with.natural)];
                propose(&laws).ok().map(|mixture| (mixture, losses))
            });
            progress();
            outcome
        })
        .collect();
    let kept: Vec<(Vec<f64>, [f64; 2])> = outcomes.into_iter().flatten().collect();
    if kept.is_empty() {
        return Err(CoreError::SolverFailed(
            "no resample of the runs led to a mixture".into(),
        ));
    }
    let of = |value: &dyn Fn(&[f64; 2]) -> f64| -> Vec<f64> {
        kept.iter().map(|(_, losses)| value(losses)).collect()
    };
    let gains = of(&|[proposed, natural]| 1.0 - proposed / natural);
    let mixtures = Matrix::from_fn(kept.len(), with.natural.len(), |b, j| kept[b].0[j]);
    let bootstrap = Bootstrap {
        confidence: with.confidence,
        weights: (0..mixtures.columns())
            .map(|j| interval(&mixtures.column(j), with.confidence))
            .collect(),
        gain: interval(&gains, with.confidence),
        failed: with.resamples - kept.len(),
        gains,
        mixtures,
    };
    let losses = ScaledLosses {
        proposed: interval(&of(&|losses| losses[0]), with.confidence),
        natural: interval(&of(&|losses| losses[1]), with.confidence),
    };
    Ok((bootstrap, losses))
}
