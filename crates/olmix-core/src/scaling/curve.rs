//! Levels over parameters and tokens: `E + A N^(−α) + B D^(−β)`, averaged over what α and β may be.

use super::Scale;
use super::checkpoints::Cell;
use crate::Matrix;

/// Points of the grid in each exponent.
const GRID: usize = 31;

/// The grid reaches this many standard deviations of the prior to each side.
const REACH: f64 = 3.0;

/// Priors of α and β: medians and standard deviations of the logarithm. Published exponents are 0.08 (where no loss is
/// irreducible) to 0.35 of parameters and 0.1 to 0.37 of tokens, where runs end with a decayed learning rate;
/// checkpoints of one run fall faster.
const PARAMETERS: (f64, f64) = (0.2, 0.6);
const TOKENS: (f64, f64) = (0.4, 0.5);

/// Standard deviation of `E`, `A` and `B` of a task around those of all tasks, as a share of the task's level.
const TASKS: f64 = 0.1;

/// The error that the runs of one size share, as a share of the level, at least.
const SIZE_ERROR: f64 = 0.005;

/// Points of the grid that are less likely than this are left out.
const LEAST: f64 = 1e-6;

/// `E`, `A` and `B` at the middle of the cells, as shares of the level.
type Coefficients = [f64; 3];

/// A pair of exponents.
#[derive(Debug, Clone)]
struct Point {
    alpha: f64,
    beta: f64,
    /// Over all points they sum to 1.
    probability: f64,
    /// By task.
    coefficients: Vec<Coefficients>,
}

/// Levels of all tasks at any size.
#[derive(Debug, Clone)]
pub(super) struct LevelCurve {
    middle: Scale,
    /// By task, the unit of its levels: their weighted mean.
    units: Vec<f64>,
    /// The error that runs of one size share, as a share of the level.
    pub size_error: f64,
    points: Vec<Point>,
}

/// One curve of those that are possible.
#[derive(Debug, Clone)]
pub(super) struct OneCurve {
    middle: Scale,
    point: Point,
}

impl LevelCurve {
    /// Fits the levels (cells × tasks, above 0).
    pub fn new(cells: &[Cell], levels: &Matrix) -> Self {
        let weight: f64 = cells.iter().map(|cell| cell.weight).sum();
        let mean = |value: &dyn Fn(usize) -> f64| {
            let each = cells.iter().enumerate();
            each.map(|(c, cell)| cell.weight * value(c)).sum::<f64>() / weight
        };
        let middle = Scale {
            parameters: mean(&|c| cells[c].scale.parameters.ln()).exp(),
            tokens: mean(&|c| cells[c].scale.tokens.ln()).exp(),
        };
        let tasks = levels.columns();
        let units = (0..tasks).map(|i| mean(&|c| levels.get(c, i))).collect();
        let mut curve = Self {
            middle,
            units,
            size_error: SIZE_ERROR,
            points: Vec::new(),
        };
        let least = curve.average_over_exponents(cells, levels);
        // Where the form fits worse than sizes are alike, its error counts as theirs.
        let misfit = (least / weight).sqrt();
        if misfit > SIZE_ERROR {
            curve.size_error = misfit;
            curve.average_over_exponents(cells, levels);
        }
        curve
    }

    /// Fills the points; returns the least weighted sum of squares, the mean over tasks.
    fn average_over_exponents(&mut self, cells: &[Cell], levels: &Matrix) -> f64 {
        let grid = |(median, deviation): (f64, f64), step: usize| {
            let z = REACH * (2.0 * step as f64 / (GRID - 1) as f64 - 1.0);
            (median * (deviation * z).exp(), 0.5 * z * z)
        };
        let mut least = f64::INFINITY;
        let mut logarithms = Vec::with_capacity(GRID * GRID);
        self.points.clear();
        for a in 0..GRID {
            for b in 0..GRID {
                let ((alpha, cost_a), (beta, cost_b)) = (grid(PARAMETERS, a), grid(TOKENS, b));
                let design = self.design(cells, alpha, beta);
                let (coefficients, squares, pull) = self.solve(cells, &design, levels);
                least = least.min(squares);
                // Tasks are trained on together: their errors count as those of one.
                let evidence = 0.5 * (squares / self.size_error.powi(2) + pull);
                logarithms.push(-evidence - cost_a - cost_b);
                self.points.push(Point {
                    alpha,
                    beta,
                    probability: 0.0,
                    coefficients,
                });
            }
        }
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (point, log) in self.points.iter_mut().zip(logarithms) {
            point.probability = (log - most).exp();
        }
        self.points.retain(|point| point.probability >= LEAST);
        let sum: f64 = self.points.iter().map(|point| point.probability).sum();
        self.points
            .iter_mut()
            .for_each(|point| point.probability /= sum);
        least
    }

    fn design(&self, cells: &[Cell], alpha: f64, beta: f64) -> Vec<Coefficients> {
        let row = |cell: &Cell| features(cell.scale, self.middle, alpha, beta);
        cells.iter().map(row).collect()
    }

    /// Coefficients of all tasks, each pulled to those of the mean over tasks. With them, means over tasks of the
    /// weighted sum of squares and of what the pull costs.
    fn solve(
        &self,
        cells: &[Cell],
        design: &[Coefficients],
        levels: &Matrix,
    ) -> (Vec<Coefficients>, f64, f64) {
        let tasks = levels.columns();
        let mut gram = [[0.0; 3]; 3];
        for (cell, row) in cells.iter().zip(design) {
            for (j, line) in gram.iter_mut().enumerate() {
                for (k, entry) in line.iter_mut().enumerate() {
                    *entry += cell.weight * row[j] * row[k];
                }
            }
        }
        let ratio = |c: usize, i: usize| levels.get(c, i) / self.units[i];
        let moments = |value: &dyn Fn(usize) -> f64| {
            let mut sums = [0.0; 3];
            for (c, (cell, row)) in cells.iter().zip(design).enumerate() {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += cell.weight * x * value(c);
                }
            }
            sums
        };
        let mean = |c: usize| (0..tasks).map(|i| ratio(c, i)).sum::<f64>() / tasks as f64;
        let common = least_squares(&gram, &moments(&mean));
        let pull = (self.size_error / TASKS).powi(2);
        let mut pulled = gram;
        for (j, line) in pulled.iter_mut().enumerate() {
            line[j] += pull;
        }
        let (mut squares, mut cost) = (0.0, 0.0);
        let mut each = Vec::with_capacity(tasks);
        for i in 0..tasks {
            let mut right = moments(&|c| ratio(c, i));
            for (right, common) in right.iter_mut().zip(&common) {
                *right += pull * common;
            }
            let found = least_squares(&pulled, &right);
            for (c, (cell, row)) in cells.iter().zip(design).enumerate() {
                squares += cell.weight * (ratio(c, i) - inner(row, &found)).powi(2);
            }
            let apart = found.iter().zip(&common);
            cost += apart
                .map(|(own, common)| ((own - common) / TASKS).powi(2))
                .sum::<f64>();
            each.push(found);
        }
        (each, squares / tasks as f64, cost / tasks as f64)
    }

    /// The expected levels, one per task.
    pub fn levels(&self, scale: Scale) -> Vec<f64> {
        let mut sums = vec![0.0; self.units.len()];
        for point in &self.points {
            let row = features(scale, self.middle, point.alpha, point.beta);
            for ((sum, unit), found) in sums.iter_mut().zip(&self.units).zip(&point.coefficients) {
                *sum += point.probability * unit * inner(&row, found);
            }
        }
        sums
    }

    /// The exponents, α and β, and the probability of each pair.
    pub fn exponents(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let points = self.points.iter();
        points.map(|point| (point.alpha, point.beta, point.probability))
    }

    /// The curve of other levels (cells × tasks) at the exponents of the point where the probabilities, summed up,
    /// reach `quantile` (0 to 1).
    pub fn one(&self, cells: &[Cell], levels: &Matrix, quantile: f64) -> OneCurve {
        let mut sum = 0.0;
        let reached = self.points.iter().find(|point| {
            sum += point.probability;
            sum >= quantile
        });
        let mut point = reached
            .or(self.points.last())
            .cloned()
            .unwrap_or_else(|| Point {
                alpha: PARAMETERS.0,
                beta: TOKENS.0,
                probability: 1.0,
                coefficients: Vec::new(),
            });
        let design = self.design(cells, point.alpha, point.beta);
        point.coefficients = self.solve(cells, &design, levels).0;
        OneCurve {
            middle: self.middle,
            point,
        }
    }

    /// The levels of one curve.
    pub fn levels_of(&self, curve: &OneCurve, scale: Scale) -> Vec<f64> {
        let row = features(scale, curve.middle, curve.point.alpha, curve.point.beta);
        let each = self.units.iter().zip(&curve.point.coefficients);
        each.map(|(unit, found)| unit * inner(&row, found))
            .collect()
    }
}

fn features(scale: Scale, middle: Scale, alpha: f64, beta: f64) -> Coefficients {
    [
        1.0,
        (scale.parameters / middle.parameters).powf(-alpha),
        (scale.tokens / middle.tokens).powf(-beta),
    ]
}

fn inner(a: &Coefficients, b: &Coefficients) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The `x ≥ 0` that minimizes `½ x'Gx − h'x`, by trying every set of positive entries.
fn least_squares(gram: &[[f64; 3]; 3], right: &Coefficients) -> Coefficients {
    let mut best = (0.0, [0.0; 3]);
    for set in 1..8_usize {
        let free = |j: usize| set >> j & 1 == 1;
        let Some(x) = solve_free(gram, right, free) else {
            continue;
        };
        if x.iter().any(|x| *x < 0.0) {
            continue;
        }
        let image: f64 = (0..3).map(|j| x[j] * inner(&gram[j], &x)).sum();
        let value = 0.5 * image - inner(right, &x);
        if value < best.0 {
            best = (value, x);
        }
    }
    best.1
}

/// Gauss elimination over the free entries; the others are 0. `None` where that has no clear solution.
fn solve_free(
    gram: &[[f64; 3]; 3],
    right: &Coefficients,
    free: impl Fn(usize) -> bool,
) -> Option<Coefficients> {
    let (mut a, mut b) = (*gram, *right);
    let entries: Vec<usize> = (0..3).filter(|&j| free(j)).collect();
    for (step, &j) in entries.iter().enumerate() {
        if a[j][j] <= 1e-13 * gram[j][j] {
            return None;
        }
        for &k in &entries[step + 1..] {
            let factor = a[k][j] / a[j][j];
            let pivot = a[j];
            for (entry, from) in a[k].iter_mut().zip(pivot) {
                *entry -= factor * from;
            }
            b[k] -= factor * b[j];
        }
    }
    let mut x = [0.0; 3];
    for (step, &j) in entries.iter().enumerate().rev() {
        let known: f64 = entries[step + 1..].iter().map(|&k| a[j][k] * x[k]).sum();
        x[j] = (b[j] - known) / a[j][j];
    }
    Some(x)
}
