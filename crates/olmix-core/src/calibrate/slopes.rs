//! How much each task's amplitude changes: slopes with partial pooling over tasks.
//!
//! In units of each task's spread over the proxies' mixtures, `y = a_i + s_i x + e` with `e ~ N(0, σ²)`,
//! `s_i ~ N(μ, τ²)` and `μ ~ N(1, ½²)`. `σ` (how far target runs lie off the line) and `τ` (how much slopes differ) are
//! not known: their marginal likelihood is summed over a grid, so that few runs shrink strongly and many hardly
//! (empirical Bayes, with the hyperparameters integrated out). Levels `a_i` are free.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::Matrix;

/// Standard deviation of the common slope `μ` around 1, before any target run.
const COMMON: f64 = 0.5;
/// `σ` from this on, in units of a task's spread, on so many nodes.
const NOISE: (f64, f64, usize) = (0.01, 2.0, 16);
/// The same of `τ`.
const SPREAD: (f64, f64, usize) = (0.02, 2.0, 14);
/// `log σ` and `log τ` are normal around the logarithms of the first number, with the second as standard deviation.
/// Between sizes that were measured, σ is 0.12 to 0.45 and τ 0.02 to 0.2.
const LIKELY_NOISE: (f64, f64) = (0.25, 0.7);
const LIKELY_SPREAD: (f64, f64) = (0.2, 1.0);
/// No slope is below this: a law with a slope of 0 or less would not be convex.
pub(super) const LEAST_SLOPE: f64 = 0.05;

/// What target runs say of the slope of each task.
#[derive(Debug, Clone, PartialEq)]
pub struct Slopes {
    /// By task: the spread of the predictions over the proxies' mixtures, in the unit of the losses.
    units: Vec<f64>,
    /// By task: means over the target runs of predictions and of measurements, in the unit of the losses.
    means: Vec<(f64, f64)>,
    /// By task: `Σ x²` and `Σ x y` of the target runs around their means, in units of its spread.
    sums: Vec<(f64, f64)>,
    runs: usize,
    nodes: Vec<Node>,
}

/// A point of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    probability: f64,
    noise: f64,
    spread: f64,
    /// Mean and precision of the common slope.
    common: f64,
    precision: f64,
}

/// Points between two ends, evenly in the logarithm.
fn geometric((first, last, count): (f64, f64, usize)) -> impl Iterator<Item = f64> + Clone {
    let step = (last / first).ln() / (count - 1) as f64;
    (0..count).map(move |i| first * (step * i as f64).exp())
}

impl Slopes {
    /// Slopes of `measured` against `predicted` (both target runs × tasks, at least two runs). `units` has the spread of
    /// each task's predictions over the proxies' mixtures; a task without any keeps the common slope.
    #[must_use]
    pub fn new(predicted: &Matrix, measured: &Matrix, units: &[f64]) -> Self {
        let runs = measured.rows();
        let mean = |column: &[f64]| column.iter().sum::<f64>() / runs as f64;
        let (mut means, mut sums) = (Vec::new(), Vec::new());
        let mut off = 0.0;
        for (task, &unit) in units.iter().enumerate() {
            let (x, y) = (predicted.column(task), measured.column(task));
            let (mean_x, mean_y) = (mean(&x), mean(&y));
            means.push((mean_x, mean_y));
            if unit <= 0.0 {
                sums.push((0.0, 0.0));
                continue;
            }
            let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
            for (x, y) in x.iter().zip(&y) {
                let (x, y) = ((x - mean_x) / unit, (y - mean_y) / unit);
                xx += x * x;
                xy += x * y;
                yy += y * y;
            }
            off += if xx > 0.0 {
                (yy - xy * xy / xx).max(0.0)
            } else {
                yy
            };
            sums.push((xx, xy));
        }
        let varying: Vec<(f64, f64)> = sums.iter().copied().filter(|(xx, _)| *xx > 0.0).collect();
        let nodes = nodes(&varying, off, runs);
        Self {
            units: units.to_vec(),
            means,
            sums,
            runs,
            nodes,
        }
    }

    /// Scale `s` (above 0) and shift `a` (in the unit of the losses) of each task: the means of what is known of them.
    #[must_use]
    pub fn mean(&self) -> Vec<(f64, f64)> {
        let scale = |(xx, xy): (f64, f64)| -> f64 {
            let at = |node: &Node| node.probability * node.slope(xx, xy, node.common);
            self.nodes.iter().map(at).sum()
        };
        let scales = self.sums.iter().map(|&sums| scale(sums).max(LEAST_SLOPE));
        let shift = |(scale, (x, y)): (f64, &(f64, f64))| (scale, y - scale * x);
        scales.zip(&self.means).map(shift).collect()
    }

    /// One draw of scale and shift of each task from what is known of them.
    pub fn draw(&self, rng: &mut impl Rng) -> Vec<(f64, f64)> {
        let mut left: f64 = rng.random();
        let drawn = self.nodes.iter().find(|node| {
            left -= node.probability;
            left <= 0.0
        });
        let Some(node) = drawn.or(self.nodes.last()) else {
            return self.mean();
        };
        let mut normal = || rng.sample::<f64, _>(StandardNormal);
        let common = node.common + normal() / node.precision.sqrt();
        let of_task = |((&(xx, xy), &(x, y)), unit): ((&(f64, f64), &(f64, f64)), &f64)| {
            let (noise, spread) = (node.noise, node.spread);
            let error = noise * spread / (noise * noise + spread * spread * xx).sqrt();
            let scale = (node.slope(xx, xy, common) + error * normal()).max(LEAST_SLOPE);
            let level = noise * unit / (self.runs as f64).sqrt();
            (scale, y - scale * x + level * normal())
        };
        self.sums
            .iter()
            .zip(&self.means)
            .zip(&self.units)
            .map(of_task)
            .collect()
    }

    /// `σ`, how far target runs lie off the lines, in units of each task's spread.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.nodes
            .iter()
            .map(|node| node.probability * node.noise)
            .sum()
    }

    /// `τ`, how much the slopes of tasks differ.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.nodes
            .iter()
            .map(|node| node.probability * node.spread)
            .sum()
    }

    /// `μ`, what the slopes have in common.
    #[must_use]
    pub fn common(&self) -> f64 {
        self.nodes
            .iter()
            .map(|node| node.probability * node.common)
            .sum()
    }
}

impl Node {
    /// The mean of a task's slope, given the common one.
    fn slope(&self, xx: f64, xy: f64, common: f64) -> f64 {
        let (noise, spread) = (self.noise * self.noise, self.spread * self.spread);
        (spread * xy + noise * common) / (noise + spread * xx)
    }
}

/// The squared distance of `log value` from its likely one, in standard deviations.
fn unlikely(value: f64, (likely, deviation): (f64, f64)) -> f64 {
    ((value / likely).ln() / deviation).powi(2)
}

/// The grid with the probability of each point, from `Σ x²` and `Σ x y` of each task that varies and `off`, the summed
/// squares that no line explains.
fn nodes(varying: &[(f64, f64)], off: f64, runs: usize) -> Vec<Node> {
    let prior = 1.0 / (COMMON * COMMON);
    let free = varying.len() as f64 * (runs as f64 - 2.0);
    let mut nodes = Vec::new();
    let mut most = f64::NEG_INFINITY;
    for noise in geometric(NOISE) {
        for spread in geometric(SPREAD) {
            let (variance, between) = (noise * noise, spread * spread);
            let (mut precision, mut pulled, mut twice) = (prior, prior, prior + off / variance);
            twice += free * variance.ln();
            for &(xx, xy) in varying {
                let total = variance + between * xx;
                precision += xx / total;
                pulled += xy / total;
                twice += total.ln() + xy * xy / xx / total;
            }
            let common = pulled / precision;
            twice += precision.ln() - precision * common * common;
            twice += unlikely(noise, LIKELY_NOISE) + unlikely(spread, LIKELY_SPREAD);
            let likelihood = -0.5 * twice;
            most = most.max(likelihood);
            nodes.push(Node {
                probability: likelihood,
                noise,
                spread,
                common,
                precision,
            });
        }
    }
    let mut sum = 0.0;
    for node in &mut nodes {
        node.probability = (node.probability - most).exp();
        sum += node.probability;
    }
    for node in &mut nodes {
        node.probability /= sum;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, generator};

    const RUNS: usize = 6;

    /// Predictions of `RUNS` runs on 8 tasks with spread about 1, and measurements with these slopes and noise.
    fn runs(slope: impl Fn(usize) -> f64, noise: f64) -> (Matrix, Matrix) {
        let mut rng = generator(3, Purpose::Study, 0);
        let mut normal = || rng.sample::<f64, _>(StandardNormal);
        let x: Vec<f64> = (0..RUNS * 8).map(|_| 3.0 + normal()).collect();
        let e: Vec<f64> = (0..RUNS * 8).map(|_| noise * normal()).collect();
        let y = |k: usize, i: usize| 0.5 + slope(i) * x[8 * k + i] + e[8 * k + i];
        (
            Matrix::from_fn(RUNS, 8, |k, i| x[8 * k + i]),
            Matrix::from_fn(RUNS, 8, y),
        )
    }

    #[test]
    fn slopes_of_runs_without_noise_are_found() {
        let slope = |i: usize| 0.5 + 0.1 * i as f64;
        let (x, y) = runs(slope, 1e-6);
        for (i, (scale, shift)) in Slopes::new(&x, &y, &[1.0; 8])
            .mean()
            .into_iter()
            .enumerate()
        {
            assert!((scale - slope(i)).abs() < 2e-3, "{scale}");
            assert!((shift - 0.5).abs() < 1e-2, "{shift}");
        }
    }

    #[test]
    fn the_unit_of_a_task_changes_nothing_but_its_shift() {
        let (x, y) = runs(|i| 0.6 + 0.05 * i as f64, 0.1);
        let plain = Slopes::new(&x, &y, &[1.0; 8]).mean();
        let size = |i: usize| 10f64.powf(i as f64 - 3.0);
        let [x, y] = [x, y].map(|a| Matrix::from_fn(RUNS, 8, |k, i| size(i) * a.get(k, i)));
        let units: Vec<f64> = (0..8).map(size).collect();
        for (i, (scale, shift)) in Slopes::new(&x, &y, &units).mean().into_iter().enumerate() {
            assert!((scale - plain[i].0).abs() < 1e-9);
            assert!((shift / size(i) - plain[i].1).abs() < 1e-8);
        }
    }

    #[test]
    fn noisy_slopes_are_pooled_and_two_runs_are_nearly_the_prior() {
        let (x, y) = runs(|_| 0.7, 0.5);
        let pooled = Slopes::new(&x, &y, &[1.0; 8]).mean();
        // Least squares of each task alone.
        let alone = |i: usize| {
            let (x, y) = (x.column(i), y.column(i));
            let mean = |of: &[f64]| of.iter().sum::<f64>() / RUNS as f64;
            let (mx, my) = (mean(&x), mean(&y));
            let xy: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
            xy / x.iter().map(|x| (x - mx).powi(2)).sum::<f64>()
        };
        let error = |of: &dyn Fn(usize) -> f64| (0..8).map(|i| (of(i) - 0.7).powi(2)).sum::<f64>();
        assert!(error(&|i| pooled[i].0) < 0.5 * error(&alone));
        let two = |a: &Matrix| a.select_rows(&[0, 1]);
        for (scale, _) in Slopes::new(&two(&x), &two(&y), &[1.0; 8]).mean() {
            assert!((0.4..1.3).contains(&scale), "{scale}");
        }
    }

    #[test]
    fn draws_surround_the_mean_and_cover_the_truth() {
        let (x, y) = runs(|i| 0.6 + 0.05 * i as f64, 0.2);
        let slopes = Slopes::new(&x, &y, &[1.0; 8]);
        let mut rng = generator(0, Purpose::Study, 1);
        let draws: Vec<Vec<(f64, f64)>> = (0..400).map(|_| slopes.draw(&mut rng)).collect();
        let mut inside = 0;
        for i in 0..8 {
            let mut of_task: Vec<f64> = draws.iter().map(|draw| draw[i].0).collect();
            of_task.sort_by(f64::total_cmp);
            let mean = of_task.iter().sum::<f64>() / 400.0;
            assert!((mean - slopes.mean()[i].0).abs() < 0.03);
            let truth = 0.6 + 0.05 * i as f64;
            inside += usize::from(of_task[20] <= truth && truth <= of_task[380]);
        }
        assert!(inside >= 6, "{inside} of 8");
    }

    #[test]
    fn slopes_stay_above_zero_and_a_task_that_no_mixture_moves_is_no_trouble() {
        let (x, y) = runs(|i| if i == 0 { -1.0 } else { 1.0 }, 1e-6);
        let slopes = Slopes::new(&x, &y, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
        assert_eq!(slopes.mean()[0].0, LEAST_SLOPE);
        assert!(slopes.mean().iter().all(|(s, a)| *s > 0.0 && a.is_finite()));
    }
}
