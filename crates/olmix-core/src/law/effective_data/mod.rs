//! The law of effective data: `f̂(p) = exp(log c) + exp(b − log(1 + κ Σ_j v_j p_j^a) / κ + u·p)` with
//! `v, κ ≥ 0` and `0 < a ≤ 1`.
//!
//! With `γ = 1/κ` and `w = κv` the reducible loss is `e^b (1 + Σ w_j p_j^a)^(−γ) e^(u·p)`: a power law in an amount of
//! data that all domains add to, each at its rate `w_j`, so that domains can stand in for one another; and a factor for
//! what a domain costs a task when it takes a part of the model's capacity. `κ = 0` is the limit `exp(b − Σ v p^a + u·p)`,
//! which without `u` is the saturating law.
//!
//! `Σ w p^a` is concave in `p`, its logarithm too, and `u·p` is linear: the exponent is convex, and the law with it. The
//! exact optimizer applies.
//!
//! `u` is shrunk to 0, and left out where that predicts better out of fold: with few runs for each domain it can't be told
//! from noise. `docs/decisions.md` has what each part is worth on measured swarms.

mod derivatives;
mod descent;
mod options;

use serde::{Deserialize, Serialize};

use super::numerics::MAX_EXPONENT;
use super::{Basis, Curvature, Law};
pub use options::EffectiveDataOptions;

/// A fitted law of effective data over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectiveData {
    /// Logarithm of the irreducible loss `c`.
    pub log_c: f64,
    /// `b`, the logarithm of the reducible loss of no data at all.
    pub level: f64,
    /// `a`, in (0, 1].
    pub power: f64,
    /// `κ ≥ 0`: how far domains stand in for one another; `1/κ` is the exponent of the power law.
    pub kappa: f64,
    /// `v` (length `m`), none negative.
    pub v: Vec<f64>,
    /// `u` (length `m`), of either sign; empty where the law has no competition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub u: Vec<f64>,
}

impl EffectiveData {
    fn phi(&self) -> Basis {
        Basis::Power(self.power)
    }

    /// `Σ v p^a`.
    fn amount(&self, p: &[f64]) -> f64 {
        let phi = self.phi();
        let terms = self.v.iter().zip(p).filter(|(v, _)| **v > 0.0);
        terms.map(|(v, p)| v * phi.value(*p)).sum()
    }

    /// The logarithm of the reducible loss where the amount of data is `s`.
    fn exponent_at(&self, s: f64, p: &[f64]) -> f64 {
        let x = self.kappa * s;
        // log(1 + x)/x is 1 − x/2 to all digits there.
        let saturated = if x < 1e-8 {
            s * (1.0 - 0.5 * x)
        } else {
            x.ln_1p() / self.kappa
        };
        let competition: f64 = self.u.iter().zip(p).map(|(u, p)| u * p).sum();
        (self.level - saturated + competition).min(MAX_EXPONENT)
    }

    /// The logarithm of the reducible loss.
    #[must_use]
    pub fn exponent(&self, p: &[f64]) -> f64 {
        self.exponent_at(self.amount(p), p)
    }

    /// Adds `scale` times the slope of the amount of data.
    fn add_amount_slope(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let phi = self.phi();
        for ((into, v), p) in into.iter_mut().zip(&self.v).zip(p) {
            if *v > 0.0 {
                *into += scale * v * phi.slope(*p);
            }
        }
    }

    /// Adds `scale` times the slope of the exponent where the amount of data is `s`.
    fn add_slope(&self, s: f64, p: &[f64], scale: f64, into: &mut [f64]) {
        self.add_amount_slope(p, -scale / (1.0 + self.kappa * s), into);
        for (into, u) in into.iter_mut().zip(&self.u) {
            *into += scale * u;
        }
    }
}

impl Law for EffectiveData {
    fn predict(&self, p: &[f64]) -> f64 {
        self.log_c.exp() + self.exponent(p).exp()
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let s = self.amount(p);
        self.add_slope(s, p, scale * self.exponent_at(s, p).exp(), into);
    }

    /// With `E` the exponent, `s` the amount of data and `t = 1 + κs`: `e^E (∇E ∇Eᵀ + κ/t² ∇s ∇sᵀ − ∇²s / t)`.
    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        let s = self.amount(p);
        let t = 1.0 + self.kappa * s;
        let reducible = scale * self.exponent_at(s, p).exp();
        self.add_slope(s, p, 1.0, into.term(reducible));
        if self.kappa > 0.0 {
            let height = reducible * self.kappa / (t * t);
            self.add_amount_slope(p, 1.0, into.term(height));
        }
        let phi = self.phi();
        for ((into, v), p) in into.diagonal.iter_mut().zip(&self.v).zip(p) {
            if *v > 0.0 {
                *into += reducible / t * v * phi.neg_second_derivative(*p);
            }
        }
    }
}
