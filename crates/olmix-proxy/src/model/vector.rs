//! Loops over slices, vectorized for the processor at run time.
//!
//! Sums are of sixteen partial sums, which a compiler can keep in registers; it may not make them out of one.

#![allow(clippy::inline_always)] // only what is inlined into a dispatched closure is vectorized

use pulp::Arch;

/// Elements of the widest vector: partial sums of a reduction.
pub(crate) const LANES: usize = 16;

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

/// Replaces each `a` by `each(a, b, c)`, for slices of one length.
///
/// Written out in whole vectors, as compilers unroll such loops so far that rows of some hundred elements
/// end in a loop of single ones.
#[inline(always)]
pub(crate) fn combine(a: &mut [f32], b: &[f32], c: &[f32], each: impl Fn(f32, f32, f32) -> f32) {
    let (b, c) = (&b[..a.len()], &c[..a.len()]);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        for i in 0..LANES {
            a[i] = each(a[i], b[i], c[i]);
        }
    }
    for ((a, b), c) in a_rest.iter_mut().zip(b_rest).zip(c_rest) {
        *a = each(*a, *b, *c);
    }
}

/// Adds `each(b, c, d)` to each `a`, for slices of one length.
#[inline(always)]
pub(crate) fn add(
    a: &mut [f32],
    (b, c, d): (&[f32], &[f32], &[f32]),
    each: impl Fn(f32, f32, f32) -> f32,
) {
    let (b, c, d) = (&b[..a.len()], &c[..a.len()], &d[..a.len()]);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    let (d, d_rest) = d.as_chunks::<LANES>();
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        for i in 0..LANES {
            a[i] += each(b[i], c[i], d[i]);
        }
    }
    for (((a, b), c), d) in a_rest.iter_mut().zip(b_rest).zip(c_rest).zip(d_rest) {
        *a += each(*b, *c, *d);
    }
}

/// Replaces each triple `(a, b, c)` by `each(a, b, c)`, for slices of one length.
#[inline(always)]
pub(crate) fn combine_all(
    a: &mut [f32],
    b: &mut [f32],
    c: &mut [f32],
    each: impl Fn(f32, f32, f32) -> (f32, f32, f32),
) {
    let length = a.len();
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b[..length].as_chunks_mut::<LANES>();
    let (c, c_rest) = c[..length].as_chunks_mut::<LANES>();
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        for i in 0..LANES {
            (a[i], b[i], c[i]) = each(a[i], b[i], c[i]);
        }
    }
    for ((a, b), c) in a_rest.iter_mut().zip(b_rest).zip(c_rest) {
        (*a, *b, *c) = each(*a, *b, *c);
    }
}

/// Folds partial results in halves: in order, each step would wait for the one before.
#[inline(always)]
pub(crate) fn fold(mut parts: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            parts[i] = join(parts[i], parts[i + half]);
        }
        half /= 2;
    }
    parts[0]
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
    let mut sum = fold(sums, |a, b| a + b);
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
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut greatest = fold(most, larger);
    for x in rest {
        greatest = larger(*x, greatest);
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
    let mut sum = fold(sums, |a, b| a + b);
    for x in rest {
        *x = exp((*x - most) * scale);
        sum += *x;
    }
    sum
}

/// The softmax of `scale` times the first `seen` elements; those behind become zero.
///
/// Whole vectors throughout: the elements of a vector that are not seen are masked, not left to a loop of
/// single ones.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32], seen: usize, scale: f32) {
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    if !rest.is_empty() {
        return softmax_of_any_length(row, seen, scale);
    }
    let (used, masked) = chunks.split_at_mut(seen.div_ceil(LANES));
    let seen = seen as u32;
    let mut most = [f32::MIN; LANES];
    for (k, chunk) in used.iter().enumerate() {
        for i in 0..LANES {
            let is_seen = ((k * LANES + i) as u32) < seen;
            let x = if is_seen { chunk[i] } else { f32::MIN };
            most[i] = if x > most[i] { x } else { most[i] };
        }
    }
    let most = fold(most, |a, b| if a > b { a } else { b });
    let mut sums = [0.0; LANES];
    for (k, chunk) in used.iter_mut().enumerate() {
        for i in 0..LANES {
            let is_seen = ((k * LANES + i) as u32) < seen;
            let e = exp((chunk[i] - most) * scale);
            chunk[i] = if is_seen { e } else { 0.0 };
            sums[i] += chunk[i];
        }
    }
    let inverse = 1.0 / fold(sums, |a, b| a + b);
    for chunk in used {
        for x in chunk {
            *x *= inverse;
        }
    }
    masked.fill([0.0; LANES]);
}

/// The same for rows that are no whole vectors, as short sequences have.
fn softmax_of_any_length(row: &mut [f32], seen: usize, scale: f32) {
    let (seen, masked) = row.split_at_mut(seen);
    let most = greatest(seen);
    let inverse = 1.0 / exp_sum(seen, most, scale);
    seen.iter_mut().for_each(|x| *x *= inverse);
    masked.fill(0.0);
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
    fn a_softmax_is_that_of_the_definition_whatever_is_masked() {
        for length in [7, 16, 48, 50] {
            for seen in 1..=length {
                let logits: Vec<f32> = (0..length).map(|i| (i as f32 * 1.7).sin() * 5.0).collect();
                let mut found = logits.clone();
                vectorized(|| softmax(&mut found, seen, 0.5));
                let exponentials: Vec<f64> = logits[..seen]
                    .iter()
                    .map(|x| (0.5 * f64::from(*x)).exp())
                    .collect();
                let sum: f64 = exponentials.iter().sum();
                for (i, p) in found.iter().enumerate() {
                    let expected = exponentials.get(i).map_or(0.0, |e| e / sum);
                    assert!(
                        (f64::from(*p) - expected).abs() < 1e-6,
                        "{length} {seen} {i}"
                    );
                }
            }
        }
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
