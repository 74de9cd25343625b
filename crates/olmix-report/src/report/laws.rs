//! What the laws say: the interaction matrix, and predicted against measured losses.

use std::fmt::Write as _;

use olmix_core::Matrix;
use olmix_core::trust::Scores;

use super::markup::hover;
use super::{ReportInput, figures};
use crate::figure::{PredictedAgainstMeasured, small_multiple};
use crate::fit_figures::{Predictions, Section, predictions};

/// Most points in all small multiples together; ten bytes each.
const POINTS: usize = 80_000;

pub fn section(input: &ReportInput) -> String {
    let mut html = String::new();
    let effects = figures(input, Section::Effects);
    if !effects.is_empty() {
        html += "<h2>Which domain helps which task</h2>\n";
        html += &effects;
    }
    let sets = predictions(&input.fitted());
    if sets.is_empty() {
        return html;
    }
    html += "<h2>Predicted against measured</h2>\n";
    html += &figures(input, Section::Predictions);
    for set in &sets {
        html += &multiples(set, input);
    }
    html
}

/// A small figure for every task.
fn multiples(set: &Predictions<'_>, input: &ReportInput) -> String {
    let (runs, tasks) = (set.measured.rows(), input.swarm.tasks());
    let every = (runs * tasks.len()).div_ceil(POINTS).max(1);
    let thinned = |losses: &Matrix, i: usize| -> Vec<f64> {
        (0..runs)
            .step_by(every)
            .map(|run| losses.get(run, i))
            .collect()
    };
    let multiple = |(i, scores): (usize, &Scores)| {
        small_multiple(&PredictedAgainstMeasured {
            title: &tasks[i].name,
            subtitle: &set.subtitle,
            predicted: &thinned(set.predicted, i),
            measured: &thinned(set.measured, i),
            scores,
        })
    };
    let scores = set.tasks.iter().take(tasks.len()).enumerate();
    let mut pictures = String::new();
    for pair in scores {
        let figure = multiple(pair);
        let _ = write!(
            pictures,
            "<div{}>{}</div>",
            hover(&figure, every),
            figure.svg()
        );
    }
    let thinning = if every > 1 {
        format!(" One run in {every} is drawn; the scores are of all.")
    } else {
        String::new()
    };
    format!(
        "<h3>By task: {}</h3>\n<figure class=\"multiples\">\n<div class=\"grid\">\n{pictures}</div>\n\
         <figcaption>Predicted (across) against measured (up) loss of every task, with rank \
         correlation ρ and RMSE; orange triangles are predictions off the axis.{thinning}\
         </figcaption>\n</figure>\n",
        set.subtitle
    )
}
