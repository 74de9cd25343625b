//! Space-filling designs: a Latin hypercube mapped to the sampler's distribution, its columns
//! rearranged to push the closest mixtures apart.

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use statrs::function::gamma::{gamma_lr, ln_gamma};

use super::sampler::{Rejections, Sampler};
use super::taken::Taken;
use crate::Matrix;
use crate::random::{GammaScale, Purpose, generator};

/// Hypercubes tried when too few of their points are feasible, each larger than the one before.
const CUBES: usize = 5;
/// Rearrangements tried per mixture, and the multiplications that all of them may cost.
const SWAPS: usize = 50;
const MOST_WORK: usize = 2_000_000_000;

/// A point of the hypercube and what the sampler makes of it.
struct Point {
    /// Quantiles of the variates.
    u: Vec<f64>,
    /// The variates themselves.
    variates: Vec<f64>,
    /// The number of its strength.
    step: usize,
    mixture: Vec<f64>,
    /// Square roots of the weights, by which distances are taken.
    roots: Vec<f64>,
}

impl Sampler<'_> {
    /// `count` mixtures of the sampler's distribution that are spread evenly: every variate a
    /// mixture is made of, and its strength, takes each of its quantiles once (Latin hypercube
    /// sampling, 1979). Quantiles are then exchanged between mixtures as long as that makes the
    /// least distance of `√p` greater (Morris and Mitchell, 1995). That keeps the distribution of
    /// each variate, not their joint one: shares vary less than in random draws at strengths below
    /// 1 (variances are down to two thirds), and more at high ones (up to a sixth), and means of
    /// small domains grow at low strengths.
    ///
    /// Fewer where too many are not feasible. The same on any number of threads.
    #[must_use]
    pub fn spread(&self, count: usize, seed: u64) -> (Vec<Vec<f64>>, Rejections) {
        let mut size = count;
        for cube in 0..CUBES {
            let (mut points, rejections) = self.at_cube(size, seed.wrapping_add(cube as u64));
            if points.len() >= count || cube + 1 == CUBES {
                points.truncate(count);
                self.push_apart(&mut points, seed);
                let mixtures = points.into_iter().map(|point| point.mixture);
                return (mixtures.collect(), rejections);
            }
            let feasible = points.len().max(count / 8 + 1);
            size = (size * (count + count / 8 + 1)).div_ceil(feasible);
        }
        (Vec::new(), self.no_rejections())
    }

    /// The feasible points of a hypercube.
    fn at_cube(&self, size: usize, seed: u64) -> (Vec<Point>, Rejections) {
        let cube = latin_hypercube(size, 1 + self.variates(), seed);
        let strengths = self.strengths();
        let at = |k: usize| {
            let point = cube.row(k);
            let first = ((point[0] * strengths as f64) as usize).min(strengths - 1);
            let order = (0..strengths).map(|step| (first + step) % strengths);
            let mut variates = vec![0.0; point.len() - 1];
            let (mixture, refusals) = self.first_feasible(order, |i, shape, scale| {
                let log = log_gamma_quantile(shape, point[1 + i]);
                variates[i] = log.exp();
                match scale {
                    GammaScale::Value => variates[i],
                    GammaScale::Log => log,
                }
            });
            let step = (first + refusals.len()) % strengths;
            ((mixture, refusals), variates, step)
        };
        let made: Vec<_> = (0..size).into_par_iter().map(at).collect();
        let mut rejections = self.no_rejections();
        let mut points = Vec::with_capacity(size);
        let mut taken = Taken::default();
        for (k, (draw, variates, step)) in made.into_iter().enumerate() {
            self.take(vec![draw], taken.len() + 1, &mut taken, &mut rejections);
            if let Some(mixture) = taken.get(points.len()) {
                points.push(Point {
                    u: cube.row(k)[1..].to_vec(),
                    variates,
                    step,
                    roots: mixture.iter().map(|p| p.sqrt()).collect(),
                    mixture: mixture.clone(),
                });
            }
        }
        (points, rejections)
    }

    /// Exchanges quantiles between mixtures to make the least distance greater.
    fn push_apart(&self, points: &mut [Point], seed: u64) {
        let (n, dimensions) = (points.len(), self.variates());
        if n < 3 || dimensions == 0 {
            return;
        }
        let mut rng = generator(seed, Purpose::Hypercube, u64::from(u32::MAX));
        let mut nearest: Vec<(f64, usize)> = (0..n)
            .into_par_iter()
            .map(|i| nearest_of(points, i, &points[i].roots))
            .collect();
        let swaps = (SWAPS * n).min(MOST_WORK / (4 * n * points[0].roots.len()).max(1));
        for _ in 0..swaps {
            let closest = |a: &usize, b: &usize| nearest[*a].0.total_cmp(&nearest[*b].0);
            let Some(i) = (0..n).min_by(closest) else {
                return;
            };
            let i = if rng.random() { i } else { nearest[i].1 };
            let other = (i + 1 + rng.random_range(0..n - 1)) % n;
            let dimension = rng.random_range(0..dimensions);
            let (a, b) = (&points[i], &points[other]);
            let least = nearest[i].0;
            let (Some(a), Some(b)) = (
                self.with_quantile(a, dimension, b.u[dimension]),
                self.with_quantile(b, dimension, a.u[dimension]),
            ) else {
                continue;
            };
            let mut far = true;
            for (place, point, twin) in [(i, &a, &b), (other, &b, &a)] {
                let apart = |k: usize| match k {
                    k if k == place => f64::INFINITY,
                    k if k == i || k == other => distance(&point.roots, &twin.roots),
                    k => distance(&point.roots, &points[k].roots),
                };
                far = far && (0..n).all(|k| apart(k) > least);
            }
            if !far {
                continue;
            }
            points[i] = a;
            points[other] = b;
            for k in 0..n {
                let moved = |j: usize| j == i || j == other;
                if moved(k) || moved(nearest[k].1) {
                    nearest[k] = nearest_of(points, k, &points[k].roots);
                } else {
                    for j in [i, other] {
                        let found = distance(&points[k].roots, &points[j].roots);
                        if found < nearest[k].0 {
                            nearest[k] = (found, j);
                        }
                    }
                }
            }
        }
    }

    /// The point with another quantile of one variate; `None` where that is not feasible.
    fn with_quantile(&self, point: &Point, dimension: usize, u: f64) -> Option<Point> {
        let mut variates = point.variates.clone();
        let (mixture, _) = self.first_feasible([point.step], |i, shape, scale| {
            let moved = i == dimension;
            if scale == GammaScale::Log {
                return log_gamma_quantile(shape, if moved { u } else { point.u[i] });
            }
            if moved {
                variates[i] = log_gamma_quantile(shape, u).exp();
            }
            variates[i]
        });
        let mixture = mixture.filter(|mixture| !self.resembles_existing(mixture))?;
        let mut quantiles = point.u.clone();
        quantiles[dimension] = u;
        Some(Point {
            u: quantiles,
            variates,
            step: point.step,
            roots: mixture.iter().map(|p| p.sqrt()).collect(),
            mixture,
        })
    }
}

/// The nearest other point: its squared distance and place.
fn nearest_of(points: &[Point], i: usize, roots: &[f64]) -> (f64, usize) {
    let others = (0..points.len()).filter(|&k| k != i);
    let all = others.map(|k| (distance(roots, &points[k].roots), k));
    all.fold((f64::INFINITY, i), |a, b| if b.0 < a.0 { b } else { a })
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// `points × dimensions` in (0, 1): along each dimension one point in each of `points` equal parts.
fn latin_hypercube(points: usize, dimensions: usize, seed: u64) -> Matrix {
    let columns: Vec<Vec<f64>> = (0..dimensions)
        .into_par_iter()
        .map(|dimension| {
            let mut rng = generator(seed, Purpose::Hypercube, dimension as u64);
            let mut parts: Vec<usize> = (0..points).collect();
            parts.shuffle(&mut rng);
            let within = |part: usize, u: f64| (part as f64 + u.clamp(0.01, 0.99)) / points as f64;
            parts
                .into_iter()
                .map(|part| within(part, rng.random::<f64>()))
                .collect()
        })
        .collect();
    Matrix::from_fn(points, dimensions, |k, d| columns[d][k])
}

/// `ln x` with `P(shape, x) = u`, the quantile of the Gamma distribution of scale 1, for `0 < u < 1`.
fn log_gamma_quantile(shape: f64, u: f64) -> f64 {
    // The series of P starts with x^a / Γ(a+1), which is above P: its root lies below ours.
    let mut low = (u.ln() + ln_gamma(shape + 1.0)) / shape;
    if low < -36.0 {
        return low;
    }
    let beyond = |y: f64| gamma_lr(shape, y.exp()) - u;
    let mut high = low + 1.0;
    while beyond(high) < 0.0 {
        low = high;
        high += 1.0;
    }
    let mut y = low;
    for _ in 0..60 {
        let error = beyond(y);
        if error < 0.0 {
            low = y;
        } else {
            high = y;
        }
        // Newton's step in y = log x, bisection where it leaves the bracket.
        let slope = (shape * y - y.exp() - ln_gamma(shape)).exp();
        let newton = y - error / slope;
        let next = if newton > low && newton < high {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - y).abs() <= 1e-12 {
            return next;
        }
        y = next;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_gamma_variates_invert_the_distribution() {
        for shape in [1e-3, 0.01, 0.1, 0.5, 1.0, 3.0, 40.0] {
            for u in [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999_999] {
                let x = log_gamma_quantile(shape, u).exp();
                if x > 1e-300 {
                    let back = gamma_lr(shape, x);
                    assert!((back - u).abs() < 1e-9, "shape {shape}: {u} became {back}");
                }
            }
        }
    }

    #[test]
    fn each_part_of_each_dimension_holds_one_point_of_a_hypercube() {
        let cube = latin_hypercube(50, 7, 3);
        for dimension in 0..7 {
            let mut parts: Vec<usize> = (0..50)
                .map(|k| (cube.get(k, dimension) * 50.0) as usize)
                .collect();
            parts.sort_unstable();
            assert_eq!(parts, (0..50).collect::<Vec<_>>());
        }
    }
}
