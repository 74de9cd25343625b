//! A law over phases: any law over domains, of the *effective exposure* `z_j = Σ_s g_sj q_sj` to each domain's data.
//!
//! `q_sj` is the share of all tokens that phase `s` draws from domain `j` ([`crate::phases`]), and the gain `g_sj ≥ 0`
//! says how much a token of the domain counts in that phase. Gains satisfy `Σ_s φ_s g_sj = 1`, so that a mixture which is
//! the same in every phase has itself as exposure: for such runs the law is the one over domains. `z` is linear in `q`,
//! so the law is convex in `q` wherever the law over domains is convex.
//!
//! With all gains 1 timing is without effect (the *tied* law). `descent.rs` finds gains.

mod descent;
mod options;

pub use options::{PhasedOptions, Timing};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::registry::{AnyLaw, FittedLaw, LawKind};
use super::{Curvature, Law, Shape, check_length};
use crate::Matrix;

/// A law of one task over the domains of phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhasedLaw {
    /// `g`, one list of `m` gains per phase, at least 0.
    pub gains: Vec<Vec<f64>>,
    /// The law of exposures, over `m` domains.
    pub law: FittedLaw,
}

impl PhasedLaw {
    /// `z` (length `m`) of `q` (length `S·m`).
    #[must_use]
    pub fn exposure(&self, q: &[f64]) -> Vec<f64> {
        exposure(&self.gains, q)
    }

    /// Adds `g_sj v_j` to `into` (length `S·m`).
    fn add_spread(&self, v: &[f64], into: &mut [f64]) {
        let m = v.len();
        for (gains, into) in self.gains.iter().zip(into.chunks_mut(m)) {
            for ((into, gain), v) in into.iter_mut().zip(gains).zip(v) {
                *into += gain * v;
            }
        }
    }

    /// Domains of the law over exposures.
    fn domains(&self) -> usize {
        self.gains.first().map_or(0, Vec::len)
    }
}

/// `Σ_s g_sj q_sj` for each domain.
fn exposure(gains: &[Vec<f64>], q: &[f64]) -> Vec<f64> {
    let m = gains.first().map_or(0, Vec::len);
    let of_domain = |j: usize| {
        let phases = gains.iter().enumerate();
        phases.map(|(s, gains)| gains[j] * q[s * m + j]).sum()
    };
    (0..m).map(of_domain).collect()
}

impl Law for PhasedLaw {
    fn predict(&self, q: &[f64]) -> f64 {
        self.law.predict(&self.exposure(q))
    }

    fn add_gradient(&self, q: &[f64], scale: f64, into: &mut [f64]) {
        let mut slope = vec![0.0; self.domains()];
        self.law.add_gradient(&self.exposure(q), scale, &mut slope);
        self.add_spread(&slope, into);
    }

    fn curvature(&self, q: &[f64], scale: f64, into: &mut Curvature) {
        let m = self.domains();
        let mut of_law = Curvature::new(m);
        self.law.curvature(&self.exposure(q), scale, &mut of_law);
        for (i, &height) in of_law.heights().iter().enumerate() {
            self.add_spread(of_law.slope(i), into.term(height));
        }
        // A diagonal entry `d_j` is `d_j g_j g_jᵀ` over the phases of domain `j`.
        for j in (0..m).filter(|&j| of_law.diagonal[j] > 0.0) {
            for (s, gains) in self.gains.iter().enumerate() {
                let row = of_law.diagonal[j] * gains[j];
                into.diagonal[s * m + j] += row * gains[j];
                for (r, others) in self.gains.iter().enumerate().take(s) {
                    into.add_pair(s * m + j, r * m + j, row * others[j]);
                }
            }
        }
    }
}

impl AnyLaw for PhasedLaw {
    fn law(&self) -> &dyn Law {
        self
    }

    fn kind(&self) -> LawKind {
        self.law.kind()
    }

    fn shape(&self) -> Shape {
        self.law.shape()
    }

    fn validate(&self, m: usize) -> Result<(), String> {
        let domains = self.domains();
        if domains == 0 || self.gains.len() * domains != m {
            let phases = self.gains.len();
            return Err(format!(
                "a law over phases has gains of {phases} phases for {m} domains of phases"
            ));
        }
        for gains in &self.gains {
            check_length("gains", gains.len(), domains)?;
            if let Some(gain) = gains
                .iter()
                .find(|gain| !(**gain >= 0.0 && gain.is_finite()))
            {
                return Err(format!(
                    "a law over phases has the gain {gain}; gains are finite and not negative"
                ));
            }
        }
        if matches!(self.law, FittedLaw::Phased(_) | FittedLaw::Calibrated(_)) {
            return Err(
                "a law over phases has another law over phases, or a calibrated one, in it"
                    .to_owned(),
            );
        }
        self.law.validate(domains)
    }

    fn floor(&self) -> f64 {
        self.law.floor()
    }

    fn log_slope(&self, q: &[f64], reducible: f64, into: &mut [f64]) {
        let mut slope = vec![0.0; self.domains()];
        self.law
            .any()
            .log_slope(&self.exposure(q), reducible, &mut slope);
        self.add_spread(&slope, into);
    }

    fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        self.law.shared_runs()
    }

    fn share_runs(&mut self, runs: &Arc<Matrix>) {
        self.law.share_runs(runs);
    }
}
