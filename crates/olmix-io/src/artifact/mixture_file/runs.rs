//! What runs say of themselves: their noise, and how far the mixture is from them.

use olmix_core::trust::{Interval, Noise, Place, Reach, TaskNoise};
use olmix_core::{Fit, Swarm};
use serde::{Deserialize, Serialize};

use super::build::{finite, interval};

/// The noise of a run, from runs of one mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseEntry {
    /// Mixtures that more than one run was measured on.
    pub mixtures: usize,
    /// Runs of these mixtures.
    pub runs: usize,
    /// Runs less mixtures.
    pub degrees_of_freedom: usize,
    /// Coverage the intervals aim at.
    pub confidence: f64,
    /// The noise of the weighted average loss.
    pub average: TaskNoiseEntry,
    /// The noise of each task, in the order of the laws.
    pub tasks: Vec<TaskNoiseEntry>,
}

/// The noise of a loss, in its unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskNoiseEntry {
    /// The task, or `average`.
    pub name: String,
    /// Standard deviation of one run.
    pub sd: Option<f64>,
    /// Interval of it.
    pub interval: Option<Interval>,
    /// Standard deviation over mixtures, without noise.
    pub signal: Option<f64>,
    /// `signal / sd`; null where replicates agree to the last bit.
    pub signal_to_noise: Option<f64>,
}

/// How far the mixture is from the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachEntry {
    /// `near`, `between` or `beyond`.
    pub place: String,
    /// The run whose mixture is nearest.
    pub nearest_run: String,
    /// Its total variation distance.
    pub distance: Option<f64>,
    /// The greatest such distance of a run from its nearest.
    pub apart: Option<f64>,
    /// Leverage of the mixture; null for laws that predict by likeness.
    pub leverage: Option<f64>,
    /// The greatest leverage of a run.
    pub greatest_leverage: Option<f64>,
}

/// `trained` holds the runs that were fitted.
pub(super) fn noise(fit: &Fit, trained: &Swarm) -> Option<NoiseEntry> {
    let noise: &Noise = fit.noise.as_ref()?;
    let entry = |name: &str, noise: &TaskNoise| TaskNoiseEntry {
        name: name.to_owned(),
        sd: finite(noise.sd),
        interval: interval(noise.interval),
        signal: finite(noise.signal),
        signal_to_noise: finite(noise.signal_to_noise()),
    };
    let tasks = trained.tasks().iter().zip(&noise.tasks);
    Some(NoiseEntry {
        mixtures: noise.mixtures,
        runs: noise.runs,
        degrees_of_freedom: noise.degrees_of_freedom,
        confidence: noise.confidence,
        average: entry("average", &noise.average),
        tasks: tasks
            .map(|(task, noise)| entry(&task.name, noise))
            .collect(),
    })
}

pub(super) fn reach(fit: &Fit, trained: &Swarm) -> Option<ReachEntry> {
    let reach: &Reach = fit.proposal.as_ref()?.reach.as_ref()?;
    let place = match reach.place() {
        Place::Near => "near",
        Place::Between => "between",
        Place::Beyond => "beyond",
    };
    Some(ReachEntry {
        place: place.to_owned(),
        nearest_run: trained.runs()[reach.nearest].clone(),
        distance: finite(reach.distance),
        apart: finite(reach.apart),
        leverage: reach.leverage.and_then(|h| finite(h.mixture)),
        greatest_leverage: reach.leverage.and_then(|h| finite(h.greatest)),
    })
}
