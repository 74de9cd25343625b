//! How wrong each task's law is on runs it has not seen.

use super::{FitFigure, FittedSwarm, Picture, Section};
use crate::figure::task_errors;

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Trust),
    draw,
};

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let Some(folds) = &fitted.fit.out_of_fold else {
        return Vec::new();
    };
    let caption = "How wrong each task's law is on runs it has not seen, relative to always predicting the \
                   task's mean: the further left, the more the law knows.";
    vec![Picture {
        figure: task_errors(fitted.swarm.tasks(), &folds.tasks),
        caption: caption.to_owned(),
        file: None,
    }]
}
