//! What phases are worth: the best schedule against the best mixture that stays the same in every phase.

use super::Phases;
use crate::law::{Curvature, FittedLaw, Law};
use crate::optimize::{ExactProblem, Solution, solve_exact};
use crate::{Constraints, CoreError, DomainSet};

/// The gain of phases over the best static mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseValue {
    /// The best mixture that is the same in every phase (length `m`).
    pub mixture: Vec<f64>,
    /// The average loss that the laws predict for it.
    pub static_loss: f64,
    /// The average loss that the laws predict for the proposed phases.
    pub phases_loss: f64,
    /// Lower and upper end of the interval of `static_loss − phases_loss` over resampled runs; `None` without.
    pub interval: Option<(f64, f64)>,
}

/// A law over the domains of phases, of runs whose mixture is the same in every phase: `f(φ ⊗ p)`, convex where `f` is.
#[derive(Debug)]
pub struct StaticLaw<'a> {
    /// The law over `S·m` domains of phases.
    pub law: &'a FittedLaw,
    /// The phases.
    pub phases: &'a Phases,
}

impl StaticLaw<'_> {
    /// Adds `Σ_s φ_s g_s` to `into` (length `m`), from `g` of length `S·m`.
    fn add_folded(&self, g: &[f64], into: &mut [f64]) {
        let m = into.len();
        for (s, phase) in self.phases.iter().enumerate() {
            let part = &g[s * m..(s + 1) * m];
            for (into, g) in into.iter_mut().zip(part) {
                *into += phase.fraction * g;
            }
        }
    }
}

impl Law for StaticLaw<'_> {
    fn predict(&self, p: &[f64]) -> f64 {
        self.law.predict(&self.phases.stack_static(p))
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let q = self.phases.stack_static(p);
        let mut slope = vec![0.0; q.len()];
        self.law.add_gradient(&q, scale, &mut slope);
        self.add_folded(&slope, into);
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        let q = self.phases.stack_static(p);
        let mut whole = Curvature::new(q.len());
        self.law.curvature(&q, scale, &mut whole);
        for (i, &height) in whole.heights().iter().enumerate() {
            self.add_folded(whole.slope(i), into.term(height));
        }
        let m = p.len();
        for (s, phase) in self.phases.iter().enumerate() {
            for j in 0..m {
                into.diagonal[j] += phase.fraction.powi(2) * whole.diagonal[s * m + j];
            }
        }
    }
}

/// The best mixture that stays the same in every phase, by laws over the domains of phases: with its certificate, as
/// every exact solution.
///
/// `constraints` bound the mixture (length `m`); `reference` is `q` of the KL term (length `m`).
///
/// # Errors
/// As [`solve_exact`].
pub fn best_static(
    phases: &Phases,
    domains: &DomainSet,
    laws: &[FittedLaw],
    task_weights: &[f64],
    reference: &[f64],
    kl_reg: f64,
    constraints: &Constraints,
) -> Result<Solution, CoreError> {
    let laws: Vec<StaticLaw<'_>> = laws
        .iter()
        .map(|law| StaticLaw { law, phases })
        .collect();
    solve_exact(&ExactProblem {
        domains,
        laws: &laws,
        task_weights,
        reference,
        kl_reg,
        linear: None,
        terms: None,
        constraints,
    })
}
