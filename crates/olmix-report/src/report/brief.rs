//! What a decision takes: what gets better and worse, what the limits cost, and how far to trust it. Plain words.

use olmix_core::price::ConstraintPrice;
use olmix_core::{Binding, LossChange, Proposal};

use super::answer::is_worst;
use super::markup::list;
use super::{ReportInput, TrustWords};
use crate::format::{percent_short, setting, significant};
use crate::svg::escape;

/// Most families and constraints named; the tables have all.
const NAMED: usize = 3;

/// Points to decide by; nothing for a fit without a mixture, for a rule without laws, and for a counterfactual.
pub fn points(input: &ReportInput) -> String {
    let Some(proposal) = &input.fit.proposal else {
        return String::new();
    };
    if is_worst(input.spec) || proposal.natural_average.is_none() || input.fit.laws.is_empty() {
        return String::new();
    }
    let mut points = vec![given_up(input, proposal)];
    points.extend(limits(input, proposal));
    points.extend(input.verdict.as_ref().map(trust));
    list(&points).replacen("<ul>", "<ul class=\"brief\">", 1)
}

/// Families that get worse and better, the most changed first.
fn given_up(input: &ReportInput, proposal: &Proposal) -> String {
    let mut changes = proposal.family_changes(input.swarm);
    changes.sort_by(|a, b| b.relative().total_cmp(&a.relative()));
    let (worse, other): (Vec<_>, Vec<_>) = changes.into_iter().partition(LossChange::is_worse);
    let mut text = "<b>What was given up.</b> ".to_owned();
    text += &if worse.is_empty() {
        "Nothing: no family of tasks is predicted to get worse.".to_owned()
    } else {
        let named = worse.iter().take(NAMED).map(|change| {
            format!(
                "<span class=\"worse\">▲ {} {} worse</span>",
                escape(&change.name),
                percent_short(change.relative())
            )
        });
        named.collect::<Vec<_>>().join(", ") + &others(worse.len()) + "."
    };
    let gained = other
        .iter()
        .rev()
        .filter(|change| change.relative() < -5e-5);
    let named: Vec<String> = gained
        .clone()
        .take(NAMED)
        .map(|change| {
            format!(
                "<span class=\"better\">▼ {} {} better</span>",
                escape(&change.name),
                percent_short(-change.relative())
            )
        })
        .collect();
    if !named.is_empty() {
        text += " What it buys: ";
        text += &named.join(", ");
        text += &others(gained.count());
        text.push('.');
    }
    text
}

fn others(all: usize) -> String {
    if all > NAMED {
        format!(" and {} more", all - NAMED)
    } else {
        String::new()
    }
}

/// What each limit that holds costs; `None` where the optimizer knows none.
fn limits(input: &ReportInput, proposal: &Proposal) -> Option<String> {
    let prices = proposal.prices.as_ref()?;
    let title = "<b>What the limits cost.</b> ";
    if prices.is_empty() {
        return Some(format!(
            "{title}Nothing: no cap or bound holds the mixture back."
        ));
    }
    let now = proposal.predicted_average;
    let named: Vec<String> = prices
        .iter()
        .take(NAMED)
        .map(|price| price_in_words(input, now, price))
        .collect();
    let rest = if prices.len() > NAMED {
        format!(
            " {} more in the <a href=\"#prices\">table of prices</a>.",
            prices.len() - NAMED
        )
    } else {
        String::new()
    };
    Some(format!("{title}{}{rest}", named.join(" ")))
}

fn price_in_words(input: &ReportInput, now: f64, price: &ConstraintPrice) -> String {
    let domain = |j: usize| escape(input.swarm.domains().name(j));
    let group = |g: usize| {
        let groups = &input.spec.constraints.groups;
        groups
            .get(g)
            .map_or_else(String::new, |group| escape(&group.name))
    };
    let bound = percent_short(price.bound);
    let (limit, step) = match price.constraint {
        Binding::Cap(j) => {
            let name = domain(j);
            let times = input.repetition_factor.map_or_else(String::new, |k| {
                format!(" (each token seen {} times at most)", setting(k))
            });
            (
                format!("{name} can be {bound} at most{times}"),
                "one more pass over it".to_owned(),
            )
        }
        Binding::Upper(j) => (format!("{} may have {bound}", domain(j)), point(price)),
        Binding::Lower(j) => (format!("{} must have {bound}", domain(j)), point(price)),
        Binding::GroupUpper(g) => (
            format!("{} together may have {bound}", group(g)),
            point(price),
        ),
        Binding::GroupLower(g) => (
            format!("{} together must have {bound}", group(g)),
            point(price),
        ),
        Binding::Held(j) => return format!("{} is held at {bound}.", domain(j)),
    };
    let change = |loss: Option<f64>| loss.map(|loss| loss / now - 1.0);
    let effect = |change: f64| {
        if change.abs() < 5e-5 {
            "change nothing that shows".to_owned()
        } else if change < 0.0 {
            format!("lower the loss by {}", percent_short(-change))
        } else {
            // The KL term pays for it.
            format!("raise the loss by {}", percent_short(change))
        }
    };
    let loosened = change(price.loosened.map(|loosened| loosened.predicted));
    let without = change(price.without);
    match (loosened, without) {
        (Some(loosened), Some(without)) => format!(
            "{limit}: {step} would {}, no such limit would {}.",
            effect(loosened),
            effect(without)
        ),
        (Some(one), None) => format!("{limit}: {step} would {}.", effect(one)),
        (None, Some(one)) => format!("{limit}: no such limit would {}.", effect(one)),
        (None, None) => format!("{limit}."),
    }
}

/// The step by which a bound is loosened.
fn point(price: &ConstraintPrice) -> String {
    let by = price.loosened.map_or(0.01, |loosened| loosened.by);
    let direction = match price.constraint {
        Binding::Lower(_) | Binding::GroupLower(_) => "less",
        _ => "more",
    };
    if (by - 0.01).abs() < 1e-9 {
        format!("one percentage point {direction}")
    } else {
        format!("{} points {direction}", significant(100.0 * by, 3))
    }
}

/// What the verdict is for where nothing would raise it but a test.
const TEST: &str =
    "A larger model trained on this mixture and one on the prior would test it directly.";

fn trust(words: &TrustWords) -> String {
    // A sign tells the levels apart without colour.
    let sign = match words.level {
        "good" => "●",
        "limited" => "◐",
        _ => "○",
    };
    let raise = if words.remedies.is_empty() {
        TEST.to_owned()
    } else {
        let remedies: Vec<String> = words.remedies.iter().map(|remedy| code(remedy)).collect();
        format!("What would raise it: {}.", remedies.join("; "))
    };
    format!(
        "<b>How far to trust it: <span class=\"trust-{level}\">{sign} {level}</span>.</b> {}. {raise}",
        code(words.why),
        level = words.level,
    )
}

/// Plain text with commands between backquotes, as HTML.
fn code(text: &str) -> String {
    let mut html = String::new();
    for (i, part) in text.split('`').enumerate() {
        let part = escape(part);
        html += &if i % 2 == 1 {
            format!("<code>{part}</code>")
        } else {
            part.clone()
        };
    }
    html
}
