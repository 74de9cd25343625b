//! The words for the verdict on a mixture: the same on the terminal and in the report.

use olmix_core::trust::{TrustLevel, TrustReason, Verdict};
use olmix_core::{Compared, FitSpec, FitWarning, LawKind, Ridge};

use crate::messages::first_few;

/// A verdict in words. Plain text, with names from outside in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictWords {
    /// `good`, `limited` or `poor`.
    pub level: &'static str,
    /// Why, in a sentence without its full stop. Begins with a capital letter.
    pub why: String,
    /// What would raise it, such as `more runs`; empty where it is good, and where nothing is known to.
    pub remedies: Vec<String>,
}

impl VerdictWords {
    /// All of it in one or two sentences: `good. Unseen runs …`.
    #[must_use]
    pub fn sentences(&self) -> String {
        let mut text = format!("{}. {}.", self.level, self.why);
        if !self.remedies.is_empty() {
            text += &format!(" What would raise it: {}.", self.remedies.join("; "));
        }
        text
    }
}

/// At most so many reasons are named, and at most so many names in one.
const REASONS: usize = 3;
const NAMES: usize = 3;

/// The words for a verdict on a fit made by `spec`.
#[must_use]
pub fn verdict_words(verdict: &Verdict, spec: &FitSpec) -> VerdictWords {
    let named = &verdict.reasons[..verdict.reasons.len().min(REASONS)];
    let why: Vec<String> = named.iter().map(reason).collect();
    let mut remedies: Vec<String> = Vec::new();
    if verdict.level > TrustLevel::Good {
        for remedy in verdict.reasons.iter().filter_map(|one| remedy(one, spec)) {
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
        remedies.truncate(REASONS);
    }
    VerdictWords {
        level: match verdict.level {
            TrustLevel::Good => "good",
            TrustLevel::Limited => "limited",
            TrustLevel::Poor => "poor",
        },
        why: capitalized(&why.join("; ")),
        remedies,
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// A share in percent, with as many digits as a reader compares.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent.abs() {
        size if size >= 10.0 => format!("{percent:.0} %"),
        size if size >= 1.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.2} %"),
    }
}

fn law_name(law: &str) -> String {
    law.replace('_', "-")
}

fn place(at: Compared) -> &'static str {
    match at {
        Compared::Prior => "prior",
        Compared::Proposal => "proposed mixture",
    }
}

/// A reason as a part of a sentence.
fn reason(reason: &TrustReason) -> String {
    match reason {
        TrustReason::Order { spearman } => {
            let order = match reason.level() {
                TrustLevel::Good => "unseen runs are predicted in the right order",
                TrustLevel::Limited => "unseen runs are predicted in roughly the right order only",
                TrustLevel::Poor => "the order of unseen runs is not predicted",
            };
            format!("{order} (rank correlation {spearman:.3})")
        }
        TrustReason::Error { rmse, mean_rmse } => format!(
            "the error on unseen runs is {} of what guessing their mean gives",
            percent(rmse / mean_rmse)
        ),
        TrustReason::OtherLaw { law, gain, .. } => {
            let law = law_name(law);
            match reason.level() {
                TrustLevel::Good => {
                    format!(
                        "a {law} law of the same runs sees a gain, too ({})",
                        percent(*gain)
                    )
                }
                _ if *gain > 0.0 => {
                    format!(
                        "a {law} law of the same runs expects a gain of {} only",
                        percent(*gain)
                    )
                }
                _ => format!("a {law} law of the same runs expects no gain"),
            }
        }
        TrustReason::GainWithinError { gain, rmse } => format!(
            "the predicted gain ({gain:.4}) is smaller than the error on unseen runs ({rmse:.4})"
        ),
        TrustReason::IntervalHoldsZero {
            low,
            high,
            confidence,
        } => format!(
            "resampled runs do not agree that the mixture is better than the prior ({} interval of the gain {} to {})",
            percent(*confidence),
            percent(*low),
            percent(*high)
        ),
        TrustReason::NoBetterThanMean { tasks, weight } => format!(
            "the laws of {} are no better than the mean of the runs, and these tasks are {} of the average",
            first_few(tasks.clone(), NAMES),
            percent(*weight)
        ),
        TrustReason::NotAsked => {
            "without cross-validation, nothing shows that the laws predict other mixtures"
                .to_owned()
        }
        TrustReason::Warned { warning } => warned(warning),
    }
}

/// A warning as a part of a sentence, shorter than the warning itself.
fn warned(warning: &FitWarning) -> String {
    match warning {
        FitWarning::Held { domains } => {
            format!("no run sampled {}", first_few(domains.clone(), NAMES))
        }
        FitWarning::Undetermined { directions, of } => {
            format!("the mixtures of the runs do not vary in {directions} of {of} directions")
        }
        FitWarning::NotChecked { runs } => {
            format!(
                "{runs} runs are too few for cross-validation, so nothing shows that the laws predict other mixtures"
            )
        }
        FitWarning::Explosions { count, .. } => {
            let of = match count {
                1 => "1 prediction of an unseen run is".to_owned(),
                many => format!("{many} predictions of unseen runs are"),
            };
            format!("{of} far outside of anything measured")
        }
        FitWarning::ImplausiblePrior { .. } => {
            "the loss predicted at the prior is far outside of the measured ones".to_owned()
        }
        FitWarning::Outdone { law, .. } => {
            format!("a {} law predicts unseen runs far better", law_name(law))
        }
        FitWarning::BetterNotConvex { law, .. } => format!(
            "a {} law, which the exact optimizer can't take, predicts unseen runs better",
            law_name(law)
        ),
        FitWarning::GainNotEstablished { law, at, .. } => format!(
            "a {} law of the same runs disagrees about the {} by more than the gain",
            law_name(law),
            place(*at)
        ),
        FitWarning::RankingUnsafe { ranking, .. } if ranking.is_safe_calibrated() => format!(
            "the proxies' ranking of the average does not hold for the target, the calibrated one does (rank correlation \
             {:.2} to expect)",
            ranking.calibrated
        ),
        FitWarning::RankingUnsafe { ranking, .. } => format!(
            "target runs are not ranked well even after calibration (rank correlation {:.2} to expect)",
            ranking.calibrated
        ),
        FitWarning::NotConverged { tasks } => {
            format!(
                "the fit of {} did not converge",
                first_few(tasks.clone(), NAMES)
            )
        }
        FitWarning::FailedResamples { failed, resamples } => {
            format!("{failed} of {resamples} resamples led to no mixture")
        }
        FitWarning::MostlyNoise { tasks, weight, .. } => {
            let names = tasks.iter().map(|(name, _)| name.clone());
            format!(
                "{} differ less over mixtures than over runs of one mixture, and are {} of the average",
                first_few(names, NAMES),
                percent(*weight)
            )
        }
        FitWarning::Copied { runs } => format!("{} runs are copies of others", runs.len()),
        FitWarning::Extrapolates { .. } => {
            "the mixture extrapolates: it is beyond what the runs determine".to_owned()
        }
    }
}

/// What would help against a reason.
fn remedy(reason: &TrustReason, spec: &FitSpec) -> Option<String> {
    let ridge = || match spec.ridge {
        Some(Ridge::Auto) => "more runs".to_owned(),
        _ => "`--ridge auto`".to_owned(),
    };
    let remedy = match reason {
        TrustReason::Order { .. } | TrustReason::Error { .. } if spec.law == LawKind::Auto => {
            "more runs".to_owned()
        }
        TrustReason::Order { .. } | TrustReason::Error { .. } => {
            "more runs, or another law (`--set regression.type=auto`)".to_owned()
        }
        TrustReason::GainWithinError { .. }
        | TrustReason::IntervalHoldsZero { .. }
        | TrustReason::OtherLaw { .. } => "more runs near the proposed mixture".to_owned(),
        TrustReason::NoBetterThanMean { .. } => {
            "without these tasks, or with less weight for them".to_owned()
        }
        TrustReason::NotAsked => "cross-validation (`--folds 5`)".to_owned(),
        TrustReason::Warned { warning } => match warning {
            FitWarning::Held { domains } => {
                format!("runs with {}", first_few(domains.clone(), NAMES))
            }
            FitWarning::Undetermined { .. } => {
                "runs that vary each domain independently".to_owned()
            }
            FitWarning::NotChecked { .. } => "more runs".to_owned(),
            FitWarning::Explosions { .. } | FitWarning::ImplausiblePrior { .. } => ridge(),
            FitWarning::Outdone { .. } => "`--set regression.type=auto`".to_owned(),
            FitWarning::BetterNotConvex { .. } => {
                "a proposal by that law (`--set proposer.type=local`)".to_owned()
            }
            FitWarning::GainNotEstablished { at, .. } => {
                format!("a proxy run on the {}", place(*at))
            }
            FitWarning::RankingUnsafe { .. } => {
                "more runs of the target (`olmix plan --calibrate`), one on the proposed mixture among them".to_owned()
            }
            FitWarning::Extrapolates { .. } => "more runs near the proposed mixture".to_owned(),
            FitWarning::MostlyNoise { .. } => {
                "without these tasks, or with less weight for them".to_owned()
            }
            FitWarning::NotConverged { .. }
            | FitWarning::FailedResamples { .. }
            | FitWarning::Copied { .. } => return None,
        },
    };
    Some(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use olmix_core::{DomainSet, Mixture};

    fn spec() -> FitSpec {
        let domains = DomainSet::from_names(["a", "b"]).unwrap();
        FitSpec::new(Mixture::new(domains, vec![0.5, 0.5]).unwrap())
    }

    #[test]
    fn verdicts_say_why_and_what_would_raise_them() {
        let verdict = |level, reasons: &[TrustReason]| Verdict {
            level,
            reasons: reasons.to_vec(),
        };
        let good = verdict(
            TrustLevel::Good,
            &[
                TrustReason::Order { spearman: 0.996 },
                TrustReason::Error {
                    rmse: 0.008,
                    mean_rmse: 0.1,
                },
                TrustReason::OtherLaw {
                    law: "log_linear",
                    gain: 0.1656,
                    own: 0.18,
                },
            ],
        );
        assert_eq!(
            verdict_words(&good, &spec()).sentences(),
            "good. Unseen runs are predicted in the right order (rank correlation 0.996); the error on unseen runs is \
             8.0 % of what guessing their mean gives; a log-linear law of the same runs sees a gain, too (17 %)."
        );
        let poor = verdict(
            TrustLevel::Poor,
            &[
                TrustReason::NotAsked,
                TrustReason::Warned {
                    warning: FitWarning::Held {
                        domains: vec!["a".into()],
                    },
                },
            ],
        );
        assert_eq!(
            verdict_words(&poor, &spec()).sentences(),
            "poor. Without cross-validation, nothing shows that the laws predict other mixtures; no run sampled a. What \
             would raise it: cross-validation (`--folds 5`); runs with a."
        );
    }
}
