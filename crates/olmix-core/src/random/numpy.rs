//! Permutations as numpy's `RandomState` draws them, so that a seed sets the same runs aside as it does in Python.
//!
//! The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded by its authors' second
//! method; the permutation is a Fisher–Yates shuffle whose draws are masked and rejected until they fit.

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// `numpy.random.RandomState(seed).permutation(n)`. Numpy takes seeds below 2³²; of larger ones the lower bits
/// count, mixed with the upper ones.
pub(crate) fn permutation(seed: u64, n: usize) -> Vec<usize> {
    let seed = (seed ^ (seed >> 32)) as u32;
    let mut twister = Twister::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, twister.up_to(i));
    }
    order
}

struct Twister {
    state: [u32; WORDS],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [0; WORDS];
        let mut word = seed;
        for (i, place) in (0_u32..).zip(&mut state) {
            *place = word;
            word = (word ^ (word >> 30))
                .wrapping_mul(1_812_433_253)
                .wrapping_add(i + 1);
        }
        Self { state, next: WORDS }
    }

    /// A number from 0 to `most`, which is below 2³².
    fn up_to(&mut self, most: usize) -> usize {
        let mask = usize::MAX >> most.leading_zeros();
        loop {
            let drawn = self.draw() as usize & mask;
            if drawn <= most {
                return drawn;
            }
        }
    }

    fn draw(&mut self) -> u32 {
        if self.next == WORDS {
            for i in 0..WORDS {
                let joined =
                    self.state[i] & 0x8000_0000 | self.state[(i + 1) % WORDS] & 0x7fff_ffff;
                let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + MIDDLE) % WORDS] ^ (joined >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut drawn = self.state[self.next];
        self.next += 1;
        drawn ^= drawn >> 11;
        drawn ^= (drawn << 7) & 0x9d2c_5680;
        drawn ^= (drawn << 15) & 0xefc6_0000;
        drawn ^ (drawn >> 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_those_of_numpy() {
        // Of numpy 2.3: np.random.RandomState(seed).permutation(n).
        assert_eq!(permutation(0, 10), [2, 8, 4, 9, 1, 6, 7, 3, 0, 5]);
        assert_eq!(permutation(42, 10), [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]);
        assert_eq!(permutation(0, 1), [0]);
        assert_eq!(permutation(3, 0), [] as [usize; 0]);
        assert_eq!(permutation(u64::from(u32::MAX), 6), [1, 4, 5, 0, 2, 3]);
        let long = permutation(7, 1000);
        assert_eq!(long[..5], [778, 334, 271, 802, 216]);
        assert_eq!(long[995..], [579, 502, 537, 196, 175]);
    }
}
