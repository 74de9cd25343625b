//! Exponentials and powers of whole slices, vectorized for the processor at run time.
//!
//! Where millions of candidates are valued, a call per exponential is most of the time. These
//! agree with the standard library's to a few units in the last place (tested), and are the same
//! bits on every processor: each step is exact or fused.

#![allow(clippy::inline_always)] // only what is inlined into a dispatched closure is vectorized

use pulp::Arch;

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// `ln 2` in two parts; the first has enough trailing zeros that its multiples are exact.
const LN2_HIGH: f64 = 0.693_147_180_485_539_1;
const LN2_LOW: f64 = 7.440_617_110_012_397e-11;
/// `1.5 · 2⁵²`: adding it rounds to an integer, which is then in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Beyond these, results are no longer normal numbers; they are clamped.
const LEAST: f64 = -708.0;
const GREATEST: f64 = 709.0;

/// Replaces each `x` by `exp x`, for `x` clamped to −708 ..= 709.
pub(crate) fn exp(values: &mut [f64]) {
    Arch::new().dispatch(
        #[inline(always)]
        || values.iter_mut().for_each(|x| *x = exp_of(*x)),
    );
}

/// Replaces each `x ≥ 0` by `x^power`, for `power > 0`; zero stays zero but for less than 1e-100
/// (at powers from 0.4).
pub(crate) fn power(values: &mut [f64], power: f64) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            values
                .iter_mut()
                .for_each(|x| *x = exp_of(power * ln_of(x.max(f64::MIN_POSITIVE))));
        },
    );
}

/// Adds `√(1 + ((x − at) scale)²)` of every `x` to `sums`, as many as there are of both.
pub(crate) fn add_roots(sums: &mut [f64], x: &[f64], at: f64, scale: f64) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, x) in sums.iter_mut().zip(x) {
                let t = (x - at) * scale;
                *sum += t.mul_add(t, 1.0).sqrt();
            }
        },
    );
}

/// `2ⁿ exp(r)` with `|r| ≤ ln 2 / 2`, and the Taylor series of `exp` to its 13th term.
#[inline(always)]
fn exp_of(x: f64) -> f64 {
    let x = x.clamp(LEAST, GREATEST);
    let shifted = x.mul_add(LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let mut sum = INVERSE_FACTORIALS[13];
    for term in INVERSE_FACTORIALS[..13].iter().rev() {
        sum = sum.mul_add(r, *term);
    }
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    sum * scale
}

const INVERSE_FACTORIALS: [f64; 14] = {
    let mut inverse = [1.0; 14];
    let mut i = 1;
    while i < inverse.len() {
        inverse[i] = inverse[i - 1] / i as f64;
        i += 1;
    }
    inverse
};

/// `n ln 2 + 2 artanh((x − 1) / (x + 1))` of the mantissa, for a normal `x > 0`.
#[inline(always)]
fn ln_of(x: f64) -> f64 {
    // The exponent, for mantissas in [√½, √2).
    let bits = x.to_bits().wrapping_sub(HALF_ROOT);
    let exponent = (bits >> 52) | ROUND.to_bits();
    let n = f64::from_bits(exponent) - ROUND;
    // Below 1 the exponent wrapped around: its field has 12 bits.
    let n = if n >= 2048.0 { n - 4096.0 } else { n };
    let mantissa = f64::from_bits((bits & MANTISSA).wrapping_add(HALF_ROOT));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let mut sum = 1.0f64 / 23.0;
    for k in (0..11u32).rev() {
        sum = sum.mul_add(s2, 1.0 / f64::from(2 * k + 1));
    }
    n.mul_add(LN2_HIGH, n.mul_add(LN2_LOW, 2.0 * s * sum))
}

/// The bits of `√½`.
const HALF_ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
const MANTISSA: u64 = (1 << 52) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(a: f64, b: f64) -> f64 {
        (a - b).abs() / b.abs()
    }

    #[test]
    fn exponentials_agree_with_the_standard_library() {
        let mut values: Vec<f64> = (-70_000..70_900).map(|i| f64::from(i) * 0.01).collect();
        let expected: Vec<f64> = values.iter().map(|x| x.exp()).collect();
        exp(&mut values);
        for (found, expected) in values.iter().zip(&expected) {
            assert!(relative(*found, *expected) < 4e-16, "{found} {expected}");
        }
        let mut beyond = [-1e9, 1e9, f64::NEG_INFINITY];
        exp(&mut beyond);
        assert!(beyond[0] < 1e-300 && beyond[1] > 1e300 && beyond[2] < 1e-300);
    }

    #[test]
    fn powers_agree_with_the_standard_library() {
        for a in [0.25, 0.5, 0.6, 1.0] {
            let mut values: Vec<f64> = (0..60_000)
                .map(|i| (f64::from(i) * -5e-4).exp())
                .chain([0.5f64.sqrt(), 2.0, 3.7, 1e-300])
                .collect();
            let expected: Vec<f64> = values.iter().map(|x| x.powf(a)).collect();
            power(&mut values, a);
            for (found, expected) in values.iter().zip(&expected) {
                let tolerance = 1e-15 + 2e-16 * expected.ln().abs();
                assert!(
                    relative(*found, *expected) < tolerance,
                    "{found} {expected}"
                );
            }
        }
        let mut zero = [0.0];
        power(&mut zero, 0.5);
        assert!(zero[0] < 1e-100);
    }
}
