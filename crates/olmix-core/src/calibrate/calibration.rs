//! Calibrating the laws of proxies by target runs.

use rand::Rng;

use super::{Ranking, Slopes};
use crate::law::{FittedLaw, Law as _};
use crate::{CoreError, Matrix, Swarm};

/// How the laws of a fit were calibrated.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The laws before, which predict proxies; one per task.
    pub proxies: Vec<FittedLaw>,
    /// Names of the target runs.
    pub runs: Vec<String>,
    /// What is known of the slopes.
    pub slopes: Slopes,
    /// Whether the proxies rank mixtures as the target does; `None` for fewer than three target runs.
    pub ranking: Option<Ranking>,
}

/// Calibrates laws that were fitted to `proxies` by `target`, a few runs over the same domains and tasks: the laws for
/// the target, and how they came about. Costs `K + 1` times some 200 operations a task.
///
/// # Errors
/// [`CoreError::Shape`] for other domains or tasks; [`CoreError::Unsupported`] for fewer than two mixtures, and for a
/// target run with a domain that no proxy sampled.
pub fn calibrate(
    laws: &[FittedLaw],
    proxies: &Swarm,
    target: &Swarm,
) -> Result<(Vec<FittedLaw>, Calibration), CoreError> {
    check_target(proxies, target)?;
    let slopes = slopes(laws, proxies, target);
    let calibrated = moved(laws, &slopes.mean());
    let calibration = Calibration {
        proxies: laws.to_vec(),
        runs: target.runs().to_vec(),
        ranking: Ranking::new(laws, &calibrated, proxies, target),
        slopes,
    };
    Ok((calibrated, calibration))
}

/// As [`calibrate`], the laws alone, of runs that were checked.
#[must_use]
pub fn calibrated_laws(laws: &[FittedLaw], proxies: &Swarm, target: &Swarm) -> Vec<FittedLaw> {
    moved(laws, &slopes(laws, proxies, target).mean())
}

/// As [`calibrated_laws`], with scales and shifts drawn from what the target runs say of them. Target runs are too few
/// to be drawn with replacement: of planted slopes, 90 % intervals from five runs drawn so hold the truth in 78 %, and
/// these in 85 %, at the same width.
pub fn drawn_laws(
    laws: &[FittedLaw],
    proxies: &Swarm,
    target: &Swarm,
    rng: &mut impl Rng,
) -> Vec<FittedLaw> {
    moved(laws, &slopes(laws, proxies, target).draw(rng))
}

/// Whether at least two of the runs have different mixtures: without that nothing is known of amplitudes.
fn mixtures_differ(runs: &Swarm) -> bool {
    let mixtures = runs.mixtures();
    (1..runs.len()).any(|k| {
        let pairs = mixtures.row(k).iter().zip(mixtures.row(0));
        pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() > SAME
    })
}

/// Mixtures with a smaller summed difference are one mixture in two roundings.
pub(super) const SAME: f64 = 1e-6;

/// Whether `target` can calibrate laws that are fitted to `proxies`; [`calibrate`] asks.
///
/// # Errors
/// As [`calibrate`].
pub fn check_target(proxies: &Swarm, target: &Swarm) -> Result<(), CoreError> {
    let shapes = [
        (
            "domains of the target runs",
            proxies.domains().len(),
            target.domains().len(),
        ),
        (
            "tasks of the target runs",
            proxies.tasks().len(),
            target.tasks().len(),
        ),
    ];
    for (what, expected, found) in shapes {
        if expected != found {
            return Err(CoreError::Shape {
                what,
                expected,
                found,
            });
        }
    }
    if target.len() < 2 {
        return Err(CoreError::Unsupported(format!(
            "there is {} target run, which tells levels of losses but no amplitudes: at least 2 are needed",
            target.len()
        )));
    }
    if !mixtures_differ(target) {
        return Err(CoreError::Unsupported(format!(
            "all {} target runs have the same mixture, which tells levels of losses but no amplitudes",
            target.len()
        )));
    }
    let live = proxies.live_domains();
    for j in (0..proxies.domains().len()).filter(|j| !live.contains(j)) {
        let uses = |&k: &usize| target.mixtures().get(k, j) != 0.0;
        if let Some(run) = (0..target.len()).find(uses) {
            return Err(CoreError::Unsupported(format!(
                "target run `{}` has weight in `{}`, which no proxy run sampled: no law knows what it is worth",
                target.runs()[run],
                proxies.domains().name(j)
            )));
        }
    }
    Ok(())
}

/// Predictions of each law (columns) at the mixtures of runs (rows).
pub(super) fn predictions(laws: &[FittedLaw], runs: &Swarm) -> Matrix {
    let law = |k: usize, i: usize| laws[i].predict(runs.mixtures().row(k));
    Matrix::from_fn(runs.len(), laws.len(), law)
}

/// The spread of each law's predictions over mixtures: their standard deviation.
pub(super) fn spreads(predictions: &Matrix) -> Vec<f64> {
    let of_task = |task: usize| {
        let column = predictions.column(task);
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let squares: f64 = column.iter().map(|x| (x - mean).powi(2)).sum();
        (squares / column.len() as f64).sqrt()
    };
    (0..predictions.columns()).map(of_task).collect()
}

pub(super) fn slopes(laws: &[FittedLaw], proxies: &Swarm, target: &Swarm) -> Slopes {
    let units = spreads(&predictions(laws, proxies));
    Slopes::new(&predictions(laws, target), target.losses(), &units)
}

pub(super) fn moved(laws: &[FittedLaw], by: &[(f64, f64)]) -> Vec<FittedLaw> {
    let pairs = laws.iter().zip(by);
    pairs
        .map(|(law, &(scale, shift))| law.calibrated(scale, shift))
        .collect()
}
