//! What is said of repetition that was measured.

use olmix_core::law::Repeats;
use olmix_core::repetition::RepeatValue;
use olmix_core::{Fit, Proposal};

use crate::messages::first_few;
use crate::swarm::loaded_fit::LoadedFit;

/// Domains that are named.
const NAMED: usize = 5;

/// What the swarm says of repeats, how often the mixture repeats scarce domains, and what a cap would cost: sentences with
/// full stops. None where repetition was not measured.
#[must_use]
pub fn repetition_sentences(loaded: &LoadedFit, fit: &Fit) -> Vec<String> {
    let Some(repeats) = &fit.repeats else {
        return Vec::new();
    };
    let mut said = vec![value(repeats)];
    if let Some(proposal) = &fit.proposal {
        said.extend(epochs(loaded, repeats, proposal));
        said.extend(cap(loaded, proposal));
    }
    said
}

/// Three significant digits.
fn short(value: f64) -> String {
    if value.is_infinite() {
        "∞".to_owned()
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}

fn value(repeats: &RepeatValue) -> String {
    let covered = (1e4 * repeats.confidence).round() / 100.0;
    let (low, high) = (short(repeats.interval.low), short(repeats.interval.high));
    let most = repeats.most_epochs.iter().copied().fold(0.0, f64::max);
    let runs = format!(
        "{} runs see a domain more than once, up to {} times",
        repeats.repeating_runs,
        short(most)
    );
    match repeats.r_star {
        Some(r_star) => format!(
            "Repeats are worth less: r* = {} ({covered} % interval {low} to {high}), so that 4 passes over a domain are worth \
             {} and 16 passes {} ({runs}; out-of-fold error {:.3} times that without decay).",
            short(r_star),
            short(Repeats::effective_epochs(r_star, 4.0)),
            short(Repeats::effective_epochs(r_star, 16.0)),
            repeats.error_ratio
        ),
        None => format!(
            "The swarm does not tell a decreasing value of repeats from none, and the laws have none: r* is best at {} \
             ({covered} % interval {low} to {high}), without decay in {:.0} % of resamples, with an out-of-fold error of {:.3} \
             times that without decay ({runs}). Nothing limits repetition but what the config caps.",
            short(repeats.best),
            100.0 * repeats.without,
            repeats.error_ratio
        ),
    }
}

/// The domains that the mixture sees more than once, and those that it sees more often than any run did.
fn epochs(loaded: &LoadedFit, repeats: &RepeatValue, proposal: &Proposal) -> Vec<String> {
    let domains = loaded.swarm.domains();
    let Some(target) = loaded.config.constraints.target_tokens else {
        return Vec::new();
    };
    let Some(epochs) = domains.epochs(proposal.mixture.weights(), target) else {
        return Vec::new();
    };
    let mut order: Vec<usize> = (0..epochs.len()).filter(|&j| epochs[j] > 1.0).collect();
    order.sort_by(|&a, &b| epochs[b].total_cmp(&epochs[a]));
    let worth = |j: usize| match repeats.r_star {
        Some(r_star) => format!(
            ", worth {}",
            short(Repeats::effective_epochs(r_star, epochs[j]))
        ),
        None => String::new(),
    };
    let named = |j: &usize| format!("{} {}{}", domains.name(*j), short(epochs[*j]), worth(*j));
    let mut said = vec![if order.is_empty() {
        "The mixture sees no domain more than once.".to_owned()
    } else {
        format!(
            "Epochs at the mixture: {}.",
            first_few(order.iter().map(named).collect::<Vec<_>>(), NAMED)
        )
    }];
    // More than a rounding above what was measured.
    order.retain(|&j| epochs[j] > 1.02 * repeats.most_epochs[j].max(1.0));
    if !order.is_empty() {
        let beyond = |j: &usize| {
            format!(
                "{} ({} against {} at most in a run)",
                domains.name(*j),
                short(epochs[*j]),
                short(repeats.most_epochs[*j])
            )
        };
        said.push(format!(
            "Seen more often than in any run, which no run speaks for: {}. `repetition_factor` beside `repetition: measured` \
             would limit that.",
            first_few(order.iter().map(beyond).collect::<Vec<_>>(), NAMED)
        ));
    }
    said
}

fn cap(loaded: &LoadedFit, proposal: &Proposal) -> Option<String> {
    let capped = proposal.capped.as_ref()?;
    let factor = capped.repetition_factor;
    let Some((_, loss)) = &capped.best else {
        return Some(format!(
            "A cap of {factor} epochs leaves no mixture: seen so often, all domains together do not fill the run, within the \
             bounds."
        ));
    };
    let target = loaded.config.constraints.target_tokens;
    let within = |(weight, tokens): (&f64, Option<u64>)| {
        let tokens = tokens.map(|tokens| tokens as f64);
        let epochs = target
            .zip(tokens)
            .map(|(target, tokens)| weight * target / tokens);
        epochs.is_none_or(|epochs| epochs <= factor)
    };
    let tokens = loaded.swarm.domains().iter().map(|domain| domain.tokens);
    if proposal.mixture.weights().iter().zip(tokens).all(within) {
        return Some(format!(
            "A cap of {factor} epochs would change nothing: the mixture keeps it."
        ));
    }
    let natural = proposal.natural_average?;
    Some(format!(
        "A cap of {factor} epochs would cost {:.4}: predicted average loss {loss:.4} in place of {:.4}, {:.2} % lower than at the \
         prior in place of {:.2} %.",
        loss - proposal.predicted_average,
        proposal.predicted_average,
        100.0 * (1.0 - loss / natural),
        100.0 * (1.0 - proposal.predicted_average / natural)
    ))
}
