//! Rotary position embedding (Su et al., 2021), in halves as Hugging Face's Llama has it.

use super::vector::vectorized;

/// Cosines and sines of every position, `context × head_width / 2` each.
pub(crate) struct Rotary {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

/// Which way to turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// As the forward pass does.
    Forward,
    /// Back, as gradients are.
    Back,
}

impl Rotary {
    pub fn new(context: usize, head_width: usize, theta: f64) -> Self {
        let half = head_width / 2;
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in 0..context {
            for i in 0..half {
                // In single precision, as other implementations have it: logits are compared to 1e-4.
                let frequency = 1.0 / (theta as f32).powf(i as f32 / half as f32);
                let angle = position as f32 * frequency;
                cos.push(angle.cos());
                sin.push(angle.sin());
            }
        }
        Self { half, cos, sin }
    }

    /// Turns the first `columns` elements (whole heads) of rows `stride` apart, row `t` by position `t`.
    pub fn turn(&self, x: &mut [f32], stride: usize, columns: usize, way: Turn) {
        let half = self.half;
        let sign = if way == Turn::Forward { 1.0 } else { -1.0 };
        vectorized(
            #[inline(always)]
            || {
                let angles = self.cos.chunks_exact(half).zip(self.sin.chunks_exact(half));
                for (row, (cos, sin)) in x.chunks_mut(stride).zip(angles) {
                    for head in row[..columns].chunks_exact_mut(2 * half) {
                        let (a, b) = head.split_at_mut(half);
                        for i in 0..half {
                            let (u, v, s) = (a[i], b[i], sign * sin[i]);
                            a[i] = u * cos[i] - v * s;
                            b[i] = u * s + v * cos[i];
                        }
                    }
                }
            },
        );
    }
}
