//! Levels, spreads and effects: each task's losses as a product of what the mixture and what the size does.

use super::checkpoints::{Checkpoints, not_a_loss};
use crate::{CoreError, Matrix, Swarm};

const ROUNDS: usize = 200;

/// Relative change of the effects at which rounds end.
const ENOUGH: f64 = 1e-10;

/// `y_ikc ≈ levels_ci + spreads_ci effects_ki`, the weighted least-squares fit of rank one per task.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    /// Mixtures × tasks, of mean 0 over mixtures.
    pub effects: Matrix,
    /// Cells × tasks, above 0.
    pub levels: Matrix,
    /// Cells × tasks.
    pub spreads: Matrix,
}

impl Profile {
    /// Fits by alternating between mixtures and cells; deterministic.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] for a task whose level is not above 0 somewhere.
    pub fn new(runs: &Checkpoints, swarm: &Swarm) -> Result<Self, CoreError> {
        let tasks = swarm.tasks();
        let mut profile = Self {
            effects: Matrix::zeros(runs.rows.len(), tasks.len()),
            levels: Matrix::zeros(runs.cells.len(), tasks.len()),
            spreads: Matrix::zeros(runs.cells.len(), tasks.len()),
        };
        for (i, task) in tasks.iter().enumerate() {
            let effects = effects(runs, i);
            for (k, effect) in effects.iter().enumerate() {
                profile.effects.row_mut(k)[i] = *effect;
            }
            for (c, line) in lines(runs, i, &effects, None).into_iter().enumerate() {
                if line.level <= 0.0 {
                    return Err(not_a_loss(&task.name));
                }
                profile.levels.row_mut(c)[i] = line.level;
                profile.spreads.row_mut(c)[i] = line.spread;
            }
        }
        Ok(profile)
    }

    /// The levels, cells × tasks, if every mixture counts as often as `counts` says.
    pub fn resampled_levels(&self, runs: &Checkpoints, counts: &[f64]) -> Matrix {
        let tasks = self.effects.columns();
        let mut levels = self.levels.clone();
        for i in 0..tasks {
            let lines = lines(runs, i, &self.effects.column(i), Some(counts));
            for (c, line) in lines.into_iter().enumerate() {
                if line.level > 0.0 {
                    levels.row_mut(c)[i] = line.level;
                }
            }
        }
        levels
    }
}

/// The losses of a cell as a line over the effects.
struct Line {
    level: f64,
    spread: f64,
}

/// By cell, the line of least squares; where the effects do not vary, the spread is 0.
fn lines(runs: &Checkpoints, task: usize, effects: &[f64], counts: Option<&[f64]>) -> Vec<Line> {
    let line = |losses: &Vec<Option<Vec<f64>>>| {
        let points = || {
            let each = losses.iter().zip(effects).enumerate();
            each.filter_map(|(k, (losses, effect))| {
                let count = counts.map_or(1.0, |counts| counts[k]);
                Some((count, *effect, losses.as_ref()?[task]))
            })
        };
        let sum: f64 = points().map(|(n, ..)| n).sum();
        let mean_x = points().map(|(n, x, _)| n * x).sum::<f64>() / sum;
        let mean_y = points().map(|(n, _, y)| n * y).sum::<f64>() / sum;
        let xx: f64 = points().map(|(n, x, _)| n * (x - mean_x).powi(2)).sum();
        let xy = points().map(|(n, x, y)| n * (x - mean_x) * (y - mean_y));
        let xy: f64 = xy.sum();
        let spread = if xx > 0.0 { xy / xx } else { 0.0 };
        Line {
            level: mean_y - spread * mean_x,
            spread,
        }
    };
    runs.cells.iter().map(|cell| line(&cell.losses)).collect()
}

/// What each mixture does to a task, in the unit of the last cell.
fn effects(runs: &Checkpoints, task: usize) -> Vec<f64> {
    let count = runs.rows.len();
    // By mixture: Σ w s (y − l) and Σ w s² over the cells that have it.
    let solved = |lines: &[Line]| -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); count];
        for (cell, line) in runs.cells.iter().zip(lines) {
            for (losses, sum) in cell.losses.iter().zip(&mut sums) {
                if let Some(losses) = losses {
                    sum.0 += cell.weight * line.spread * (losses[task] - line.level);
                    sum.1 += cell.weight * line.spread.powi(2);
                }
            }
        }
        let each = sums.iter();
        let values: Vec<f64> = each
            .map(|(ys, ss)| if *ss > 0.0 { ys / ss } else { 0.0 })
            .collect();
        let mean = values.iter().sum::<f64>() / count as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let means = runs.cells.iter().map(|cell| {
        let losses = || cell.losses.iter().flatten().map(|losses| losses[task]);
        Line {
            level: losses().sum::<f64>() / losses().count().max(1) as f64,
            spread: 1.0,
        }
    });
    let mut effects = solved(&means.collect::<Vec<_>>());
    for _ in 0..ROUNDS {
        let mut lines = lines(runs, task, &effects, None);
        let Some(unit) = lines.last().map(|line| line.spread) else {
            break;
        };
        if unit.abs() <= f64::MIN_POSITIVE {
            break;
        }
        lines.iter_mut().for_each(|line| line.spread /= unit);
        let next = solved(&lines);
        let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
        let moved: Vec<f64> = next.iter().zip(&effects).map(|(a, b)| a - b).collect();
        let done = norm(&moved) <= ENOUGH * ENOUGH * norm(&next);
        effects = next;
        if done {
            break;
        }
    }
    effects
}
