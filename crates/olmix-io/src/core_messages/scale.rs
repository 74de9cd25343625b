//! What is said of a fit at a size that was not measured.

use olmix_core::Fit;
use olmix_core::scaling::short_count;
use olmix_core::trust::Interval;

use crate::messages::first_few;
use crate::swarm::loaded_fit::LoadedFit;

/// The sizes that were measured, the loss at the target, and what the largest size says of the law: sentences with full
/// stops. None where the runs are of one size.
#[must_use]
pub fn scale_sentences(loaded: &LoadedFit, fit: &Fit) -> Vec<String> {
    let spec = &loaded.spec;
    let Some(scaled) = &spec.scaling else {
        return Vec::new();
    };
    let sizes = scaled.law.sizes();
    let sizes = sizes.iter().map(|size| {
        format!(
            "{} parameters to {} tokens ({} mixtures)",
            short_count(size.last.parameters),
            short_count(size.last.tokens),
            size.mixtures
        )
    });
    let (parameters, tokens) = scaled.law.exponents(spec.confidence);
    let covered = (1e4 * spec.confidence).round() / 100.0;
    let mut said = vec![format!(
        "Losses are for {}, by a joint law of {}; exponents ({covered} % intervals): parameters {}, tokens {}.",
        scaled.target,
        first_few(sizes, 6),
        range(parameters, 2),
        range(tokens, 2)
    )];
    let scaling = fit.proposal.as_ref();
    let scaling = scaling.and_then(|proposal| proposal.scaling.as_ref());
    said.extend(scaling.and_then(|scaling| scaling.losses.as_ref()).map(|losses| {
        format!(
            "There the average loss is {} at the mixture and {} at the prior ({covered} % intervals).",
            range(losses.proposed, 4),
            range(losses.natural, 4)
        )
    }));
    said.push(match loaded.size_check {
        Some(check) => {
            let ranks = check.average.spearman;
            format!(
                "Checked: of the {} mixtures at {}, the law without that size predicts the average loss with RMSE {:.4}, \
                 bias {:+.4} and rank correlation {}.",
                check.mixtures,
                check.size,
                check.average.rmse,
                check.average.bias,
                ranks.map_or_else(|| "–".to_owned(), |ranks| format!("{ranks:.3}"))
            )
        }
        None => "Not checked: with three sizes or more, the largest would be predicted from the others.".to_owned(),
    });
    said
}

fn range(interval: Interval, digits: usize) -> String {
    format!("{:.digits$} to {:.digits$}", interval.low, interval.high)
}
