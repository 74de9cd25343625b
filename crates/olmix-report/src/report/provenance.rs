//! How it was made: enough to make it again.

use std::fmt::Write as _;

use olmix_core::{DeadDomains, LawKind};

use super::ReportInput;
use super::answer::{is_worst, optimizer_name};
use crate::format::{count, coverage, setting, tokens};
use crate::svg::escape;

pub fn section(input: &ReportInput) -> String {
    let spec = input.spec;
    let mut entries = vec![
        ("Command", code(input.command)),
        ("Config", code(input.config)),
        ("Version", format!("olmix {}", escape(input.version))),
        ("Seed", spec.seed.to_string()),
        ("Law", law(input)),
        ("Optimizer", optimizer(input)),
    ];
    if input.spec.kl_reference.is_some() {
        let reference = "the prior of the expanded mixture: virtual domains count by what they \
                         stand for";
        entries.push(("KL term pulls to", reference.to_owned()));
    }
    if let Some(target) = input.target_tokens {
        entries.push((
            "Target tokens",
            format!("{} ({})", tokens(target), setting(target)),
        ));
    }
    if let Some(factor) = input.repetition_factor {
        entries.push(("Repetition factor", setting(factor)));
    }
    entries.push(("Checks", checks(input)));
    for file in input.inputs {
        let path = escape(file.path);
        entries.push((
            "Input",
            format!("<code>{path}</code><br>sha256 {}", code(file.sha256)),
        ));
    }
    let mut html = "<h2>How this was made</h2>\n<dl>\n".to_owned();
    for (name, value) in entries {
        let _ = writeln!(html, "<dt>{name}</dt><dd>{value}</dd>");
    }
    html += "</dl>\n";
    html
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

fn law(input: &ReportInput) -> String {
    if input.spec.law == LawKind::Search {
        return "none: the observed runs themselves".to_owned();
    }
    let Some(options) = &input.fit.options else {
        return "none".to_owned();
    };
    let chosen = if input.fit.candidates.is_empty() {
        ""
    } else {
        ", chosen by cross-validation"
    };
    let mut law = format!("{}{chosen}", escape(&options.describe()));
    if !input.fit.dead.is_empty() {
        let names: Vec<String> = input
            .fit
            .dead
            .iter()
            .map(|&j| escape(input.swarm.domains().name(j)))
            .collect();
        let policy = match input.spec.dead_domains {
            DeadDomains::Hold => "held at their share of the prior",
            DeadDomains::Error => "without a coefficient from data",
        };
        let _ = write!(law, "; sampled by no run, {policy}: {}", names.join(", "));
    }
    law
}

fn optimizer(input: &ReportInput) -> String {
    match &input.fit.optimizer {
        None => "none: fitted only".to_owned(),
        Some(optimizer) if is_worst(input.spec) => {
            format!("{}, for the worst mixture", optimizer_name(optimizer))
        }
        Some(optimizer) => optimizer_name(optimizer),
    }
}

/// The checks that were made, whatever was asked for.
fn checks(input: &ReportInput) -> String {
    let folds = match &input.fit.out_of_fold {
        Some(folds) => count(folds.folds, "fold"),
        None => "no folds".to_owned(),
    };
    let proposal = input.fit.proposal.as_ref();
    let bootstrap = match proposal.and_then(|proposal| proposal.bootstrap.as_ref()) {
        Some(bootstrap) => format!(
            "bootstrap of {}, intervals of {}",
            bootstrap.mixtures.rows() + bootstrap.failed,
            coverage(bootstrap.confidence)
        ),
        None => "no bootstrap".to_owned(),
    };
    format!("{folds}, {bootstrap}")
}
