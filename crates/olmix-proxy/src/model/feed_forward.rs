//! The activation of the feed-forward layer: `silu(gate) · up` (Shazeer, 2020).

use super::vector::{sigmoid, vectorized};

/// `gate_up` is `t × 2f`, gates first; `out` is `t × f`.
pub(crate) fn forward(gate_up: &[f32], f: usize, out: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (row, out) in gate_up.chunks_exact(2 * f).zip(out.chunks_exact_mut(f)) {
                let (gate, up) = row.split_at(f);
                for i in 0..f {
                    out[i] = gate[i] * sigmoid(gate[i]) * up[i];
                }
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
                for i in 0..f {
                    let (g, s) = (gate[i], sigmoid(gate[i]));
                    gate[i] = dout[i] * up[i] * s * (1.0 + g * (1.0 - s));
                    up[i] = dout[i] * g * s;
                }
            }
        },
    );
}
