//! Cross entropy of the next token, with a pull of the softmax's normalizer towards one (z-loss; Chowdhery
//! et al., 2022).

use super::vector::{exp_sum, greatest, vectorized};

/// The sum of `−log p(target)` over rows of `vocab` logits, in nats. Logits become the gradient of
/// `scale · Σ (−log p(target) + z · (log Σ exp)²)`.
pub(crate) fn forward_backward(
    logits: &mut [f32],
    vocab: usize,
    targets: &[u32],
    scale: f32,
    z: f32,
) -> f64 {
    let mut sum = 0.0;
    vectorized(
        #[inline(always)]
        || {
            for (row, &target) in logits.chunks_exact_mut(vocab).zip(targets) {
                let wanted = row[target as usize];
                let (total, normalizer) = softmax(row);
                sum += f64::from(normalizer - wanted);
                let each = scale * (1.0 + 2.0 * z * normalizer) / total;
                row.iter_mut().for_each(|p| *p *= each);
                row[target as usize] -= scale;
            }
        },
    );
    sum
}

/// `log p(target)` of each row, in nats; the logits are spent.
pub(crate) fn log_likelihoods(logits: &mut [f32], vocab: usize, targets: &[u32], into: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            let rows = logits.chunks_exact_mut(vocab).zip(targets).zip(into);
            for ((row, &target), into) in rows {
                let wanted = row[target as usize];
                *into = wanted - softmax(row).1;
            }
        },
    );
}

/// Replaces logits by exponentials; their sum, and the logarithm of the sum of the logits' own.
#[allow(clippy::inline_always)] // see `vector`
#[inline(always)]
fn softmax(row: &mut [f32]) -> (f32, f32) {
    let most = greatest(row);
    let total = exp_sum(row, most, 1.0);
    (total, total.ln() + most)
}
