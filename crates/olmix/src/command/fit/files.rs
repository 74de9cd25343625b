//! The files of a fit: the reference's, under its names, and the figures.

use olmix_core::law::{FittedLaw, LawOptions};
use olmix_core::{Fit, Matrix, Swarm};
use olmix_io::{LoadedFit, file_safe, npy};
use olmix_report::{
    Figure, InteractionMatrix, Intervals, PredictedAgainstMeasured, PriorAndProposed,
    interaction_matrix, predicted_against_measured, prior_and_proposed,
};
use rayon::prelude::*;

use crate::command::json;
use crate::failure::Failure;

/// The files the reference writes, under its names.
pub fn reference_files(loaded: &LoadedFit, fit: &Fit) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    let domains = loaded.swarm.domains();
    if !fit.laws.is_empty() {
        let prior = loaded.spec.prior.weights();
        let rows: Vec<Vec<f64>> = fit
            .laws
            .iter()
            .map(|law| coefficients(law, prior))
            .collect();
        let matrix = Matrix::from_fn(rows.len(), domains.len(), |i, j| rows[i][j]);
        files.push(("interaction_matrix.npy".into(), npy(&matrix)));
        let scores = fit.held_out.as_ref().map(|held_out| &held_out.tasks);
        let scores = scores.or(fit.out_of_fold.as_ref().map(|checked| &checked.tasks));
        let names = file_safe(loaded.swarm.tasks().iter().map(|task| task.name.as_str()));
        for (name, scores) in names.iter().zip(scores.into_iter().flatten()) {
            let file = format!("{name}_{}_correlations.json", law_name(fit));
            files.push((file, json(scores)?));
        }
    }
    if let Some(proposal) = &fit.proposal {
        let weights: Vec<serde_json::Value> = domains
            .names()
            .zip(proposal.mixture.weights())
            .map(|(domain, weight)| serde_json::json!({"domain": domain, "weight": weight}))
            .collect();
        files.push((format!("{}.json", optimal(fit)), json(&weights)?));
        let predicted = json(&proposal.predicted_average)?;
        files.push(("predicted_performance.json".into(), predicted));
    }
    Ok(files)
}

/// The law, as it stands in the names of files.
fn law_name(fit: &Fit) -> &'static str {
    fit.options.as_ref().map_or("search", LawOptions::name)
}

fn optimal(fit: &Fit) -> String {
    format!("opt_avg_all_metrics_{}_reg_optimal", law_name(fit))
}

/// A row of the interaction matrix: `t` of a log-linear law, as the reference writes it, and what
/// the domains do to the log of the loss at the prior by any other.
fn coefficients(law: &FittedLaw, prior: &[f64]) -> Vec<f64> {
    match law {
        FittedLaw::LogLinear(law) => law.t.clone(),
        other => other.effects(prior),
    }
}

/// Every figure, as PNG and SVG.
pub fn figures(loaded: &LoadedFit, fit: &Fit) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let spec = &loaded.spec;
    let swarm = &loaded.swarm;
    let mut figures: Vec<(String, Figure)> = Vec::new();
    if !fit.laws.is_empty() {
        let matrix = InteractionMatrix {
            tasks: swarm.tasks(),
            domains: swarm.domains(),
            laws: &fit.laws,
            prior: spec.prior.weights(),
            dead: &fit.dead,
        };
        figures.push(("interaction_matrix".into(), interaction_matrix(&matrix)));
    }
    if let Some(proposal) = &fit.proposal {
        let figure = prior_and_proposed(&PriorAndProposed {
            prior: &spec.prior,
            proposed: &proposal.mixture,
            intervals: proposal.bootstrap.as_ref().map(|bootstrap| Intervals {
                weights: &bootstrap.weights,
                confidence: bootstrap.confidence,
            }),
            constraints: &spec.constraints,
            binding: &proposal.solution.binding,
        });
        figures.push((optimal(fit), figure));
    }
    figures.extend(scatters(swarm, fit));
    let drawn: Result<Vec<_>, Failure> = figures
        .into_par_iter()
        .map(|(name, figure)| {
            let png = figure.png(1.0)?;
            let svg = figure.svg().as_bytes().to_vec();
            Ok([(format!("{name}.png"), png), (format!("{name}.svg"), svg)])
        })
        .collect();
    Ok(drawn?.into_iter().flatten().collect())
}

/// Predicted against measured, per task and for the average: of runs set aside where there are
/// any, else out of fold.
fn scatters(swarm: &Swarm, fit: &Fit) -> Vec<(String, Figure)> {
    let trained = swarm.subset(&fit.train);
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
            trained.losses(),
            &o.tasks,
            &o.average,
        ),
        (None, None) => return Vec::new(),
    };
    let draw = |title: &str, predicted: &[f64], measured: &[f64], scores| {
        predicted_against_measured(&PredictedAgainstMeasured {
            title,
            subtitle,
            predicted,
            measured,
            scores,
        })
    };
    let names = file_safe(swarm.tasks().iter().map(|task| task.name.as_str()));
    let mut figures: Vec<(String, Figure)> = names
        .into_par_iter()
        .enumerate()
        .map(|(i, name)| {
            let title = &swarm.tasks()[i].name;
            let figure = draw(
                title,
                &predictions.column(i),
                &measured.column(i),
                &tasks[i],
            );
            (format!("{name}_{}_reg_fit", law_name(fit)), figure)
        })
        .collect();
    let weights = swarm.task_weights();
    let mean = |rows: &Matrix| -> Vec<f64> {
        (0..rows.rows())
            .map(|k| rows.row(k).iter().zip(&weights).map(|(y, w)| y * w).sum())
            .collect()
    };
    let figure = draw(
        "Average of all tasks",
        &mean(predictions),
        &mean(measured),
        average,
    );
    let name = format!("avg_all_metrics_{}_reg_fit", law_name(fit));
    figures.push((name, figure));
    figures
}
