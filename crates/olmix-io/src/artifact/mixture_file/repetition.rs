//! Repetition that was measured.

use olmix_core::Fit;
use serde::{Deserialize, Serialize};

use super::build::finite;
use crate::swarm::loaded_fit::LoadedFit;

/// What the swarm says of the value of repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepetitionEntry {
    /// `r*` of the laws; null where the swarm does not tell a decay from none, and the laws have none.
    pub r_star: Option<f64>,
    /// The `r*` that fits best; null where that is infinite, the law without decay.
    pub best: Option<f64>,
    /// Lower end of the interval of the best `r*`; null where it is infinite.
    pub low: Option<f64>,
    /// Upper end; null where it is infinite.
    pub high: Option<f64>,
    /// Coverage that the interval aims at.
    pub confidence: f64,
    /// The share of resamples that are fitted best without decay.
    pub without_decay: f64,
    /// The out-of-fold error with the best `r*`, as a share of that without decay.
    pub error_ratio: Option<f64>,
    /// Runs that see a domain more than once.
    pub repeating_runs: usize,
    /// How often each domain is seen at most in a run of the swarm, aligned with the domains.
    pub most_epochs: Vec<f64>,
    /// What a cap would have led to; null where there are caps, or no mixture.
    pub capped: Option<CappedEntry>,
}

/// The mixture under a cap, by the same laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CappedEntry {
    /// How often a domain's tokens may be seen.
    pub repetition_factor: f64,
    /// Its weights, aligned with the domains; null where no mixture keeps the cap.
    pub weights: Option<Vec<f64>>,
    /// Weighted average of the losses predicted there.
    pub predicted: Option<f64>,
}

pub(super) fn repetition(loaded: &LoadedFit, fit: &Fit) -> Option<RepetitionEntry> {
    loaded.spec.repetition.as_ref()?;
    let repeats = fit.repeats.as_ref()?;
    let capped = fit.proposal.as_ref().and_then(|p| p.capped.as_ref());
    Some(RepetitionEntry {
        r_star: repeats.r_star,
        best: finite(repeats.best),
        low: finite(repeats.interval.low),
        high: finite(repeats.interval.high),
        confidence: repeats.confidence,
        without_decay: repeats.without,
        error_ratio: finite(repeats.error_ratio),
        repeating_runs: repeats.repeating_runs,
        most_epochs: repeats.most_epochs.clone(),
        capped: capped.map(|capped| CappedEntry {
            repetition_factor: capped.repetition_factor,
            weights: capped.best.as_ref().map(|(weights, _)| weights.clone()),
            predicted: capped.best.as_ref().and_then(|(_, loss)| finite(*loss)),
        }),
    })
}
