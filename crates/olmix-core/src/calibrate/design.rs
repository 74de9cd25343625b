//! Which mixtures to train at the target: those that settle the trade-offs between tasks best.
//!
//! The error of the target's average between two mixtures is `Σ w_i δs_i (f_i(p) − f_i(q))`: what slopes leave open,
//! weighted by how far mixtures differ on each task. With `K` target runs a slope's variance is `1 / (1/τ² + Σ x²/σ²)`
//! ([`super::Slopes`]), so the mixtures chosen minimize `Σ w_i² u_i² / (1/τ² + Σ x²/σ²)` (V-optimality), with `u_i` the
//! spread of task `i` over the proxies' mixtures and `x` the predictions of the runs in its unit, around their mean.

use super::calibration::{SAME, predictions, spreads};
use super::ranking::{expected, variance};
use crate::law::{FittedLaw, Law as _};
use crate::swarm::dot;
use crate::{CoreError, Swarm};

/// What slopes are like before any target run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TypicalSlopes {
    /// `σ`, how far a target run lies off a task's line, in units of the task's spread.
    pub noise: f64,
    /// `τ`, the standard deviation of slopes between tasks.
    pub spread: f64,
}

impl Default for TypicalSlopes {
    /// `σ` = 0.25 and `τ` = 0.2: the large ones of those measured between sizes (0.12 to 0.45, 0.02 to 0.2).
    fn default() -> Self {
        Self {
            noise: 0.25,
            spread: 0.2,
        }
    }
}

/// A mixture to train at the target.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Its name among the candidates.
    pub name: String,
    /// Its weights.
    pub weights: Vec<f64>,
    /// Average loss that the proxies' laws predict.
    pub predicted: f64,
}

/// Target runs to train, and what they are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationPlan {
    /// The runs, the least predicted loss first.
    pub runs: Vec<PlannedRun>,
    /// By number of runs (from 2, or from 1 where some are begun) to two more than asked for, as far as candidates go: the share of the variance from
    /// unknown slopes that the best choice of so many runs leaves, in (0, 1), and the rank correlation of the average
    /// that slopes alone then allow.
    pub worth: Vec<(usize, f64, f64)>,
    /// The rank correlation that slopes allow without these runs.
    pub before: f64,
}

/// Chooses `count` of `candidates` (name and weights) that go best with target runs of the mixtures in `begun`, for laws
/// that were fitted to `proxies`. Without any begun, `count` is at least 2. Mixtures that occur twice, or are begun,
/// count once. Greedy, then exchanges until none helps. Costs some `N K² n` operations a sweep.
///
/// # Errors
/// [`CoreError::Unsupported`] when fewer mixtures differ than are asked for, or fewer than 2 runs are.
pub fn plan_calibration(
    laws: &[FittedLaw],
    proxies: &Swarm,
    candidates: &[(String, Vec<f64>)],
    begun: &[Vec<f64>],
    count: usize,
    slopes: TypicalSlopes,
) -> Result<CalibrationPlan, CoreError> {
    let mut distinct: Vec<&(String, Vec<f64>)> = Vec::new();
    for candidate in candidates {
        let same = |other: &Vec<f64>| {
            let pairs = other.iter().zip(&candidate.1);
            pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() <= SAME
        };
        if !begun.iter().any(same) && !distinct.iter().any(|other| same(&other.1)) {
            distinct.push(candidate);
        }
    }
    if count + begun.len() < 2 || count == 0 {
        return Err(CoreError::Unsupported(
            "at least 2 target runs calibrate laws, and 5 are recommended".into(),
        ));
    }
    if count > distinct.len() {
        return Err(CoreError::Unsupported(format!(
            "{count} target runs are asked for, but only {} mixtures differ",
            distinct.len()
        )));
    }
    let weights = proxies.task_weights();
    let predicted = predictions(laws, proxies);
    let units = spreads(&predicted);
    let tasks: Vec<usize> = (0..laws.len()).filter(|&i| units[i] > 0.0).collect();
    let worth = |i: usize| (weights[i] * units[i]).powi(2);
    let valued = |p: &Vec<f64>| -> Vec<f64> {
        let task = |&i: &usize| laws[i].predict(p) / units[i];
        tasks.iter().map(task).collect()
    };
    let chooser = Chooser {
        x: distinct.iter().map(|(_, p)| valued(p)).collect(),
        begun: begun.iter().map(valued).collect(),
        worth: tasks.iter().map(|&i| worth(i)).collect(),
        slopes,
    };
    let averages: Vec<f64> = (0..proxies.len())
        .map(|k| dot(predicted.row(k), &weights))
        .collect();
    let signal = variance(&averages);
    let before = chooser.left(&[]);
    let least = if begun.is_empty() { 2 } else { 1 };
    let mut values = Vec::new();
    let mut chosen = Vec::new();
    for size in least..=(count + 2).min(distinct.len()) {
        let found = chooser.choose(size);
        let left = chooser.left(&found);
        let share = if before > 0.0 { left / before } else { 0.0 };
        values.push((size, share, expected(signal, left)));
        if size == count {
            chosen = found;
        }
    }
    let average = |p: &[f64]| -> f64 {
        let losses = laws.iter().zip(&weights);
        losses.map(|(law, weight)| weight * law.predict(p)).sum()
    };
    let mut runs: Vec<PlannedRun> = chosen
        .into_iter()
        .map(|at| PlannedRun {
            name: distinct[at].0.clone(),
            weights: distinct[at].1.clone(),
            predicted: average(&distinct[at].1),
        })
        .collect();
    runs.sort_by(|a, b| a.predicted.total_cmp(&b.predicted));
    Ok(CalibrationPlan {
        runs,
        worth: values,
        before: expected(signal, before),
    })
}

struct Chooser {
    /// By candidate: predictions of the tasks that vary, in their units.
    x: Vec<Vec<f64>>,
    /// The same of the runs that are there already.
    begun: Vec<Vec<f64>>,
    /// By task that varies: `w² u²`.
    worth: Vec<f64>,
    slopes: TypicalSlopes,
}

/// Sweeps over the design in search of exchanges, at most.
const SWEEPS: usize = 20;
/// An exchange must gain this much, relatively.
const WORTHWHILE: f64 = 1e-9;

impl Chooser {
    /// The variance of differences in the average that the slopes leave after these runs.
    fn left(&self, runs: &[usize]) -> f64 {
        let (noise, spread) = (self.slopes.noise.powi(2), self.slopes.spread.powi(2));
        let of_task = |(i, worth): (usize, &f64)| {
            let values = || {
                let begun = self.begun.iter().map(|x| x[i]);
                begun.chain(runs.iter().map(|&run| self.x[run][i]))
            };
            let count = self.begun.len() + runs.len();
            let mean = values().sum::<f64>() / count.max(1) as f64;
            let squares: f64 = values().map(|x| (x - mean).powi(2)).sum();
            worth / (1.0 / spread + squares / noise)
        };
        self.worth.iter().enumerate().map(of_task).sum()
    }

    fn choose(&self, count: usize) -> Vec<usize> {
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        // The first alone changes nothing: it is the one that is furthest from the centre of all.
        let tasks = self.worth.len();
        let mean = |i: usize| self.x.iter().map(|x| x[i]).sum::<f64>() / self.x.len() as f64;
        let centre: Vec<f64> = (0..tasks).map(mean).collect();
        let far = |k: &usize| -> f64 {
            let terms = (0..tasks).map(|i| self.worth[i] * (self.x[*k][i] - centre[i]).powi(2));
            terms.sum()
        };
        if self.begun.is_empty() {
            chosen.extend((0..self.x.len()).max_by(|a, b| far(a).total_cmp(&far(b))));
        }
        while chosen.len() < count {
            let (best, _) = self.best(&chosen);
            chosen.extend(best);
        }
        for _ in 0..SWEEPS {
            let mut moved = false;
            for at in 0..count {
                let now = self.left(&chosen);
                let mut others = chosen.clone();
                others.remove(at);
                let (best, left) = self.best(&others);
                if let Some(best) = best.filter(|_| left < now * (1.0 - WORTHWHILE)) {
                    chosen[at] = best;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        chosen
    }

    /// The candidate that goes best with these runs, and what it leaves.
    fn best(&self, runs: &[usize]) -> (Option<usize>, f64) {
        let mut with = runs.to_vec();
        with.push(0);
        let mut best = (None, f64::INFINITY);
        for candidate in (0..self.x.len()).filter(|k| !runs.contains(k)) {
            if let Some(last) = with.last_mut() {
                *last = candidate;
            }
            let left = self.left(&with);
            if left < best.1 {
                best = (Some(candidate), left);
            }
        }
        best
    }
}
