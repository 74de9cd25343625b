//! The interaction matrix: which domain helps which task.

use super::{FitFigure, FittedSwarm, Picture, Section};
use crate::figure::{InteractionMatrix, interaction_matrix};

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Effects),
    draw,
};

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    if fitted.fit.laws.is_empty() {
        return Vec::new();
    }
    let figure = interaction_matrix(&InteractionMatrix {
        tasks: fitted.swarm.tasks(),
        domains: fitted.swarm.domains(),
        laws: &fitted.fit.laws,
        prior: fitted.spec.prior.weights(),
        dead: &fitted.fit.dead,
    });
    let caption = "By the fitted laws, what moving weight from the prior to a domain (column) does to a \
                   task (row): blue lowers its loss, red raises it.";
    vec![Picture {
        figure,
        caption: caption.to_owned(),
        file: Some("interaction_matrix".to_owned()),
    }]
}
