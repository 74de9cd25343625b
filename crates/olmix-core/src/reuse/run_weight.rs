//! What an old run counts for where content that it used has changed since.

/// A run of whose data a tenth was replaced has half the weight of others: the strength that
/// `olmix study revision` (`docs/study-reuse.md`) finds neither worse than full weights after small changes nor
/// than discarding after large ones.
const STRENGTH: f64 = 10.0;

/// The weight of a run over the mixture `p` (length `m`) after the share `s_j` of the content of each domain
/// in `changed` (positions and shares, from 0 to 1) was replaced: above 0 and at most 1.
///
/// With `x = Σ_j s_j p_j`, the share of the run's data that was replaced, it is `1 / (1 + (10 x)²)`: the run's loss
/// is off by an amount in proportion to `x`, which counts beside its noise as a second error of variance `∝ x²`,
/// and a least-squares fit weighs runs by the inverse of their variance.
#[must_use]
pub fn run_weight(p: &[f64], changed: &[(usize, f64)]) -> f64 {
    let replaced: f64 = changed.iter().map(|&(j, share)| share * p[j]).sum();
    1.0 / (1.0 + (STRENGTH * replaced).powi(2))
}
