//! What the constraints that bind cost.

use olmix_core::price::ConstraintPrice;
use olmix_core::{Binding, Proposal};

use super::ReportInput;
use super::markup::{name, number, table, text};
use crate::format::{percent, percent_short, significant};

/// A row per constraint that binds, the dearest first; nothing where no prices are known.
pub fn table_of_prices(input: &ReportInput, proposal: &Proposal) -> String {
    let Some(prices) = proposal.prices.as_ref().filter(|prices| !prices.is_empty()) else {
        return String::new();
    };
    let columns = [
        text("Constraint"),
        text("Kind"),
        number("Bound, %"),
        number("Price per point"),
        text("Loosened by"),
        number("Change of the loss"),
        number("Change without it"),
    ];
    let now = proposal.predicted_average;
    let rows: Vec<Vec<String>> = prices.iter().map(|price| row(input, now, price)).collect();
    let caption = "What each constraint that binds costs. The price is its multiplier: by how much the \
                   objective (predicted loss plus KL term) falls for each percentage point of weight that \
                   the bound is loosened, at first. The changes are those of the predicted loss, with the \
                   problem solved again.";
    format!(
        "<h2 id=\"prices\">The price of the constraints</h2>\n{}",
        table(caption, &columns, &rows, 0)
    )
}

fn row(input: &ReportInput, now: f64, price: &ConstraintPrice) -> Vec<String> {
    let domain = |j: usize| name(input.swarm.domains().name(j));
    let group = |g: usize| name(&input.spec.constraints.groups[g].name);
    let (of, kind) = match price.constraint {
        Binding::Cap(j) => (domain(j), "token cap"),
        Binding::Upper(j) => (domain(j), "upper bound"),
        Binding::Lower(j) => (domain(j), "lower bound"),
        Binding::Held(j) => (domain(j), "held"),
        Binding::GroupUpper(g) => (group(g), "upper bound of a group"),
        Binding::GroupLower(g) => (group(g), "lower bound of a group"),
    };
    let change = |loss: Option<f64>| {
        let change = loss.map(|loss| loss / now - 1.0);
        change.map_or_else(|| "–".to_owned(), signed)
    };
    let step = price.loosened.map_or_else(
        || "–".to_owned(),
        |loosened| match price.constraint {
            Binding::Cap(_) => "1 epoch".to_owned(),
            _ if loosened.by >= 0.01 => "1 point".to_owned(),
            _ => format!("{} points", significant(100.0 * loosened.by, 3)),
        },
    );
    vec![
        of,
        kind.to_owned(),
        percent(price.bound),
        significant(0.01 * price.loosening, 3),
        step,
        change(price.loosened.map(|loosened| loosened.predicted)),
        change(price.without),
    ]
}

/// A change with its sign.
fn signed(change: f64) -> String {
    let text = percent_short(change);
    if change > 0.0 && !text.starts_with('0') {
        format!("+{text}")
    } else {
        text
    }
}
