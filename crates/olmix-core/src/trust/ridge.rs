//! Choosing the ridge on `t` by out-of-fold error.

use super::out_of_fold;
use crate::law::LogLinearOptions;
use crate::{CoreError, Swarm};

/// Ridges tried, from none to one that plainly costs accuracy; about three a decade where the
/// choice matters.
pub const RIDGE_GRID: [f64; 10] = [0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1];

/// The ridge of [`RIDGE_GRID`] whose out-of-fold predictions of the average loss have the least
/// RMSE, with the RMSE of each; the greater ridge wins a tie. `None` when there are too few runs
/// for folds.
///
/// Costs `10 · folds` fits; `progress` is called once after each task of each.
///
/// # Errors
/// As [`out_of_fold`].
pub fn choose_ridge(
    swarm: &Swarm,
    prior: &[f64],
    huber_delta: f64,
    folds: usize,
    seed: u64,
    progress: &(dyn Fn() + Sync),
) -> Result<Option<(f64, Vec<(f64, f64)>)>, CoreError> {
    let mut tried = Vec::with_capacity(RIDGE_GRID.len());
    for ridge in RIDGE_GRID {
        let options = LogLinearOptions { huber_delta, ridge };
        match out_of_fold(swarm, prior, options, folds, seed, progress)? {
            Some(found) => tried.push((ridge, found.average.rmse)),
            None => return Ok(None),
        }
    }
    let mut best = (0.0, f64::INFINITY);
    for &(ridge, rmse) in &tried {
        if rmse <= best.1 {
            best = (ridge, rmse);
        }
    }
    Ok(Some((best.0, tried)))
}
