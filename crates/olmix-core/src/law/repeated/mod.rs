//! A law with the decreasing value of repeats: `f̂(p) = g(z(p))`, with `g` another law and `z_j` the effective weight of
//! domain `j` ([`Repeats`]).
//!
//! Where `g` is convex and falls in each of its inputs, `f̂` is convex, as each `z_j` is concave: the exact optimizer
//! applies. So `g` is a saturating law, one of effective data without competition, AutoScale's or BiMix'. A log-linear
//! law can rise in an input, and so can one with competition.

mod effective;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AnyLaw, Curvature, FittedLaw, Law, LawKind, LawOptions, Shape, check_length};
use crate::Matrix;
pub use effective::Repeats;

/// A law of one task in effective weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// What repeated tokens are worth.
    pub repeats: Repeats,
    /// The law `g` of the effective weights; one that falls in each of them, and not itself calibrated.
    pub law: FittedLaw,
}

impl Law for Repeated {
    fn predict(&self, p: &[f64]) -> f64 {
        self.law.predict(&self.repeats.values(p))
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let mut inner = vec![0.0; p.len()];
        self.law
            .add_gradient(&self.repeats.values(p), scale, &mut inner);
        for (j, (into, slope)) in into.iter_mut().zip(inner).enumerate() {
            *into += slope * self.repeats.slope(j, p[j]);
        }
    }

    /// With `H` the Hessian of `g` and `D = diag(z′)`: `D H D + diag(∂g/∂z · z″)`.
    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        let m = p.len();
        let z = self.repeats.values(p);
        let slopes: Vec<f64> = (0..m).map(|j| self.repeats.slope(j, p[j])).collect();
        let mut inner = Curvature::new(m);
        self.law.curvature(&z, scale, &mut inner);
        for (i, &height) in inner.heights().iter().enumerate() {
            let term = into.term(height);
            for (j, (into, g)) in term.iter_mut().zip(inner.slope(i)).enumerate() {
                *into = g * slopes[j];
            }
        }
        for &(i, k, value) in inner.pairs() {
            into.add_pair(i, k, slopes[i] * slopes[k] * value);
        }
        let mut gradient = vec![0.0; m];
        self.law.add_gradient(&z, scale, &mut gradient);
        for j in 0..m {
            // The gradient is not positive; rounding must not make it so.
            let bend = self.repeats.neg_second_derivative(j, p[j]);
            into.diagonal[j] +=
                slopes[j] * slopes[j] * inner.diagonal[j] + bend * (-gradient[j]).max(0.0);
        }
    }
}

impl AnyLaw for Repeated {
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
        let positive = |x: &f64| *x > 0.0 && x.is_finite();
        if !positive(&self.repeats.r_star) {
            let r = self.repeats.r_star;
            return Err(format!("`r_star` is {r}; it must be above 0 and finite"));
        }
        check_length("epochs", self.repeats.epochs.len(), m)?;
        if let Some(epochs) = self.repeats.epochs.iter().find(|e| !positive(e)) {
            return Err(format!(
                "`epochs` has the entry {epochs}; epochs must be above 0 and finite"
            ));
        }
        let falls = match &self.law {
            FittedLaw::Saturating(_) | FittedLaw::AutoScale(_) | FittedLaw::BiMix(_) => true,
            FittedLaw::EffectiveData(law) => law.u.is_empty(),
            _ => false,
        };
        if !falls {
            return Err(format!(
                "a law `{}` of effective weights, which falls in none or not in all of them",
                self.law.kind().name()
            ));
        }
        self.law.validate(m)
    }

    fn floor(&self) -> f64 {
        self.law.floor()
    }

    fn log_slope(&self, p: &[f64], reducible: f64, into: &mut [f64]) {
        let z = self.repeats.values(p);
        self.law.any().log_slope(&z, reducible, into);
        for (j, into) in into.iter_mut().enumerate() {
            *into *= self.repeats.slope(j, p[j]);
        }
    }

    fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        None
    }

    fn share_runs(&mut self, _: &Arc<Matrix>) {}
}

impl FittedLaw {
    /// This law, of effective weights, as one of weights.
    #[must_use]
    pub fn with_repeats(self, repeats: &Repeats) -> Self {
        Self::Repeated(Box::new(Repeated {
            repeats: repeats.clone(),
            law: self,
        }))
    }

    /// The law of effective weights, where this is one with the decreasing value of repeats; itself otherwise.
    #[must_use]
    pub fn of_effective_weights(&self) -> &Self {
        match self {
            Self::Repeated(repeated) => &repeated.law,
            law => law,
        }
    }

    /// The same law for a run in which a domain is seen `epochs` times at the weight 1 (length `m`). A law without the
    /// value of repeats stays as it is.
    #[must_use]
    pub fn at_epochs(&self, epochs: &[f64]) -> Self {
        match self {
            Self::Repeated(repeated) => repeated.law.clone().with_repeats(&Repeats {
                r_star: repeated.repeats.r_star,
                epochs: epochs.to_vec(),
            }),
            Self::Calibrated(calibrated) => {
                let law = calibrated.law.at_epochs(epochs);
                law.calibrated(calibrated.scale, calibrated.shift)
            }
            law => law.clone(),
        }
    }

    /// What repeats are worth by this law; `None` where it knows nothing of them.
    #[must_use]
    pub fn repeats(&self) -> Option<&Repeats> {
        match self {
            Self::Repeated(repeated) => Some(&repeated.repeats),
            Self::Calibrated(calibrated) => calibrated.law.repeats(),
            _ => None,
        }
    }
}

impl LawOptions {
    /// The law with the value of repeats, `None` where it knows nothing of them.
    #[must_use]
    pub fn repeats(&self) -> Option<&Repeats> {
        match self {
            Self::Repeated { repeats, .. } => Some(repeats),
            _ => None,
        }
    }

    /// Whether the law may be one of effective weights: it is convex and falls in each of them.
    #[must_use]
    pub fn takes_repeats(&self) -> bool {
        match self {
            Self::PerTask { tasks } => tasks.iter().all(Self::takes_repeats),
            Self::Saturating(_) | Self::AutoScale(_) | Self::BiMix(_) => true,
            Self::EffectiveData(law) => law.competition.is_none(),
            _ => false,
        }
    }

    /// The same law with a share of its ridge, where it has one.
    pub(crate) fn with_ridge_share(mut self, share: f64) -> Self {
        match &mut self {
            Self::Saturating(law) => law.ridge *= share,
            Self::EffectiveData(law) => law.ridge *= share,
            Self::PerTask { tasks } => {
                for task in tasks {
                    *task = task.clone().with_ridge_share(share);
                }
            }
            Self::Repeated { law, .. } => **law = law.clone().with_ridge_share(share),
            _ => {}
        }
        self
    }

    /// This law, of effective weights.
    #[must_use]
    pub fn with_repeats(self, repeats: &Repeats) -> Self {
        Self::Repeated {
            repeats: repeats.clone(),
            law: Box::new(self),
        }
    }
}
