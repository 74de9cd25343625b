//! What proxies' laws are worth for a target: ranks by task and of the average, and what calibration by some of the
//! target's runs changes. Every score is of target runs that did not calibrate.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::calibrate::{TypicalSlopes, calibrated_laws, check_target, plan_calibration};
use crate::law::{FittedLaw, Law as _, LawOptions, average_loss};
use crate::random::{Purpose, generator};
use crate::trust::score;
use crate::{CoreError, Swarm};

/// Numbers of target runs that calibrate, as far as the target has them.
pub const TRANSFER_RUNS: [usize; 5] = [2, 3, 5, 8, 12];

/// Target runs that are left to score on, at least.
const LEFT: usize = 6;

/// How well one law transfers.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The law's name.
    pub law: &'static str,
    /// Rank correlation of each task over all target runs; calibration does not change it. `None` where a side is
    /// constant.
    pub tasks: Vec<Option<f64>>,
    /// The same of the average, by the proxies' laws as they are.
    pub average: Option<f64>,
    /// With calibration, by number of runs: first those of planned runs, then those of runs at random.
    pub calibrated: Vec<CalibratedTransfer>,
}

/// What some target runs make of a law; means over the draws, where runs are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibratedTransfer {
    /// Target runs that calibrate.
    pub runs: usize,
    /// Whether they are chosen by [`plan_calibration`], or drawn at random.
    pub planned: bool,
    /// By the proxies' laws, moved to the level of these runs.
    pub level: TransferScores,
    /// By the calibrated laws.
    pub calibrated: TransferScores,
}

/// Scores of the average loss on target runs that did not calibrate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TransferScores {
    /// Rank correlation; not a number where a side is constant.
    pub spearman: f64,
    /// Loss of the run predicted best, minus the least.
    pub regret: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
}

/// Fits each law to `proxies`, and scores it on `target` (a swarm over the same domains and tasks) without calibration
/// and with 2 to 12 of its runs: those of a plan, and `seeds` draws. Laws that the proxies don't determine are left out.
///
/// # Errors
/// As [`check_target`]; [`CoreError::Unsupported`] for a target with too few runs to score on; errors of the fits.
pub fn transfer(
    proxies: &Swarm,
    target: &Swarm,
    prior: &[f64],
    laws: &[(&'static str, LawOptions)],
    seeds: usize,
    seed: u64,
) -> Result<Vec<Transfer>, CoreError> {
    check_target(proxies, target)?;
    let least = TRANSFER_RUNS[0] + LEFT;
    if target.len() < least {
        return Err(CoreError::Unsupported(format!(
            "the target has {} runs; the study calibrates by some and scores on others, and needs at least {least}",
            target.len()
        )));
    }
    let live = proxies.live_domains().len();
    let determined = laws
        .iter()
        .filter(|(_, law)| proxies.len() >= law.needed(live));
    let study = |(name, options): &(&'static str, LawOptions)| {
        let fitted = options.fit(proxies, prior, &|| ())?;
        let laws: Vec<FittedLaw> = fitted.into_iter().map(|(law, _)| law).collect();
        Ok(of_law(name, &laws, proxies, target, seeds, seed))
    };
    determined.map(study).collect()
}

fn of_law(
    name: &'static str,
    laws: &[FittedLaw],
    proxies: &Swarm,
    target: &Swarm,
    seeds: usize,
    seed: u64,
) -> Transfer {
    let mixture = |k: usize| target.mixtures().row(k);
    let of_task = |(i, law): (usize, &FittedLaw)| {
        let predicted: Vec<f64> = (0..target.len()).map(|k| law.predict(mixture(k))).collect();
        score(&predicted, &target.losses().column(i)).spearman
    };
    let weights = target.task_weights();
    let plain: Vec<f64> = (0..target.len())
        .map(|k| average_loss(laws, &weights, mixture(k)))
        .collect();
    let candidates: Vec<(String, Vec<f64>)> = (0..target.len())
        .map(|k| (k.to_string(), mixture(k).to_vec()))
        .collect();
    let sizes = TRANSFER_RUNS
        .into_iter()
        .filter(|runs| runs + LEFT <= target.len());
    let mut calibrated = Vec::new();
    for runs in sizes.clone() {
        // A target of few mixtures has none to plan.
        let slopes = TypicalSlopes::default();
        let Ok(plan) = plan_calibration(laws, proxies, &candidates, &[], runs, slopes) else {
            continue;
        };
        let rows = plan.runs.iter().filter_map(|run| run.name.parse().ok());
        let [level, after] = scores(laws, proxies, target, &rows.collect::<Vec<usize>>());
        calibrated.push(CalibratedTransfer {
            runs,
            planned: true,
            level,
            calibrated: after,
        });
    }
    for runs in sizes {
        let drawn: Vec<[TransferScores; 2]> = (0..seeds)
            .into_par_iter()
            .map(|draw| {
                let mut order: Vec<usize> = (0..target.len()).collect();
                order.shuffle(&mut generator(seed, Purpose::Study, draw as u64));
                // Draws of one mixture alone calibrate nothing: levels only.
                scores(laws, proxies, target, &order[..runs])
            })
            .collect();
        calibrated.push(CalibratedTransfer {
            runs,
            planned: false,
            level: mean(&drawn, 0),
            calibrated: mean(&drawn, 1),
        });
    }
    Transfer {
        law: name,
        tasks: laws.iter().enumerate().map(of_task).collect(),
        average: score(&plain, &target.average_losses()).spearman,
        calibrated,
    }
}

/// Before and after calibration by the runs at `rows`, on all others.
fn scores(
    laws: &[FittedLaw],
    proxies: &Swarm,
    target: &Swarm,
    rows: &[usize],
) -> [TransferScores; 2] {
    let weights = target.task_weights();
    let measured = target.average_losses();
    let at = |laws: &[FittedLaw], k: usize| average_loss(laws, &weights, target.mixtures().row(k));
    let others: Vec<usize> = (0..target.len()).filter(|k| !rows.contains(k)).collect();
    let apart = rows.iter().map(|&k| measured[k] - at(laws, k));
    let shift = apart.sum::<f64>() / rows.len() as f64;
    let calibrated = calibrated_laws(laws, proxies, &target.subset(rows));
    let unseen: Vec<f64> = others.iter().map(|&k| measured[k]).collect();
    let of = |laws: &[FittedLaw], shift: f64| {
        let predicted: Vec<f64> = others.iter().map(|&k| shift + at(laws, k)).collect();
        let found = score(&predicted, &unseen);
        TransferScores {
            spearman: found.spearman.unwrap_or(f64::NAN),
            regret: found.regret_at_1,
            rmse: found.rmse,
        }
    };
    [of(laws, shift), of(&calibrated, 0.0)]
}

fn mean(drawn: &[[TransferScores; 2]], which: usize) -> TransferScores {
    let of = |value: &dyn Fn(&TransferScores) -> f64| {
        drawn
            .iter()
            .map(|scores| value(&scores[which]))
            .sum::<f64>()
            / drawn.len() as f64
    };
    TransferScores {
        spearman: of(&|scores| scores.spearman),
        regret: of(&|scores| scores.regret),
        rmse: of(&|scores| scores.rmse),
    }
}
