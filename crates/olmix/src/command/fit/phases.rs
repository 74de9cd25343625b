//! The mixtures of the phases, for a person.

use olmix_core::{Binding, Proposal};
use olmix_io::{LoadedFit, phase_sentences};

use crate::page::Page;
use crate::table::{number, percent, table};

/// A row for each domain, a column for each phase.
pub fn phase_table(loaded: &LoadedFit, proposal: &Proposal) -> Option<Page> {
    let of = loaded.spec.phases.as_ref()?;
    let phases = &of.phases;
    let weights = proposal.mixture.weights();
    let (split, amounts) = (phases.split(weights), phases.aggregate(weights));
    let prior = phases.aggregate(loaded.spec.prior.weights());
    let target = loaded.config.constraints.target_tokens;
    let epochs = target.and_then(|target| of.domains.epochs(&amounts, target));
    let m = of.domains.len();
    let binding = &proposal.solution.binding;
    let groups = &loaded.spec.constraints.groups;
    // The bound of a domain in all phases is its cap or bound over the whole run.
    let whole = |j: usize| {
        let columns: Vec<usize> = (0..phases.len()).map(|s| s * m + j).collect();
        let binds = binding.iter().any(|one| match one {
            Binding::GroupUpper(g) | Binding::GroupLower(g) => groups[*g].members == columns,
            _ => false,
        });
        binds.then_some("in all phases")
    };
    let in_phase = |j: usize| {
        let found = binding.iter().find_map(|one| match one {
            Binding::Upper(c) | Binding::Lower(c) if c % m == j => Some((c / m, "bound")),
            Binding::Held(c) if c % m == j => Some((c / m, "not sampled")),
            _ => None,
        });
        found.and_then(|(s, what)| Some(format!("{what} in {}", phases.iter().nth(s)?.name)))
    };
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| amounts[b].total_cmp(&amounts[a]));
    let row = |j: usize| {
        let mut row = vec![of.domains.name(j).to_owned(), percent(prior[j])];
        row.extend(split.iter().map(|mixture| percent(mixture[j])));
        row.push(percent(amounts[j]));
        row.push(number(epochs.as_ref().map(|epochs| epochs[j]), 2));
        row.push(
            whole(j)
                .map(str::to_owned)
                .or_else(|| in_phase(j))
                .unwrap_or_default(),
        );
        row
    };
    let rows: Vec<Vec<String>> = order.into_iter().map(row).collect();
    let names: Vec<String> = phases
        .iter()
        .map(|phase| {
            format!(
                "{} ({} %)",
                phase.name,
                (1e5 * phase.fraction).round() / 1e3
            )
        })
        .collect();
    let mut header = vec!["domain", "prior"];
    header.extend(names.iter().map(String::as_str));
    header.extend(["all", "epochs", "binding"]);
    Some(table(&header, &rows))
}

/// What there is to say of timing and of what phases are worth.
pub fn phase_lines(loaded: &LoadedFit, fit: &olmix_core::Fit) -> String {
    let sentences = phase_sentences(fit, &loaded.spec);
    sentences
        .into_iter()
        .map(|sentence| sentence + "\n")
        .collect()
}
