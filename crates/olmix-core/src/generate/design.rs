//! Which mixtures a law learns most from, told by the mixtures alone.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par, Side};
use rayon::prelude::*;

use super::exchange::{Criterion, PRIOR, choose_runs};
use super::sampler::{Level, Sampler, SamplerOptions};
use super::tree::Tree;
use crate::{CoreError, Matrix, Purpose};

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

/// Mixtures around the prior, moved under `caps` (length `m`) where there are any: where a solve may
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
    Ok((0..REGION).into_par_iter().map(one).collect())
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
