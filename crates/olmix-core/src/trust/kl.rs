//! λ from data: how strongly to pull to the prior, and how much of a promised gain is kept.
//!
//! The runs are split in halves. For each λ of a grid a mixture is proposed by laws fitted to one
//! half, and its gain over the prior is told by laws fitted to the other half, which had no part in
//! choosing it. What the first promises and the second denies is optimism. No λ is best on every
//! swarm: with noisy laws a strong pull is worth more (`docs/decisions.md` has the evidence).

use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::calibrate::calibrated_laws;
use crate::law::{FittedLaw, LawOptions};
use crate::random::{Purpose, generator};
use crate::{CoreError, Swarm};

/// The λ tried, in the unit of the losses per nat: about three a decade.
pub const KL_GRID: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/// How often the runs are split; each split serves in both directions.
pub const KL_SPLITS: usize = 8;

/// What proposals from half of the runs were worth by the other half.
#[derive(Debug, Clone, PartialEq)]
pub struct KlChoice {
    /// The λ tried, ascending.
    pub grid: Vec<f64>,
    /// Mean gain over the prior by the laws that proposed, one per λ, as a share of the loss.
    pub predicted: Vec<f64>,
    /// Mean gain by the laws of the other half.
    pub crossed: Vec<f64>,
    /// Standard error of [`KlChoice::crossed`] over the splits.
    pub standard_error: Vec<f64>,
    /// Position of the λ with the greatest crossed gain.
    pub best: usize,
    /// Position of the largest λ whose crossed gain is within a standard error of the best.
    pub within_error: usize,
    /// Position of the λ chosen: half-way between the two on the grid, the smaller of a pair.
    pub chosen: usize,
}

impl KlChoice {
    /// The λ chosen.
    #[must_use]
    pub fn kl_reg(&self) -> f64 {
        self.grid[self.chosen]
    }

    /// Predicted minus crossed gain at the λ chosen.
    #[must_use]
    pub fn optimism(&self) -> f64 {
        self.predicted[self.chosen] - self.crossed[self.chosen]
    }
}

/// How laws are fitted to halves of the runs.
#[derive(Debug, Clone, Copy)]
pub struct Halves<'a> {
    /// The law with its settings.
    pub options: &'a LawOptions,
    /// Runs that the laws of each half are calibrated by, if any.
    pub target: Option<&'a Swarm>,
    /// How often the target sees its domains at the weight 1, for laws with the value of repeats.
    pub epochs: Option<&'a [f64]>,
    /// Seed of the splits.
    pub seed: u64,
}

/// Chooses λ from [`KL_GRID`] by [`KL_SPLITS`] splits of the runs.
///
/// `propose` turns laws and a λ into a mixture; `gain` is how much better a mixture is than the prior by laws, as a
/// share of the prior's average loss. Costs two fits and two solves per λ a split;
/// `progress` is called once after each split, from any thread. Deterministic on any number of
/// threads.
///
/// # Errors
/// [`CoreError::Unsupported`] when half of the runs do not determine the laws; the first error of a
/// fit or a solve.
pub fn choose_kl(
    swarm: &Swarm,
    prior: &[f64],
    with: &Halves<'_>,
    propose: &(dyn Fn(&Swarm, &[FittedLaw], f64) -> Result<Vec<f64>, CoreError> + Sync),
    gain: &(dyn Fn(&[FittedLaw], &[f64]) -> Result<f64, CoreError> + Sync),
    progress: &(dyn Fn() + Sync),
) -> Result<KlChoice, CoreError> {
    let options = with.options;
    let needed = 2 * options.needed(swarm.live_domains().len());
    if swarm.len() < needed {
        return Err(CoreError::Unsupported(format!(
            "`kl_reg: auto` fits laws to halves of the runs: {} runs are too few, at least {needed} \
             are needed; give a number for it",
            swarm.len()
        )));
    }
    let splits: Vec<Vec<(f64, f64)>> = (0..KL_SPLITS)
        .into_par_iter()
        .map(|split| {
            let mut order: Vec<usize> = (0..swarm.len()).collect();
            order.shuffle(&mut generator(with.seed, Purpose::Halves, split as u64));
            let (a, b) = order.split_at(swarm.len() / 2);
            let halves = [swarm.subset(a), swarm.subset(b)];
            let mut laws = Vec::with_capacity(2);
            for half in &halves {
                let fitted = options.fit(half, prior, &|| ())?;
                let fitted = fitted.into_iter().map(|(law, _)| match with.epochs {
                    Some(epochs) => law.at_epochs(epochs),
                    None => law,
                });
                let fitted: Vec<FittedLaw> = fitted.collect();
                laws.push(match with.target {
                    Some(target) => calibrated_laws(&fitted, half, target),
                    None => fitted,
                });
            }
            let mut gains = vec![(0.0, 0.0); KL_GRID.len()];
            for own in [0, 1] {
                for (gains, &kl) in gains.iter_mut().zip(&KL_GRID) {
                    let proposed = propose(&halves[own], &laws[own], kl)?;
                    gains.0 += 0.5 * gain(&laws[own], &proposed)?;
                    gains.1 += 0.5 * gain(&laws[1 - own], &proposed)?;
                }
            }
            progress();
            Ok(gains)
        })
        .collect::<Result<_, CoreError>>()?;
    Ok(decide(&splits))
}

fn decide(splits: &[Vec<(f64, f64)>]) -> KlChoice {
    let count = splits.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64, at: usize| {
        splits.iter().map(|gains| of(&gains[at])).sum::<f64>() / count
    };
    let positions = 0..KL_GRID.len();
    let crossed: Vec<f64> = positions.clone().map(|at| mean(&|g| g.1, at)).collect();
    let standard_error: Vec<f64> = positions
        .clone()
        .map(|at| {
            let spread = mean(&|g| (g.1 - crossed[at]).powi(2), at);
            (spread / (count - 1.0)).sqrt()
        })
        .collect();
    let best = positions
        .clone()
        .max_by(|&a, &b| crossed[a].total_cmp(&crossed[b]))
        .unwrap_or(0);
    let enough = crossed[best] - standard_error[best];
    let within_error = positions
        .clone()
        .rfind(|&at| crossed[at] >= enough)
        .unwrap_or(best);
    KlChoice {
        grid: KL_GRID.to_vec(),
        predicted: positions.map(|at| mean(&|g| g.0, at)).collect(),
        crossed,
        standard_error,
        best,
        within_error,
        chosen: usize::midpoint(best, within_error),
    }
}
