//! Concave functions of a weight that the saturating law is made of.

use serde::{Deserialize, Serialize};

use crate::vector;

/// Slopes of `p^a` are infinite at zero; they are taken at this weight at least.
const LEAST_WEIGHT: f64 = 1e-12;

/// A concave, increasing function `φ` of a weight `p` with `φ(0) = 0`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// `p^a`, with `0 < a ≤ 1`.
    Power(f64),
    /// `log(1 + p / ε)`, with `ε > 0`.
    Log(f64),
}

impl Basis {
    /// `φ(p)`, for `p ≥ 0`.
    #[must_use]
    pub fn value(self, p: f64) -> f64 {
        match self {
            Self::Power(power) => p.powf(power),
            Self::Log(epsilon) => (p / epsilon).ln_1p(),
        }
    }

    /// The derivative `φ′(p)`.
    #[must_use]
    pub fn slope(self, p: f64) -> f64 {
        match self {
            Self::Power(power) => power * p.max(LEAST_WEIGHT).powf(power - 1.0),
            Self::Log(epsilon) => 1.0 / (epsilon + p),
        }
    }

    /// `−φ″(p)`, never negative: `φ` is concave.
    #[must_use]
    pub fn neg_second_derivative(self, p: f64) -> f64 {
        match self {
            Self::Power(power) if power < 1.0 => {
                power * (1.0 - power) * p.max(LEAST_WEIGHT).powf(power - 2.0)
            }
            Self::Power(_) => 0.0,
            Self::Log(epsilon) => (epsilon + p).powi(-2),
        }
    }

    /// Replaces each weight by `φ` of it, to a few units in the last place.
    pub(crate) fn of_all(self, weights: &mut [f64]) {
        match self {
            Self::Power(power) if power < 1.0 => vector::power(weights, power),
            Self::Power(_) => {}
            Self::Log(_) => weights.iter_mut().for_each(|p| *p = self.value(*p)),
        }
    }

    /// Whether the parameter is in its range.
    #[must_use]
    pub fn is_valid(self) -> bool {
        match self {
            Self::Power(power) => power > 0.0 && power <= 1.0,
            Self::Log(epsilon) => epsilon > 0.0 && epsilon.is_finite(),
        }
    }
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Power(1.0) => write!(f, "p"),
            Self::Power(power) => write!(f, "p^{power}"),
            Self::Log(epsilon) => write!(f, "log(1 + p/{epsilon})"),
        }
    }
}

/// The features of a mixture: 1, then `φ(p_j)` of the live domains, basis by basis.
pub(crate) fn feature(bases: &[Basis], live: &[usize], p: &[f64], column: usize) -> f64 {
    match column.checked_sub(1) {
        None => 1.0,
        Some(at) => bases[at / live.len()].value(p[live[at % live.len()]]),
    }
}
