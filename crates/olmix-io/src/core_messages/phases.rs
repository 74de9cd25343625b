//! The words for phases: whether a swarm can tell timing, what it tells, and what phases are worth.

use olmix_core::{Fit, FitSpec};

/// What a fit over phases says of timing and of the phases' worth: a sentence each; none for runs without phases.
#[must_use]
pub fn phase_sentences(fit: &Fit, spec: &FitSpec) -> Vec<String> {
    let (Some(of), Some(contrast)) = (&spec.phases, &fit.contrast) else {
        return Vec::new();
    };
    let mut sentences = vec![match (&fit.options, contrast.tells()) {
        (_, false) => {
            "This swarm can't tell timing: every run has the same mixture in all phases, or timing is tied to amount. The \
             phases differ by their bounds and caps only."
                .to_owned()
        }
        (Some(options), true) => {
            let best = |timed: bool| {
                let of_kind = fit.candidates.iter().filter(|c| c.options.is_timed() == timed);
                let errors = of_kind.map(olmix_core::trust::CandidateScore::error);
                errors.reduce(f64::min)
            };
            let errors = match (best(true), best(false)) {
                (Some(timed), Some(tied)) => format!(
                    ": laws that know phases predict runs that they have not seen to {timed:.4}, laws of amounts alone to \
                     {tied:.4}"
                ),
                _ => String::new(),
            };
            let varied = format!(
                "the runs vary timing in {} of {} directions",
                contrast.directions, contrast.possible
            );
            if options.is_timed() {
                format!("When data is seen matters{errors} ({varied}).")
            } else {
                format!(
                    "No effect of timing is shown{errors} ({varied}). The laws are of amounts alone, and phases differ by \
                     their bounds and caps only."
                )
            }
        }
        (None, true) => String::new(),
    }];
    sentences.retain(|sentence| !sentence.is_empty());
    if let Some(value) = fit.proposal.as_ref().and_then(|p| p.phases.as_ref()) {
        let gain = 100.0 * (1.0 - value.phases_loss / value.static_loss);
        let interval = value.interval.map_or_else(String::new, |interval| {
            let share = |difference: f64| 100.0 * difference / value.static_loss;
            format!(
                " ({:.0} % interval {:.2} to {:.2} %)",
                100.0 * spec.confidence,
                share(interval.low),
                share(interval.high)
            )
        });
        sentences.push(format!(
            "The {} phases are predicted to be {gain:.2} %{interval} better than the best mixture that is the same in all of \
             them, which has an average loss of {:.4}.",
            of.phases.len(),
            value.static_loss
        ));
    }
    sentences
}
