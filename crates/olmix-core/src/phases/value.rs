//! What phases are worth: the best schedule against the best mixture that stays the same in every phase.

use super::Phases;
use crate::CoreError;
use crate::law::average_loss;
use crate::law::{Curvature, FittedLaw, Law};
use crate::optimize::{ExactProblem, Solution, solve_exact};
use crate::phases::PhaseSpec;
use crate::trust::Interval;

/// The gain of phases over the best static mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseValue {
    /// The best mixture that is the same in every phase (length `m`).
    pub mixture: Vec<f64>,
    /// The average loss that the laws predict for it.
    pub static_loss: f64,
    /// The average loss that the laws predict for the proposed phases.
    pub phases_loss: f64,
    /// The interval of `static_loss − phases_loss` at these two mixtures over resampled runs; `None` without a
    /// bootstrap.
    pub interval: Option<Interval>,
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
        let fractions = self.phases.fractions();
        for &(i, k, value) in whole.pairs() {
            let folded = fractions[i / m] * fractions[k / m] * value;
            if i % m == k % m {
                into.diagonal[i % m] += 2.0 * folded;
            } else {
                into.add_pair(i % m, k % m, folded);
            }
        }
    }
}

/// The best mixture that stays the same in every phase, by laws over the domains of phases: with its certificate, as
/// every exact solution.
///
/// `reference` is `q` of the KL term over the domains of phases.
///
/// # Errors
/// As [`solve_exact`]: among others, where no mixture satisfies the bounds of all phases at once.
pub fn best_static(
    spec: &PhaseSpec,
    laws: &[FittedLaw],
    task_weights: &[f64],
    reference: &[f64],
    kl_reg: f64,
) -> Result<Solution, CoreError> {
    let phases = &spec.phases;
    let laws: Vec<StaticLaw<'_>> = laws.iter().map(|law| StaticLaw { law, phases }).collect();
    solve_exact(&ExactProblem {
        domains: &spec.domains,
        laws: &laws,
        task_weights,
        // Of references that differ between phases, the one whose KL term differs from theirs by a constant only: the
        // geometric mean.
        reference: &geometric_mean(phases, reference),
        kl_reg,
        linear: None,
        terms: None,
        constraints: &spec.unchanging,
    })
}

fn geometric_mean(phases: &Phases, reference: &[f64]) -> Vec<f64> {
    let split = phases.split(reference);
    let m = split.first().map_or(0, Vec::len);
    let mean = |j: usize| {
        let logs = phases.iter().zip(&split);
        let log: f64 = logs.map(|(phase, p)| phase.fraction * p[j].ln()).sum();
        log.exp()
    };
    (0..m).map(mean).collect()
}

impl PhaseValue {
    /// The value of the phases `q` (length `S·m`) over the best static mixture.
    #[must_use]
    pub fn of(
        phases: &Phases,
        laws: &[FittedLaw],
        task_weights: &[f64],
        mixture: Vec<f64>,
        q: &[f64],
    ) -> Self {
        let loss = |q: &[f64]| average_loss(laws, task_weights, q);
        Self {
            static_loss: loss(&phases.stack_static(&mixture)),
            phases_loss: loss(q),
            mixture,
            interval: None,
        }
    }
}
