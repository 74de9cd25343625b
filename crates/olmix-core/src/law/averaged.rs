//! A weighted average of laws: `f̂(p) = Σ_k w_k f̂_k(p)` with `w ≥ 0` and `Σ w = 1`.
//!
//! Laws of different forms err in different places, and their average errs less than each. An average of convex laws is
//! convex: gradients and Hessians add up, so that the exact optimizer and its certificate apply.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::registry::{AnyLaw, FittedLaw, LawKind, LawOptions};
use super::{Curvature, Law, Shape, TaskReport};
use crate::Matrix;

/// A fitted average of laws of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Averaged {
    /// `w`, each above 0, the greatest first; they sum to 1.
    pub weights: Vec<f64>,
    /// As many laws; none is itself averaged, calibrated, of phases or of repeats.
    pub laws: Vec<FittedLaw>,
}

/// How far from 1 the sum of the weights may be in a file.
const ROUNDING: f64 = 1e-9;

impl Averaged {
    fn parts(&self) -> impl Iterator<Item = (f64, &FittedLaw)> {
        self.weights.iter().copied().zip(&self.laws)
    }
}

impl Law for Averaged {
    fn predict(&self, p: &[f64]) -> f64 {
        self.parts().map(|(w, law)| w * law.predict(p)).sum()
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        for (w, law) in self.parts() {
            law.add_gradient(p, w * scale, into);
        }
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        for (w, law) in self.parts() {
            law.curvature(p, w * scale, into);
        }
    }
}

impl AnyLaw for Averaged {
    fn law(&self) -> &dyn Law {
        self
    }

    /// That of the law with the greatest weight.
    fn kind(&self) -> LawKind {
        self.laws.first().map_or(LawKind::Auto, FittedLaw::kind)
    }

    /// Convex where all are.
    fn shape(&self) -> Shape {
        let shapes = self.laws.iter().map(FittedLaw::shape);
        shapes.max().unwrap_or(Shape::Convex)
    }

    fn validate(&self, m: usize) -> Result<(), String> {
        let (weights, laws) = (self.weights.len(), self.laws.len());
        if weights != laws || laws == 0 {
            return Err(format!(
                "an averaged law has {weights} weights for {laws} laws"
            ));
        }
        let sum: f64 = self.weights.iter().sum();
        let below = self.weights.iter().any(|w| w.is_nan() || *w < 0.0);
        if below || (sum - 1.0).abs() > ROUNDING {
            return Err(format!(
                "an averaged law has weights that sum to {sum}; none may be below 0, and the sum must be 1"
            ));
        }
        let compound = |law: &&FittedLaw| {
            matches!(
                law,
                FittedLaw::Averaged(_)
                    | FittedLaw::Calibrated(_)
                    | FittedLaw::Phased(_)
                    | FittedLaw::Repeated(_)
            )
        };
        if self.laws.iter().any(|law| compound(&law)) {
            return Err(
                "an averaged law has another average, a calibrated law, or a law over phases or repeats in it"
                    .to_owned(),
            );
        }
        self.laws.iter().try_for_each(|law| law.validate(m))
    }

    fn floor(&self) -> f64 {
        self.parts().map(|(w, law)| w * law.floor()).sum()
    }

    fn log_slope(&self, p: &[f64], reducible: f64, into: &mut [f64]) {
        self.add_gradient(p, 1.0 / reducible, into);
    }

    fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        self.laws.iter().find_map(FittedLaw::shared_runs)
    }

    fn share_runs(&mut self, runs: &Arc<Matrix>) {
        self.laws.iter_mut().for_each(|law| law.share_runs(runs));
    }
}

/// The laws of each task with the law number `part` of an average in its place; other laws as they are.
pub(super) fn parts_of(laws: &[FittedLaw], part: usize) -> Vec<FittedLaw> {
    let of = |law: &FittedLaw| match law.of_proxies() {
        FittedLaw::Averaged(averaged) => averaged.laws.get(part).unwrap_or(law).clone(),
        law => law.clone(),
    };
    laws.iter().map(of).collect()
}

/// The laws of each task, averaged: `parts` has those of all tasks for each of the `weights`.
pub(super) fn averaged(weights: &[f64], parts: &[Vec<FittedLaw>]) -> Vec<FittedLaw> {
    let tasks = parts.iter().map(Vec::len).min().unwrap_or(0);
    let of = |task: usize| {
        FittedLaw::Averaged(Box::new(Averaged {
            weights: weights.to_vec(),
            laws: parts.iter().map(|laws| laws[task].clone()).collect(),
        }))
    };
    (0..tasks).map(of).collect()
}

/// What is reported of the fits of an average: that of the law with the greatest weight, and whether all converged.
pub(super) fn averaged_reports(parts: &[Vec<TaskReport>]) -> Vec<TaskReport> {
    let Some((first, others)) = parts.split_first() else {
        return Vec::new();
    };
    let of = |(task, report): (usize, &TaskReport)| TaskReport {
        converged: report.converged && others.iter().all(|reports| reports[task].converged),
        ..*report
    };
    first.iter().enumerate().map(of).collect()
}

/// The average in words.
pub(super) fn describe(weights: &[f64], laws: &[LawOptions]) -> String {
    let parts = weights.iter().zip(laws);
    let parts = parts.map(|(w, law)| format!("{w:.2} × ({})", law.describe()));
    format!("average of laws: {}", parts.collect::<Vec<_>>().join(" + "))
}
