//! The runs that the laws were fitted to, as far as they are at hand.

use olmix_core::{Matrix, Swarm, total_variation};
use serde::Serialize;

/// The run whose mixture is nearest to another mixture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nearest {
    /// Its name.
    pub run: String,
    /// Its total variation distance, from 0 to 1.
    pub distance: f64,
    /// The median distance of a run to the nearest other one.
    pub typical: f64,
}

/// The mixtures of the runs.
#[derive(Debug, Clone)]
pub struct Runs {
    names: Vec<String>,
    /// `K × m`.
    mixtures: Matrix,
    typical: f64,
}

/// So many runs are compared with all others for the typical distance.
const COMPARED: usize = 500;

impl Runs {
    /// The runs of a swarm.
    #[must_use]
    pub fn new(swarm: &Swarm) -> Self {
        let mixtures = swarm.mixtures().clone();
        Self {
            names: swarm.runs().to_vec(),
            typical: typical(&mixtures),
            mixtures,
        }
    }

    /// The run nearest to `p` (length `m`) in total variation; none of no runs. Costs `K · m`.
    #[must_use]
    pub fn nearest(&self, p: &[f64]) -> Option<Nearest> {
        let (run, distance) = (0..self.mixtures.rows())
            .map(|run| (run, total_variation(self.mixtures.row(run), p)))
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Nearest {
            run: self.names[run].clone(),
            distance,
            typical: self.typical,
        })
    }
}

/// The median over runs of the distance to the nearest run of another mixture. Of many runs, every so-and-so-many-th is
/// looked at.
fn typical(mixtures: &Matrix) -> f64 {
    let rows = mixtures.rows();
    let step = rows.div_ceil(COMPARED).max(1);
    let nearest = |run: usize| {
        let others = (0..rows).filter(|other| *other != run);
        let distances = others.map(|other| total_variation(mixtures.row(run), mixtures.row(other)));
        // Replicates say nothing of how far runs are apart.
        distances
            .filter(|distance| *distance > SAME)
            .reduce(f64::min)
    };
    let mut found: Vec<f64> = (0..rows).step_by(step).filter_map(nearest).collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied().unwrap_or(0.0)
}

/// Mixtures nearer than this are one mixture in two roundings.
pub(crate) const SAME: f64 = 1e-9;
