//! The activation of the feed-forward layer: `silu(gate) · up` (Shazeer, 2020).

use super::vector::{combine, combine_all, sigmoid, vectorized};

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

/// The way back, in place: `gate_up` becomes its gradient. `out` comes as the gradient of the output, and is
/// the output again afterwards.
pub(crate) fn backward(gate_up: &mut [f32], f: usize, out: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            let rows = gate_up.chunks_exact_mut(2 * f);
            for (row, out) in rows.zip(out.chunks_exact_mut(f)) {
                let (gate, up) = row.split_at_mut(f);
                combine_all(gate, up, out, |g, u, dout| {
                    let s = sigmoid(g);
                    let silu = g * s;
                    let dgate = dout * u * (s + silu * (1.0 - s));
                    (dgate, dout * silu, silu * u)
                });
            }
        },
    );
}
