//! One word on how far a mixture can be trusted, the reasons for it, and what would raise it.

use olmix_core::{FitWarning, LawKind, Proposal};

use super::ReportInput;
use crate::format::{count, percent_short};

/// How far the predictions can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    Good,
    Limited,
    Poor,
}

impl Trust {
    /// A sign that tells the three apart without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Limited => "◐",
            Self::Poor => "○",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Limited => "limited",
            Self::Poor => "poor",
        }
    }
}

/// What speaks for a degree of trust, in plain words.
struct Reason {
    trust: Trust,
    why: String,
    /// What would mend it.
    cure: &'static str,
}

/// A verdict: the lowest degree that anything speaks for. Texts are plain, without markup.
pub struct Verdict {
    pub trust: Trust,
    /// Sentences, the gravest first.
    pub reasons: Vec<String>,
    /// What would raise it.
    pub cures: Vec<&'static str>,
}

/// Of runs that the laws had not seen, this share of the error of always guessing the average is good, ...
const GOOD: f64 = 0.5;
/// ... and above this the laws hardly know more than the average does.
const POOR: f64 = 0.9;

const MORE_RUNS: &str = "more runs (`olmix plan --runs` says what they buy)";
const OTHER_LAW: &str = "a law chosen by its error (`regression: {type: auto, ridge: auto}`)";
const CHECK: &str = "cross-validation (`diagnostics.folds`)";
const CONFIRM: &str =
    "a larger model trained on this mixture and one on the prior, which would test it directly";

/// What the checks of a fit come to.
pub fn verdict(input: &ReportInput, proposal: &Proposal) -> Verdict {
    let mut reasons = predictions(input);
    reasons.extend(warned(input));
    reasons.extend(gain(input, proposal));
    // Stable: what was found first comes first among equals.
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.trust));
    let trust = reasons.first().map_or(Trust::Limited, |first| first.trust);
    let decisive = reasons.iter().filter(|reason| reason.trust == trust);
    let mut cures: Vec<&str> = decisive.clone().map(|reason| reason.cure).collect();
    let mut seen = Vec::new();
    cures.retain(|cure| {
        let new = !seen.contains(cure);
        seen.push(*cure);
        new
    });
    Verdict {
        trust,
        reasons: decisive.map(|reason| reason.why.clone()).collect(),
        cures,
    }
}

/// How well the laws predict runs that they have not seen.
fn predictions(input: &ReportInput) -> Vec<Reason> {
    let Some(folds) = &input.fit.out_of_fold else {
        return vec![Reason {
            trust: Trust::Limited,
            why: "Nobody checked how well the laws predict runs that they have not seen."
                .to_owned(),
            cure: CHECK,
        }];
    };
    let left = folds.average.rmse / folds.average.mean_rmse;
    let trust = if left <= GOOD {
        Trust::Good
    } else if left <= POOR {
        Trust::Limited
    } else {
        // Not a number, too.
        Trust::Poor
    };
    let why = if left.is_nan() || left > 1.05 {
        "On runs that they have not seen, the laws do worse than guessing the average of all runs."
            .to_owned()
    } else if trust == Trust::Poor {
        "On runs that they have not seen, the laws are hardly better than guessing the average of all runs."
            .to_owned()
    } else {
        format!(
            "On runs that they have not seen, the error of the laws is {} of that of always guessing the \
             average of all runs.",
            percent_short(left)
        )
    };
    let cure = match (trust, input.spec.law) {
        (Trust::Good, _) => CONFIRM,
        (_, LawKind::Auto) => MORE_RUNS,
        _ => OTHER_LAW,
    };
    let mut reasons = vec![Reason { trust, why, cure }];
    if trust != Trust::Good && cure != MORE_RUNS {
        reasons.push(Reason {
            trust,
            why: String::new(),
            cure: MORE_RUNS,
        });
    }
    let tasks = input.swarm.tasks();
    let blind = folds
        .no_better_than_mean
        .iter()
        .filter_map(|&i| tasks.get(i));
    let share: f64 = blind.map(|task| task.weight).sum();
    if share > 0.25 {
        reasons.push(Reason {
            trust: Trust::Limited,
            why: format!(
                "{} of the average is tasks that the laws can't predict.",
                percent_short(share)
            ),
            cure: MORE_RUNS,
        });
    }
    reasons
}

/// What the warnings of the fit mean for the mixture.
fn warned(input: &ReportInput) -> Vec<Reason> {
    let reason = |warning: FitWarning| {
        let (trust, why, cure) = match warning {
            FitWarning::ImplausiblePrior { .. } => (
                Trust::Poor,
                "The loss predicted for the prior is far from everything that was measured, so that the \
                 improvement over it means nothing."
                    .to_owned(),
                OTHER_LAW,
            ),
            FitWarning::GainNotEstablished { .. } => (
                Trust::Poor,
                "Another law, fitted to the same runs, disagrees by more than the whole improvement."
                    .to_owned(),
                MORE_RUNS,
            ),
            FitWarning::Outdone { .. } => (
                Trust::Limited,
                "Another law predicts unseen runs far better than this one.".to_owned(),
                OTHER_LAW,
            ),
            FitWarning::Explosions { count: n, .. } => (
                Trust::Limited,
                format!(
                    "{} of unseen runs {} far outside of anything measured.",
                    count(n, "prediction"),
                    if n == 1 { "is" } else { "are" }
                ),
                OTHER_LAW,
            ),
            FitWarning::Undetermined { .. } => (
                Trust::Limited,
                "The runs never varied some domains against each other.".to_owned(),
                MORE_RUNS,
            ),
            _ => return None,
        };
        Some(Reason { trust, why, cure })
    };
    let warnings = input.fit.warnings(input.swarm, input.spec).into_iter();
    warnings.filter_map(reason).collect()
}

/// Whether the improvement stands out from chance, and what rivals say of it.
fn gain(input: &ReportInput, proposal: &Proposal) -> Vec<Reason> {
    let Some(natural) = proposal.natural_average else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    if let Some(bootstrap) = &proposal.bootstrap
        && bootstrap.gain.low <= 0.0
    {
        reasons.push(Reason {
            trust: Trust::Limited,
            why: "With the runs drawn again by chance, the improvement can vanish.".to_owned(),
            cure: MORE_RUNS,
        });
    }
    let claimed = natural - proposal.predicted_average;
    if let Some(folds) = &input.fit.out_of_fold
        && claimed < folds.average.rmse
    {
        reasons.push(Reason {
            trust: Trust::Limited,
            why: "The improvement is smaller than the error of a prediction.".to_owned(),
            cure: MORE_RUNS,
        });
    }
    let weights = input.swarm.task_weights();
    let mixture = proposal.mixture.weights();
    let prior = input.spec.prior.weights();
    let rivals = input.fit.alternatives.iter();
    let least = rivals
        .map(|rival| rival.gain(&weights, mixture, prior))
        .fold(f64::INFINITY, f64::min);
    let own = claimed / natural;
    if least < 0.5 * own {
        reasons.push(Reason {
            trust: Trust::Limited,
            why: if least > 0.0 {
                format!(
                    "Another law, fitted to the same runs, expects an improvement of {} only.",
                    percent_short(least)
                )
            } else {
                "Another law, fitted to the same runs, expects no improvement.".to_owned()
            },
            cure: MORE_RUNS,
        });
    }
    reasons
}
