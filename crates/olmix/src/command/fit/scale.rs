//! What `olmix fit` prints of a fit at a size that was not measured.

use olmix_core::Fit;
use olmix_core::scaling::{ScaleOptimum, ScaledProposal, short_count};
use olmix_io::{LoadedFit, scale_sentences};

use crate::page::Page;
use crate::table::{number, percent, table};

/// How the best mixture moves with the size, and what is said of the sizes; nothing where the runs are of one size.
pub fn scale(loaded: &LoadedFit, fit: &Fit) -> Page {
    let mut text = Page::default();
    let proposed = fit.proposal.as_ref();
    if let Some(proposed) = proposed.and_then(|proposal| proposal.scaling.as_ref()) {
        text += optima_table(loaded, proposed);
        text += "\n";
    }
    for sentence in scale_sentences(loaded, fit) {
        text += sentence + "\n";
    }
    text
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
