//! Predictions for a region of mixtures that no run of the fit is in.
//!
//! A proposed mixture is denser than most runs of a swarm and at the edge of what they measured, with a lower loss than any.
//! Random folds say little of such mixtures: each held-out run has neighbours in the other folds. So two regions are held
//! out as well, one at a time: the runs over most domains, and the runs with the lowest losses.

use super::runs_by_mixture;
use crate::law::{FittedLaw, Law, LawOptions};
use crate::{CoreError, Swarm};

/// A region holds one run of so many.
const ONE_OF: usize = 5;

/// The rows (ascending) of the runs in each region of a swarm: the fifth with the greatest entropy of the mixture, and the
/// fifth with the lowest average loss. Of equal runs the earlier ones are in. Replicates are in or out together, by their
/// mean.
#[must_use]
pub fn regions(swarm: &Swarm) -> Vec<Vec<usize>> {
    let neg_entropy = |row: usize| -> f64 {
        let mixture = swarm.mixtures().row(row).iter();
        mixture.filter(|p| **p > 0.0).map(|p| p * p.ln()).sum()
    };
    let runs = swarm.len();
    let groups = runs_by_mixture(swarm.mixtures());
    let least = |key: Vec<f64>| {
        let mean =
            |group: &[usize]| group.iter().map(|&run| key[run]).sum::<f64>() / group.len() as f64;
        let mut order: Vec<&Vec<usize>> = groups.iter().collect();
        order.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
        let mut region: Vec<usize> = Vec::new();
        for group in order {
            if region.len() >= runs.div_ceil(ONE_OF) {
                break;
            }
            region.extend(group);
        }
        region.sort_unstable();
        region
    };
    vec![
        least((0..runs).map(neg_entropy).collect()),
        least(swarm.average_losses()),
    ]
}

/// Errors (predicted − measured) of each task for the runs of each region, predicted by laws of the other runs: one vector
/// of `n` errors for each run of each region. `whole` are the laws of all runs, where [`LawOptions::fit_part`] needs them.
/// `None` where a region leaves fewer runs than the law needs.
///
/// Costs a fit for each region.
///
/// # Errors
/// As [`LawOptions::fit`].
pub(super) fn region_errors(
    swarm: &Swarm,
    prior: &[f64],
    options: &LawOptions,
    whole: &[FittedLaw],
) -> Result<Option<Vec<Vec<f64>>>, CoreError> {
    let needed = options.needed(swarm.live_domains().len());
    let regions = regions(swarm);
    if regions
        .iter()
        .any(|region| swarm.len() - region.len() < needed)
    {
        return Ok(None);
    }
    let mut errors = Vec::new();
    for region in &regions {
        let rest: Vec<usize> = (0..swarm.len())
            .filter(|row| region.binary_search(row).is_err())
            .collect();
        let laws = options.fit_part(&swarm.subset(&rest), prior, whole, &|| ())?;
        errors.extend(region.iter().map(|&row| {
            let mixture = swarm.mixtures().row(row);
            let measured = swarm.losses().row(row).iter();
            let laws = laws.iter().zip(measured);
            laws.map(|(law, y)| law.predict(mixture) - y).collect()
        }));
    }
    Ok(Some(errors))
}
