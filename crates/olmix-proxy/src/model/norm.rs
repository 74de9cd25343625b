//! Root-mean-square norms: `y = w x / √(mean x² + ε)`, row by row (Zhang and Sennrich, 2019).

use super::vector::{LANES, add, combine, dot, fold, vectorized};

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
                let inverse = inverse(x, eps);
                *scale = inverse;
                combine(y, x, weight, |_, x, w| x * inverse * w);
            }
        },
    );
}

#[allow(clippy::inline_always)] // see `vector`
#[inline(always)]
fn inverse(x: &[f32], eps: f32) -> f32 {
    1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt()
}

/// The way back: adds to `dx` and `dw`, given `dy`.
pub(crate) fn backward(
    x: &[f32],
    weight: &[f32],
    scales: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dw: &mut [f32],
) {
    let d = weight.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact(d).zip(dy.chunks_exact(d));
            for (((x, dy), dx), &scale) in rows.zip(dx.chunks_exact_mut(d)).zip(scales) {
                let along = along(x, weight, scale, dy, dw);
                add(dx, (dy, weight, x), |dy, w, x| scale * (dy * w - x * along));
            }
        },
    );
}

/// How much of the gradient lies along `x`; adds the weight's gradient.
#[allow(clippy::inline_always)] // see `vector`
#[inline(always)]
fn along(x: &[f32], weight: &[f32], scale: f32, dy: &[f32], dw: &mut [f32]) -> f32 {
    let d = weight.len();
    let mut along = [0.0; LANES];
    let (dys, dy_rest) = dy.as_chunks::<LANES>();
    let (dws, dw_rest) = dw.as_chunks_mut::<LANES>();
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ws, w_rest) = weight.as_chunks::<LANES>();
    for (((dy, dw), x), w) in dys.iter().zip(dws).zip(xs).zip(ws) {
        // A loop for each: together they are not made vectors of.
        for i in 0..LANES {
            dw[i] += dy[i] * x[i] * scale;
        }
        for i in 0..LANES {
            along[i] += dy[i] * w[i] * x[i];
        }
    }
    let mut along = fold(along, |a, b| a + b);
    for (((dy, dw), x), w) in dy_rest.iter().zip(dw_rest).zip(x_rest).zip(w_rest) {
        *dw += *dy * x * scale;
        along += *dy * w * x;
    }
    along * scale * scale / d as f32
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
                    let inverse = inverse(x, eps);
                    *scale = inverse;
                    combine(x, weight, weight, |x, w, _| x * inverse * w);
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
                    let along = along(x, weight, scale, dy, dw);
                    combine(dy, x, weight, |dy, x, w| scale * (dy * w - x * along));
                }
            }
        },
    );
}
