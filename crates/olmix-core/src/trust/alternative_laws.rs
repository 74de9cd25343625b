//! Alternative laws, fitted to the same runs, that a law and its mixture are compared with.
//!
//! The law decides the mixture more than the solver does, and a mixture always looks good to the law
//! it was made with. So every fit is judged by two quick laws of different kinds too: is one of them
//! far better out of fold, and do they see the gain that is claimed?

use super::Scores;
use super::folds::{out_of_fold_from, whole_laws};
use crate::law::{FittedLaw, LawOptions, LogLinearOptions, SaturatingOptions, average_loss};
use crate::{CoreError, Swarm};

/// The ridge of the log-linear alternative: enough to keep it sane where no run was near.
const RIDGE: f64 = 3e-5;

/// The laws that others are compared with: log-linear with a small ridge, and saturating.
#[must_use]
pub fn reference_laws() -> [LawOptions; 2] {
    [
        LawOptions::LogLinear(LogLinearOptions {
            ridge: RIDGE,
            ..LogLinearOptions::default()
        }),
        LawOptions::Saturating(SaturatingOptions::default()),
    ]
}

/// Another law of the same runs.
#[derive(Debug, Clone, PartialEq)]
pub struct AlternativeLaw {
    /// The law with its settings.
    pub options: LawOptions,
    /// Out-of-fold scores of the average loss, on the folds of the law it is compared with.
    pub average: Scores,
    /// Fitted to all runs, one per task.
    pub laws: Vec<FittedLaw>,
}

impl AlternativeLaw {
    /// The weighted average of the losses it predicts at `p`.
    #[must_use]
    pub fn loss(&self, task_weights: &[f64], p: &[f64]) -> f64 {
        average_loss(&self.laws, task_weights, p)
    }

    /// The share by which `p` is better than `baseline`.
    #[must_use]
    pub fn gain(&self, task_weights: &[f64], p: &[f64], baseline: &[f64]) -> f64 {
        1.0 - self.loss(task_weights, p) / self.loss(task_weights, baseline)
    }
}

/// Fits the [`reference_laws`] of another kind than `options`; those that the runs do not determine are
/// left out. Costs `folds + 1` fits each.
///
/// # Errors
/// As [`LawOptions::fit`].
pub fn alternative_laws(
    swarm: &Swarm,
    prior: &[f64],
    options: &LawOptions,
    folds: usize,
    seed: u64,
) -> Result<Vec<AlternativeLaw>, CoreError> {
    let mut found = Vec::new();
    for law in reference_laws() {
        if law.name() == options.name() {
            continue;
        }
        let law = match options.repeats().filter(|_| law.takes_repeats()) {
            Some(repeats) => law.with_repeats(repeats),
            None => law,
        };
        // The same fit that the folds start from, where they do.
        let mut laws = whole_laws(swarm, prior, &law)?;
        let checked = out_of_fold_from(swarm, prior, &law, &laws, (folds, seed), &|| ())?;
        if let Some(checked) = checked {
            if laws.is_empty() {
                let fitted = law.fit(swarm, prior, &|| ())?;
                laws = fitted.into_iter().map(|(law, _)| law).collect();
            }
            found.push(AlternativeLaw {
                average: checked.average,
                laws,
                options: law,
            });
        }
    }
    Ok(found)
}
