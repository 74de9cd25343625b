//! Any fitted law: what a fit returns and what later steps take.

use std::sync::Arc;

use super::registry::{FittedLaw, LawKind};
use super::{Curvature, Exponential, Law, LogLinear, LogLinearForm, Shape};
use crate::Matrix;
use crate::swarm::dot;

impl FittedLaw {
    /// Which law it is.
    #[must_use]
    pub fn kind(&self) -> LawKind {
        self.any().kind()
    }

    /// What an optimizer can make of the law.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.any().shape()
    }

    /// Whether a law that was read from a file is one over `m` domains.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn validate(&self, m: usize) -> Result<(), String> {
        self.any().validate(m)
    }

    /// The irreducible loss; 0 for a law that knows none.
    #[must_use]
    pub fn floor(&self) -> f64 {
        self.any().floor()
    }

    /// The mixtures of the runs (`K × m`), for a law that predicts by likeness to them.
    #[must_use]
    pub fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        self.any().shared_runs()
    }

    /// Gives a law that was read from a file its [`FittedLaw::shared_runs`]; nothing to others.
    pub fn share_runs(&mut self, runs: &Arc<Matrix>) {
        self.any_mut().share_runs(runs);
    }

    /// What moving weight from `prior` to each domain does to the logarithm of the reducible loss
    /// (the whole loss, for a law that knows no irreducible one): its slope in the direction from
    /// the prior to the domain alone (length `m`). Negative where the domain helps.
    ///
    /// Of a law that is a step function it is the change from the prior to a mixture 5 % of the way
    /// to the domain, per unit of weight.
    #[must_use]
    pub fn effects(&self, prior: &[f64]) -> Vec<f64> {
        let reducible = (self.predict(prior) - self.floor()).max(f64::MIN_POSITIVE);
        if self.shape() == Shape::Steps {
            let towards = |j: usize| {
                let mut p: Vec<f64> = prior.iter().map(|p| (1.0 - STEP) * p).collect();
                p[j] += STEP;
                p
            };
            let change = |j: usize| self.predict(&towards(j)) - self.predict(prior);
            return (0..prior.len())
                .map(|j| change(j) / (STEP * reducible))
                .collect();
        }
        let mut slope = vec![0.0; prior.len()];
        self.any().log_slope(prior, reducible, &mut slope);
        let mean = dot(&slope, prior);
        slope.into_iter().map(|slope| slope - mean).collect()
    }
}

/// How far [`FittedLaw::effects`] goes towards a domain where there is no slope.
const STEP: f64 = 0.05;

impl Law for FittedLaw {
    fn predict(&self, p: &[f64]) -> f64 {
        self.any().law().predict(p)
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        self.any().law().add_gradient(p, scale, into);
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        self.any().law().curvature(p, scale, into);
    }

    fn log_linear(&self) -> Option<&LogLinear> {
        self.any().law().log_linear()
    }

    fn log_linear_form(&self) -> Option<LogLinearForm<'_>> {
        self.any().law().log_linear_form()
    }

    fn exponential(&self) -> Option<Exponential<'_>> {
        self.any().law().exponential()
    }
}
