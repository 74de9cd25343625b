//! What `olmix fit` prints of a fit at a size that was not measured.

use olmix_core::Fit;
use olmix_core::scaling::{ScaleOptimum, ScaledProposal, short_count};
use olmix_core::trust::Interval;
use olmix_io::{LoadedFit, first_few};

use crate::page::Page;
use crate::table::{coverage, number, percent, table};

/// The sizes, the loss at the target, the check by the largest size, and how the best mixture moves with the size;
/// nothing where the swarm is as it was measured.
pub fn scale(loaded: &LoadedFit, fit: &Fit) -> Page {
    let mut text = Page::default();
    let spec = &loaded.spec;
    let Some(scaled) = &spec.scaling else {
        return text;
    };
    let proposed = fit.proposal.as_ref();
    let proposed = proposed.and_then(|proposal| proposal.scaling.as_ref());
    if let Some(proposed) = proposed {
        text += optima_table(loaded, proposed);
        text += "\n";
    }
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
    let covered = coverage(spec.confidence);
    text += &format!(
        "Losses are for {}, by a joint law of {}; exponents ({covered} interval): parameters {}, tokens {}.\n",
        scaled.target,
        first_few(sizes, 6),
        range(parameters, 2),
        range(tokens, 2)
    );
    if let Some(losses) = proposed.and_then(|proposed| proposed.losses.as_ref()) {
        text += &format!(
            "There the average loss is {} at the mixture and {} at the prior ({covered} intervals).\n",
            range(losses.proposed, 4),
            range(losses.natural, 4)
        );
    }
    text += &match loaded.size_check {
        Some(check) => format!(
            "Checked: of the {} mixtures at {}, the law without that size predicts the average loss with RMSE {}, \
             bias {:+.4} and rank correlation {}.\n",
            check.mixtures,
            check.size,
            number(Some(check.average.rmse), 4),
            check.average.bias,
            number(check.average.spearman, 3)
        ),
        None => "Not checked: with three sizes or more, the largest would be predicted from the others.\n".into(),
    };
    text
}

fn range(interval: Interval, digits: usize) -> String {
    format!(
        "{} to {}",
        number(Some(interval.low), digits),
        number(Some(interval.high), digits)
    )
}

/// The best mixture at every size: a row a domain, a column a size.
fn optima_table(loaded: &LoadedFit, proposed: &ScaledProposal) -> Page {
    let optima = &proposed.optima;
    let Some(target) = optima.last() else {
        return Page::default();
    };
    let header = optima.iter().map(|optimum| {
        let (n, d) = (optimum.scale.parameters, optimum.scale.tokens);
        format!("{}, {}", short_count(n), short_count(d))
    });
    let header: Vec<String> = std::iter::once("best at".to_owned())
        .chain(header)
        .collect();
    let mut order: Vec<usize> = (0..target.weights.len()).collect();
    order.sort_by(|&a, &b| target.weights[b].total_cmp(&target.weights[a]));
    let domains = loaded.swarm.domains();
    let mut rows: Vec<Vec<String>> = order
        .into_iter()
        .map(|j| {
            let cells = optima.iter().map(|optimum| percent(optimum.weights[j]));
            std::iter::once(domains.name(j).to_owned())
                .chain(cells)
                .collect()
        })
        .collect();
    let mut losses = |name: &str, of: &dyn Fn(&ScaleOptimum) -> f64| {
        let cells = optima.iter().map(|optimum| number(Some(of(optimum)), 4));
        rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    };
    losses("its loss", &|optimum| optimum.loss);
    losses("loss of the proposal", &|optimum| optimum.loss_of_proposal);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    table(&header, &rows)
}
