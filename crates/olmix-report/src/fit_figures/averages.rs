//! Predicted against measured average losses, as the report shows them.

use olmix_core::Matrix;
use olmix_core::trust::Scores;

use super::{FitFigure, FittedSwarm, Picture, Section, averages};
use crate::figure::{PredictedAgainstMeasured, predicted_against_measured};
use crate::format::count;

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Predictions),
    draw,
};

/// Predictions of some runs, by laws that had seen none of them.
pub(crate) struct Predictions<'a> {
    /// Which runs they are, in words.
    pub subtitle: String,
    /// `runs × tasks`.
    pub predicted: &'a Matrix,
    /// `runs × tasks`.
    pub measured: &'a Matrix,
    /// How good the predictions of each task are.
    pub tasks: &'a [Scores],
    /// How good those of the average loss are.
    pub average: &'a Scores,
}

/// The predictions that a fit checked its laws by: out of fold, held out, both or none.
pub(crate) fn predictions<'a>(fitted: &FittedSwarm<'a>) -> Vec<Predictions<'a>> {
    let mut sets = Vec::new();
    if let Some(folds) = &fitted.fit.out_of_fold {
        sets.push(Predictions {
            subtitle: format!(
                "{}-fold cross-validation, {}",
                folds.folds,
                count(fitted.swarm.len(), "run")
            ),
            predicted: &folds.predictions,
            measured: fitted.swarm.losses(),
            tasks: &folds.tasks,
            average: &folds.average,
        });
    }
    if let Some(held_out) = &fitted.fit.held_out {
        sets.push(Predictions {
            subtitle: format!("{} held out", count(held_out.runs.len(), "run")),
            predicted: &held_out.predictions,
            measured: &held_out.measured,
            tasks: &held_out.tasks,
            average: &held_out.average,
        });
    }
    sets
}

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let weights = fitted.swarm.task_weights();
    let picture = |set: &Predictions<'_>| {
        Picture {
        figure: predicted_against_measured(&PredictedAgainstMeasured {
            title: &format!("average of {}", count(weights.len(), "task")),
            subtitle: &set.subtitle,
            predicted: &averages(set.predicted, &weights),
            measured: &averages(set.measured, &weights),
            scores: set.average,
        }),
        caption: "The weighted average loss of each run as predicted by laws that had not seen it and as \
                  measured; on the dashed line both agree."
            .to_owned(),
        file: None,
    }
    };
    predictions(fitted).iter().map(picture).collect()
}
