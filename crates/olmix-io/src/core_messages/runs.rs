//! The words for what runs themselves say: their noise, copies among them, and how far a mixture is from them.

use olmix_core::trust::{Place, Reach};
use olmix_core::{Fit, FitWarning, Swarm};

use super::NAMES;
use crate::messages::first_few;

/// What there is to say of the noise of a run, and of how far the proposed mixture is from the runs: a sentence each.
/// `trained` holds the runs that were fitted to.
#[must_use]
pub fn run_sentences(fit: &Fit, trained: &Swarm) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(noise) = &fit.noise {
        let of = &noise.average;
        sentences.push(format!(
            "The noise of a run is {:.4} of the average loss ({} % interval {:.4} to {:.4}), by {} runs of {}: the spread \
             over mixtures, {:.4}, is {:.1} times the noise.",
            of.sd,
            (1e4 * noise.confidence).round() / 100.0,
            of.interval.low,
            of.interval.high,
            noise.runs,
            match noise.mixtures {
                1 => "one mixture".to_owned(),
                many => format!("{many} mixtures"),
            },
            of.signal,
            of.signal_to_noise(),
        ));
    } else if !fit.laws.is_empty() {
        sentences.push(
            "No mixture was run twice, so the noise of a run is not known; 3 to 5 runs of the prior would tell.".into(),
        );
    }
    let reach = fit.proposal.as_ref().and_then(|p| p.reach.as_ref());
    sentences.extend(reach.map(|reach| reach_sentence(reach, trained)));
    sentences
}

fn reach_sentence(reach: &Reach, trained: &Swarm) -> String {
    let place = match reach.place() {
        Place::Near => "is near the runs",
        Place::Between => "is between the runs",
        Place::Beyond => "extrapolates",
    };
    let leverage = reach.leverage.map_or_else(String::new, |h| {
        format!(
            "; its leverage is {:.2}, that of a run at most {:.2}",
            h.mixture, h.greatest
        )
    });
    format!(
        "The proposed mixture {place}: the nearest run, {}, differs in {:.0} % of its data (runs from their nearest: up to \
         {:.0} %){leverage}.",
        trained.runs()[reach.nearest],
        100.0 * reach.distance,
        100.0 * reach.apart
    )
}

/// The sentence of a warning about the runs; `None` for others.
pub(super) fn sentence(warning: &FitWarning) -> Option<String> {
    match warning {
        FitWarning::MostlyNoise {
            tasks,
            degrees_of_freedom,
            ..
        } => {
            let names = tasks
                .iter()
                .map(|(name, ratio)| format!("{name} ({ratio:.2})"));
            let (these, differ) = match tasks.len() {
                1 => ("this task", "differs"),
                _ => ("these tasks", "differ"),
            };
            Some(format!(
                "{these} {differ} less over mixtures than over runs of one mixture ({degrees_of_freedom} {} of freedom): \
                 {}. Such a task is mostly noise: leave it out, or give it less weight",
                match degrees_of_freedom {
                    1 => "degree",
                    _ => "degrees",
                },
                first_few(names, NAMES)
            ))
        }
        FitWarning::Copied { runs } => {
            let pairs = runs.iter().map(|(copy, of)| format!("`{copy}` of `{of}`"));
            let what = match runs.len() {
                1 => "1 run is a copy of another, with its mixture and all its losses".to_owned(),
                many => format!(
                    "{many} runs are copies of others, with their mixtures and all their losses"
                ),
            };
            Some(format!(
                "{what}: {}. A copy counts in the fit and says nothing of noise. Remove it, or train the run again \
                 with another seed",
                first_few(pairs, NAMES)
            ))
        }
        FitWarning::Extrapolates {
            leverage,
            nearest_run,
            distance,
            apart,
        } => {
            let how = match leverage {
                Some((mixture, greatest)) => format!(
                    "its leverage is {mixture:.2} where that of a run is at most {greatest:.2}"
                ),
                None => format!(
                    "no run is farther than {:.0} % of its data from its nearest",
                    100.0 * apart
                ),
            };
            Some(format!(
                "the proposed mixture extrapolates: {how}, and the nearest run, `{nearest_run}`, differs in {:.0} % of \
                 its data. Runs near the mixture would settle what it is worth",
                100.0 * distance
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_on_runs_have_names_and_numbers() {
        let noisy = |tasks: &[(&str, f64)], degrees_of_freedom| FitWarning::MostlyNoise {
            tasks: tasks
                .iter()
                .map(|(name, ratio)| ((*name).to_owned(), *ratio))
                .collect(),
            weight: 0.1,
            degrees_of_freedom,
        };
        let far = |leverage| FitWarning::Extrapolates {
            leverage,
            nearest_run: "r7".into(),
            distance: 0.42,
            apart: 0.3,
        };
        for (warning, expected) in [
            (
                noisy(&[("boolq", 0.314)], 1),
                "this task differs less over mixtures than over runs of one mixture (1 degree of freedom): boolq (0.31). \
                 Such a task is mostly noise: leave it out, or give it less weight",
            ),
            (
                noisy(&[("boolq", 0.0), ("rte", 0.9)], 4),
                "these tasks differ less over mixtures than over runs of one mixture (4 degrees of freedom): boolq \
                 (0.00), rte (0.90). Such a task is mostly noise: leave it out, or give it less weight",
            ),
            (
                FitWarning::Copied {
                    runs: vec![("b".into(), "a".into())],
                },
                "1 run is a copy of another, with its mixture and all its losses: `b` of `a`. A copy counts in the fit \
                 and says nothing of noise. Remove it, or train the run again with another seed",
            ),
            (
                far(Some((1.25, 0.9))),
                "the proposed mixture extrapolates: its leverage is 1.25 where that of a run is at most 0.90, and the \
                 nearest run, `r7`, differs in 42 % of its data. Runs near the mixture would settle what it is worth",
            ),
            (
                far(None),
                "the proposed mixture extrapolates: no run is farther than 30 % of its data from its nearest, and the \
                 nearest run, `r7`, differs in 42 % of its data. Runs near the mixture would settle what it is worth",
            ),
        ] {
            assert_eq!(sentence(&warning).unwrap(), expected);
        }
    }
}
