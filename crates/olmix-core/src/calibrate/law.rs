//! A law moved to another model: `f̂(p) = a + s f̂_proxy(p)` with `s > 0`.
//!
//! Whatever the proxies' law is, convex or not, its calibrated form is of the same shape: gradients and curvature are
//! `s` times those of the proxies' law, and the minimum of one law alone stays where it is. What moves is the optimum of
//! an average, because each task has its own `s`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Matrix;
use crate::law::{AnyLaw, Curvature, Exponential, FittedLaw, Law, LawKind, LogLinearForm, Shape};

/// A law of one task for the target: level and amplitude of the proxies' law, changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// `s`: how much larger differences between mixtures are at the target; above 0.
    pub scale: f64,
    /// `a`, in the unit of the losses.
    pub shift: f64,
    /// The law of the proxies; itself not calibrated.
    pub law: FittedLaw,
}

impl Law for Calibrated {
    fn predict(&self, p: &[f64]) -> f64 {
        self.shift + self.scale * self.law.predict(p)
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        self.law.add_gradient(p, self.scale * scale, into);
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        self.law.curvature(p, self.scale * scale, into);
    }

    fn log_linear_form(&self) -> Option<LogLinearForm<'_>> {
        let form = self.law.log_linear_form()?;
        Some(LogLinearForm {
            floor: self.shift + self.scale * form.floor,
            scale: self.scale * form.scale,
            law: form.law,
        })
    }

    fn exponential(&self) -> Option<Exponential<'_>> {
        let law = self.law.exponential()?;
        Some(Exponential {
            floor: self.shift + self.scale * law.floor,
            level: self.scale.ln() + law.level,
            ..law
        })
    }
}

impl AnyLaw for Calibrated {
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
        if !(self.scale > 0.0 && self.scale.is_finite() && self.shift.is_finite()) {
            let (scale, shift) = (self.scale, self.shift);
            return Err(format!(
                "a calibrated law has the scale {scale} and the shift {shift}; the scale must be above 0, and both finite"
            ));
        }
        if matches!(self.law, FittedLaw::Calibrated(_)) {
            return Err("a calibrated law is calibrated twice".to_owned());
        }
        self.law.validate(m)
    }

    fn floor(&self) -> f64 {
        self.shift + self.scale * self.law.floor()
    }

    /// The logarithm of `f̂ − floor` has the slope of the proxies' law: `s` is a constant in it.
    fn log_slope(&self, p: &[f64], reducible: f64, into: &mut [f64]) {
        self.law.any().log_slope(p, reducible / self.scale, into);
    }

    fn shared_runs(&self) -> Option<&Arc<Matrix>> {
        self.law.shared_runs()
    }

    fn share_runs(&mut self, runs: &Arc<Matrix>) {
        self.law.share_runs(runs);
    }
}

impl FittedLaw {
    /// This law, of proxies, with another level and amplitude: `shift + scale · f̂`, `scale` above 0. A law that is
    /// calibrated already is calibrated anew.
    #[must_use]
    pub fn calibrated(&self, scale: f64, shift: f64) -> Self {
        let law = self.of_proxies().clone();
        Self::Calibrated(Box::new(Calibrated { scale, shift, law }))
    }

    /// The law that was fitted to the proxies: this one, unless it is calibrated.
    #[must_use]
    pub fn of_proxies(&self) -> &Self {
        match self {
            Self::Calibrated(calibrated) => &calibrated.law,
            law => law,
        }
    }

    /// `scale` and `shift` of a calibrated law; 1 and 0 of any other.
    #[must_use]
    pub fn calibration(&self) -> (f64, f64) {
        match self {
            Self::Calibrated(calibrated) => (calibrated.scale, calibrated.shift),
            _ => (1.0, 0.0),
        }
    }

    /// This law, of the same proxies, calibrated as `other` is; as it is where `other` is not.
    #[must_use]
    pub fn calibrated_as(&self, other: &Self) -> Self {
        match other {
            Self::Calibrated(calibrated) => self.calibrated(calibrated.scale, calibrated.shift),
            _ => self.clone(),
        }
    }
}
