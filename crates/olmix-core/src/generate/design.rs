//! Which mixtures a law learns most from, told by the mixtures alone.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};
use rand::RngExt;

use super::exchange::{Criterion, PRIOR, choose_runs};
use crate::Matrix;
use crate::random::{Purpose, dirichlet, generator};

/// Mixtures that stand for the region a solve may propose from.
const REGION: usize = 2000;
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

/// Mixtures around the prior, moved under the caps where there are any: where a solve may propose
/// from. `prior` and `caps` have length `m`; the caps leave room for a mixture.
#[must_use]
pub fn region(prior: &[f64], caps: Option<&[f64]>, seed: u64) -> Vec<Vec<f64>> {
    let (low, high) = STRENGTHS;
    let one = |k: usize| {
        let mut rng = generator(seed, Purpose::Region, k as u64);
        let strength = low * (high / low).powf(rng.random::<f64>());
        let mut p = dirichlet(prior, strength, &mut rng);
        if let Some(caps) = caps {
            under_caps(&mut p, caps);
        }
        p
    };
    (0..REGION).map(one).collect()
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

/// Chooses `count` mixtures for the least average variance of predictions over `region`; positions
/// ascend.
#[must_use]
pub fn v_optimal<P: AsRef<[f64]>>(
    candidates: &[P],
    region: &[Vec<f64>],
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    let region = features(region);
    choose_runs(
        &features(candidates),
        Criterion::Variance(&region),
        count,
        progress,
    )
}

/// Chooses `count` mixtures for the greatest determinant of the information; positions ascend.
#[must_use]
pub fn d_optimal<P: AsRef<[f64]>>(
    candidates: &[P],
    count: usize,
    progress: &dyn Fn(),
) -> Vec<usize> {
    choose_runs(
        &features(candidates),
        Criterion::Determinant,
        count,
        progress,
    )
}

/// Standard error of a law's prediction, averaged over `region`, after a swarm of these mixtures, in
/// units of one run's noise: what a number of runs buys.
#[must_use]
pub fn prediction_error<P: AsRef<[f64]>>(swarm: &[P], region: &[Vec<f64>]) -> f64 {
    let (x, r) = (features(swarm), features(region));
    let d = r.columns();
    let as_faer = |m: &Matrix| Mat::from_fn(m.rows(), d, |i, j| m.get(i, j));
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
