//! The activation of the feed-forward layer: `silu(gate) · up` (Shazeer, 2020).

use super::vector::{combine, combine_pairs, sigmoid, vectorized};

/// `gate_up` is `t × 2f`, gates first; `out` is `t × f`.
pub(crate) fn forward(gate_up: &[f32], f: usize, out: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (row, out) in gate_up.chunks_exact(2 * f).zip(out.chunks_exact_mut(f)) {
                let (gate, up) = row.split_at(f);
                combine(out, gate, up, |_, g, u| g * sigmoid(g) * u);
            }
        },
    );
}

/// The way back, in place: `gate_up` becomes its gradient, given that of the output.
pub(crate) fn backward(gate_up: &mut [f32], f: usize, dout: &[f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (row, dout) in gate_up.chunks_exact_mut(2 * f).zip(dout.chunks_exact(f)) {
                let (gate, up) = row.split_at_mut(f);
                combine_pairs(gate, up, dout, |g, u, dout| {
                    let s = sigmoid(g);
                    (dout * u * s * (1.0 + g * (1.0 - s)), dout * g * s)
                });
            }
        },
    );
}
