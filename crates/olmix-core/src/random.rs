//! Random numbers: one stream per purpose and item, so that no draw depends on the order in
//! which threads come to it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for; each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Assigning runs to folds.
    Folds,
    /// Resampling runs.
    Bootstrap,
    /// Sampling candidate mixtures.
    Simulation,
    /// Setting runs aside (`n_test`, `train_split`).
    Split,
    /// Making up a swarm.
    Example,
    /// Setting runs aside that say when a law has learnt enough.
    Evaluation,
}

/// The generator for item `item` (a fold, a resample, a chunk) of a purpose under a user's seed.
#[must_use]
pub fn generator(seed: u64, purpose: Purpose, item: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64 + 1) << 40) | (item & 0xff_ffff_ffff));
    rng
}
