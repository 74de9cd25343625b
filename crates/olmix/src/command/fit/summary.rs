//! A fit in three lines of plain words: what to train on, what it costs, how far to trust it.

use olmix_core::optimize::Status;
use olmix_core::phases::PhaseSpec;
use olmix_core::{Fit, LossChange, Proposal, Swarm};
use olmix_io::{LoadedFit, first_few, objective_sentences, verdict_words};

use olmix_report::calibration_sentence;

use super::prices::dearest;
use crate::page::Page;
use crate::table::{coverage, number, percent, signed_percent};

/// The three lines; for a mixture that no law predicts, what there is to say of it; for laws without a mixture, how
/// well they predict.
pub fn summary(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> Page {
    let mut text = Page::default();
    match &fit.proposal {
        Some(proposal) => {
            text.strong(&(answer(loaded, trained, proposal) + "\n"));
            if let Some(sentence) = calibration_sentence(fit) {
                text += &(sentence + "\n");
            }
            if !proposal.natural.is_empty() {
                text += costs(loaded, trained, fit, proposal);
            }
        }
        None => text += laws(fit),
    }
    if let Some(verdict) = fit.verdict(trained, &loaded.spec) {
        let words = verdict_words(&verdict, &loaded.spec);
        text += &format!("Trust: {}\n", words.sentences());
    }
    text
}

/// The heaviest domains by name, and what the mixture is predicted to gain.
fn answer(loaded: &LoadedFit, trained: &Swarm, proposal: &Proposal) -> String {
    let of = if let Some(of) = &loaded.spec.phases {
        by_phase(of, proposal)
    } else {
        let weights = proposal.mixture.weights().iter().copied();
        ingredients(proposal.mixture.domains().names().zip(weights))
    };
    let loss = proposal.predicted_average;
    let Some(natural) = proposal.natural_average else {
        let run = proposal
            .solution
            .run
            .and_then(|run| trained.runs().get(run));
        return match run {
            Some(run) if loss.is_finite() => {
                let loss = number(Some(loss), 4);
                format!("Train on {of}: the mixture of run {run}, measured average loss {loss}.")
            }
            _ => format!("Train on {of}: a rule's mixture, of which no loss is predicted."),
        };
    };
    let gain = 1.0 - loss / natural;
    let mut text = if proposal.solution.status == Status::LocalMaximum {
        format!(
            "A counterfactual, not to train on: the worst mixture found is {of}, with an average loss "
        )
    } else {
        format!("Train on {of}: predicted average loss ")
    };
    let way = if gain < 0.0 { "higher" } else { "lower" };
    text += &format!(
        "{} against {} at the prior, {} {way}",
        number(Some(loss), 4),
        number(Some(natural), 4),
        percent(gain.abs())
    );
    text += &interval_of_gain(proposal);
    for (name, loss) in proposal.baselines.iter().skip(1) {
        let gain = 1.0 - proposal.predicted_average / loss;
        let way = if gain < 0.0 { "higher" } else { "lower" };
        text += &format!("; {} {way} than the {name}", percent(gain.abs()));
    }
    text + "."
}

/// Domains named with their weights; the others are counted.
const NAMED: usize = 4;

/// What each phase is trained on, in order.
fn by_phase(of: &PhaseSpec, proposal: &Proposal) -> String {
    let split = of.phases.split(proposal.mixture.weights());
    let phases = of.phases.iter().zip(&split);
    let texts: Vec<String> = phases
        .map(|(phase, p)| {
            let parts = of.domains.names().zip(p.iter().copied());
            format!("{} (in {})", ingredients(parts), phase.name)
        })
        .collect();
    texts.join(", then ")
}

fn ingredients<'a>(weights: impl Iterator<Item = (&'a str, f64)>) -> String {
    let mut parts: Vec<(f64, &str)> = weights.map(|(name, weight)| (weight, name)).collect();
    parts.retain(|part| part.0 > 0.0);
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let named = if parts.len() <= NAMED + 1 {
        parts.len()
    } else {
        NAMED
    };
    let mut texts: Vec<String> = parts[..named]
        .iter()
        .map(|(weight, name)| format!("{:.1} % {name}", 100.0 * weight))
        .collect();
    if named < parts.len() {
        texts.push(format!("{} others", parts.len() - named));
    }
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

/// What gets worse, and the dearest constraint.
fn costs(loaded: &LoadedFit, trained: &Swarm, fit: &Fit, proposal: &Proposal) -> String {
    let worse = |mut changes: Vec<LossChange>| {
        changes.retain(LossChange::is_worse);
        changes.sort_by(|a, b| b.relative().total_cmp(&a.relative()));
        changes
    };
    let named = |changes: &[LossChange]| {
        let one = |change: &LossChange| {
            format!("{} ({})", change.name, signed_percent(change.relative()))
        };
        first_few(changes.iter().map(one).collect::<Vec<_>>(), 3)
    };
    let (families, tasks) = (
        worse(proposal.family_changes(trained)),
        worse(proposal.task_changes(trained)),
    );
    let of = trained.tasks().len();
    let mut text = match (families.as_slice(), tasks.as_slice()) {
        ([], []) => "No task gets worse than at the prior.".to_owned(),
        ([], tasks) => format!(
            "No family of tasks gets worse than at the prior; of {of} tasks, {} {}: {}.",
            tasks.len(),
            if tasks.len() == 1 { "does" } else { "do" },
            named(tasks)
        ),
        (families, tasks) => format!(
            "Worse than at the prior: {}; of {of} tasks, {}: {}.",
            named(families),
            tasks.len(),
            named(tasks)
        ),
    };
    for sentence in objective_sentences(fit, &loaded.spec) {
        text += &format!(" {sentence}");
    }
    let dearest = dearest(
        trained.domains(),
        &loaded.spec.constraints,
        loaded.config.constraints.target_tokens,
        proposal,
    );
    if let Some(sentence) = dearest {
        text += &format!(" Dearest constraint: {sentence}.");
    }
    text + "\n"
}

/// How well laws without a mixture predict.
fn laws(fit: &Fit) -> String {
    let held_out = fit
        .held_out
        .as_ref()
        .map(|held| (held.average, "runs set aside"));
    let folded = fit.out_of_fold.as_ref();
    let folded = folded.map(|checked| (checked.average, "unseen runs, by cross-validation"));
    held_out
        .or(folded)
        .map_or_else(String::new, |(scores, of)| {
            format!(
                "Average loss of {of}: rank correlation {}, RMSE {} (guessing the mean: {}).\n",
                number(scores.spearman, 3),
                number(Some(scores.rmse), 4),
                number(Some(scores.mean_rmse), 4)
            )
        })
}

/// ` (90 % interval of the gain 18.43 % to 18.90 %)`; nothing without a bootstrap.
pub fn interval_of_gain(proposal: &Proposal) -> String {
    proposal
        .bootstrap
        .as_ref()
        .map_or_else(String::new, |bootstrap| {
            format!(
                " ({} interval of the gain {} to {})",
                coverage(bootstrap.confidence),
                bounded_percent(bootstrap.gain.low),
                bounded_percent(bootstrap.gain.high)
            )
        })
}

/// A gain as a percentage; one that only laws that explode can give, as the bound that it is beyond.
fn bounded_percent(gain: f64) -> String {
    const MOST: f64 = 10.0;
    if gain.abs() <= MOST || gain.is_nan() {
        return percent(gain);
    }
    let beyond = if gain < 0.0 {
        "less than −"
    } else {
        "more than "
    };
    format!("{beyond}{:.0} %", 100.0 * MOST)
}
