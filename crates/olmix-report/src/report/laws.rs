//! What the laws say: the interaction matrix, and predicted against measured losses.

use olmix_core::Matrix;
use olmix_core::trust::Scores;

use super::markup::figure;
use super::{ReportInput, averages};
use crate::figure::{
    InteractionMatrix, PredictedAgainstMeasured, interaction_matrix, predicted_against_measured,
    small_multiple,
};
use crate::format::count;

/// Most points in all small multiples together; ten bytes each.
const POINTS: usize = 80_000;

pub fn section(input: &ReportInput) -> String {
    let fit = input.fit;
    let mut html = String::new();
    if !fit.laws.is_empty() {
        let picture = interaction_matrix(&InteractionMatrix {
            tasks: input.swarm.tasks(),
            domains: input.swarm.domains(),
            laws: &fit.laws,
            prior: input.spec.prior.weights(),
            dead: &fit.dead,
        });
        html += "<h2>Which domain helps which task</h2>\n";
        html += &figure(
            &picture,
            "By the fitted laws, what moving weight from the prior to a domain \
             (column) does to a task (row): blue lowers its loss, red raises it.",
        );
    }
    let weights = input.swarm.task_weights();
    let mut sets = Vec::new();
    if let Some(folds) = &fit.out_of_fold {
        sets.push(Predictions {
            subtitle: format!(
                "{}-fold out of fold, {}",
                folds.folds,
                count(input.swarm.len(), "run")
            ),
            predicted: &folds.predictions,
            measured: input.swarm.losses(),
            tasks: &folds.tasks,
            average: &folds.average,
        });
    }
    if let Some(held_out) = &fit.held_out {
        sets.push(Predictions {
            subtitle: format!("{} held out", count(held_out.runs.len(), "run")),
            predicted: &held_out.predictions,
            measured: &held_out.measured,
            tasks: &held_out.tasks,
            average: &held_out.average,
        });
    }
    if sets.is_empty() {
        return html;
    }
    html += "<h2>Predicted against measured</h2>\n";
    for set in &sets {
        html += &set.averages(&weights);
    }
    for set in &sets {
        html += &set.multiples(input);
    }
    html
}

/// Predictions of some runs, none of which the predicting laws had seen.
struct Predictions<'a> {
    subtitle: String,
    predicted: &'a Matrix,
    measured: &'a Matrix,
    tasks: &'a [Scores],
    average: &'a Scores,
}

impl Predictions<'_> {
    fn averages(&self, weights: &[f64]) -> String {
        let picture = predicted_against_measured(&PredictedAgainstMeasured {
            title: &format!("average of {}", count(weights.len(), "task")),
            subtitle: &self.subtitle,
            predicted: &averages(self.predicted, weights),
            measured: &averages(self.measured, weights),
            scores: self.average,
        });
        figure(
            &picture,
            "The weighted average loss of each run as predicted by laws that had not seen it and \
             as measured; on the dashed line both agree.",
        )
    }

    fn multiples(&self, input: &ReportInput) -> String {
        let (runs, tasks) = (self.measured.rows(), input.swarm.tasks());
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
                subtitle: &self.subtitle,
                predicted: &thinned(self.predicted, i),
                measured: &thinned(self.measured, i),
                scores,
            })
        };
        let scores = self.tasks.iter().take(tasks.len()).enumerate();
        let pictures: String = scores.map(|pair| multiple(pair).svg().to_owned()).collect();
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
            self.subtitle
        )
    }
}
