//! How the best mixture moves with the parameters and the tokens of the run that it is for.

use olmix_core::scaling::{Scale, ScaleOptimum, short_count};

use super::{FitFigure, FittedSwarm, Picture, Section};
use crate::figure::{Lines, Series, lines};

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Mixture),
    draw,
};

/// Domains that have a curve: those whose weights move most.
const CURVES: usize = 8;

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let proposal = fitted.fit.proposal.as_ref();
    let scaling = proposal.and_then(|proposal| proposal.scaling.as_ref());
    let target = scaling.and_then(|scaling| scaling.by_tokens.last());
    let (Some(scaling), Some(target)) = (scaling, target.map(|optimum| optimum.scale)) else {
        return Vec::new();
    };
    let names: Vec<&str> = fitted.swarm.domains().names().collect();
    let (n, d) = (short_count(target.parameters), short_count(target.tokens));
    let by_parameters = Axis {
        title: "The best mixture by parameters of the model",
        subtitle: &format!("after {d} tokens"),
        x: "parameters, millions",
        file: "optimum_by_parameters",
        of: &|scale| scale.parameters / 1e6,
    };
    let by_tokens = Axis {
        title: "The best mixture by tokens of the run",
        subtitle: &format!("with {n} parameters"),
        x: "tokens, billions",
        file: "optimum_by_tokens",
        of: &|scale| scale.tokens / 1e9,
    };
    vec![
        by_parameters.picture(&scaling.by_parameters, &names),
        by_tokens.picture(&scaling.by_tokens, &names),
    ]
}

/// What a figure shows the weights over.
struct Axis<'a> {
    title: &'a str,
    subtitle: &'a str,
    x: &'a str,
    file: &'a str,
    of: &'a dyn Fn(Scale) -> f64,
}

impl Axis<'_> {
    fn picture(&self, optima: &[ScaleOptimum], names: &[&str]) -> Picture {
        let moved = |j: usize| {
            let weights = || optima.iter().map(|optimum| optimum.weights[j]);
            weights().fold(0.0, f64::max) - weights().fold(1.0, f64::min)
        };
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| moved(b).total_cmp(&moved(a)));
        order.truncate(CURVES);
        let series: Vec<Series> = order
            .iter()
            .map(|&j| Series {
                name: names[j].to_owned(),
                points: optima
                    .iter()
                    .map(|optimum| ((self.of)(optimum.scale), 100.0 * optimum.weights[j], 0.0))
                    .collect(),
            })
            .collect();
        let figure = lines(&Lines {
            title: self.title,
            subtitle: self.subtitle,
            x: self.x,
            y: "weight, %",
            logarithmic: true,
            joined: true,
            series: &series,
        });
        let which = if names.len() > CURVES {
            format!(" The {CURVES} domains whose weights move most.")
        } else {
            String::new()
        };
        Picture {
            figure,
            caption: format!(
                "{}, {}, by the joint law over sizes.{which}",
                self.title, self.subtitle
            ),
            file: Some(self.file.to_owned()),
        }
    }
}
