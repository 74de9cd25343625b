//! Do proxies rank mixtures by the average loss as the target does? What a few target runs say.

use serde::{Deserialize, Serialize};

use super::calibration::{moved, predictions, slopes};
use crate::law::{FittedLaw, average_loss};
use crate::swarm::dot;
use crate::trust::score;
use crate::{Matrix, Swarm};

/// How well the average loss of mixtures is ranked for the target, before and after calibration.
///
/// The error of a prediction is taken from the target runs, each predicted from the others; beside the spread of the
/// average over the proxies' mixtures it makes the rank correlation to expect. With five runs these are rough numbers:
/// over 17 pairs of measured sizes, 0.62 to 0.70 stood for 0.75 to 0.84, and 0.81 to 0.97 for 0.86 to 0.97
/// (`docs/transfer.md`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// RMSE of the average loss of a target run, predicted by the proxies' laws with the level of the other runs and the
    /// scale that all tasks have in common.
    pub level_error: f64,
    /// The same with laws calibrated by the other runs.
    pub calibrated_error: f64,
    /// Rank correlation to expect of the proxies' ranking with the target's, in [0, 1].
    pub level: f64,
    /// The same of the calibrated ranking.
    pub calibrated: f64,
    /// Rank correlation of the two rankings over the proxies' mixtures: 1 where calibration changes nothing.
    pub agreement: Option<f64>,
}

/// From this rank correlation on, the proxies' ranking counts as safe.
const SAFE: f64 = 0.9;
/// Fewer target runs leave no error to speak of.
const LEAST_RUNS: usize = 3;

impl Ranking {
    pub(super) fn new(
        laws: &[FittedLaw],
        calibrated: &[FittedLaw],
        proxies: &Swarm,
        target: &Swarm,
    ) -> Option<Self> {
        let runs = target.len();
        if runs < LEAST_RUNS {
            return None;
        }
        let weights = target.task_weights();
        let measured = target.average_losses();
        let at =
            |laws: &[FittedLaw], k: usize| average_loss(laws, &weights, target.mixtures().row(k));
        let plain: Vec<f64> = (0..runs).map(|k| at(laws, k)).collect();
        let (mut level, mut after) = (0.0, 0.0);
        for k in 0..runs {
            let others: Vec<usize> = (0..runs).filter(|&other| other != k).collect();
            // What all tasks have in common changes no ranks.
            let slopes = slopes(laws, proxies, &target.subset(&others));
            let common = slopes.common();
            let apart = others
                .iter()
                .map(|&other| measured[other] - common * plain[other]);
            let shift = apart.sum::<f64>() / others.len() as f64;
            level += (common * plain[k] + shift - measured[k]).powi(2);
            let laws = moved(laws, &slopes.mean());
            after += (at(&laws, k) - measured[k]).powi(2);
        }
        // A run left out is predicted at a level of one run less.
        let smaller = (runs as f64 - 1.0) / runs as f64;
        let [level, after] = [level, after].map(|squares| smaller * squares / runs as f64);
        let averages = |laws: &[FittedLaw]| -> Vec<f64> {
            let predicted: Matrix = predictions(laws, proxies);
            (0..proxies.len())
                .map(|k| dot(predicted.row(k), &weights))
                .collect()
        };
        let common = slopes(laws, proxies, target).common();
        let (before, calibrated) = (averages(laws), averages(calibrated));
        Some(Self {
            level_error: level.sqrt(),
            calibrated_error: after.sqrt(),
            level: expected(common * common * variance(&before), level),
            calibrated: expected(variance(&calibrated), after),
            agreement: score(&before, &calibrated).spearman,
        })
    }

    /// Whether the proxies' ranking of the average loss holds for the target.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.level >= SAFE && self.agreement.is_none_or(|agreement| agreement >= SAFE)
    }

    /// Whether the calibrated ranking does.
    #[must_use]
    pub fn is_safe_calibrated(&self) -> bool {
        self.calibrated >= SAFE
    }
}

pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64
}

/// The correlation of a signal with itself and an error of this variance; 0 where nothing varies.
pub(super) fn expected(signal: f64, error: f64) -> f64 {
    if signal <= 0.0 {
        return 0.0;
    }
    (signal / (signal + error)).sqrt()
}
