//! Loops over slices, vectorized for the processor at run time.
//!
//! Sums are of sixteen partial sums, which a compiler can keep in registers; it may not make them out of one.

#![allow(clippy::inline_always)] // only what is inlined into a dispatched closure is vectorized

use pulp::Arch;

/// Partial sums of a reduction.
const LANES: usize = 16;

/// Runs loops compiled for the widest vectors of this processor.
#[inline(always)]
pub(crate) fn vectorized<R>(job: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(job)
}

/// `exp x` for `x` clamped to −87 ..= 88, to two units in the last place.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// `1.5 · 2²³`: adding it rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    // Taylor's series, as |r| ≤ ln 2 / 2.
    let mut sum = 1.0 / 5040.0;
    for inverse in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = f32::mul_add(sum, r, inverse);
    }
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

/// `1 / (1 + exp −x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// A sum over places of two slices of one length.
#[inline(always)]
fn reduce(a: &[f32], b: &[f32], each: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += each(a[i], b[i]);
        }
    }
    let mut sum = sums.iter().sum();
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += each(*a, *b);
    }
    sum
}

/// The inner product of two slices.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    reduce(a, b, |a, b| a * b)
}

/// The greatest element.
#[inline(always)]
pub(crate) fn greatest(values: &[f32]) -> f32 {
    let mut most = [f32::MIN; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            most[i] = if chunk[i] > most[i] {
                chunk[i]
            } else {
                most[i]
            };
        }
    }
    let mut greatest = f32::MIN;
    for i in 0..LANES {
        greatest = if most[i] > greatest { most[i] } else { greatest };
    }
    for x in rest {
        greatest = if *x > greatest { *x } else { greatest };
    }
    greatest
}

/// Replaces each `x` by `exp(scale (x − most))`; their sum.
#[inline(always)]
pub(crate) fn exp_sum(values: &mut [f32], most: f32, scale: f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = values.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            chunk[i] = exp((chunk[i] - most) * scale);
            sums[i] += chunk[i];
        }
    }
    let mut sum = sums.iter().sum();
    for x in rest {
        *x = exp((*x - most) * scale);
        sum += *x;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_agree_with_the_standard_library() {
        for i in -8700..8800_i16 {
            let x = f32::from(i) * 0.01;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!(
                (found / expected - 1.0).abs() < 3e-7,
                "{x}: {found} {expected}"
            );
        }
        assert!(exp(-1e9) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn reductions_take_every_element_at_any_length() {
        for length in [0, 1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..length).map(|i| i as f32 - 3.0).collect();
            let squares: f32 = values.iter().map(|x| x * x).sum();
            assert_eq!(vectorized(|| dot(&values, &values)), squares);
            let most = values.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(vectorized(|| greatest(&values)), most);
            let mut exponentials = values.clone();
            let sum = vectorized(|| exp_sum(&mut exponentials, most, 0.5));
            let expected: f32 = values.iter().map(|x| ((x - most) * 0.5).exp()).sum();
            assert!((sum - expected).abs() <= 1e-5 * expected);
        }
    }
}
