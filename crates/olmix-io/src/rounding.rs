//! What rounding leaves of a share.

/// Shares that a computation brought this far below 0 are 0, and sums this far from a limit are at it.
pub(crate) const ROUNDING: f64 = 1e-9;

/// The share, with 0 for what rounding left below it: `-5.55e-17` is a usual result of `1 - 0.9 - 0.1`.
pub(crate) fn without_rounding(share: f64) -> f64 {
    if (-ROUNDING..0.0).contains(&share) {
        0.0
    } else {
        share
    }
}
