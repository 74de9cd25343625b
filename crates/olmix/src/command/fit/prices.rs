//! What the constraints that bind cost, in words.

use olmix_core::price::ConstraintPrice;
use olmix_core::{Binding, Constraints, DomainSet, Proposal};

use crate::table::percent;

/// So many constraints are printed; mixture.json has all.
const SHOWN: usize = 5;
/// Changes up to this one are shown as none.
const NOTHING: f64 = 5e-5;

/// A line for each of the dearest constraints; nothing where none binds or no prices are known.
pub fn prices(
    domains: &DomainSet,
    constraints: &Constraints,
    target_tokens: Option<f64>,
    proposal: &Proposal,
) -> String {
    let Some(prices) = proposal.prices.as_ref().filter(|prices| !prices.is_empty()) else {
        return String::new();
    };
    let mut text = "Price of the constraints, by solving again:\n".to_owned();
    for price in prices.iter().take(SHOWN) {
        text += &format!(
            "  {}\n",
            sentence(domains, constraints, target_tokens, proposal, price)
        );
    }
    if prices.len() > SHOWN {
        let more = prices.len() - SHOWN;
        text += &format!("  and {more} more that cost less, in mixture.json\n");
    }
    text
}

/// The sentence on the constraint that costs most, where one costs something.
pub fn dearest(
    domains: &DomainSet,
    constraints: &Constraints,
    target_tokens: Option<f64>,
    proposal: &Proposal,
) -> Option<String> {
    let price = proposal.prices.as_ref()?.first()?;
    let change = price.without? / proposal.predicted_average - 1.0;
    (change < -NOTHING).then(|| sentence(domains, constraints, target_tokens, proposal, price))
}

fn sentence(
    domains: &DomainSet,
    constraints: &Constraints,
    target_tokens: Option<f64>,
    proposal: &Proposal,
    price: &ConstraintPrice,
) -> String {
    let now = proposal.predicted_average;
    let domain = |j: usize| domains.name(j).to_owned();
    let group = |g: usize| format!("group {}", constraints.groups[g].name);
    let share = format!("{} %", short(100.0 * price.bound));
    let (name, what, step) = match price.constraint {
        Binding::Cap(j) => {
            let tokens = domains.iter().nth(j).and_then(|domain| domain.tokens);
            let epochs = target_tokens
                .zip(tokens)
                .map(|(run, tokens)| price.bound * run / tokens as f64);
            let what = match epochs {
                Some(epochs) => format!("token cap of {} epochs", short(epochs)),
                None => "token cap".to_owned(),
            };
            (domain(j), what, "one more epoch")
        }
        Binding::Upper(j) => (domain(j), format!("upper bound of {share}"), "more"),
        Binding::GroupUpper(g) => (group(g), format!("upper bound of {share}"), "more"),
        Binding::Lower(j) | Binding::Held(j) => {
            (domain(j), format!("lower bound of {share}"), "less")
        }
        Binding::GroupLower(g) => (group(g), format!("lower bound of {share}"), "less"),
    };
    let mut text = format!("{name}, {what}: ");
    text += &match price.without.map(|loss| loss / now - 1.0) {
        Some(change) if change < -NOTHING => {
            format!("costs {} of the predicted loss", percent(-change))
        }
        Some(change) if change > NOTHING => format!(
            "without it the predicted loss is {} higher, as the KL term pulls to the prior",
            percent(change)
        ),
        Some(_) => "costs less than 0.01 % of the predicted loss on its own".to_owned(),
        None => "what it costs could not be solved for".to_owned(),
    };
    if let Some(loosened) = price.loosened {
        let change = loosened.predicted / now - 1.0;
        let step = match price.constraint {
            Binding::Cap(_) => step.to_owned(),
            _ if loosened.by >= 0.01 => format!("1 percentage point {step}"),
            _ => format!("{} percentage points {step}", short(100.0 * loosened.by)),
        };
        text += &format!("; {step} ");
        text += &match change {
            change if change < -NOTHING => format!("lowers it by {}", percent(-change)),
            change if change > NOTHING => format!("raises it by {}", percent(change)),
            _ => "changes it by less than 0.01 %".to_owned(),
        };
    }
    text
}

/// Up to two decimals, as many as it needs.
fn short(value: f64) -> String {
    format!("{}", (100.0 * value).round() / 100.0)
}
