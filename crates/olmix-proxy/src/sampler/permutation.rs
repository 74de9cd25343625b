//! Orders of a leaf's sequences, one per epoch, without a list of them.

use olmix_core::split_mix64;

/// A permutation of `0..length`, a function of its key alone.
///
/// A Feistel network of four rounds over the next even number of bits, walked until it lands in range
/// (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002: cycle walking).
pub(crate) struct Permutation {
    length: u64,
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// The order of `length` elements in an epoch of a stream (a leaf), under the user's seed.
    pub fn new(length: u64, seed: u64, stream: u64, epoch: u64) -> Self {
        let bits = 64 - length.saturating_sub(1).leading_zeros();
        let mut state = split_mix64(split_mix64(split_mix64(seed) ^ stream) ^ epoch);
        let keys = [(); 4].map(|()| {
            state = split_mix64(state);
            state
        });
        Self {
            length,
            half: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// The element at a place below `length`.
    pub fn at(&self, place: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let mut value = place;
        loop {
            let (mut left, mut right) = (value >> self.half, value & mask);
            for key in self.keys {
                (left, right) = (right, left ^ (split_mix64(right ^ key) & mask));
            }
            value = (left << self.half) | right;
            if value < self.length {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_of_any_length_has_every_element_once() {
        for length in [1, 2, 3, 7, 64, 65, 1000, 4097] {
            let order = Permutation::new(length, 7, 3, 1);
            let mut seen: Vec<u64> = (0..length).map(|place| order.at(place)).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..length), "{length}");
        }
    }

    #[test]
    fn permutations_differ_between_epochs_leaves_and_seeds() {
        let order = |seed, stream, epoch| {
            let order = Permutation::new(1000, seed, stream, epoch);
            (0..1000).map(|place| order.at(place)).collect::<Vec<u64>>()
        };
        let base = order(1, 1, 1);
        for other in [order(2, 1, 1), order(1, 2, 1), order(1, 1, 2)] {
            let fixed = base.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!(fixed < 10, "{fixed}");
        }
    }

    #[test]
    fn permutations_spread_elements_evenly() {
        // Means of the first hundred elements of many orders: the middle, give or take four standard errors.
        let mean = (0..200)
            .map(|epoch| {
                let order = Permutation::new(10_000, 5, 0, epoch);
                (0..100).map(|place| order.at(place) as f64).sum::<f64>() / 100.0
            })
            .sum::<f64>()
            / 200.0;
        let error = 10_000.0 / 12f64.sqrt() / (100.0 * 200.0f64).sqrt();
        assert!((mean - 4999.5).abs() < 4.0 * error, "{mean}");
    }
}
