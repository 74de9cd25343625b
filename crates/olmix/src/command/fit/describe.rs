//! What `olmix fit` prints: the mixture, the losses by family, and a summary in plain words.

use olmix_core::law::LawOptions;
use olmix_core::optimize::Status;
use olmix_core::{Binding, Fit, LossChange, Proposal, Swarm};
use olmix_io::{LoadedFit, first_few, repetition_sentences};

use super::phases::{phase_lines, phase_table};
use super::scale::scale;
use super::summary::summary;
use crate::page::Page;
use crate::table::{coverage, number, percent, signed_change, table};

/// What a person reads on the terminal.
pub fn describe(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> Page {
    let mut text = Page::default();
    if !fit.laws.is_empty() || fit.proposal.is_some() {
        text += fitted_line(loaded, trained, fit);
    }
    if loaded.spec.n_test > 0 {
        text += &format!(
            "No mixture is proposed while regression.n_test sets runs aside ({}).\n",
            loaded.spec.n_test
        );
    }
    if loaded.config.proposer.fit_only {
        text += "No mixture is proposed: proposer.fit_only is set.\n";
    }
    if let Some(proposal) = &fit.proposal {
        text += "\n";
        text += phase_table(loaded, proposal).unwrap_or_else(|| domain_table(loaded, proposal));
        text += "\n";
        if !proposal.natural.is_empty() {
            text += family_table(trained, proposal);
            text += "\n";
        }
        text += kept_ratios(loaded);
    }
    text += phase_lines(loaded, fit);
    text += scale(loaded, fit);
    for sentence in repetition_sentences(loaded, fit) {
        text += sentence + "\n";
    }
    text += summary(loaded, trained, fit);
    text
}

/// What the laws were fitted to.
fn fitted_line(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> String {
    let counted = |number: usize, noun: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {noun}{plural}")
    };
    let law = match &fit.options {
        Some(LawOptions::PerTask { .. }) => "; a law of its own kind per task".to_owned(),
        Some(options) => format!("; {} laws", options.name().replace('_', "-")),
        None => String::new(),
    };
    let chosen = if fit.candidates.is_empty() {
        ""
    } else {
        ", chosen by cross-validation"
    };
    let domains = match &loaded.spec.phases {
        Some(of) => format!(
            "{} in {}",
            counted(of.domains.len(), "domain"),
            counted(of.phases.len(), "phase")
        ),
        None => counted(trained.domains().len(), "domain"),
    };
    format!(
        "Fitted: {domains}, {}, {} of {}{law}{chosen}\n",
        counted(trained.tasks().len(), "task"),
        trained.len(),
        counted(loaded.runs_given, "run")
    )
}

fn domain_table(loaded: &LoadedFit, proposal: &Proposal) -> Page {
    let spec = &loaded.spec;
    let domains = loaded.swarm.domains();
    let constraints = &loaded.config.constraints;
    let target = constraints.target_tokens;
    let mut order: Vec<usize> = (0..domains.len()).collect();
    let weights = proposal.mixture.weights();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let epochs = target.and_then(|target| domains.epochs(weights, target));
    let rows: Vec<Vec<String>> = order
        .into_iter()
        .map(|j| {
            let prior = spec.prior.weights()[j];
            let binds = proposal
                .solution
                .binding
                .iter()
                .find_map(|binding| match binding {
                    Binding::Cap(k) if *k == j => Some("token cap"),
                    Binding::Upper(k) if *k == j => Some("upper bound"),
                    Binding::Lower(k) if *k == j => Some("lower bound"),
                    Binding::Held(k) if *k == j => Some("not sampled"),
                    Binding::GroupUpper(g) | Binding::GroupLower(g)
                        if spec.constraints.groups[*g].members.contains(&j) =>
                    {
                        Some("group bound")
                    }
                    _ => None,
                });
            let interval = proposal
                .bootstrap
                .as_ref()
                .map_or_else(String::new, |bootstrap| {
                    let interval = bootstrap.weights[j];
                    format!(
                        "{:.2} – {:.2} %",
                        100.0 * interval.low,
                        100.0 * interval.high
                    )
                });
            vec![
                domains.name(j).to_owned(),
                percent(prior),
                percent(weights[j]),
                format!("{:.2}×", weights[j] / prior),
                number(epochs.as_ref().map(|epochs| epochs[j]), 2),
                binds.unwrap_or("").to_owned(),
                interval,
            ]
        })
        .collect();
    let confidence = format!("{} interval", coverage(spec.confidence));
    let worst = proposal.solution.status == Status::LocalMaximum;
    table(
        &[
            "domain",
            "prior",
            if worst { "worst" } else { "proposed" },
            "ratio",
            "epochs",
            "binding",
            &confidence,
        ],
        &rows,
    )
}

fn family_table(swarm: &Swarm, proposal: &Proposal) -> Page {
    let mut changes = proposal.family_changes(swarm);
    changes.push(LossChange {
        name: "all tasks".to_owned(),
        prior: proposal.natural_average.unwrap_or(f64::NAN),
        proposed: proposal.predicted_average,
    });
    let row = |change: &LossChange| {
        vec![
            change.name.clone(),
            number(Some(change.prior), 4),
            number(Some(change.proposed), 4),
            signed_change(change),
        ]
    };
    let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
    table(&["tasks", "prior", "proposed", "change"], &rows)
}

/// That baselines keep the ratios inside virtual domains, which the laws do not know apart.
fn kept_ratios(loaded: &LoadedFit) -> String {
    let names = loaded.virtual_domains.iter().map(|one| one.name.clone());
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "Every mixture here, the baselines too, has the ratios inside {} as they are\n",
        first_few(names, 5)
    )
}
