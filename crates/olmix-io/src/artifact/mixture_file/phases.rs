//! `phases`: the mixture of each phase, what a swarm tells of timing, and what the phases are worth.

use olmix_core::Fit;
use olmix_core::trust::Interval;
use serde::{Deserialize, Serialize};

use super::ShareEntry;
use super::build::{finite, interval};
use crate::swarm::loaded_fit::LoadedFit;

/// The phases of a mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhasesEntry {
    /// The phases in order. Domains of the file are those of each phase in turn.
    pub phases: Vec<PhaseEntry>,
    /// What each domain has in all phases together; empty when no mixture was asked for.
    pub amounts: Vec<AmountEntry>,
    /// How far the runs' mixtures differ between phases.
    pub contrast: ContrastEntry,
    /// The best mixture that is the same in every phase, by the same laws; null where there is none, or no mixture was
    /// asked for.
    pub best_static: Option<BestStaticEntry>,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseEntry {
    /// Its name.
    pub name: String,
    /// Its share of the run's tokens.
    pub fraction: f64,
    /// Its mixture; empty when none was asked for.
    pub mixture: Vec<ShareEntry>,
}

/// A domain in all phases together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AmountEntry {
    /// The domain.
    pub domain: String,
    /// Its share of the run's tokens.
    pub share: f64,
    /// How often the run sees its tokens.
    pub epochs: Option<f64>,
}

/// How far the runs' mixtures differ between phases; see [`olmix_core::phases::Contrast`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastEntry {
    /// Mean total variation between the mixture of a phase and the run's share of all tokens.
    pub distance: f64,
    /// Share of the contrasts' variance that amounts do not explain.
    pub own: f64,
    /// Directions in which timing varies apart from amount.
    pub directions: usize,
    /// Directions that there are.
    pub possible: usize,
}

/// The best mixture that is the same in every phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestStaticEntry {
    /// The mixture.
    pub mixture: Vec<ShareEntry>,
    /// Its predicted average loss.
    pub predicted: Option<f64>,
    /// By which share of that loss the phases are better.
    pub gain: Option<f64>,
    /// Interval of its loss minus that of the phases; null without a bootstrap.
    pub difference_interval: Option<Interval>,
}

/// `None` for runs without phases.
pub(super) fn phases(loaded: &LoadedFit, fit: &Fit) -> Option<PhasesEntry> {
    let of = loaded.spec.phases.as_ref()?;
    let contrast = fit.contrast.as_ref()?;
    let shares = |weights: &[f64]| -> Vec<ShareEntry> {
        let pairs = of.domains.names().zip(weights);
        let entry = |(name, share): (&str, &f64)| ShareEntry {
            domain: name.to_owned(),
            share: *share,
        };
        pairs.map(entry).collect()
    };
    let proposal = fit.proposal.as_ref();
    let split = proposal.map(|proposal| of.phases.split(proposal.mixture.weights()));
    let each = of.phases.iter().enumerate().map(|(s, phase)| PhaseEntry {
        name: phase.name.clone(),
        fraction: phase.fraction,
        mixture: split
            .as_ref()
            .map_or_else(Vec::new, |split| shares(&split[s])),
    });
    let target = loaded.config.constraints.target_tokens;
    let amounts = proposal.map(|proposal| of.phases.aggregate(proposal.mixture.weights()));
    let amount = |(domain, share): (&olmix_core::Domain, f64)| AmountEntry {
        domain: domain.name.clone(),
        share,
        epochs: target.and_then(|target| finite(domain.epochs(share, target)?)),
    };
    let amounts = amounts.into_iter().flatten();
    let value = proposal.and_then(|proposal| proposal.phases.as_ref());
    Some(PhasesEntry {
        phases: each.collect(),
        amounts: of.domains.iter().zip(amounts).map(amount).collect(),
        contrast: ContrastEntry {
            distance: contrast.distance,
            own: contrast.own,
            directions: contrast.directions,
            possible: contrast.possible,
        },
        best_static: value.map(|value| BestStaticEntry {
            mixture: shares(&value.mixture),
            predicted: finite(value.static_loss),
            gain: finite(1.0 - value.phases_loss / value.static_loss),
            difference_interval: value.interval.and_then(interval),
        }),
    })
}
