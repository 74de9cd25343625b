//! One verdict on how far a proposed mixture can be trusted, from all that a fit knows about itself.

use serde::Serialize;

use crate::{Fit, FitSpec, FitWarning, Swarm};

/// How far a mixture can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustLevel {
    /// Nothing speaks against it.
    Good,
    /// Something does: the mixture is probably better than the prior, its gain is not certain.
    Limited,
    /// The mixture is no better founded than a guess.
    Poor,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrustReason {
    /// Runs are predicted by laws that were fitted without them: rank correlation of the average loss.
    Order {
        /// Spearman correlation, in [−1, 1].
        spearman: f64,
    },
    /// The error of such predictions, beside that of always predicting the mean.
    Error {
        /// Cross-validated RMSE of the average loss.
        rmse: f64,
        /// RMSE of the mean.
        mean_rmse: f64,
    },
    /// What another law of the same runs predicts for the mixture.
    OtherLaw {
        /// The other law's name.
        law: &'static str,
        /// The gain over the prior that it predicts, a fraction.
        gain: f64,
        /// The gain that this law predicts.
        own: f64,
    },
    /// The gain over the prior is less than the error on unseen runs.
    GainWithinError {
        /// The gain, in the unit of the losses.
        gain: f64,
        /// Cross-validated RMSE of the average loss.
        rmse: f64,
    },
    /// Resampled runs do not agree that the mixture is better than the prior.
    IntervalHoldsZero {
        /// Lower end of the interval of the gain, a fraction, at most 0.
        low: f64,
        /// Upper end.
        high: f64,
        /// Coverage of the interval, in (0, 1).
        confidence: f64,
    },
    /// Tasks whose laws predict unseen runs no better than the mean does, where they are much of the average.
    NoBetterThanMean {
        /// Names of the tasks.
        tasks: Vec<String>,
        /// Their share in the average loss, in [0, 1].
        weight: f64,
    },
    /// No cross-validation was asked for.
    NotAsked,
    /// A warning of the fit.
    Warned {
        /// The warning.
        warning: FitWarning,
    },
}

/// How far a mixture can be trusted, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The level: that of the reason that speaks most against it.
    pub level: TrustLevel,
    /// What speaks against it, the worst first; what speaks for it where nothing does.
    pub reasons: Vec<TrustReason>,
}

/// Rank correlations of the average loss from which the order of unseen runs is right, and right for the most part.
const RIGHT_ORDER: f64 = 0.8;
const HALF_RIGHT: f64 = 0.5;
/// Errors, as shares of the mean's, up to which a law explains most of the differences, and above which hardly any.
const EXPLAINS: f64 = 0.6;
const EXPLAINS_NOTHING: f64 = 0.9;
/// Tasks without a useful law matter from this share of the average loss on.
const MUCH: f64 = 0.25;
/// Another law agrees when it sees this share of the gain or more.
const AGREED: f64 = 0.5;

impl TrustReason {
    /// The level that the reason alone gives.
    #[must_use]
    pub fn level(&self) -> TrustLevel {
        let by = |value: f64, good: f64, limited: f64| match value {
            value if value >= good => TrustLevel::Good,
            value if value >= limited => TrustLevel::Limited,
            _ => TrustLevel::Poor,
        };
        match self {
            Self::Order { spearman } => by(*spearman, RIGHT_ORDER, HALF_RIGHT),
            Self::Error { rmse, mean_rmse } => by(-rmse / mean_rmse, -EXPLAINS, -EXPLAINS_NOTHING),
            Self::OtherLaw { gain, own, .. } => by(gain / own, AGREED, f64::NEG_INFINITY),
            Self::GainWithinError { .. } | Self::NoBetterThanMean { .. } => TrustLevel::Limited,
            Self::IntervalHoldsZero { .. } | Self::NotAsked => TrustLevel::Poor,
            Self::Warned { warning } => match warning {
                FitWarning::NotChecked { .. }
                | FitWarning::GainNotEstablished { .. }
                | FitWarning::Undetermined { .. }
                | FitWarning::ImplausiblePrior { .. } => TrustLevel::Poor,
                FitWarning::FailedResamples { .. } | FitWarning::Copied { .. } => TrustLevel::Good,
                FitWarning::MostlyNoise { weight, .. } if *weight < MUCH => TrustLevel::Good,
                FitWarning::RankingUnsafe { ranking, .. } if ranking.is_safe_calibrated() => {
                    TrustLevel::Good
                }
                _ => TrustLevel::Limited,
            },
        }
    }
}

impl Fit {
    /// The verdict on the proposed mixture. `swarm` holds the runs that were trained on. `None` where no mixture was
    /// proposed from laws, and where the worst mixture was asked for.
    #[must_use]
    pub fn verdict(&self, swarm: &Swarm, spec: &FitSpec) -> Option<Verdict> {
        let proposal = self.proposal.as_ref()?;
        let natural = proposal.natural_average?;
        if self.optimizer.as_ref()?.is_worst() {
            return None;
        }
        let mut reasons = Vec::new();
        if let Some(checked) = &self.out_of_fold {
            let average = &checked.average;
            reasons.extend(
                average
                    .spearman
                    .map(|spearman| TrustReason::Order { spearman }),
            );
            reasons.push(TrustReason::Error {
                rmse: average.rmse,
                mean_rmse: average.mean_rmse,
            });
            let gain = natural - proposal.predicted_average;
            // For a target, that of target runs counts where it is larger.
            let ranking = self.calibration.as_ref().and_then(|c| c.ranking);
            let rmse = ranking.map_or(average.rmse, |r| average.rmse.max(r.calibrated_error));
            if gain > 0.0 && gain < rmse {
                reasons.push(TrustReason::GainWithinError { gain, rmse });
            }
            let (weights, useless) = (swarm.task_weights(), &checked.no_better_than_mean);
            let weight: f64 = useless.iter().map(|&task| weights[task]).sum();
            if weight >= MUCH {
                let name = |&task: &usize| swarm.tasks()[task].name.clone();
                let tasks = useless.iter().map(name).collect();
                reasons.push(TrustReason::NoBetterThanMean { tasks, weight });
            }
        } else if spec.folds < 2 {
            reasons.push(TrustReason::NotAsked);
        }
        if let Some(bootstrap) = proposal.bootstrap.as_ref().filter(|b| b.gain.low <= 0.0) {
            reasons.push(TrustReason::IntervalHoldsZero {
                low: bootstrap.gain.low,
                high: bootstrap.gain.high,
                confidence: bootstrap.confidence,
            });
        }
        let (weights, prior) = (swarm.task_weights(), spec.prior.weights());
        let own = 1.0 - proposal.predicted_average / natural;
        reasons.extend(self.alternatives.iter().map(|other| TrustReason::OtherLaw {
            law: other.options.name(),
            gain: other.gain(&weights, proposal.mixture.weights(), prior),
            own,
        }));
        let warned = |warning| TrustReason::Warned { warning };
        reasons.extend(self.warnings(swarm, spec).into_iter().map(warned));
        Some(Verdict::of(reasons))
    }
}

impl Verdict {
    /// The verdict that reasons give together.
    fn of(mut reasons: Vec<TrustReason>) -> Self {
        let level = reasons.iter().map(TrustReason::level).max();
        let level = level.unwrap_or(TrustLevel::Poor);
        if level > TrustLevel::Good {
            reasons.retain(|reason| reason.level() > TrustLevel::Good);
            // Those of one level stay in their order.
            reasons.sort_by_key(|reason| std::cmp::Reverse(reason.level()));
        }
        Self { level, reasons }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: TrustReason = TrustReason::Order { spearman: 0.95 };
    const ERROR: TrustReason = TrustReason::Error {
        rmse: 0.01,
        mean_rmse: 0.1,
    };

    #[test]
    fn a_verdict_is_that_of_the_worst_reason_and_names_it_first() {
        let good = Verdict::of(vec![ORDER, ERROR]);
        assert_eq!((good.level, good.reasons.len()), (TrustLevel::Good, 2));
        let within = TrustReason::GainWithinError {
            gain: 0.001,
            rmse: 0.01,
        };
        let zero = TrustReason::IntervalHoldsZero {
            low: -0.01,
            high: 0.2,
            confidence: 0.9,
        };
        let poor = Verdict::of(vec![ORDER, within.clone(), ERROR, zero.clone()]);
        assert_eq!(poor.level, TrustLevel::Poor);
        assert_eq!(poor.reasons, [zero, within]);
        assert_eq!(Verdict::of(Vec::new()).level, TrustLevel::Poor);
    }

    #[test]
    fn errors_and_orders_that_are_no_numbers_are_poor() {
        let error = TrustReason::Error {
            rmse: f64::NAN,
            mean_rmse: 0.1,
        };
        let order = TrustReason::Order { spearman: f64::NAN };
        assert_eq!(
            (error.level(), order.level()),
            (TrustLevel::Poor, TrustLevel::Poor)
        );
        let half = TrustReason::Order { spearman: 0.6 };
        assert_eq!(
            (half.level(), ORDER.level()),
            (TrustLevel::Limited, TrustLevel::Good)
        );
    }
}
