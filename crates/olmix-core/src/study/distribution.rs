//! RQ3: which mixtures should the runs of a swarm try?
//!
//! Swarms of `3 (m + 1)` runs are drawn around the prior, sparse or dense and more or less strongly,
//! "trained" by the oracle, and the mixture they lead to is judged by it.

use super::swarm_size::{Draws, outcome};
use super::{Cell, Study};
use crate::CoreError;

/// Concentrations of the Dirichlet distribution, as a multiple of the prior.
const STRENGTHS: [f64; 6] = [0.5, 1.0, 3.0, 10.0, 30.0, 100.0];
/// Shares below this are zero in a sparse swarm.
const SPARSE: f64 = 0.02;

pub(super) fn settings() -> Vec<Vec<String>> {
    let mut settings = Vec::new();
    for kind in ["sparse", "dense"] {
        settings.extend(STRENGTHS.map(|s| vec![kind.to_owned(), s.to_string()]));
    }
    settings
}

pub(super) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let Ok(strength) = cell.keys[1].parse::<f64>() else {
        return Err(CoreError::Unsupported("a cell of another study".into()));
    };
    let m = study.swarm.domains().len();
    let draws = Draws {
        strength: (strength, strength),
        least: if cell.keys[0] == "sparse" {
            SPARSE
        } else {
            0.0
        },
    };
    let domains: Vec<usize> = (0..m).collect();
    outcome(study, &domains, 3 * (m + 1), &draws, cell.seed)
}
