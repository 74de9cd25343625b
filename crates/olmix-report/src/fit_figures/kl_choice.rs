//! How the strength of the pull to the prior was chosen: gains over λ, cross-validated and not.

use super::{FitFigure, FittedSwarm, Picture, Section};
use crate::figure::{Lines, Series, lines};
use crate::format::{percent_short, setting};

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Trust),
    draw,
};

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let Some(choice) = &fitted.fit.kl else {
        return Vec::new();
    };
    let series = |name: &str, gains: &[f64], errors: Option<&[f64]>| Series {
        name: name.to_owned(),
        points: choice
            .grid
            .iter()
            .enumerate()
            .map(|(i, &kl)| (kl, 100.0 * gains[i], errors.map_or(0.0, |e| 100.0 * e[i])))
            .collect(),
    };
    let curves = [
        series(
            "gain by the other half",
            &choice.crossed,
            Some(&choice.standard_error),
        ),
        series("gain by its own laws", &choice.predicted, None),
    ];
    let figure = lines(&Lines {
        title: "Gain of mixtures proposed from half of the runs",
        subtitle: "by the laws that proposed, and by laws of the other half",
        x: "λ, strength of the KL term",
        y: "gain over the prior, %",
        logarithmic: true,
        joined: true,
        series: &curves,
    });
    let caption = format!(
        "λ = {} was chosen from data: half-way between the best for the other half, {}, and the \
         largest within a standard error of it, {}. There the predicted gain is {} and the gain by the \
         other half {}: an optimism of {}.",
        setting(choice.kl_reg()),
        setting(choice.grid[choice.best]),
        setting(choice.grid[choice.within_error]),
        percent_short(choice.predicted[choice.chosen]),
        percent_short(choice.crossed[choice.chosen]),
        percent_short(choice.optimism())
    );
    vec![Picture {
        figure,
        caption,
        file: None,
    }]
}
