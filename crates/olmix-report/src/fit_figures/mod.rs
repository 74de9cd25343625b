//! The figures of a fit: which there are, where the report shows them, and the files they are written to.
//!
//! A figure is a file of this folder with a constant `FIGURE`, and a line in [`FIGURES`].

mod averages;
mod drift;
mod interaction;
mod kl_choice;
mod mixture;
mod scatters;
mod task_errors;

pub(crate) use averages::{Predictions, predictions};

use olmix_core::law::LawOptions;
use olmix_core::{Fit, FitSpec, Matrix, Swarm};

use crate::figure::Figure;

/// Every figure of a fit. In a section of the report they stand in this order.
const FIGURES: [FitFigure; 7] = [
    mixture::FIGURE,
    drift::FIGURE,
    kl_choice::FIGURE,
    task_errors::FIGURE,
    interaction::FIGURE,
    averages::FIGURE,
    scatters::FIGURE,
];

/// What figures of a fit are drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FittedSwarm<'a> {
    /// The runs that the laws were fitted to, and no others.
    pub swarm: &'a Swarm,
    /// What was asked for.
    pub spec: &'a FitSpec,
    /// What was found.
    pub fit: &'a Fit,
}

/// A section of the report that shows figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The proposed mixture.
    Mixture,
    /// How far laws and mixture can be trusted.
    Trust,
    /// Which domain helps which task, by the laws.
    Effects,
    /// Predicted against measured losses.
    Predictions,
}

/// A figure of a fit, or several of one kind.
pub(crate) struct FitFigure {
    /// Where the report shows it; `None` for one that is only written to files.
    section: Option<Section>,
    /// Draws it; nothing where the fit does not have what it shows.
    draw: fn(&FittedSwarm<'_>) -> Vec<Picture>,
}

/// A figure that was drawn, and where it goes.
pub(crate) struct Picture {
    pub figure: Figure,
    /// The sentence below it in the report, HTML; empty where the report does not show it.
    pub caption: String,
    /// The name of its files without their endings; `None` for one that only the report shows.
    pub file: Option<String>,
}

/// The figures that a section of the report shows, in their order.
pub(crate) fn shown(section: Section, fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let here = FIGURES
        .iter()
        .filter(|figure| figure.section == Some(section));
    here.flat_map(|figure| (figure.draw)(fitted)).collect()
}

/// The figures of a fit that are written to files, each with the name of its files without their endings
/// (see [`Figure::files`]). `swarm` is the whole swarm that was given to the fit.
#[must_use]
pub fn fit_figures(swarm: &Swarm, spec: &FitSpec, fit: &Fit) -> Vec<(String, Figure)> {
    let swarm = &swarm.subset(&fit.train);
    let fitted = FittedSwarm { swarm, spec, fit };
    let drawn = FIGURES.iter().flat_map(|figure| (figure.draw)(&fitted));
    drawn
        .filter_map(|picture| Some((picture.file?, picture.figure)))
        .collect()
}

/// The name, without an ending, of the files that have a fit's proposed mixture: the reference's name.
#[must_use]
pub fn proposal_file(fit: &Fit) -> String {
    format!("opt_avg_all_metrics_{}_reg_optimal", law_in_file_names(fit))
}

/// The law of a fit as it stands in the names of files; `search` where there is none.
#[must_use]
pub fn law_in_file_names(fit: &Fit) -> &'static str {
    fit.options.as_ref().map_or("search", LawOptions::name)
}

/// The weighted average per run (row) of losses per task (`runs × tasks`).
fn averages(losses: &Matrix, weights: &[f64]) -> Vec<f64> {
    let average = |run| -> f64 {
        let losses: &[f64] = losses.row(run);
        losses.iter().zip(weights).map(|(y, w)| y * w).sum()
    };
    (0..losses.rows()).map(average).collect()
}
