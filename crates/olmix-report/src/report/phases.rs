//! The mixture of each phase.

use olmix_core::Proposal;

use super::ReportInput;
use super::markup::{Column, name, number, table, text};
use crate::format::percent;

/// A row for each domain, a column for each phase; nothing for runs without phases.
pub fn section(input: &ReportInput, proposal: &Proposal) -> String {
    let Some(of) = &input.spec.phases else {
        return String::new();
    };
    let phases = &of.phases;
    let weights = proposal.mixture.weights();
    let (split, amounts) = (phases.split(weights), phases.aggregate(weights));
    let prior = phases.aggregate(input.spec.prior.weights());
    let epochs = input
        .target_tokens
        .and_then(|target| of.domains.epochs(&amounts, target));
    let unchanging = proposal.phases.as_ref().map(|value| &value.mixture);
    let mut columns: Vec<Column> = vec![text("Domain"), number("Prior,&nbsp;%")];
    columns.extend(phases.iter().map(|phase| Column {
        head: format!("{},&nbsp;%", name(&phase.name)).into(),
        text: false,
    }));
    columns.push(number("In all,&nbsp;%"));
    if unchanging.is_some() {
        columns.push(number("Best static,&nbsp;%"));
    }
    if epochs.is_some() {
        columns.push(number("Epochs"));
    }
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by(|&a, &b| amounts[b].total_cmp(&amounts[a]));
    let row = |&j: &usize| {
        let mut cells = vec![name(of.domains.name(j)), percent(prior[j])];
        cells.extend(split.iter().map(|mixture| percent(mixture[j])));
        cells.push(percent(amounts[j]));
        cells.extend(unchanging.map(|mixture| percent(mixture[j])));
        cells.extend(epochs.as_ref().map(|epochs| format!("{:.2}", epochs[j])));
        cells
    };
    let rows: Vec<Vec<String>> = order.iter().map(row).collect();
    let shares: Vec<String> = phases
        .iter()
        .map(|phase| {
            format!(
                "{} % of the tokens in {}",
                percent(phase.fraction),
                name(&phase.name)
            )
        })
        .collect();
    let caption = format!(
        "The mixture of each phase: {}. In all: the domain's share of the run's tokens. Best static: the best mixture that \
         is the same in every phase.",
        shares.join(", then ")
    );
    table(&caption, &columns, &rows, 0)
}
