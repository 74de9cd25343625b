//! The words for what the method warns of and refuses: the same on the terminal, in `mixture.json`
//! and in the report. Settings are called by their keys and flags here, and nowhere in `olmix-core`.

mod objective;
mod phases;
mod repetition;
mod runs;
mod scale;

use olmix_core::calibrate::Ranking;
use olmix_core::{Compared, CoreError, Fit, FitSpec, FitWarning, Swarm};

use crate::messages::first_few;

pub use objective::{fact_sentences, objective_sentences};
pub use phases::phase_sentences;
pub use repetition::repetition_sentences;
pub use runs::run_sentences;
pub use scale::scale_sentences;

/// What speaks against trusting a fit, one sentence each. `trained` holds the runs it was fitted to.
#[must_use]
pub fn fit_warnings(fit: &Fit, trained: &Swarm, spec: &FitSpec) -> Vec<String> {
    fit.warnings(trained, spec)
        .iter()
        .map(warning_sentence)
        .collect()
}

/// At most this many names are listed.
const NAMES: usize = 5;

/// Three decimals, or a power of ten for what is too large to read.
fn readable(value: f64) -> String {
    if value.abs() < 1e6 {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

/// What helps against laws that explode.
fn cure(ridge_chosen: bool) -> &'static str {
    if ridge_chosen {
        "The ridge chosen by cross-validation does not prevent it; more runs would."
    } else {
        "Set `regression.ridge: auto`, or pass --ridge auto."
    }
}

/// Another law sees the gain otherwise.
fn not_established(warning: &FitWarning) -> String {
    let FitWarning::GainNotEstablished {
        claimed,
        at,
        rmse,
        law,
        other_rmse,
        other,
        own,
        nearest_run,
        distance,
    } = warning
    else {
        return String::new();
    };
    let place = match at {
        Compared::Prior => "prior",
        Compared::Proposal => "proposed mixture",
    };
    format!(
        "the gain is not established: it is {claimed:.3}, but at the {place} a {} law, whose cross-validated RMSE \
         is {} and that of this law {}, predicts {} where this one predicts {}. A proxy run on the {place} would \
         settle it; the nearest, `{nearest_run}`, differs in {:.0} % of its data",
        law.replace('_', "-"),
        readable(*other_rmse),
        readable(*rmse),
        readable(*other),
        readable(*own),
        100.0 * distance
    )
}

/// Proxies rank mixtures otherwise than the target does.
fn ranking_unsafe(runs: usize, ranking: &Ranking) -> String {
    let agreement = ranking.agreement.map_or_else(String::new, |agreement| {
        format!("; over the mixtures of the swarm, the calibrated ranking agrees with it by {agreement:.2}")
    });
    format!(
        "the proxies' ranking of the average loss is not safe for the target: by {runs} target runs, each predicted from \
         the others, its rank correlation with the target's is {:.2} (error {:.4}), and {:.2} after calibration (error \
         {:.4}){agreement}. The cheapest cure is more target runs, which `olmix plan --calibrate` chooses",
        ranking.level, ranking.level_error, ranking.calibrated, ranking.calibrated_error
    )
}

/// A warning in a sentence, as the command line prints it.
#[must_use]
pub fn warning_sentence(warning: &FitWarning) -> String {
    match warning {
        FitWarning::Held { domains } => {
            let shown: Vec<String> = domains.iter().map(|name| format!("`{name}`")).collect();
            let (noun, are, their) = if domains.len() == 1 {
                ("this domain", "is", "its share")
            } else {
                ("these domains", "are", "their shares")
            };
            format!(
                "no run sampled {noun}, which {are} held at {their} of the prior (as far as caps allow): {}. \
                 Runs with them would tell what they are worth",
                first_few(shown, NAMES)
            )
        }
        FitWarning::Undetermined { directions, of } => format!(
            "the mixtures of the runs do not vary in {directions} of {of} directions: the laws are not \
             determined there, and a proposal in these directions is a guess. Add runs that vary each \
             domain independently"
        ),
        FitWarning::NotChecked { runs } => format!(
            "there was no cross-validation: {runs} runs leave no fold that determines the laws. \
             How well they predict other mixtures is not known"
        ),
        FitWarning::Explosions {
            count,
            worst,
            ridge_chosen,
        } => {
            let how_many = match count {
                1 => "1 prediction of an unseen run is".to_owned(),
                many => format!("{many} predictions of unseen runs are"),
            };
            format!(
                "{how_many} far outside of anything measured, such as {} for `{}` of run `{}` where \
                 {:.3} was measured: the law extrapolates badly. {}",
                readable(worst.predicted),
                worst.task,
                worst.run,
                worst.measured,
                cure(*ridge_chosen)
            )
        }
        FitWarning::ImplausiblePrior {
            predicted,
            least,
            most,
            ridge_chosen,
        } => format!(
            "the laws predict an average loss of {} at the prior, far outside of the measured \
             {least:.4} to {most:.4}, so the gain over it is meaningless. {}",
            readable(*predicted),
            cure(*ridge_chosen)
        ),
        FitWarning::Outdone {
            rmse,
            law,
            other_rmse,
        } => format!(
            "the cross-validated RMSE of this law is {} where a {} law has {}: set \
             `regression.type: {law}`, or `auto`",
            readable(*rmse),
            law.replace('_', "-"),
            readable(*other_rmse)
        ),
        FitWarning::BetterNotConvex {
            error,
            law,
            other_error,
        } => format!(
            "a {} law, which is not convex, predicts the average loss of unseen runs with an error of {} where this law \
             has {} (random folds and regions held out); the exact optimizer can't take it: set `proposer.type: local`, \
             or `simulation`, to let `regression.type: auto` choose among all laws",
            law.replace('_', "-"),
            readable(*other_error),
            readable(*error)
        ),
        FitWarning::GainNotEstablished { .. } => not_established(warning),
        FitWarning::RankingUnsafe { runs, ranking } => ranking_unsafe(*runs, ranking),
        FitWarning::NotConverged { tasks } => {
            let shown = tasks[..tasks.len().min(NAMES)].join(", ");
            let more = match tasks.len().saturating_sub(NAMES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("the fit of these tasks did not converge: {shown}{more}")
        }
        FitWarning::FailedResamples { failed, resamples } => format!(
            "{failed} of {resamples} resamples led to no mixture and are left out of the intervals"
        ),
        FitWarning::MostlyNoise { .. }
        | FitWarning::Copied { .. }
        | FitWarning::Extrapolates { .. } => runs::sentence(warning).unwrap_or_default(),
    }
}

/// An error of the method, with the settings that it is about called by their keys.
pub(crate) fn core_sentence(error: &CoreError) -> String {
    match error {
        CoreError::RatiosNotKept => format!("{error} (`constraints.frozen`)"),
        CoreError::NoFeasibleRun { .. } => format!(
            "{error}; fit a law and solve (`regression.type: log_linear`, `proposer.type: exact`), or \
             relax them"
        ),
        CoreError::NoFeasibleSample { .. } => {
            format!("{error}; use `proposer.type: exact`, which needs no samples, or relax them")
        }
        CoreError::TooManySetAside { asked, runs } => {
            format!("{asked} runs are to be set aside (`n_test`) but the swarm has only {runs}")
        }
        CoreError::TooManyTrained { asked, left } => format!(
            "{asked} runs are to be trained on (`train_split`) but only {left} are left"
        ),
        CoreError::SweepWithoutLaws => {
            "a sweep needs fitted laws: use `regression.type: log_linear`".to_owned()
        }
        CoreError::TargetWithoutLaws => format!(
            "{error}: remove `target`, or set `regression.type` to a law, such as `log_linear`"
        ),
        CoreError::NextWithoutLaws => format!(
            "{error}: use a law such as `regression.type: log_linear`, without `proposer.fit_only` and `proposer.worst`"
        ),
        CoreError::TooFewMixtures { .. } => format!("{error}: ask for fewer"),
        CoreError::StudyWithoutLaw => {
            "a study needs a law by name: set `regression.type` to one that is fitted, such as \
             `log_linear`"
                .to_owned()
        }
        CoreError::StudyWithoutTokens => {
            "the study `constraints` needs `constraints.target_tokens` and the token count of every \
             domain"
                .to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use olmix_core::WorstExplosion;

    #[test]
    fn better_law_that_is_not_convex_is_named_with_both_errors_and_the_setting() {
        let warning = FitWarning::BetterNotConvex {
            error: 0.2,
            law: "lightgbm",
            other_error: 0.1,
        };
        assert_eq!(
            warning_sentence(&warning),
            "a lightgbm law, which is not convex, predicts the average loss of unseen runs with an error of 0.100 where \
             this law has 0.200 (random folds and regions held out); the exact optimizer can't take it: set \
             `proposer.type: local`, or `simulation`, to let `regression.type: auto` choose among all laws"
        );
    }

    #[test]
    fn fit_warning_sentences_name_numbers_and_the_settings_that_help() {
        let explosions = |count, ridge_chosen| FitWarning::Explosions {
            count,
            worst: WorstExplosion {
                run: "run-3".into(),
                task: "math".into(),
                predicted: 2.5e9,
                measured: 1.25,
            },
            ridge_chosen,
        };
        let not_established = FitWarning::GainNotEstablished {
            claimed: 0.0314,
            at: Compared::Proposal,
            rmse: 0.1,
            law: "log_linear",
            other_rmse: 0.12,
            other: 1.5,
            own: 1.25,
            nearest_run: "run-7".into(),
            distance: 0.234,
        };
        for (warning, expected) in [
            (
                FitWarning::Undetermined {
                    directions: 1,
                    of: 5,
                },
                "the mixtures of the runs do not vary in 1 of 5 directions: the laws are not determined \
                 there, and a proposal in these directions is a guess. Add runs that vary each domain \
                 independently",
            ),
            (
                FitWarning::NotChecked { runs: 6 },
                "there was no cross-validation: 6 runs leave no fold that determines the laws. How well \
                 they predict other mixtures is not known",
            ),
            (
                explosions(1, false),
                "1 prediction of an unseen run is far outside of anything measured, such as 2.50e9 for \
                 `math` of run `run-3` where 1.250 was measured: the law extrapolates badly. Set \
                 `regression.ridge: auto`, or pass --ridge auto.",
            ),
            (
                explosions(3, true),
                "3 predictions of unseen runs are far outside of anything measured, such as 2.50e9 for \
                 `math` of run `run-3` where 1.250 was measured: the law extrapolates badly. The ridge \
                 chosen by cross-validation does not prevent it; more runs would.",
            ),
            (
                FitWarning::ImplausiblePrior {
                    predicted: 12.5,
                    least: 1.0,
                    most: 2.0,
                    ridge_chosen: false,
                },
                "the laws predict an average loss of 12.500 at the prior, far outside of the measured \
                 1.0000 to 2.0000, so the gain over it is meaningless. Set `regression.ridge: auto`, or \
                 pass --ridge auto.",
            ),
            (
                FitWarning::Outdone {
                    rmse: 0.2,
                    law: "log_linear",
                    other_rmse: 0.1,
                },
                "the cross-validated RMSE of this law is 0.200 where a log-linear law has 0.100: set \
                 `regression.type: log_linear`, or `auto`",
            ),
            (
                not_established,
                "the gain is not established: it is 0.031, but at the proposed mixture a log-linear law, \
                 whose cross-validated RMSE is 0.120 and that of this law 0.100, predicts 1.500 where this one \
                 predicts 1.250. A proxy run on the proposed mixture would settle it; the nearest, `run-7`, differs in 23 % of its data",
            ),
            (
                FitWarning::NotConverged {
                    tasks: ["a", "b", "c", "d", "e", "f", "g"]
                        .map(String::from)
                        .to_vec(),
                },
                "the fit of these tasks did not converge: a, b, c, d, e and 2 more",
            ),
            (
                FitWarning::FailedResamples {
                    failed: 2,
                    resamples: 10,
                },
                "2 of 10 resamples led to no mixture and are left out of the intervals",
            ),
        ] {
            assert_eq!(warning_sentence(&warning), expected);
        }
    }

    #[test]
    fn core_error_sentences_call_settings_by_their_keys() {
        for (error, key) in [
            (CoreError::RatiosNotKept, "`constraints.frozen`"),
            (
                CoreError::NoFeasibleRun { runs: 4 },
                "`proposer.type: exact`",
            ),
            (
                CoreError::NoFeasibleSample { samples: 9 },
                "none of 9 sampled mixtures",
            ),
            (
                CoreError::TooManySetAside { asked: 9, runs: 4 },
                "(`n_test`) but the swarm has only 4",
            ),
            (
                CoreError::TooManyTrained { asked: 9, left: 4 },
                "(`train_split`) but only 4 are left",
            ),
            (CoreError::SweepWithoutLaws, "`regression.type: log_linear`"),
            (CoreError::StudyWithoutLaw, "set `regression.type`"),
            (CoreError::StudyWithoutTokens, "`constraints.target_tokens`"),
        ] {
            let told = core_sentence(&error);
            assert!(told.contains(key), "{told}");
            let plain = error.to_string();
            assert!(
                !plain.contains("regression.") && !plain.contains("--"),
                "{plain}"
            );
        }
    }
}
