//! Draws: whole numbers from a seeded stream, the same on every platform.

use olmix_core::split_mix64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of draws. Every use has a stream of its own under the user's seed, so that asking for
/// more of one domain changes no other.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A number below `n`. Written out, and not left to a library, so that no update of one changes
    /// the text.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True `parts` times in `whole`.
    pub(crate) fn chance(&mut self, parts: u32, whole: u32) -> bool {
        self.below(whole) < parts
    }

    /// The place of one of `items`.
    pub(crate) fn index<T>(&mut self, items: &[T]) -> usize {
        self.below(items.len() as u32) as usize
    }

    /// One of `items`, which has at least one.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items)]
    }

    /// One of `items`, by reference.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items)]
    }

    /// Puts `items` in a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// Whether a combination is kept for tasks: documents never use it, tasks use nothing else. One in
/// `one_in` combinations is.
pub(crate) fn held_out(seed: u64, one_in: u64, combination: &[usize]) -> bool {
    let mut hash = split_mix64(seed);
    for &part in combination {
        hash = split_mix64(hash ^ part as u64);
    }
    hash.is_multiple_of(one_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_range_and_reach_both_ends() {
        let mut draw = Draw::new(1, 1);
        let seen: Vec<u32> = (0..400).map(|_| draw.between(3, 6)).collect();
        assert_eq!(seen.iter().min(), Some(&3));
        assert_eq!(seen.iter().max(), Some(&6));
    }

    #[test]
    fn draws_of_a_seed_are_pinned() {
        let mut draw = Draw::new(42, 7);
        let drawn: Vec<u32> = (0..6).map(|_| draw.below(1000)).collect();
        assert_eq!(drawn, [209, 128, 428, 326, 807, 615]);
    }

    #[test]
    fn a_fixed_share_of_combinations_is_held_out() {
        let held = (0..8000).filter(|&n| held_out(3, 8, &[n, 2])).count();
        assert!((900..1100).contains(&held), "{held}");
    }
}
