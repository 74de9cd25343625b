//! The first screen: the answer in a sentence, what was done, and what to beware of.

use std::fmt::Write as _;

use olmix_core::law::LawOptions;
use olmix_core::optimize::{Optimizer, Status};
use olmix_core::phases::PhaseSpec;
use olmix_core::{DomainSet, FitSpec, Proposal, Ridge};

use super::ReportInput;
use super::markup::list;
use crate::calibration::calibration_sentence;
use crate::format::{count, coverage, percent_short, setting, significant, tokens};
use crate::svg::escape;

pub fn section(input: &ReportInput) -> String {
    let sentence = match &input.fit.proposal {
        Some(proposal) => answer(input, proposal),
        None => no_answer(input),
    };
    format!(
        "<h1>{}</h1>\n<p class=\"answer\">{sentence}</p>\n{}<p class=\"facts\">{}</p>\n{}",
        escape(input.title),
        super::brief::points(input),
        facts(input),
        notices(input)
    )
}

/// Whether the worst mixture was asked for.
pub fn is_worst(spec: &FitSpec) -> bool {
    spec.optimizer.as_ref().is_some_and(Optimizer::is_worst)
}

fn answer(input: &ReportInput, proposal: &Proposal) -> String {
    let mixture = match &input.spec.phases {
        Some(of) => by_phase(of, proposal),
        None => ingredients(named(
            proposal.mixture.domains(),
            proposal.mixture.weights(),
        )),
    };
    let opening = if is_worst(input.spec) {
        format!("A counterfactual, not to train on: the worst mixture is {mixture}.")
    } else {
        format!("Train on {mixture}.")
    };
    let loss = significant(proposal.predicted_average, 3);
    let chosen = proposal
        .solution
        .run
        .and_then(|run| input.swarm.runs().get(run));
    if let Some(Optimizer::Rule(rule)) = &input.fit.optimizer
        && proposal.natural_average.is_none()
    {
        return format!(
            "{opening} It is the mixture of the rule <b>{}</b>, which looks at sizes alone: nothing \
             is known of its loss.",
            rule.name()
        );
    }
    let Some(natural) = proposal.natural_average else {
        let of_run = match chosen {
            Some(run) => format!(" of run <b>{}</b>", escape(run)),
            None => String::new(),
        };
        let runs = count(input.swarm.len(), "run");
        return format!(
            "{opening} It is the mixture{of_run}, whose measured average loss of <b>{loss}</b> was chosen \
             among {runs}."
        );
    };
    let gain = 1.0 - proposal.predicted_average / natural;
    let direction = if gain < 0.0 { "higher" } else { "lower" };
    let interval = proposal
        .bootstrap
        .as_ref()
        .map_or_else(String::new, |bootstrap| {
            format!(
                " ({} interval of the gain: {} to {})",
                coverage(bootstrap.confidence),
                percent_short(bootstrap.gain.low),
                percent_short(bootstrap.gain.high)
            )
        });
    let name = proposal
        .baselines
        .first()
        .map_or("natural distribution", |first| first.0);
    let mut answer = format!(
        "{opening} Predicted average loss <b>{loss}</b> against {} for the {name}, \
         <b>{} {direction}</b>{interval}.",
        significant(natural, 3),
        percent_short(gain.abs())
    );
    if let Some(sentence) = calibration_sentence(input.fit) {
        let _ = write!(answer, " {sentence}");
    }
    for (name, loss) in proposal.baselines.iter().skip(1) {
        let gain = 1.0 - proposal.predicted_average / loss;
        let direction = if gain < 0.0 { "higher" } else { "lower" };
        let _ = write!(
            answer,
            " Against the {name} ({}) it is {} {direction}.",
            significant(*loss, 3),
            percent_short(gain.abs())
        );
    }
    answer
}

/// The heaviest domains by name, the others by number.
fn named<'a>(domains: &'a DomainSet, weights: &[f64]) -> Vec<(f64, &'a str)> {
    weights.iter().copied().zip(domains.names()).collect()
}

/// What each phase is trained on, in order.
fn by_phase(of: &PhaseSpec, proposal: &Proposal) -> String {
    let split = of.phases.split(proposal.mixture.weights());
    let phases = of.phases.iter().zip(&split);
    let texts: Vec<String> = phases
        .map(|(phase, p)| {
            let parts = ingredients(named(&of.domains, p));
            format!("{parts} in <b>{}</b>", escape(&phase.name))
        })
        .collect();
    texts.join("; then on ")
}

fn ingredients(mut parts: Vec<(f64, &str)>) -> String {
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    parts.retain(|part| part.0 > 0.0);
    let named = if parts.len() <= 6 { parts.len() } else { 5 };
    let mut texts: Vec<String> = parts[..named]
        .iter()
        .map(|(weight, name)| format!("{} {}", percent_short(*weight), escape(name)))
        .collect();
    let rest: f64 = parts[named..].iter().map(|part| part.0).sum();
    if named < parts.len() {
        let others = parts.len() - named;
        texts.push(format!("{} of {others} others", percent_short(rest)));
    }
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

fn no_answer(input: &ReportInput) -> String {
    let mut sentence = match input.fit.laws.len() {
        0 => "No law was fitted and no mixture was asked for.".to_owned(),
        laws => format!(
            "Fitted only, no mixture {}: {} for {} over {}.",
            if input.spec.n_test > 0 {
                "is proposed while runs are set aside"
            } else {
                "was asked for"
            },
            count(laws, "law"),
            count(input.swarm.len(), "run"),
            count(input.swarm.domains().len(), "domain")
        ),
    };
    let unseen = input
        .fit
        .held_out
        .as_ref()
        .map(|held| (&held.average, "held-out"));
    let folded = input
        .fit
        .out_of_fold
        .as_ref()
        .map(|folds| (&folds.average, "out-of-fold"));
    if let Some((scores, which)) = unseen.or(folded) {
        let rank = scores.spearman.map_or_else(String::new, |spearman| {
            format!(", rank correlation {}", significant(spearman, 3))
        });
        let _ = write!(
            sentence,
            " The average loss of {which} runs is predicted with an RMSE of <b>{}</b>{rank}.",
            significant(scores.rmse, 3)
        );
    }
    sentence
}

fn facts(input: &ReportInput) -> String {
    let domains = match &input.spec.phases {
        Some(of) => format!(
            "{} in {}",
            count(of.domains.len(), "domain"),
            count(of.phases.len(), "phase")
        ),
        None => count(input.swarm.domains().len(), "domain"),
    };
    let mut facts = vec![
        domains,
        count(input.swarm.tasks().len(), "task"),
        count(input.swarm.len(), "run"),
        match &input.fit.options {
            Some(LawOptions::PerTask { .. }) => "a law of its own kind per task".to_owned(),
            Some(options) => format!("{} law per task", options.name().replace('_', "-")),
            None => "no law".to_owned(),
        },
    ];
    if let Some(optimizer) = &input.fit.optimizer {
        facts.push(optimizer_name(optimizer));
    }
    if let Some(target) = input.target_tokens {
        facts.push(format!("R = {} tokens", tokens(target)));
    }
    if let Some(factor) = input.repetition_factor {
        facts.push(format!("at most {} passes over a domain", setting(factor)));
    }
    facts.join(" · ")
}

/// How the mixture was found, in a few words.
pub fn optimizer_name(optimizer: &Optimizer) -> String {
    match optimizer {
        Optimizer::Exact(exact) => format!("exact solver, λ = {}", setting(exact.kl_reg)),
        Optimizer::Local(local) => format!("local search, λ = {}", setting(local.kl_reg)),
        Optimizer::Simulation(_) => "iterated sampling".to_owned(),
        Optimizer::Rule(rule) => format!("the rule {}", rule.name()),
        Optimizer::Search(_) => "best observed run".to_owned(),
    }
}

/// What helps against laws that explode.
pub fn cure(spec: &FitSpec) -> &'static str {
    match spec.ridge {
        Some(Ridge::Auto) => {
            "The ridge chosen by cross-validation does not prevent it; more runs would."
        }
        _ => "Refit with <code>ridge: auto</code>.",
    }
}

/// A warning as a sentence of its own.
fn sentence(warning: &str) -> String {
    let mut letters = warning.chars();
    let first = letters.next().map(char::to_uppercase);
    let full_stop = if warning.ends_with('.') { "" } else { "." };
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .collect::<String>()
        + full_stop
}

/// A visible box with everything that limits the answer.
fn notices(input: &ReportInput) -> String {
    let mut notices: Vec<String> = input.notices.iter().map(|notice| escape(notice)).collect();
    notices.extend(
        input
            .warnings
            .iter()
            .map(|warning| escape(&sentence(warning))),
    );
    if let Some(folds) = &input.fit.out_of_fold {
        let useless = folds.no_better_than_mean.len();
        if useless > 0 {
            notices.push(format!(
                "{} no better on unseen runs than predicting the mean; the list is below.",
                if useless == 1 {
                    "The law of 1 task is".to_owned()
                } else {
                    format!("The laws of {useless} tasks are")
                }
            ));
        }
    }
    if let Some(proposal) = &input.fit.proposal
        && proposal.solution.status == Status::AlmostOptimal
    {
        notices.push("The solver reached reduced tolerances only.".to_owned());
    }
    if notices.is_empty() {
        return String::new();
    }
    format!(
        "<section class=\"notices\" aria-labelledby=\"notices\">\n\
         <h2 id=\"notices\">Please note</h2>\n{}</section>\n",
        list(&notices)
    )
}
