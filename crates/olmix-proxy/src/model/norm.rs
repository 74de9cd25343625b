//! Root-mean-square norms: `y = w x / √(mean x² + ε)`, row by row (Zhang and Sennrich, 2019).

use super::vector::{dot, vectorized};

/// Rows of a slice: `count` of `width` each, `stride` apart, in groups.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    /// Rows of the slice.
    pub stride: usize,
    /// Neighbouring parts of each that are normalized on their own.
    pub count: usize,
    /// Elements of a part.
    pub width: usize,
}

/// Normalizes rows of `weight.len()` elements into `y`; `scales` gets `1 / √(mean x² + ε)` of each.
pub(crate) fn forward(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32], scales: &mut [f32]) {
    let d = weight.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact(d).zip(y.chunks_exact_mut(d)).zip(scales);
            for ((x, y), scale) in rows {
                *scale = inverse(x, eps);
                for i in 0..d {
                    y[i] = x[i] * *scale * weight[i];
                }
            }
        },
    );
}

#[allow(clippy::inline_always)] // see `vector`
#[inline(always)]
fn inverse(x: &[f32], eps: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt()
}

/// The way back: adds to `dx` and `dw`, given `dy`, which is spent.
pub(crate) fn backward(
    x: &[f32],
    weight: &[f32],
    scales: &[f32],
    dy: &mut [f32],
    dx: &mut [f32],
    dw: &mut [f32],
) {
    let d = weight.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact(d).zip(dy.chunks_exact_mut(d));
            for (((x, dy), dx), &scale) in rows.zip(dx.chunks_exact_mut(d)).zip(scales) {
                let along = through_weight(x, weight, scale, dy, dw);
                for i in 0..d {
                    dx[i] += scale * (dy[i] - x[i] * along);
                }
            }
        },
    );
}

/// Multiplies `dy` by the weight, adds the weight's gradient; how much of `dy` lies along `x`.
#[allow(clippy::inline_always)] // see `vector`
#[inline(always)]
fn through_weight(x: &[f32], weight: &[f32], scale: f32, dy: &mut [f32], dw: &mut [f32]) -> f32 {
    let d = weight.len();
    let (x, dy, dw) = (&x[..d], &mut dy[..d], &mut dw[..d]);
    for i in 0..d {
        dw[i] += dy[i] * x[i] * scale;
        dy[i] *= weight[i];
    }
    dot(dy, x) * scale * scale / d as f32
}

/// Normalizes parts of rows in place.
pub(crate) fn forward_heads(
    x: &mut [f32],
    heads: Heads,
    weight: &[f32],
    eps: f32,
    scales: &mut [f32],
) {
    let d = heads.width;
    vectorized(
        #[inline(always)]
        || {
            let rows = x
                .chunks_mut(heads.stride)
                .zip(scales.chunks_exact_mut(heads.count));
            for (row, scales) in rows {
                for (x, scale) in row.chunks_exact_mut(d).zip(scales) {
                    *scale = inverse(x, eps);
                    for i in 0..d {
                        x[i] *= *scale * weight[i];
                    }
                }
            }
        },
    );
}

/// The way back in place: `dy` becomes `dx`; `x` are the rows before they were normalized, laid out alike.
pub(crate) fn backward_heads(
    x: &[f32],
    heads: Heads,
    weight: &[f32],
    scales: &[f32],
    dy: &mut [f32],
    dw: &mut [f32],
) {
    let d = heads.width;
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks(heads.stride).zip(dy.chunks_mut(heads.stride));
            for ((x, dy), scales) in rows.zip(scales.chunks_exact(heads.count)) {
                let parts = x.chunks_exact(d).zip(dy.chunks_exact_mut(d));
                for ((x, dy), &scale) in parts.zip(scales) {
                    let along = through_weight(x, weight, scale, dy, dw);
                    for i in 0..d {
                        dy[i] = scale * (dy[i] - x[i] * along);
                    }
                }
            }
        },
    );
}
