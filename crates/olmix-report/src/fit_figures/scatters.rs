//! Predicted against measured losses of every task and of the average, as files: the reference's names.

use olmix_fs::file_safe;
use rayon::prelude::*;

use super::{FitFigure, FittedSwarm, Picture, averages, law_in_file_names};
use crate::figure::{PredictedAgainstMeasured, predicted_against_measured};

pub(super) const FIGURE: FitFigure = FitFigure {
    section: None,
    draw,
};

/// Of the runs that were set aside where there are any, else out of fold.
fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let fit = fitted.fit;
    let (subtitle, predictions, measured, tasks, average) = match (&fit.held_out, &fit.out_of_fold)
    {
        (Some(h), _) => (
            "runs set aside",
            &h.predictions,
            &h.measured,
            &h.tasks,
            &h.average,
        ),
        (None, Some(o)) => (
            "out of fold",
            &o.predictions,
            fitted.swarm.losses(),
            &o.tasks,
            &o.average,
        ),
        (None, None) => return Vec::new(),
    };
    let law = law_in_file_names(fit);
    let picture = |name: &str, title: &str, predicted: &[f64], measured: &[f64], scores| Picture {
        figure: predicted_against_measured(&PredictedAgainstMeasured {
            title,
            subtitle,
            predicted,
            measured,
            scores,
        }),
        caption: String::new(),
        file: Some(format!("{name}_{law}_reg_fit")),
    };
    let names = file_safe(fitted.swarm.tasks().iter().map(|task| task.name.as_str()));
    let mut pictures: Vec<Picture> = names
        .into_par_iter()
        .enumerate()
        .map(|(i, name)| {
            let title = &fitted.swarm.tasks()[i].name;
            let (predicted, measured) = (predictions.column(i), measured.column(i));
            picture(&name, title, &predicted, &measured, &tasks[i])
        })
        .collect();
    let weights = fitted.swarm.task_weights();
    pictures.push(picture(
        "avg_all_metrics",
        "Average of all tasks",
        &averages(predictions, &weights),
        &averages(measured, &weights),
        average,
    ));
    pictures
}
