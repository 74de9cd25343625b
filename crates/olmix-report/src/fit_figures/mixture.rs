//! The prior and the proposed mixture.

use super::{FitFigure, FittedSwarm, Picture, Section, proposal_file};
use crate::figure::{Intervals, PriorAndProposed, prior_and_proposed};

pub(super) const FIGURE: FitFigure = FitFigure {
    section: Some(Section::Mixture),
    draw,
};

fn draw(fitted: &FittedSwarm<'_>) -> Vec<Picture> {
    let Some(proposal) = &fitted.fit.proposal else {
        return Vec::new();
    };
    let constraints = &fitted.spec.constraints;
    let figure = prior_and_proposed(&PriorAndProposed {
        prior: &fitted.spec.prior,
        proposed: &proposal.mixture,
        intervals: proposal.bootstrap.as_ref().map(|bootstrap| Intervals {
            weights: &bootstrap.weights,
            confidence: bootstrap.confidence,
        }),
        constraints,
        binding: &proposal.solution.binding,
    });
    let mut caption =
        "Each domain's share of the prior (hollow) and proposed share (filled), heaviest first."
            .to_owned();
    if proposal.bootstrap.is_some() {
        caption += " A whisker is how far the share moves when the runs are resampled.";
    }
    if (0..constraints.domains()).any(|j| constraints.limit(j) < 1.0) {
        caption += " An upright tick is the most that the caps and bounds allow.";
    }
    vec![Picture {
        figure,
        caption,
        file: Some(proposal_file(fitted.fit)),
    }]
}
