//! Space-filling designs: a Latin hypercube mapped to the sampler's distribution, thinned to keep
//! mixtures apart.

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use statrs::function::gamma::{gamma_lr, ln_gamma};

use super::sampler::{Draw, Rejections, Sampler};
use crate::Matrix;
use crate::random::{Purpose, generator};

/// Points of the hypercube per mixture; the closest are removed.
const SURPLUS: usize = 3;
/// Distances of more mixtures than this are not kept.
const MOST_THINNED: usize = 6000;
/// Hypercubes tried, each twice the size of the one before.
const ATTEMPTS: usize = 4;

impl Sampler<'_> {
    /// `count` mixtures of the sampler's distribution that are spread evenly: every variate a
    /// mixture is made of, and its strength, takes each of its quantiles once (McKay, Beckman and
    /// Conover 1979), and of the mixtures that come out the closest are removed (distance of `√p`).
    ///
    /// Fewer where too many are not feasible. The same on any number of threads; costs `count² m`.
    #[must_use]
    pub fn spread(&self, count: usize, seed: u64) -> (Vec<Vec<f64>>, Rejections) {
        let mut points = match count * SURPLUS {
            many if many > MOST_THINNED => count,
            few => few,
        };
        let mut found = (Vec::new(), self.no_rejections());
        for attempt in 0..ATTEMPTS {
            found = self.at_points(points, seed.wrapping_add(attempt as u64));
            if found.0.len() >= count {
                break;
            }
            points *= 2;
        }
        let (mixtures, rejections) = found;
        let kept = farthest(&mixtures, count);
        let kept = kept.into_iter().map(|k| mixtures[k].clone()).collect();
        (kept, rejections)
    }

    fn at_points(&self, points: usize, seed: u64) -> (Vec<Vec<f64>>, Rejections) {
        let cube = latin_hypercube(points, 1 + self.variates(), seed);
        let strengths = self.strengths();
        let at = |k: usize| {
            let point = cube.row(k);
            let first = ((point[0] * strengths as f64) as usize).min(strengths - 1);
            let order = (0..strengths).map(|step| (first + step) % strengths);
            self.first_feasible(order, |i, shape| gamma_quantile(shape, point[1 + i]))
        };
        let draws: Vec<Draw> = (0..points).into_par_iter().map(at).collect();
        let mut taken = Vec::new();
        let mut rejections = self.no_rejections();
        self.take(draws, points, &mut taken, &mut rejections);
        (taken, rejections)
    }
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

/// `x` with `P(shape, x) = u`, the quantile of the Gamma distribution of scale 1, for `0 < u < 1`.
fn gamma_quantile(shape: f64, u: f64) -> f64 {
    // The series of P starts with x^a / Γ(a+1), which is above P: its root lies below ours.
    let mut low = (u.ln() + ln_gamma(shape + 1.0)) / shape;
    if low < -36.0 {
        return low.exp();
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
        if error < 0.0 { low = y } else { high = y }
        // Newton's step in y = log x, bisection where it leaves the bracket.
        let slope = (shape * y - y.exp() - ln_gamma(shape)).exp();
        let newton = y - error / slope;
        let next = if newton > low && newton < high {
            newton
        } else {
            f64::midpoint(low, high)
        };
        if (next - y).abs() <= 1e-12 {
            return next.exp();
        }
        y = next;
    }
    y.exp()
}

/// `count` of the mixtures that lie far from each other: of the closest pair the one goes whose next
/// neighbour is closer, until `count` are left. Positions ascend. Distances are those of `√p`.
#[must_use]
pub fn farthest<P: AsRef<[f64]> + Sync>(mixtures: &[P], count: usize) -> Vec<usize> {
    let n = mixtures.len();
    if n <= count {
        return (0..n).collect();
    }
    let roots: Vec<Vec<f64>> = mixtures
        .iter()
        .map(|p| p.as_ref().iter().map(|p| p.sqrt()).collect())
        .collect();
    let distances: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| {
            let to = |other: &Vec<f64>| {
                let pairs = roots[i].iter().zip(other);
                pairs.map(|(a, b)| (a - b).powi(2)).sum()
            };
            roots.iter().map(to).collect()
        })
        .collect();
    let mut inside = vec![true; n];
    // The nearest and the second nearest of those left.
    let nearest = |i: usize, inside: &[bool]| {
        let mut two = [(f64::INFINITY, i); 2];
        for j in (0..n).filter(|&j| j != i && inside[j]) {
            let found = (distances[i][j], j);
            if found.0 < two[0].0 {
                two = [found, two[0]];
            } else if found.0 < two[1].0 {
                two[1] = found;
            }
        }
        two
    };
    let mut near: Vec<[(f64, usize); 2]> = (0..n).map(|i| nearest(i, &inside)).collect();
    for _ in count..n {
        let left = (0..n).filter(|&i| inside[i]);
        let Some(i) = left.min_by(|&a, &b| near[a][0].0.total_cmp(&near[b][0].0)) else {
            break;
        };
        let j = near[i][0].1;
        let out = if near[j][1].0 < near[i][1].0 { j } else { i };
        inside[out] = false;
        for k in 0..n {
            if inside[k] && near[k].iter().any(|(_, of)| *of == out) {
                near[k] = nearest(k, &inside);
            }
        }
    }
    (0..n).filter(|&i| inside[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_gamma_variates_invert_the_distribution() {
        for shape in [1e-3, 0.01, 0.1, 0.5, 1.0, 3.0, 40.0] {
            for u in [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999_999] {
                let x = gamma_quantile(shape, u);
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

    #[test]
    fn thinning_keeps_what_is_far_apart() {
        let line: Vec<[f64; 2]> = [0.0, 0.01, 0.3, 0.31, 0.6, 1.0]
            .iter()
            .map(|x| [x * x, 0.0])
            .collect();
        let kept = farthest(&line, 4);
        assert_eq!(kept.len(), 4);
        let gap = kept.windows(2).map(|w| line[w[1]][0].sqrt() - line[w[0]][0].sqrt());
        assert!(gap.fold(1.0, f64::min) > 0.28);
    }
}
