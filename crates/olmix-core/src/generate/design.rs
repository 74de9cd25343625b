//! Which mixtures a law learns most from, told by the mixtures alone.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::Llt;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};
use rayon::prelude::*;

use super::exchange::{Criterion, PRIOR, choose_points};
use super::points::Points;
use super::sampler::{Level, Sampler, SamplerOptions};
use super::tree::Tree;
use crate::{CoreError, Matrix, Purpose};

/// Mixtures that stand for the region a solve may propose from, at most and at least.
const REGION: (usize, usize) = (100, 2000);
/// Weights of all of them together that are held: beyond 10,000 domains there are fewer mixtures.
const REGION_WEIGHTS: usize = 20_000_000;
/// Range of their concentration around the prior, as a multiple of it.
const STRENGTHS: (f64, f64) = (10.0, 100.0);

/// What laws see of mixtures: 1, each weight `p`, and `√p`; one row per mixture, `1 + 2m` columns.
///
/// These are the features of the saturating law's default functions, and hold those of the log-linear one.
#[must_use]
pub fn features<P: AsRef<[f64]>>(mixtures: &[P]) -> Matrix {
    let m = mixtures.first().map_or(0, |p| p.as_ref().len());
    Matrix::from_fn(mixtures.len(), 1 + 2 * m, |k, column| {
        let p = mixtures[k].as_ref();
        match column {
            0 => 1.0,
            j if j <= m => p[j - 1],
            j => p[j - 1 - m].sqrt(),
        }
    })
}

/// Some 2000 mixtures around the prior (fewer beyond 10,000 domains), moved under `caps` (length `m`) where there are any: where a solve may
/// propose from. Pins hold, but where a cap moves weight.
///
/// # Errors
/// As [`Sampler::new`], for caps that leave no room and temperatures out of range.
pub fn region(
    tree: &Tree,
    temperatures: (f64, f64),
    caps: Option<&[f64]>,
    seed: u64,
) -> Result<Vec<Vec<f64>>, CoreError> {
    with_region(tree, temperatures, caps, seed, |count, draw| {
        (0..count).into_par_iter().map(draw).collect()
    })
}

/// Calls `job` with the number of the mixtures of [`region`] and the function that draws each: over many domains they
/// are most of the memory of a small swarm.
///
/// # Errors
/// As [`region`].
pub(super) fn with_region<R>(
    tree: &Tree,
    temperatures: (f64, f64),
    caps: Option<&[f64]>,
    seed: u64,
    job: impl FnOnce(usize, &(dyn Fn(usize) -> Vec<f64> + Sync)) -> R,
) -> Result<R, CoreError> {
    let level = |temperature| Level {
        strength: STRENGTHS,
        temperature,
        minimum: 0.0,
    };
    let options = SamplerOptions {
        sources: level(temperatures.0),
        topics: level(temperatures.1),
        multiples_of: None,
        nonzero: Vec::new(),
        caps: None,
        existing: Vec::new(),
        seed,
    };
    if caps.is_some_and(|caps| tree.capacity(caps) < 1.0) {
        return Err(CoreError::Infeasible(
            "no mixture keeps every leaf within its cap".into(),
        ));
    }
    let sampler = Sampler::new(tree, &options)?;
    let one = |k: usize| {
        let (drawn, _) = sampler.draw(Purpose::Region, k);
        let mut p = drawn.unwrap_or_else(|| sampler.center());
        if let Some(caps) = caps {
            under_caps(&mut p, caps);
        }
        p
    };
    let m = tree.domains().len();
    let count = (REGION_WEIGHTS / m.max(1)).clamp(REGION.0, REGION.1);
    Ok(job(count, &one))
}

/// Cuts weights at their caps and gives the rest to the others in proportion, until none is over.
fn under_caps(p: &mut [f64], caps: &[f64]) {
    // Each pass but the last puts one weight more on its cap.
    for _ in 0..p.len() {
        let mut over = false;
        for (p, cap) in p.iter_mut().zip(caps) {
            if *p > *cap {
                *p = *cap;
                over = true;
            }
        }
        let free = |(p, cap): &(&f64, &f64)| p < cap;
        let left: f64 = 1.0 - p.iter().sum::<f64>();
        let room: f64 = p.iter().zip(caps).filter(free).map(|(p, _)| p).sum();
        if !over || left <= 0.0 || room <= 0.0 {
            return;
        }
        let scale = 1.0 + left / room;
        for (p, cap) in p.iter_mut().zip(caps) {
            if *p < *cap {
                *p *= scale;
            }
        }
    }
}

/// How the mixtures of a swarm are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Independent draws of the sampler.
    Random,
    /// Draws spread evenly: [`Sampler::spread`].
    Maximin,
    /// Of many draws, those with the most information: [`d_optimal`].
    DOptimal,
    /// Of many draws, those after which a law predicts best where a solve may propose from:
    /// [`v_optimal`].
    VOptimal,
}

impl Design {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("random", Self::Random),
        ("maximin", Self::Maximin),
        ("d_optimal", Self::DOptimal),
        ("v_optimal", Self::VOptimal),
    ];

    /// The design's name, as in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, design)| *design == self);
        found.map_or("", |(name, _)| name)
    }
}

/// Chooses `count` mixtures for the least average variance of predictions over `region`, from the runs of
/// `begun` and these together; positions ascend.
#[must_use]
pub fn v_optimal<P: AsRef<[f64]>>(
    candidates: &[P],
    begun: &[Vec<f64>],
    region: &[Vec<f64>],
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    let region = features(region);
    choose(
        candidates,
        begun,
        Criterion::Variance(&region),
        count,
        progress,
    )
}

/// Chooses `count` mixtures for the greatest determinant of the information of the runs of `begun` and these
/// together; positions ascend.
#[must_use]
pub fn d_optimal<P: AsRef<[f64]>>(
    candidates: &[P],
    begun: &[Vec<f64>],
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    choose(candidates, begun, Criterion::Determinant, count, progress)
}

fn choose<P: AsRef<[f64]>>(
    candidates: &[P],
    begun: &[Vec<f64>],
    criterion: Criterion<'_>,
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    let m = candidates.first().map_or(0, |p| p.as_ref().len());
    let (candidates, begun) = (
        Points::of_mixtures(candidates, m),
        Points::of_mixtures(begun, m),
    );
    choose_points(&candidates, &begun, criterion, count, progress)
}

/// Standard error of a law's prediction, averaged over `region`, after a swarm of these mixtures, in
/// units of one run's noise: what a number of runs buys.
///
/// With `n` runs over `m` domains, `d = 1 + 2m` features and a region of `q` mixtures it takes `O(d³ + q d²)`
/// time and `O(d² + q d)` memory. With many more features than runs (`d > 1000` and `d > 2n`) it is linear in
/// `d`: `O(n² d + q n d)` and `O(n d + q n)`. The same bits on any number of threads.
#[must_use]
pub fn prediction_error<P: AsRef<[f64]>>(swarm: &[P], region: &[Vec<f64>]) -> f64 {
    let swarm: Vec<&[f64]> = swarm.iter().map(AsRef::as_ref).collect();
    let found = prediction_errors(&[swarm], region.len(), &|k| region[k].clone());
    found.first().copied().unwrap_or(f64::NAN)
}

/// As [`prediction_error`] of each swarm, over a region of `count` mixtures that are drawn as they are needed.
pub(super) fn prediction_errors(
    swarms: &[Vec<&[f64]>],
    count: usize,
    draw: &(dyn Fn(usize) -> Vec<f64> + Sync),
) -> Vec<f64> {
    let is_wide = |swarm: &Vec<&[f64]>| {
        let m = swarm.first().map_or(0, |p| p.len());
        1 + 2 * m > WIDE.max(2 * swarm.len())
    };
    let (wide, others): (Vec<usize>, Vec<usize>) =
        (0..swarms.len()).partition(|&i| is_wide(&swarms[i]));
    let mut errors = vec![f64::NAN; swarms.len()];
    if !others.is_empty() {
        let region: Vec<Vec<f64>> = (0..count).into_par_iter().map(draw).collect();
        for i in others {
            errors[i] = error_by_features(&swarms[i], &region);
        }
    }
    let by_runs: Vec<&[&[f64]]> = wide.iter().map(|&i| swarms[i].as_slice()).collect();
    for (i, error) in wide.into_iter().zip(errors_by_runs(&by_runs, count, draw)) {
        errors[i] = error;
    }
    errors
}

/// Features from which the errors of few runs are computed by runs.
const WIDE: usize = 1000;

/// `√mean r' A⁻¹ r` over the rows `r` of the region's features, `A = ε I + X'X` of the swarm's features `X`.
fn error_by_features<P: AsRef<[f64]>>(swarm: &[P], region: &[Vec<f64>]) -> f64 {
    let (x, r) = (features(swarm), features(region));
    let d = r.columns();
    let (x, r) = (as_faer(&x), as_faer(&r));
    let mut information = Mat::from_fn(d, d, |i, j| if i == j { PRIOR } else { 0.0 });
    // One thread: a sum split over several would not be the same bits on every machine.
    matmul(
        information.as_mut(),
        Accum::Add,
        x.transpose(),
        x.as_ref(),
        1.0,
        Par::Seq,
    );
    let Ok(factor) = information.llt(Side::Lower) else {
        return f64::NAN;
    };
    let mut z = r.transpose().to_owned();
    solve_lower_triangular_in_place(factor.L(), z.as_mut(), Par::Seq);
    (z.squared_norm_l2() / region.len() as f64).sqrt()
}

/// The same of each swarm by Woodbury's identity, `A⁻¹ = (I − X' (ε I + X X')⁻¹ X) / ε`: matrices of runs in place of
/// those of features. A part of the region at a time, whose mixtures and features would take most of the memory.
fn errors_by_runs<P: AsRef<[f64]> + Sync>(
    swarms: &[&[P]],
    count: usize,
    draw: &(dyn Fn(usize) -> Vec<f64> + Sync),
) -> Vec<f64> {
    const PART: usize = 64;
    if swarms.is_empty() {
        return Vec::new();
    }
    let factored: Vec<_> = swarms
        .iter()
        .map(|swarm| {
            let n = swarm.len();
            let x = as_faer(&features(swarm));
            let mut gram = Mat::from_fn(n, n, |i, j| if i == j { PRIOR } else { 0.0 });
            matmul(
                gram.as_mut(),
                Accum::Add,
                x.as_ref(),
                x.transpose(),
                1.0,
                Par::Seq,
            );
            gram.llt(Side::Lower).ok().map(|factor| (x, factor))
        })
        .collect();
    let part = |part: usize| -> Vec<f64> {
        let mixtures: Vec<Vec<f64>> = (part * PART..count.min((part + 1) * PART))
            .map(draw)
            .collect();
        let r = as_faer(&features(&mixtures));
        let left = |(x, factor): &(Mat<f64>, Llt<f64>)| {
            let mut z = Mat::zeros(x.nrows(), mixtures.len());
            matmul(
                z.as_mut(),
                Accum::Replace,
                x.as_ref(),
                r.transpose(),
                1.0,
                Par::Seq,
            );
            solve_lower_triangular_in_place(factor.L(), z.as_mut(), Par::Seq);
            // Of features that the runs say nothing about, almost all is left: no digits are lost.
            r.squared_norm_l2() - z.squared_norm_l2()
        };
        let swarms = factored.iter();
        swarms
            .map(|factored| factored.as_ref().map_or(f64::NAN, left))
            .collect()
    };
    let parts = 0..count.div_ceil(PART);
    let parts: Vec<Vec<f64>> = parts.into_par_iter().map(part).collect();
    let error = |swarm: usize| {
        let left: f64 = parts.iter().map(|part| part[swarm]).sum();
        if left.is_nan() {
            return left;
        }
        (left.max(0.0) / PRIOR / count as f64).sqrt()
    };
    (0..swarms.len()).map(error).collect()
}

fn as_faer(m: &Matrix) -> Mat<f64> {
    Mat::from_fn(m.rows(), m.columns(), |i, j| m.get(i, j))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_by_runs_are_those_by_features() {
        let mixture = |k: usize, m: usize| {
            let weights = (0..m).map(|j| 1.0 + ((j * 31 + k * 17) % 23) as f64);
            let sum: f64 = weights.clone().sum();
            weights.map(|w| w / sum).collect::<Vec<f64>>()
        };
        for (m, runs) in [(20, 3), (60, 12), (200, 50)] {
            let swarm: Vec<Vec<f64>> = (0..runs).map(|k| mixture(k, m)).collect();
            let region: Vec<Vec<f64>> = (0..150).map(|k| mixture(3 * k + 1, m)).collect();
            let (a, b) = (
                error_by_features(&swarm, &region),
                errors_by_runs(&[&swarm], region.len(), &|k| region[k].clone())[0],
            );
            assert!(
                (a - b).abs() < 1e-9 * a,
                "{m} domains, {runs} runs: {a} {b}"
            );
        }
    }
}
