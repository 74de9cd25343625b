//! Random numbers: one stream per purpose and item, so that no draw depends on the order in
//! which threads come to it.

pub(crate) mod numpy;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Open01};

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
    /// Drawing from the joint laws that runs of several sizes leave possible.
    Scaling,
    /// Drawing scales and shifts of calibrated laws.
    Calibration,
    /// Mixtures that might be run next.
    Next,
    /// Contrasts between the phases of runs.
    Phases,
    /// Resampling the errors that tell the value of repeats.
    Repeats,
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
    dirichlet_of(center, strength, |_, shape, scale| gamma(shape, scale, rng))
}

/// How a Gamma variate is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GammaScale {
    /// The variate itself.
    Value,
    /// Its natural logarithm.
    Log,
}

/// Gamma variates whose sum is less than this have lost digits, or are all 0: half of the variates of shape 0.001
/// are below 1e-300.
const LEAST_SUM: f64 = 1e-290;

/// A point of `Dirichlet(strength · center)` made from one Gamma variate for each share: `gamma(k, shape, scale)` is
/// that of share number `k`. Where all are too small for floating-point numbers, their logarithms are asked for, which
/// may be those of other draws: shares do not depend on the sum of the variates (Lukacs, 1955), so that drawing again
/// where the sum is small leaves their distribution as it is.
pub(crate) fn dirichlet_of(
    center: &[f64],
    strength: f64,
    mut gamma: impl FnMut(usize, f64, GammaScale) -> f64,
) -> Vec<f64> {
    // A shape this small draws 0 in all but name, and keeps the distribution valid.
    let shape = |share: f64| (strength * share).max(1e-9);
    let mut variates = |scale| -> Vec<f64> {
        let each = center.iter().enumerate();
        each.map(|(k, share)| gamma(k, shape(*share), scale))
            .collect()
    };
    let mut draw = variates(GammaScale::Value);
    let mut sum: f64 = draw.iter().sum();
    if sum < LEAST_SUM {
        draw = variates(GammaScale::Log);
        let greatest = draw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        draw.iter_mut()
            .for_each(|log| *log = (*log - greatest).exp());
        sum = draw.iter().sum();
    }
    draw.iter_mut().for_each(|p| *p /= sum);
    draw
}

/// A Gamma variate of this shape, above 0, and scale 1.
pub(crate) fn gamma(shape: f64, scale: GammaScale, rng: &mut impl Rng) -> f64 {
    let of =
        |shape: f64, rng: &mut _| Gamma::new(shape, 1.0).map_or(0.0, |gamma| gamma.sample(rng));
    match scale {
        GammaScale::Value => of(shape, rng),
        GammaScale::Log if shape >= 1.0 => of(shape, rng).ln(),
        // A variate of shape a is one of shape a + 1 times U^(1/a) (Marsaglia and Tsang, 2000).
        GammaScale::Log => {
            let uniform: f64 = rng.sample(Open01);
            uniform.ln() / shape + of(shape + 1.0, rng).ln()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of a share of a Dirichlet distribution, known exactly, and what draws have: each within `z`
    /// standard errors, of which that of the variance is estimated from the draws.
    fn assert_moments(center: &[f64], strength: f64, draws: &[Vec<f64>]) {
        const Z: f64 = 4.0;
        let n = draws.len() as f64;
        for (j, share) in center.iter().enumerate() {
            let variance = share * (1.0 - share) / (strength + 1.0);
            let mean = draws.iter().map(|p| p[j]).sum::<f64>() / n;
            assert!(
                (mean - share).abs() < Z * (variance / n).sqrt(),
                "strength {strength}: mean {mean} of share {share}"
            );
            let squares: Vec<f64> = draws.iter().map(|p| (p[j] - share).powi(2)).collect();
            let found = squares.iter().sum::<f64>() / n;
            let spread = squares.iter().map(|s| (s - found).powi(2)).sum::<f64>() / n;
            assert!(
                (found - variance).abs() < Z * (spread / n).sqrt(),
                "strength {strength}: variance {found} of {variance}"
            );
        }
    }

    #[test]
    fn dirichlet_draws_have_the_exact_moments_at_any_strength() {
        let center = [0.47, 0.33, 0.15, 0.05];
        for strength in [1e-6_f64, 1e-3, 3e-3, 0.01, 0.1, 1.0, 5.0, 200.0] {
            let mut rng = generator(11, Purpose::Example, strength.to_bits() & 0xffff);
            let draws: Vec<Vec<f64>> = (0..4000)
                .map(|_| dirichlet(&center, strength, &mut rng))
                .collect();
            assert_moments(&center, strength, &draws);
            for p in &draws {
                let sum: f64 = p.iter().sum();
                assert!((sum - 1.0).abs() < 1e-12 && p.iter().all(|p| *p >= 0.0));
            }
        }
    }

    #[test]
    fn tiny_strengths_draw_one_hot_mixtures_and_never_the_center() {
        let mut rng = generator(5, Purpose::Example, 0);
        let draws: Vec<Vec<f64>> = (0..1000)
            .map(|_| dirichlet(&[0.5, 0.5], 1e-3, &mut rng))
            .collect();
        let one_hot = draws.iter().filter(|p| p[0].max(p[1]) > 0.999).count();
        assert!(one_hot > 980, "{one_hot}");
        assert!(draws.iter().all(|p| p[0] != 0.5));
    }

    #[test]
    fn logarithms_of_gamma_variates_are_those_of_the_distribution() {
        // E ln G = digamma(a).
        for shape in [1e-3, 0.02, 0.5, 1.0, 4.0] {
            let mut rng = generator(3, Purpose::Example, 7);
            let n = 20_000;
            let logs: Vec<f64> = (0..n)
                .map(|_| gamma(shape, GammaScale::Log, &mut rng))
                .collect();
            let mean = logs.iter().sum::<f64>() / f64::from(n);
            let spread = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / f64::from(n);
            let exact = statrs::function::gamma::digamma(shape);
            let error = 4.0 * (spread / f64::from(n)).sqrt();
            assert!((mean - exact).abs() < error, "{shape}: {mean}, {exact}");
        }
    }
}
