//! The files of a fit: the reference's, under its names, and the figures.

use olmix_core::law::FittedLaw;
use olmix_core::{Fit, Matrix};
use olmix_fs::file_safe;
use olmix_io::LoadedFit;
use olmix_io::tables::npy;
use olmix_report::{ReportError, fit_figures, law_in_file_names, proposal_file};
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
            let file = format!("{name}_{}_correlations.json", law_in_file_names(fit));
            files.push((file, json(scores)?));
        }
    }
    if let Some(proposal) = &fit.proposal {
        let weights: Vec<serde_json::Value> = domains
            .names()
            .zip(proposal.mixture.weights())
            .map(|(domain, weight)| serde_json::json!({"domain": domain, "weight": weight}))
            .collect();
        files.push((format!("{}.json", proposal_file(fit)), json(&weights)?));
        let predicted = json(&proposal.predicted_average)?;
        files.push(("predicted_performance.json".into(), predicted));
    }
    Ok(files)
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
    let drawn: Result<Vec<_>, ReportError> = fit_figures(&loaded.swarm, &loaded.spec, fit)
        .into_par_iter()
        .map(|(name, figure)| figure.files(&name, 1.0))
        .collect();
    Ok(drawn?.into_iter().flatten().collect())
}
