//! Random numbers: one stream per purpose and item, so that no draw depends on the order in
//! which threads come to it.

pub(crate) mod numpy;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

/// What random numbers are for; each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Assigning runs to folds.
    Folds,
    /// Resampling the runs of a bootstrap.
    Bootstrap,
    /// Sampling candidate mixtures.
    Simulation,
    /// Not drawn any more: it keeps the numbers of the purposes below.
    Split,
    /// Making up a swarm.
    Example,
    /// Splitting runs in halves.
    Halves,
    /// Noise of an oracle.
    Oracle,
    /// Draws of a study.
    Study,
    /// Setting runs aside that say when a law has learnt enough.
    Evaluation,
    /// Drawing the mixtures of a swarm.
    Swarm,
    /// Drawing the region that a design is made for.
    Region,
    /// Filling the space of draws evenly.
    Hypercube,
    /// Laws and noise that stand in for those of a swarm to be trained.
    Regret,
}

/// The generator for item `item` (a fold, a resample, a chunk) of a purpose under a user's seed.
#[must_use]
pub fn generator(seed: u64, purpose: Purpose, item: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64 + 1) << 40) | (item & 0xff_ffff_ffff));
    rng
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014): a bijection of 64 bits in which every bit
/// of the input changes half of the output, the same on every platform.
#[must_use]
pub fn split_mix64(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One draw from `Dirichlet(strength · center)`, as normalized Gamma variates.
pub(crate) fn dirichlet(center: &[f64], strength: f64, rng: &mut impl Rng) -> Vec<f64> {
    dirichlet_of(center, strength, |shape| gamma(shape, rng))
}

/// A point of `Dirichlet(strength · center)` made from one Gamma variate for each shape asked for.
pub(crate) fn dirichlet_of(
    center: &[f64],
    strength: f64,
    mut gamma: impl FnMut(f64) -> f64,
) -> Vec<f64> {
    // A shape this small draws 0 in all but name, and keeps the distribution valid.
    let shape = |share: &f64| (strength * share).max(1e-9);
    let mut draw: Vec<f64> = center.iter().map(|share| gamma(shape(share))).collect();
    let sum: f64 = draw.iter().sum();
    if sum > 0.0 {
        draw.iter_mut().for_each(|p| *p /= sum);
    } else {
        draw.copy_from_slice(center);
    }
    draw
}

/// A Gamma variate of this shape, above 0, and scale 1.
pub(crate) fn gamma(shape: f64, rng: &mut impl Rng) -> f64 {
    Gamma::new(shape, 1.0).map_or(0.0, |gamma| gamma.sample(rng))
}
