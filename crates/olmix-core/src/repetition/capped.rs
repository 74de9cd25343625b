//! What a cap on repetition would cost where repetition is measured.

/// The mixture that a cap would have led to, by the same laws.
#[derive(Debug, Clone, PartialEq)]
pub struct Capped {
    /// The repetition factor `k`.
    pub repetition_factor: f64,
    /// The best mixture under the cap (length `m`) and the average loss predicted there; `None` where all domains together,
    /// seen so often, do not fill the run.
    pub best: Option<(Vec<f64>, f64)>,
}
