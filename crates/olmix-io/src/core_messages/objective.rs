//! The words for guardrails, and for the largest loss where that is minimized.

use olmix_core::objective::{Compare, ComparedAt, GuardrailAt, Minimize};
use olmix_core::{Fit, FitSpec, Swarm};

use super::NAMES;
use super::phases::phase_sentences;
use super::runs::run_sentences;
use crate::messages::first_few;

/// Costs up to this share of the loss are told as none.
const NOTHING: f64 = 5e-5;
/// A loss this far above its bound, as a share of the baseline's, exceeds it.
const EXCEEDED: f64 = 1e-6;

/// What a proposal is by its objective: what was minimized in place of the average loss, and which guardrails
/// bind; nothing for the average alone.
#[must_use]
pub fn objective_sentences(fit: &Fit, spec: &FitSpec) -> Vec<String> {
    let Some(proposal) = &fit.proposal else {
        return Vec::new();
    };
    let Some(at) = &proposal.objective else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    if let Minimize::Largest {
        compare, baseline, ..
    } = &spec.objective.minimize
    {
        sentences.push(largest(&at.compared, *compare, &baseline.name));
    }
    if !at.guardrails.is_empty() {
        sentences.push(guardrails(&at.guardrails, proposal.predicted_average));
    }
    sentences
}

/// What the report says of a fit in sentences: of its objective, its phases, and its runs.
#[must_use]
pub fn fact_sentences(fit: &Fit, trained: &Swarm, spec: &FitSpec) -> Vec<String> {
    let mut sentences = objective_sentences(fit, spec);
    sentences.extend(phase_sentences(fit, spec));
    sentences.extend(run_sentences(fit, trained));
    sentences
}

/// `1.25 % above`.
fn change(share: f64) -> String {
    let way = if share < 0.0 { "below" } else { "above" };
    format!("{:.2} % {way}", 100.0 * share.abs())
}

fn largest(all: &[ComparedAt], compare: Compare, baseline: &str) -> String {
    let top: Vec<&ComparedAt> = all.iter().filter(|one| one.largest).collect();
    let names = first_few(top.iter().map(|one| one.group.clone()), NAMES);
    let now = top.first().map_or_else(String::new, |one| match compare {
        Compare::Ratio => format!("{} {baseline}", change(one.loss / one.baseline_loss - 1.0)),
        Compare::Difference => {
            format!("{:+.4} against {baseline}", one.loss - one.baseline_loss)
        }
    });
    let how = match compare {
        Compare::Ratio => "as ratios to",
        Compare::Difference => "as differences from",
    };
    format!(
        "Minimized in place of the average: the largest of {}, {how} the losses at {baseline}. Largest are {names}: {now}.",
        match all.len() {
            1 => "one loss".to_owned(),
            many => format!("{many} losses"),
        }
    )
}

fn guardrails(all: &[GuardrailAt], predicted: f64) -> String {
    let binding: Vec<&GuardrailAt> = all.iter().filter(|one| one.binding).collect();
    if binding.is_empty() {
        return format!(
            "Guardrails: {}, and none binds.",
            match all.len() {
                1 => "the one there is is kept".to_owned(),
                many => format!("all {many} are kept"),
            }
        );
    }
    let one = |at: &&GuardrailAt| {
        let increase = at.loss / at.baseline_loss - 1.0;
        let mut text = format!("{} ({} {}", at.group, change(increase), at.baseline);
        if increase > at.max_increase + EXCEEDED {
            text += &format!(", at most {} asked", change(at.max_increase));
        }
        let cost = at.without.map(|without| 1.0 - without / predicted);
        if let Some(cost) = cost.filter(|cost| *cost > NOTHING) {
            text += &format!("; costs {:.2} % of the predicted loss", 100.0 * cost);
        }
        text + ")"
    };
    format!(
        "Guardrails: {} of {} bind{}: {}.",
        binding.len(),
        all.len(),
        if binding.len() == 1 { "s" } else { "" },
        first_few(binding.iter().map(one), NAMES)
    )
}
