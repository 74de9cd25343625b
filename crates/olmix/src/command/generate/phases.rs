//! What `olmix generate` says of runs in phases.

use olmix_io::PhasedRuns;
use serde_json::{Map, Value, json};

/// The phases, how runs were drawn, and what they can tell of timing: a line each.
pub fn phase_lines(phased: &PhasedRuns<'_>) -> String {
    let percent = |share: f64| (1e5 * share).round() / 1e3;
    let phases = phased.phases.iter();
    let phases: Vec<String> = phases
        .map(|phase| format!("{} ({} %)", phase.name, percent(phase.fraction)))
        .collect();
    let mut text = format!(
        "Phases: {}. Shares and epochs above are of all phases together\n",
        phases.join(", ")
    );
    let pairs = phased.paired / 2;
    text += &format!(
        "{} runs in {pairs} pair{} of the same amounts with opposite contrasts between phases",
        phased.paired,
        if pairs == 1 { "" } else { "s" }
    );
    text += &match phased.tied {
        0 => "\n".to_owned(),
        1 => "; 1 tied run, with one mixture in all phases\n".to_owned(),
        tied => format!("; {tied} tied runs, each with one mixture in all phases\n"),
    };
    if phased.moved > 0 || phased.unfit > 0 {
        text += &format!(
            "Bounds of phases moved {} of {pairs} pairs inside; {} draws of amounts left them no room and were drawn again\n",
            phased.moved, phased.unfit
        );
    }
    let contrast = &phased.contrast;
    text += &format!(
        "Timing varies in {} of {} directions apart from amounts; a phase differs from its run's amounts by {:.1} % on \
         average (total variation), {:.0} % of the variance of that is not explained by amounts\n",
        contrast.directions,
        contrast.possible,
        100.0 * contrast.distance,
        100.0 * contrast.own
    );
    text
}

/// The same as values.
pub fn json(phased: &PhasedRuns<'_>) -> Value {
    let phases: Vec<Value> = phased
        .phases
        .iter()
        .map(|phase| json!({"name": phase.name, "fraction": phase.fraction}))
        .collect();
    let contrast = &phased.contrast;
    json!({
        "phases": phases,
        "paired_runs": phased.paired,
        "tied_runs": phased.tied,
        "pairs_moved": phased.moved,
        "amounts_without_room": phased.unfit,
        "contrast": {
            "distance": contrast.distance,
            "own": contrast.own,
            "directions": contrast.directions,
            "possible": contrast.possible,
        },
    })
}

/// The mixture of each phase of a run, by the name of the phase.
pub fn phase_weights(
    phased: &PhasedRuns<'_>,
    run: usize,
    weights: &dyn Fn(&[f64]) -> Map<String, Value>,
) -> Value {
    let mixtures = phased.phases.iter().zip(&phased.runs[run]);
    let named = mixtures.map(|(phase, mixture)| (phase.name.clone(), weights(mixture).into()));
    Value::Object(named.collect())
}
