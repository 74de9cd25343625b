//! The length scale, constant and noise of Gaussian processes with the greatest marginal likelihood,
//! for many tasks over the same runs.
//!
//! With `R(ℓ) = U diag(d) Uᵀ` the kernel of unit constant, the logarithm of the likelihood is
//!
//! ```text
//! −½ Σ_i u_i² / (c d_i + s) − ½ Σ_i ln(c d_i + s) − ½ K ln 2π,    u = Uᵀz
//! ```
//!
//! so that one eigendecomposition serves all tasks and all `c` and `s`; and for a given ratio `s / c`
//! the best `c` has a closed form, clipped to its bounds (the function has one maximum in `c`). What
//! is left is a search along the ratio, and along `ℓ`: first on a coarse grid of `ln ℓ`, then on a
//! fine one around each task's maxima, then on the polynomial through the five points around the
//! best one.

use std::collections::BTreeMap;

use faer::{Mat, Side};
use rayon::prelude::*;

/// Parameters of a process, and their log likelihood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hyper {
    pub length_scale: f64,
    pub constant: f64,
    pub noise: f64,
    pub log_likelihood: f64,
}

const LENGTH: (f64, f64) = (1e-2, 1e2);
const CONSTANT: (f64, f64) = (1e-3, 1e3);
const NOISE: (f64, f64) = (1e-5, 10.0);

/// The fine grid of `ln ℓ` has this many steps between the bounds, each just under 0.1.
const STEPS: i32 = 96;
/// The coarse grid takes each fourth point.
const COARSE: i32 = 4;
/// Coarse maxima this far below the best (in log likelihood) are looked at closely too.
const CLOSE: f64 = 10.0;
/// Points of the grid along `ln(s / c)`.
const RATIOS: usize = 24;
/// Golden-section steps along it: to 1e-8 of the spacing.
const GOLDEN: usize = 38;

fn log_length(index: i32) -> f64 {
    let (low, high) = (LENGTH.0.ln(), LENGTH.1.ln());
    low + (high - low) * f64::from(index) / f64::from(STEPS)
}

/// For each task (columns of losses `z`, normalized, of length `K` each), the parameters with the
/// greatest likelihood by interpolation between grid points, and the best at a grid point.
pub(crate) fn most_likely(distances: &Mat<f64>, z: &[&[f64]]) -> Vec<(Hyper, Hyper)> {
    let mut known: BTreeMap<i32, Vec<Hyper>> = BTreeMap::new();
    let evaluate = |known: &mut BTreeMap<i32, Vec<Hyper>>, indices: Vec<i32>| {
        let missing: Vec<i32> = indices
            .into_iter()
            .filter(|index| (0..=STEPS).contains(index) && !known.contains_key(index))
            .collect::<std::collections::BTreeSet<i32>>()
            .into_iter()
            .collect();
        let profiles: Vec<Vec<Hyper>> = missing
            .par_iter()
            .map(|&index| profile(distances, z, log_length(index).exp()))
            .collect();
        let found = !missing.is_empty();
        known.extend(missing.into_iter().zip(profiles));
        found
    };
    evaluate(
        &mut known,
        (0..=STEPS / COARSE).map(|i| COARSE * i).collect(),
    );
    let around_maxima: Vec<i32> = (0..z.len())
        .flat_map(|task| maxima(&known, task))
        .flat_map(|index| [index - 2, index + 2])
        .collect();
    evaluate(&mut known, around_maxima);
    // Until the two points on either side of each task's best are known.
    loop {
        let wanted: Vec<i32> = (0..z.len())
            .map(|task| best(&known, task))
            .flat_map(|index| [index - 2, index - 1, index + 1, index + 2])
            .collect();
        if !evaluate(&mut known, wanted) {
            break;
        }
    }
    (0..z.len())
        .map(|task| {
            let at = best(&known, task);
            let grid = known[&at][task];
            (interpolated(&known, task, at).unwrap_or(grid), grid)
        })
        .collect()
}

fn best(known: &BTreeMap<i32, Vec<Hyper>>, task: usize) -> i32 {
    let likelihood = |hypers: &Vec<Hyper>| hypers[task].log_likelihood;
    let entries = known.iter();
    let best = entries.max_by(|a, b| likelihood(a.1).total_cmp(&likelihood(b.1)));
    best.map_or(0, |(&index, _)| index)
}

/// Coarse points that are no worse than their neighbours, and close to the best.
fn maxima(known: &BTreeMap<i32, Vec<Hyper>>, task: usize) -> Vec<i32> {
    let points: Vec<(i32, f64)> = known
        .iter()
        .map(|(&index, hypers)| (index, hypers[task].log_likelihood))
        .collect();
    let most = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let at = |i: usize| points.get(i).map_or(f64::NEG_INFINITY, |p| p.1);
    (0..points.len())
        .filter(|&i| at(i) >= most - CLOSE)
        .filter(|&i| at(i) >= at(i + 1) && (i == 0 || at(i) >= at(i - 1)))
        .map(|i| points[i].0)
        .collect()
}

/// The maximum of the polynomial through five points; `None` at an end of the grid.
fn interpolated(known: &BTreeMap<i32, Vec<Hyper>>, task: usize, at: i32) -> Option<Hyper> {
    let five: Option<Vec<Hyper>> = (at - 2..=at + 2)
        .map(|index| known.get(&index).map(|hypers| hypers[task]))
        .collect();
    let five = five?;
    let curve = |of: &dyn Fn(&Hyper) -> f64, x: f64| -> f64 {
        (0..5)
            .map(|i| {
                let basis = (0..5)
                    .filter(|&j| j != i)
                    .map(|j| (x - (f64::from(j) - 2.0)) / (f64::from(i) - f64::from(j)));
                basis.product::<f64>() * of(&five[i as usize])
            })
            .sum()
    };
    let likelihood = |x: f64| curve(&|hyper| hyper.log_likelihood, x);
    let x = golden(&likelihood, -1.0, 1.0);
    let step = log_length(1) - log_length(0);
    let logs = |of: &dyn Fn(&Hyper) -> f64| curve(&|hyper| of(hyper).ln(), x).exp();
    Some(Hyper {
        length_scale: (log_length(at) + step * x).exp(),
        constant: logs(&|hyper| hyper.constant).clamp(CONSTANT.0, CONSTANT.1),
        noise: logs(&|hyper| hyper.noise).clamp(NOISE.0, NOISE.1),
        log_likelihood: likelihood(x),
    })
}

/// For one length scale, the best constant and noise of each task.
fn profile(distances: &Mat<f64>, z: &[&[f64]], length_scale: f64) -> Vec<Hyper> {
    let size = distances.nrows();
    let scale = -0.5 / (length_scale * length_scale);
    let kernel = Mat::from_fn(size, size, |i, k| (scale * distances[(i, k)]).exp());
    let nothing = Hyper {
        length_scale,
        constant: 1.0,
        noise: 1.0,
        log_likelihood: f64::NEG_INFINITY,
    };
    let Ok(eigen) = kernel.self_adjoint_eigen(Side::Lower) else {
        return vec![nothing; z.len()];
    };
    let d: Vec<f64> = eigen
        .S()
        .column_vector()
        .iter()
        .map(|d| d.max(0.0))
        .collect();
    let targets = Mat::from_fn(size, z.len(), |k, task| z[task][k]);
    let rotated = eigen.U().transpose() * &targets;
    (0..z.len())
        .map(|task| {
            let squares: Vec<f64> = (0..size).map(|i| rotated[(i, task)].powi(2)).collect();
            let at = |log_ratio: f64| along_ratio(&d, &squares, log_ratio.exp());
            let (low, high) = ((NOISE.0 / CONSTANT.1).ln(), (NOISE.1 / CONSTANT.0).ln());
            let step = (high - low) / (RATIOS - 1) as f64;
            let grid: Vec<f64> = (0..RATIOS).map(|i| at(low + step * i as f64).2).collect();
            let value = |i: usize| grid.get(i).copied().unwrap_or(f64::NEG_INFINITY);
            let peaks = (0..RATIOS)
                .filter(|&i| value(i) >= value(i + 1) && (i == 0 || value(i) >= value(i - 1)));
            let found = peaks.map(|i| {
                let middle = low + step * i as f64;
                let (from, to) = ((middle - step).max(low), (middle + step).min(high));
                at(golden(&|x| at(x).2, from, to))
            });
            let best = found.max_by(|a, b| a.2.total_cmp(&b.2));
            best.map_or(nothing, |(constant, noise, log_likelihood)| Hyper {
                length_scale,
                constant,
                noise,
                log_likelihood,
            })
        })
        .collect()
}

/// Constant, noise and log likelihood at a ratio `s / c`, with the best constant for it.
fn along_ratio(d: &[f64], squares: &[f64], ratio: f64) -> (f64, f64, f64) {
    let count = d.len() as f64;
    let (mut quadratic, mut logs) = (0.0, 0.0);
    for (d, u) in d.iter().zip(squares) {
        quadratic += u / (d + ratio);
        logs += (d + ratio).ln();
    }
    let low = CONSTANT.0.max(NOISE.0 / ratio);
    let high = CONSTANT.1.min(NOISE.1 / ratio).max(low);
    let constant = (quadratic / count).clamp(low, high);
    let log_likelihood = -0.5
        * (quadratic / constant
            + logs
            + count * constant.ln()
            + count * (2.0 * std::f64::consts::PI).ln());
    (constant, ratio * constant, log_likelihood)
}

/// Where a function with one maximum in `[from, to]` has it.
fn golden(of: &dyn Fn(f64) -> f64, mut from: f64, mut to: f64) -> f64 {
    const SECTION: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (to - SECTION * (to - from), from + SECTION * (to - from));
    let (mut at_a, mut at_b) = (of(a), of(b));
    for _ in 0..GOLDEN {
        if at_a >= at_b {
            (to, b, at_b) = (b, a, at_a);
            a = to - SECTION * (to - from);
            at_a = of(a);
        } else {
            (from, a, at_a) = (a, b, at_b);
            b = from + SECTION * (to - from);
            at_b = of(b);
        }
    }
    0.5 * (from + to)
}
